"""One process of a function, and the Runtime API that feeds it one call at a time.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from local.http_server import Request, Response, listen
from local.origins import refusal
from local.runtime.credentials import Credentials
from local.runtime.function import Function
from local.runtime.job import MOST_CALLS, Job
from local.runtime.result import MAX_PAYLOAD_BYTES, Result, failure

LOG = logging.getLogger(__name__)
CHILD = Path(__file__).with_name("child.py")
INIT_SECONDS = 60
# What the interpreter and its libraries reserve and never touch is not the function's memory.
RESERVED_BYTES = 256 * 1024 * 1024
INVOCATION = "/2018-06-01/runtime/invocation/"
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
        self._parked: asyncio.Future[None] | None = None
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
        server, self._port = await listen(self._answer, 0, max_body=MAX_PAYLOAD_BYTES * MOST_CALLS)
        try:
            try:
                self._process = await self._start(scratch)
            except OSError as error:
                self._owner.ended(self, failure("Runtime.InvalidEntrypoint", str(error)))
                return
            self._limit(INIT_SECONDS, failure("Sandbox.Timedout", f"Init timed out after {INIT_SECONDS} seconds"))
            self._bury(await self._process.wait())
        finally:
            self.kill(failure("Runtime.ExitError", "the runtime stops"))
            server.close()
            shutil.rmtree(scratch, ignore_errors=True)

    def give(self, job: Job) -> None:
        """To a worker that was told to wait."""
        assert self._parked is not None
        self._job = job
        self._parked.set_result(None)
        self._parked = None

    def kill(self, verdict: Result) -> None:
        """The process and all that it started. `verdict` is what its caller gets."""
        self._verdict = self._verdict or verdict
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _answer(self, request: Request) -> Response:
        if refusal(request.headers, self._port):
            return Response(403)
        if request.method == "GET" and request.target == f"{INVOCATION}next":
            return await self._next()
        if request.method == "GET" and request.target == CREDENTIALS:
            return await self._credentials(request)
        if request.method == "POST" and request.target == INIT_ERROR:
            self._verdict = Result(request.body, failed=True)
            return Response(202)
        if request.method == "POST" and self._job:
            return self._take(self._job, request)
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

    def _take(self, job: Job, request: Request) -> Response:
        outcome = request.target.removeprefix(f"{INVOCATION}{job.request_id}/")
        if outcome not in ("response", "error"):
            return Response(404)
        if request.body_too_large or len(request.body) > job.most_bytes:
            too_large = f"Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD_BYTES} bytes)."
            self._finish(failure("Function.ResponseSizeTooLarge", too_large))
            return Response(413)
        self._finish(Result(request.body, failed=outcome == "error"))
        return Response(202)

    async def _next(self) -> Response:
        self._unlimit()
        self._initialised = True
        self.idle_since = time.monotonic()
        parked = self._parked = asyncio.get_running_loop().create_future()
        self._owner.ready(self)
        await parked
        assert self._job is not None
        seconds = self._function.timeout_seconds
        self._limit(seconds, self._late)
        headers = [
            ("content-type", "application/json"),
            ("lambda-runtime-aws-request-id", self._job.request_id),
            ("lambda-runtime-deadline-ms", str(int((time.time() + seconds) * 1000))),
            ("lambda-runtime-invoked-function-arn", self._function.arn),
        ]
        return Response(200, self._job.payload, headers)

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
        if self._parked:
            self._parked.cancel()
        exit_status = f"signal: {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        result = self._verdict or failure("Runtime.ExitError", f"Runtime exited with error: {exit_status}")
        self._finish(result)
        self._owner.ended(self, None if self._initialised else result)

    async def _start(self, scratch: str) -> asyncio.subprocess.Process:
        function = self._function
        data_bytes = function.memory_mb * 1024 * 1024 + RESERVED_BYTES
        with (self._place.logs / f"{function.name}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", str(CHILD), str(os.getpid()), str(data_bytes), function.handler),
                cwd=function.code,
                env=self._environment(scratch),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
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
