"""Brings up everything on one machine, in order, and takes it down again with its state saved."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.synth import synthesize_cached
from local import converters
from local.aws import client
from local.aws_services import DELIVER, SAVE
from local.batch import keep_definitions
from local.children import start_module, stop
from local.deploy import deploy
from local.interrupted import settle_interrupted_jobs
from local.stack_file import NAME, StackFile
from local.steps import step

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 10.0
FREED_SECONDS = 3.0


class CannotStart(RuntimeError):
    """Something that the user can change stands in the way; the message says what."""


class ProcessEnded(RuntimeError):
    """A part of the stack ended by itself."""


@dataclass
class Stack:
    port: int
    state: Path
    workers: int
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @contextmanager
    def running(self) -> Iterator[StackFile]:
        """Raises CannotStart, and what synthesis and deployment raise."""
        with ExitStack() as leaving:
            leaving.enter_context(_alone_on(self.state))
            _require_free(self.port)
            aws_port = _free_port(preferred=self.port + 1)
            invoke_port = _free_port()
            endpoint = f"http://{HOST}:{aws_port}"
            leaving.callback(self._stop)
            self._start("aws_services", aws_port, "--invoke-port", str(invoke_port))
            with step("synthesizing the CDK app"):
                assembly = synthesize_cached()
                keep_definitions(assembly, self.state)
            with step("starting the AWS services"):
                self._wait_for("aws_services", aws_port)
            with step("deploying"):
                deploy(assembly, endpoint)
                _tell(aws_port, SAVE)
            with step("starting the HTTP front and the Lambda runtime"):
                options = ("--invoke-port", str(invoke_port), "--endpoint", endpoint, "--workers", str(self.workers))
                self._start("server", self.port, *options)
                self._wait_for("server", self.port)
                self._wait_for_health()
            interrupted = settle_interrupted_jobs(self.state, endpoint)
            _tell(aws_port, DELIVER)
            if interrupted:
                print(f"jobs that stops have cut off: {interrupted}; POST /api/v1/jobs/<id>/retry runs one again")
            if warning := converters.warning():
                print(f"warning: {warning}")
            facts = self._facts(endpoint)
            facts.write(self.state)
            leaving.callback((self.state / NAME).unlink, missing_ok=True)
            yield facts

    def watch(self) -> None:
        """Returns never; raises ProcessEnded."""
        while True:
            self._check()
            time.sleep(0.5)

    def _start(self, name: str, port: int, *options: str) -> None:
        log = self.state / "logs" / f"{name}.log"
        arguments = ("--port", str(port), "--state", str(self.state), *options)
        self._children[name] = start_module(f"local.{name}", arguments, log=log)

    def _check(self) -> None:
        for name, child in self._children.items():
            if child.poll() is not None:
                log = self.state / "logs" / f"{name}.log"
                last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
                raise ProcessEnded(f"local.{name} ended with status {child.returncode}; {log} ends:\n{last}")

    def _wait_for(self, name: str, port: int) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            self._check()
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
                return
            time.sleep(0.02)
        raise ProcessEnded(f"local.{name} doesn't answer on port {port}")

    def _wait_for_health(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            opener.open(f"{self.url}/health", timeout=START_SECONDS).close()
        except OSError as error:
            self._check()
            raise ProcessEnded(f"GET /health: {error}; look into {self.state / 'logs'}") from error

    def _facts(self, endpoint: str) -> StackFile:
        functions = client("lambda", endpoint).list_functions()["Functions"]
        names = {k: v for f in functions for k, v in f.get("Environment", {}).get("Variables", {}).items()}
        return StackFile(
            url=self.url,
            aws_endpoint=endpoint,
            table=names["TABLE_NAME"],
            uploads_bucket=names["UPLOADS_BUCKET"],
            artifacts_bucket=names["ARTIFACTS_BUCKET"],
            pid=os.getpid(),
        )

    def _stop(self) -> None:
        """The runtime first, so that nothing changes state while it is saved."""
        for child in reversed(self._children.values()):
            stop(child, STOP_SECONDS)


@contextmanager
def _alone_on(state: Path) -> Iterator[None]:
    if any((state / "services").glob("*.json")):
        raise CannotStart(f"{state} was made by a version without a journal: remove it, or choose another STATE")
    for folder in ("logs", "code", "s3", "services"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotStart(f"a stack runs on {state} already, as process {lock.read().strip()}") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _tell(aws_port: int, what: str) -> None:
    """Returns when the AWS services have done it."""
    connection = http.client.HTTPConnection(HOST, aws_port, timeout=START_SECONDS)
    try:
        connection.request("POST", what)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise ProcessEnded(f"the AWS services don't answer {what}: {error}") from error
    finally:
        connection.close()
    if status != 200:
        raise ProcessEnded(f"the AWS services answer {what} with {status}")


def _require_free(port: int) -> None:
    """A stack that was killed may need a moment to let go of its port."""
    until = time.monotonic() + FREED_SECONDS
    while not _is_free(port):
        if time.monotonic() > until:
            raise CannotStart(f"port {port} is taken: choose another one with 'make run PORT=...'")
        time.sleep(0.1)


def _free_port(preferred: int = 0) -> int:
    if preferred and _is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
