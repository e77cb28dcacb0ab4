"""The functions of a running stack, as they are deployed, in processes of the benchmark's own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.coldstart.runtime_api import Place
from benchmarks.reach import TENANT
from benchmarks.stack import OwnStack
from local.aws import ISOLATED, REGION, client
from local.deployed import read_functions
from local.runtime.credentials import RoleSessions
from local.runtime.function import Function

MEASURED = Path(__file__).with_name("measured")


class Deployed:
    """`tree` is another checkout whose functions and layer are measured in place of this one's."""

    def __init__(self, stack: OwnStack, scratch: Path, tree: Path | None = None) -> None:
        assert stack.facts is not None
        self._endpoint = stack.facts.aws_endpoint
        self._scratch = scratch
        self._tree = tree
        self._roles = RoleSessions(client("sts", self._endpoint).assume_role)
        code = scratch / "code"
        code.mkdir()
        self._functions = {function.name: function for function in read_functions(self._endpoint, code)}

    def place(self, name: str) -> Place:
        """The function whose name ends so."""
        [function] = [one for full, one in self._functions.items() if full.endswith(f"-{name}")]
        folder = function.code
        if self._tree:
            folder = self._tree / "functions" / ("predict" if name.startswith("predict") else name)
        credentials = asyncio.run(self._credentials(function))
        return Place(folder, function.handler, self._environment(function), credentials)

    def measured(self, place: Place, module: str) -> Place:
        """The same function within a handler of `measured/`."""
        handler = {"MEASURED_HANDLER": str(place.folder / "handler.py")}
        return replace(
            place, folder=MEASURED, handler=f"{module}.handler", environment={**place.environment, **handler}
        )

    async def _credentials(self, function: Function) -> bytes:
        return await self._roles(function)

    def _environment(self, function: Function) -> dict[str, str]:
        temporary = self._scratch / "tmp"
        temporary.mkdir(exist_ok=True)
        paths = {"PYTHONPATH": str(self._tree / "layers/aimass/python")} if self._tree else {}
        return {
            **ISOLATED,
            **function.environment,
            **paths,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_REGION": REGION,
            "LANG": "en_US.UTF-8",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PATH": os.environ["PATH"],
            "TMPDIR": str(temporary),
            "TZ": ":UTC",
        }

    def forget_models(self) -> None:
        """What a killed process fetched."""
        shutil.rmtree(self._scratch / "tmp" / "models", ignore_errors=True)


def predict_event(model: str, data: Any) -> dict[str, Any]:
    """A call of `/predict`, as the gateway hands it on."""
    body = json.dumps({"model_name": model, "input_format": "numpy array", "data": data})
    return _event("POST", "/predict", {"content-type": "application/json"}) | {"body": body}


def authorizer_event(key: str) -> dict[str, Any]:
    return _event("POST", "/predict", {"authorization": f"Bearer {key}"}) | {"type": "REQUEST"}


def _event(method: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    context = {"http": {"method": method, "path": path}, "requestId": "measured", "authorizer": {"lambda": {}}}
    context["authorizer"] = {"lambda": {"tenant": TENANT}}
    return {"version": "2.0", "rawPath": path, "headers": headers, "requestContext": context, "isBase64Encoded": False}


def new_key(state: Path) -> str:
    """An API key of the tenant."""
    command = [sys.executable, "-m", "local.key", "--state", str(state), "--tenant", TENANT]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return next(word for word in told.split() if word.startswith("aimass_"))
