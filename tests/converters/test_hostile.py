"""Hostile files that get past every gate: opened as carelessly as can be, in the sandbox, they reach nothing.

The files are those of tests/e2e/test_hostile_imports.py, where the gates refuse them. Here each runs: its own words,
which come back as an exception, prove it.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aimass.domain.errors import SandboxTooWeak
from aimass.formats.registry import CONVERTERS
from aimass.sandbox.convert import check_isolation
from aimass.sandbox.isolation import CONFINED, LANDLOCK, SECCOMP, USER
from aimass.sandbox.isolation_probe import isolation_in_force, reached
from tests.converters.conftest import ROOT
from tests.e2e import hostile_files as files
from tests.e2e.canaries import VARIABLE, Canaries, watched

pytestmark = pytest.mark.converters

RAN = "it ran and found"
#: How a file is opened, and what is in it: bytes of a program, or what is made in the environment.
TREES = {
    **{f"pickle by {name}": ("pickle", make) for name, make in files.OPCODES.items()},
    "pickle": ("pickle", files.running),
    "joblib": ("joblib", files.running),
    **{
        f"joblib in {name}": ("joblib", lambda program, pack=pack: pack(files.running(program)))
        for name, pack in files.COMPRESSED.items()
    },
    "npy": ("numpy", lambda program: files.npy("(1,)", "|O", files.running(program))),
    "npz": ("numpy", lambda program: files.zipped({"x.npy": files.npy("(1,)", "|O", files.running(program))})),
}
TORCH = {
    "weights": ("torch", lambda program: files.torch_weights(files.running(program))),
    "old weights": ("torch", lambda program: files.torch_old(files.running(program))),
    "TorchScript": ("script", None),
}
TENSORFLOW = {"Keras code": ("keras", None), "Keras code in HDF5": ("keras", None), "SavedModel": ("savedmodel", None)}
COMPILED = {"TorchScript", "SavedModel"}  # no Python: operators that read and write files


@contextmanager
def folder() -> Iterator[Path]:
    """Other users may pass through, which pytest's own folders forbid."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as made:
        Path(made).chmod(0o711)
        (Path(made) / "state").mkdir(mode=0o700)
        yield Path(made)


def opened(
    environment: str, made: dict[str, tuple[str, Any]], canaries: Canaries, layers: list[str] | None = None
) -> dict[str, dict[str, Any]]:
    """What came of each, opened one after the other by that environment's libraries."""
    python = ROOT / ".venv" / f"convert-{environment}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"the environment {environment} is not here: make converters")
    with tempfile.TemporaryDirectory(prefix="hostile-") as outer:
        Path(outer).chmod(0o711)
        told = [_case(Path(outer), canaries, name, *how, layers) for name, how in made.items()]
        process = subprocess.run(
            [python, "-m", "tests.converters.opening"],
            input=json.dumps(told),
            cwd=ROOT,
            env=_environment(canaries),
            capture_output=True,
            text=True,
        )
    assert process.returncode == 0, process.stderr
    return {one["name"]: one for one in map(json.loads, process.stdout.splitlines())}


def _environment(canaries: Canaries) -> dict[str, str]:
    paths = os.pathsep.join(map(str, (ROOT / "layers/aimass/python", ROOT)))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": paths, VARIABLE: canaries.text, **quiet}


def _case(
    outer: Path, canaries: Canaries, name: str, how: str, content: Any, layers: list[str] | None
) -> dict[str, Any]:
    where = outer / f"case-{len([*outer.iterdir()])}"
    where.mkdir()
    program, make = canaries.program(name), None
    if content is not None:
        (where / "model").write_bytes(content(program))
    elif how == "keras":
        make = [program, "h5" if "HDF5" in name else "keras"]
    else:
        make = [str(canaries.places[0] / name), str(canaries.secret)]
    return {"name": name, "how": how, "folder": str(where), "file": "model", "make": make, "layers": layers}


def needs_strong() -> None:
    if not isolation_in_force().strong:
        pytest.skip("no strong isolation on this machine: such files are refused (test_convert.py)")


@pytest.mark.parametrize(
    ("environment", "made"),
    [("trees", TREES), ("torch", TORCH), ("tensorflow", TENSORFLOW)],
    ids=["trees", "torch", "tf"],
)
def test_what_runs_in_the_sandbox_reaches_nothing(environment: str, made: dict[str, tuple[str, Any]]) -> None:
    needs_strong()
    with folder() as outer, watched(outer / "state") as canaries:
        answers = opened(environment, made, canaries)
        said = {name: answer["said"] for name, answer in answers.items()}
        assert canaries.touched(*said.values()) == []
    assert said.keys() == made.keys()
    assert {name for name, words in said.items() if RAN not in words} == COMPILED & made.keys(), said


@pytest.mark.parametrize("layers", [(USER, SECCOMP), (LANDLOCK, SECCOMP)], ids="+".join)
def test_it_reaches_nothing_with_the_layers_of_fargate_or_of_no_root(layers: tuple[str, ...]) -> None:
    if reached(layers) is None:
        pytest.skip("this machine lacks one of the layers")
    mode = 0o755 if USER in layers else 0o777  # on Fargate no folder is left that any user may write
    with folder() as outer, watched(outer / "state", mode) as canaries:
        (answer,) = opened("trees", {"pickle": TREES["pickle"]}, canaries, [*layers]).values()
        assert canaries.touched(answer["said"]) == []
    assert RAN in answer["said"]


def test_without_a_strong_sandbox_no_file_that_may_hold_a_program_is_opened() -> None:
    programs = [kind for converter in CONVERTERS for kind in converter.program]
    assert {"pickle", "pytorch", "pt2", "torchscript", "keras", "savedmodel"} <= {*programs}
    for kind in programs:
        with pytest.raises(SandboxTooWeak, match="this machine can't shut that off"):
            check_isolation(kind, CONFINED)


def test_the_same_files_reach_all_of_it_without_the_sandbox() -> None:
    """So the canaries sing: what the tests above find untouched is what these files touch."""
    with folder() as outer, watched(outer / "state") as canaries:
        (answer,) = opened("trees", {"pickle": TREES["pickle"]}, canaries, []).values()
        touched = canaries.touched(answer["said"])
        assert canaries.files() == ["pickle"]
        assert len(canaries.processes()) == 2
        assert len(canaries.heard()) == 2
        assert all(canaries.text.encode() in one for one in canaries.heard())
        assert touched[-1] == "the secret was told"


@pytest.mark.parametrize(("environment", "name"), [("torch", "TorchScript"), ("tensorflow", "SavedModel")])
def test_operators_reach_files_without_the_sandbox(environment: str, name: str) -> None:
    made = {"torch": TORCH, "tensorflow": TENSORFLOW}[environment]
    with folder() as outer, watched(outer / "state") as canaries:
        (answer,) = opened(environment, {name: made[name]}, canaries, []).values()
        assert canaries.files() == [name]
        assert canaries.text in answer["said"]
