"""Where a process's time goes, each moment counted once: imports by package, and calls of chosen methods."""

from __future__ import annotations

import builtins
import functools
import sys
import threading
import time
from collections import defaultdict
from typing import Any

PACKAGES = {
    "aimass": "our own modules",
    "handler": "our own modules",
    "aws_lambda_powertools": "Powertools",
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "msgspec": "msgspec, orjson",
    "orjson": "msgspec, orjson",
    "boto3": "boto3, botocore",
    "botocore": "boto3, botocore",
    "s3transfer": "boto3, botocore",
    "urllib3": "boto3, botocore",
}
REGISTRY, FETCH, CLIENTS, SESSION, RUN = "registry reads", "artifact fetch", "clients, credentials", "session", "run"
METHODS = {
    "aimass.inference.folders": [("ModelFolders", "_fetch", FETCH)],
    "aimass.adapters.aws.signed.connection": [("Connection", "call", REGISTRY)],
    "aimass.adapters.aws.signed.credentials": [("Credentials", "keys", CLIENTS)],
    "botocore.session": [("Session", "create_client", CLIENTS)],
    "botocore.client": [("BaseClient", "_make_api_call", REGISTRY)],
    "onnxruntime": [("InferenceSession", "__init__", SESSION), ("InferenceSession", "run", RUN)],
}


class Tracer:
    """Of the main thread; `seconds` by what they went to."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._stack: list[str] = []
        self._since = time.perf_counter()
        self._unwatched = dict(METHODS)
        self._import = builtins.__import__
        builtins.__import__ = self._traced_import

    def enter(self, what: str) -> None:
        self._settle()
        # What a fetch asks of S3 is the fetch.
        self._stack.append(FETCH if what == REGISTRY and FETCH in self._stack else what)

    def leave(self) -> None:
        self._settle()
        self._stack.pop()

    def _settle(self) -> None:
        now = time.perf_counter()
        self.seconds[self._stack[-1] if self._stack else "the rest"] += now - self._since
        self._since = now

    def _traced_import(
        self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        if threading.current_thread() is not threading.main_thread():
            return self._import(name, globals, locals, fromlist, level)
        top = (globals or {}).get("__package__", "").partition(".")[0] if level else name.partition(".")[0]
        # What a package loads of the standard library is counted as that package's.
        outer = self._stack[-1] if self._stack and self._stack[-1].startswith("import ") else "import standard library"
        self.enter(f"import {PACKAGES[top]}" if top in PACKAGES else outer)
        try:
            return self._import(name, globals, locals, fromlist, level)
        finally:
            self.leave()
            self._watch()

    def _watch(self) -> None:
        for module in [name for name in self._unwatched if name in sys.modules]:
            methods = self._unwatched[module]
            if all(hasattr(sys.modules[module], kind) for kind, _, _ in methods):
                del self._unwatched[module]
                for kind, method, what in methods:
                    owner = getattr(sys.modules[module], kind)
                    setattr(owner, method, self._timed(getattr(owner, method), what))

    def _timed(self, method: Any, what: str) -> Any:
        @functools.wraps(method)
        def timed(*args: Any, **options: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return method(*args, **options)
            self.enter(what)
            try:
                return method(*args, **options)
            finally:
                self.leave()

        return timed
