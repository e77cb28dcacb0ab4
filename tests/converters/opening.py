"""Hostile files opened as their own libraries open them, with every gate away: what is left is the sandbox.

    python -m tests.converters.opening

runs in a converter's environment and reads a list of cases as JSON, each with a folder of its own. It makes each file,
opens it in the sandbox, and prints what came of each as a line of JSON. As a task of the sandbox it opens one.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from aimass.domain.errors import AimassError
from aimass.sandbox.isolation import CONFINED, Isolation
from aimass.sandbox.isolation_probe import isolation_in_force
from aimass.sandbox.limits import MIB, Limits
from aimass.sandbox.runner import run as run_confined

ROOT = Path(__file__).parents[2]
LIMITS = Limits(seconds=120, memory_bytes=8192 * MIB, file_bytes=256 * MIB, folder_bytes=512 * MIB)


def run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Answers with what opening and calling `request["file"]` gave or raised."""
    try:
        said = repr(_OPENED[request["how"]](request["file"], request))
    except BaseException as error:  # whatever a hostile file raises
        said = "".join(traceback.format_exception_only(error))
    yield {"said": said[:100_000]}


def _pickle(file: str, _: Mapping[str, Any]) -> Any:
    with open(file, "rb") as opened:
        return pickle.load(opened)


def _joblib(file: str, _: Mapping[str, Any]) -> Any:
    import joblib

    return joblib.load(file)


def _numpy(file: str, _: Mapping[str, Any]) -> Any:
    import numpy as np

    loaded = np.load(file, allow_pickle=True)
    return [loaded[name] for name in loaded.files] if hasattr(loaded, "files") else loaded


def _torch(file: str, _: Mapping[str, Any]) -> Any:
    os.environ.pop("TORCH_FORCE_WEIGHTS_ONLY_LOAD", None)  # a gate too
    import torch

    return torch.load(file, weights_only=False)


def _script(file: str, _: Mapping[str, Any]) -> Any:
    import torch

    return bytes(torch.jit.load(file)(torch.zeros(1)).tolist())


def _keras(file: str, _: Mapping[str, Any]) -> Any:
    import keras
    import numpy as np

    return keras.saving.load_model(file, safe_mode=False)(np.zeros((1, 3), np.float32))


def _savedmodel(file: str, request: Mapping[str, Any]) -> Any:
    import tensorflow as tf

    return tf.saved_model.load(file).signatures["serving_default"](tf.zeros(1))


_OPENED: dict[str, Callable[[str, Mapping[str, Any]], Any]] = {
    "pickle": _pickle,
    "joblib": _joblib,
    "numpy": _numpy,
    "torch": _torch,
    "script": _script,
    "keras": _keras,
    "savedmodel": _savedmodel,
}


def made_script(folder: Path, place: str, secret: str) -> str:
    """TorchScript whose code writes a file and answers another's bytes; it is compiled, and no Python."""
    import zipfile

    import torch

    class Module(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x)

    whole, changed = folder / "whole.pt", folder / "model.pt"
    torch.jit.script(Module()).save(whole)
    code = f'    t = torch\n    t.save(x, "{place}")\n    return t.from_file("{secret}", False, 44, dtype=0)\n'
    with zipfile.ZipFile(whole) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            body = before.read(name)
            if "/code/" in name and name.endswith(".py"):
                head, found, _ = body.partition(b"-> Tensor:\n")
                body = head + found + code.encode()
            after.writestr(name, body)
    return changed.name


def made_keras(folder: Path, program: str, suffix: str) -> str:
    """Its Lambda runs the program, where a child of the sandbox calls it."""
    import keras

    given: dict[str, Any] = {}
    guarded = f"if os.environ['HOME'] == os.getcwd():\n        exec({program!r}, {{}})"
    exec(f"def ran(x):\n    import os\n    {guarded}\n    return x", given)
    given["ran"].__name__ = "<lambda>"  # only such a function is stored with its code
    layer = keras.layers.Lambda(given["ran"], output_shape=(3,))
    keras.Sequential([keras.layers.Input((3,)), layer]).save(folder / f"model.{suffix}")
    return f"model.{suffix}"


def made_savedmodel(folder: Path, place: str, secret: str) -> str:
    """Its graph writes a file and answers another's bytes."""
    import tensorflow as tf

    class Module(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec((1,), name="x")])
        def answer(self, x: Any) -> Any:
            with tf.control_dependencies([tf.io.write_file(place, "written")]):
                return {"y": tf.io.read_file(secret)}

    module = Module()
    tf.saved_model.save(module, str(folder / "model"), signatures={"serving_default": module.answer})
    return "model"


_MADE: dict[str, Callable[..., str]] = {
    "script": made_script,
    "keras": made_keras,
    "savedmodel": made_savedmodel,
}


def main() -> None:
    """Cases from standard input, answers on standard output; what libraries print goes to standard error."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for case in json.load(sys.stdin):
        replies.write(json.dumps({"name": case["name"], **_opened(**case)}) + "\n")
        replies.flush()


def _opened(
    how: str, folder: str, file: str, make: list[str] | None, layers: list[str] | None, **_: str
) -> dict[str, Any]:
    """`make` is handed to what makes the file, None where it is there. `layers` None is the closest isolation."""
    where = Path(folder)
    isolation = replace(isolation_in_force() if layers is None else _of(layers), readable=(str(ROOT),))
    if make is not None:
        file = _MADE[how](where, *make)
    try:
        answer = run_confined(
            "tests.converters.opening", {"how": how, "file": file}, folder=where, limits=LIMITS, isolation=isolation
        )
    except AimassError as error:
        return {"said": error.message, "strong": isolation.strong}
    return {"said": answer["said"], "strong": isolation.strong}


def _of(layers: list[str]) -> Isolation:
    return Isolation(tuple(layers)) if layers else CONFINED


if __name__ == "__main__":
    main()
