"""A service's end of a connection."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from aimass.adapters.aws.signed.connection import Connection
from aimass.adapters.aws.signed.credentials import Credentials
from aimass.adapters.aws.signed.signature import Scope

KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}


class Service:
    """Gives its answers in order, each `(status, body)` or an exception; remembers what it was asked and waited for.

    Each takes `silence` seconds."""

    def __init__(self, *answers: Any, silence: float = 0.0) -> None:
        self.answers = list(answers)
        self.asked: list[SimpleNamespace] = []
        self.waits: list[float] = []
        self.now = 0.0
        self.silence = silence
        self.opened = 0
        self.closed = 0

    def connection(self, service: str = "dynamodb") -> Connection:
        scope = Scope(service, "eu-central-1")
        url = f"https://{service}.eu-central-1.amazonaws.com"
        return Connection(url, scope, Credentials(KEYS), self._connect, self._wait, lambda: self.now)

    def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def _connect(self) -> Service:
        self.opened += 1
        return self

    def request(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> None:
        self.asked.append(SimpleNamespace(method=method, path=url, body=body, headers=headers))

    def getresponse(self) -> Any:
        answer = self.answers.pop(0)
        self.now += self.silence
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return SimpleNamespace(status=status, read=lambda: body)

    def close(self) -> None:
        self.closed += 1
