"""`python -m local`: the whole service on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from infra.synth import SynthesisFailed
from local.aws import isolate
from local.demo import DemoFailed, run_demo
from local.deploy import DeploymentFailed
from local.deployed import NothingDeployed
from local.stack import CannotStart, ProcessEnded, Stack

TROUBLE = (CannotStart, DeploymentFailed, NothingDeployed, ProcessEnded, SynthesisFailed)


class Stopped(BaseException):
    """SIGINT or SIGTERM."""


def main() -> None:
    options = _options()
    isolate()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    stack = Stack(options.port, options.state.absolute(), options.workers)
    try:
        _serve(stack, demo=options.demo)
    except Stopped:
        print("stopped", flush=True)
    except TROUBLE as trouble:
        sys.exit(f"{trouble}")


def _serve(stack: Stack, *, demo: bool) -> None:
    begun = time.monotonic()
    with stack.running() as facts:
        print(f"S3 endpoint {facts.aws_endpoint}, uploads go to s3://{facts.uploads_bucket}/uploads/local/<model>/,")
        print("  access key local, secret key local, path-style addresses; every AWS service answers there")
        if demo:
            try:
                run_demo(stack.url)
            except DemoFailed as failed:
                print(f"the example failed: {failed}")
        print(f"your own: curl '{stack.url}/upload?wait=25' -F model=@model.onnx; the README goes on from there")
        print(f"started in {time.monotonic() - begun:.1f} s; Ctrl-C stops it; logs and data are in {stack.state}")
        print(f"ready {stack.url}", flush=True)
        stack.watch()


def _stop(*_: object) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    print("stopping", flush=True)
    raise Stopped


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--state", type=Path, default=Path(".aimass"), help="where all data lies (default .aimass)")
    parser.add_argument("--workers", type=int, default=8, help="processes of a large function at most (default 8)")
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="upload no example model")
    return parser.parse_args()


if __name__ == "__main__":
    main()
