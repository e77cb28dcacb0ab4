"""One process of a function: fed one invocation at a time over its channel.

Credentials and a failed start go over HTTP, as on Lambda.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aimass.domain.leftovers import remove
from local.http_server import Request, Response, listen
from local.origins import refusal
from local.runtime.channel import ERROR, READY, Channel
from local.runtime.credentials import Credentials
from local.runtime.function import Function
from local.runtime.job import Job
from local.runtime.result import MAX_PAYLOAD_BYTES, Result, failure

LOG = logging.getLogger(__name__)
CHILD = Path(__file__).with_name("child.py")
INIT_SECONDS = 60
# What the interpreter and its libraries reserve and never touch is not the function's memory.
RESERVED_BYTES = 256 * 1024 * 1024
INIT_ERROR = "/2018-06-01/runtime/init/error"
CREDENTIALS = "/2021-08-23/credentials"


class Owner(Protocol):
    def ready(self, worker: Worker) -> None:
        """It has nothing to do, and waits until `give`."""

    def ended(self, worker: Worker, never_began: Result | None) -> None:
        """The process is gone; with the reason if it ended before it could take a call."""


@dataclass(frozen=True)
class Place:
    """Where workers run: the environment that all share, their roles' credentials, logs, scratch folders."""

    environment: Mapping[str, str]
    credentials: Credentials
    logs: Path
    scratch: Path


class Worker:
    def __init__(self, function: Function, place: Place, owner: Owner) -> None:
        self._function = function
        self._place = place
        self._owner = owner
        self._process: asyncio.subprocess.Process | None = None
        self._job: Job | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._initialised = False
        self._token = secrets.token_urlsafe()
        self._verdict: Result | None = None
        self._late = failure("Sandbox.Timedout", f"Task timed out after {function.timeout_seconds:.2f} seconds")
        self.idle_since = time.monotonic()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def run(self) -> None:
        """From start to end of the process; then its owner hears of it."""
        scratch = tempfile.mkdtemp(prefix=f"{self._function.name}-", dir=self._place.scratch)
        server, self._port = await listen(self._answer, 0, max_body=MAX_PAYLOAD_BYTES)
        self._channel, theirs = await Channel.open(self._heard, self._most_bytes)
        try:
            try:
                self._process = await self._start(scratch, theirs.fileno())
            except OSError as error:
                self._owner.ended(self, failure("Runtime.InvalidEntrypoint", str(error)))
                return
            finally:
                theirs.close()
            self._limit(INIT_SECONDS, failure("Sandbox.Timedout", f"Init timed out after {INIT_SECONDS} seconds"))
            self._bury(await self._process.wait())
        finally:
            self.kill(failure("Runtime.ExitError", "the runtime stops"))
            server.close()
            self._channel.close()
            remove(Path(scratch))

    def give(self, job: Job) -> None:
        """To a worker that is ready."""
        self._job = job
        seconds = self._function.timeout_seconds
        self._limit(seconds, self._late)
        head: dict[str, str | int] = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": job.request_id,
            "Lambda-Runtime-Deadline-Ms": int((time.time() + seconds) * 1000),
            "Lambda-Runtime-Invoked-Function-Arn": self._function.arn,
        }
        self._channel.invoke(head, job.payload)

    def kill(self, verdict: Result) -> None:
        """The process and all that it started. `verdict` is what its caller gets."""
        self._verdict = self._verdict or verdict
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _answer(self, request: Request) -> Response:
        if refusal(request.headers, self._port):
            return Response(403)
        if request.method == "GET" and request.target == CREDENTIALS:
            return await self._credentials(request)
        if request.method == "POST" and request.target == INIT_ERROR:
            self._verdict = Result(request.body, failed=True)
            return Response(202)
        return Response(404)

    async def _credentials(self, request: Request) -> Response:
        """Of the function's role; the SDKs ask again before they expire."""
        token = dict(request.headers).get("authorization", "")
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            return Response(403)
        try:
            document = await self._place.credentials(self._function)
        except Exception as error:  # whatever stands in the way, the function's own call fails and says so
            LOG.warning("no credentials of %s for %s: %s", self._function.role, self._function.name, error)
            return Response(500)
        return Response(200, document, [("content-type", "application/json")])

    def _heard(self, kind: int, body: bytes, size: int) -> None:
        """A frame of the worker's: whatever it is, the worker is ready for more, unless it was killed meanwhile."""
        if self._verdict:
            return
        if kind != READY:
            self._finish(_too_large() if size > self._most_bytes() else Result(body, failed=kind == ERROR))
        self._unlimit()
        self._initialised = True
        self.idle_since = time.monotonic()
        self._owner.ready(self)

    def _most_bytes(self) -> int:
        return self._job.most_bytes if self._job else MAX_PAYLOAD_BYTES

    def _finish(self, result: Result) -> None:
        job, self._job = self._job, None
        self._unlimit()
        if job:
            job.finish(result)

    def _limit(self, seconds: float, verdict: Result) -> None:
        self._unlimit()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.kill, verdict)

    def _unlimit(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _bury(self, status: int) -> None:
        exit_status = f"signal: {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        result = self._verdict or failure("Runtime.ExitError", f"Runtime exited with error: {exit_status}")
        self._finish(result)
        self._owner.ended(self, None if self._initialised else result)

    async def _start(self, scratch: str, channel: int) -> asyncio.subprocess.Process:
        function = self._function
        data_bytes = function.memory_mb * 1024 * 1024 + RESERVED_BYTES
        with (self._place.logs / f"{function.name}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", str(CHILD), str(os.getpid()), str(data_bytes), function.handler, str(channel)),
                cwd=function.code,
                env=self._environment(scratch),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(channel,),
            )

    def _environment(self, scratch: str) -> dict[str, str]:
        function = self._function
        return {
            **self._place.environment,
            **function.environment,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": self._token,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self._port}{CREDENTIALS}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._port}",
            "HOME": scratch,
            "LAMBDA_TASK_ROOT": str(function.code),
            "TMPDIR": scratch,
            "_HANDLER": function.handler,
        }


def _too_large() -> Result:
    limit = f"Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD_BYTES} bytes)."
    return failure("Function.ResponseSizeTooLarge", limit)
