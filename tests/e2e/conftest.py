"""One stack for the whole session, started as `make run` starts it, without the example model.

With SMOKE_URL and SMOKE_KEY (`make smoke`) no stack is started: what needs only HTTP and a key runs against that URL,
and what looks behind the API is left out.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws import client as aws_client
from tests.e2e.client import Client

SMOKE_URL, SMOKE_KEY = os.environ.get("SMOKE_URL", "").rstrip("/"), os.environ.get("SMOKE_KEY")
START_SECONDS = 180
STOP_SECONDS = 20


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not SMOKE_URL:
        return
    used = {item: set(getattr(item, "fixturenames", ())) for item in items}
    left_out = [item for item in items if "client" not in used[item] or {"stack", "s3"} & used[item]]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


class LocalStack:
    def __init__(self, state: Path) -> None:
        self.state = state
        self.port = two_free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "local", "--no-demo", "--port", str(self.port), "--state", str(self.state)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        ready = threading.Event()
        threading.Thread(target=self._follow, args=(self._process, ready), daemon=True).start()
        if not ready.wait(START_SECONDS) or self._process.poll() is not None:
            self.kill()
            raise AssertionError(f"no stack within {START_SECONDS} s: see above and {self.state}/logs")
        for name, value in json.loads((self.state / "stack.json").read_text()).items():
            setattr(self, name, value)

    def _follow(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            print("stack:", line, end="", flush=True)
            if line.startswith("ready "):
                ready.set()
        ready.set()

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                raise

    def kill(self) -> None:
        """As the kernel does when memory runs out: nothing gets to save."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def key(self, tenant: str) -> str:
        command = [sys.executable, "-m", "local.key", "--state", str(self.state), "--tenant", tenant]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def two_free_ports() -> int:
    """One whose successor is free too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    running = LocalStack(tmp_path_factory.mktemp("stack"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def client(request: pytest.FixtureRequest) -> Client:
    if SMOKE_URL:
        return Client(SMOKE_URL, SMOKE_KEY)
    stack: LocalStack = request.getfixturevalue("stack")
    return Client(stack.url)


@pytest.fixture(scope="session")
def s3(stack: LocalStack):
    return aws_client("s3", stack.aws_endpoint)
