"""The process that answers HTTP: the front, and the Lambda runtime behind it and behind the other services."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import uvloop

from aimass.domain.leftovers import remove
from local import converters
from local.aws import ISOLATED, REGION, client
from local.children import die_with_parent
from local.deployed import read_api, read_functions
from local.front.gateway import MAX_BODY_BYTES, Gateway
from local.http_server import listen
from local.runtime.credentials import RoleSessions
from local.runtime.function import Function
from local.runtime.result import MAX_PAYLOAD_BYTES
from local.runtime.runtime import Runtime, cores
from local.runtime.service import invocations
from local.runtime.worker import Place

LOG = logging.getLogger(__name__)


async def serve(port: int, invoke_port: int, endpoint: str, state: Path, workers: int) -> None:
    """Until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    functions = [_of_this_machine(one) for one in await asyncio.to_thread(read_functions, endpoint, state / "code")]
    api = await asyncio.to_thread(read_api, endpoint)
    runtime = Runtime(functions, _place(state, endpoint), workers)
    inner, _ = await listen(invocations(runtime.invoke, invoke_port), invoke_port, max_body=MAX_PAYLOAD_BYTES)
    front, _ = await listen(Gateway(api, runtime.invoke, port), port, max_body=MAX_BODY_BYTES)
    runtime.warm({route.function for route in api.routes})
    LOG.info("serving %d routes on port %d", len(api.routes), port)
    await stopping.wait()
    front.close()
    inner.close()
    await runtime.close()


def _of_this_machine(function: Function) -> Function:
    """What converts and compresses is what is installed here, whatever the deployment's settings say."""
    return replace(function, environment={**function.environment, **converters.settings(function.environment)})


def _place(state: Path, endpoint: str) -> Place:
    scratch = state / "tmp"
    remove(scratch)
    scratch.mkdir(parents=True)
    credentials = RoleSessions(client("sts", endpoint).assume_role)
    return Place(_environment(endpoint), credentials, state / "logs", scratch)


def _environment(endpoint: str) -> dict[str, str]:
    """What Lambda sets for every function; nothing of the user's own environment."""
    return {
        **ISOLATED,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_REGION": REGION,
        "LANG": "en_US.UTF-8",
        "MACHINE_CORES": str(cores()),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin")),
        "TZ": ":UTC",
        "WEBHOOK_LOOPBACK": "true",  # a receiver on this machine is as good as any other here
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.server")
    for name in ("--parent", "--port", "--invoke-port", "--workers"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    die_with_parent(options.parent)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    uvloop.run(serve(options.port, options.invoke_port, options.endpoint, options.state, options.workers))


if __name__ == "__main__":
    main()
