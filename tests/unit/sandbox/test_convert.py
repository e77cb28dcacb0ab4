"""A conversion as a whole, in the strongest isolation that this machine has."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from aimass.domain.errors import ConversionFailed, InvalidSample, ModelCrashed, SandboxTooWeak, UnsafePickle
from aimass.formats.converter import Candidate
from aimass.sandbox import convert
from aimass.sandbox.convert import ConvertedModel, check_isolation, check_sizes, opened, read_answer
from aimass.sandbox.isolation import CONFINED
from aimass.sandbox.isolation_probe import isolation_in_force
from aimass.sandbox.limits import MIB, Limits

ROOT = Path(__file__).parents[3]
LIMITS = Limits(seconds=60, memory_bytes=2048 * MIB, file_bytes=64 * MIB, folder_bytes=64 * MIB)
Convert = Callable[..., ConvertedModel]


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that another user may reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o711)
        (Path(made) / "child").mkdir()
        yield Path(made) / "child"


@pytest.fixture
def converted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Convert:
    monkeypatch.setattr(convert, "TASK", "tests.unit.sandbox.converting")

    def run(what: str, sample: Any = None, expected: Any = None, **facts: Any) -> ConvertedModel:
        (folder / "model").mkdir()
        (folder / "model" / "m.steps").write_text(what)
        files = []
        for name, arrays in (("sample", sample), ("expected", expected)):
            np.savez(folder / f"{name}.npz", **arrays) if arrays else None
            files.append(folder / f"{name}.npz" if arrays else None)
        candidate = Candidate("steps", ("m.steps",), facts)
        by = replace(isolation_in_force(), readable=(str(ROOT),))
        return convert.convert_folder(folder, candidate, *files, LIMITS, by)

    return run


def test_a_model_is_converted_replayed_and_measured(converted: Convert, folder: Path) -> None:
    found = converted("holds")
    assert found.files == ("model.onnx",)
    assert (found.framework, found.labels, found.notes) == ("steps 1.0", ("low", "high"), ("made for a test",))
    (difference,) = found.replay.differences
    assert (difference.output, difference.datatype, difference.agreement, difference.within) == (
        "y",
        "INT64",
        1.0,
        True,
    )
    assert found.replay.samples == "generated"
    assert found.replay.rows > 256
    assert found.memory_bytes > 10 * MIB
    assert found.tools["onnx"] == onnx.__version__
    assert found.isolation == isolation_in_force().description
    with opened(folder / "out", "model.onnx") as (file, size):
        assert size == len(file.read())


def test_a_row_that_both_took_is_left_as_a_sample_where_none_came(converted: Convert, folder: Path) -> None:
    assert converted("has words").beside == ("tokenizer.json", "sample.npz")
    with np.load(folder / "out" / "sample.npz", allow_pickle=False) as kept:
        assert {name: kept[name].shape for name in kept} == {"x": (1, 2)}


def test_what_a_sample_has_besides_the_inputs_is_left_out_with_a_note(converted: Convert) -> None:
    rows = np.float32([[0, 1]])
    found = converted("holds", sample={"x": rows, "age": rows, "id": rows})
    assert "of the sample no input is called 'age', 'id': left out" in found.notes
    assert found.replay.samples == "given"


def test_no_sample_is_left_beside_one_that_came(converted: Convert) -> None:
    assert converted("holds", sample={"x": np.float32([[0, 1]])}).beside == ()


def test_a_threshold_that_float32_rounds_is_found_and_shown(converted: Convert) -> None:
    found = converted("drifts")
    (difference,) = found.replay.differences
    assert not difference.within
    assert difference.agreement is not None
    assert 0.5 < difference.agreement < 1
    assert 1 <= len(found.examples) <= 5
    for example in found.examples:
        assert example["output"] == "y"
        assert example["inputs"]["x"][0] == pytest.approx(0.3, abs=1e-7)
        assert (example["original"][0], example["onnx"][0]) == (1, 0)


def test_a_sample_is_replayed_beside_inputs_made_up(converted: Convert) -> None:
    found = converted("holds", sample={"x": np.float32([[0, 1], [1, 0], [0.3, 0.5]])})
    assert (found.replay.samples, found.replay.expected) == ("given", False)
    assert found.replay.rows > 256


def test_drift_that_a_sample_does_not_meet_is_found_by_inputs_made_up(converted: Convert) -> None:
    assert not converted("drifts", sample={"x": np.float32([[0, 1], [1, 0]])}).replay.within


def test_expected_outputs_that_both_give_are_part_of_the_proof(converted: Convert) -> None:
    found = converted("holds", sample={"x": np.float32([[0, 1]])}, expected={"y": np.array([[0, 1]])})
    assert (found.replay.within, found.replay.expected) == (True, True)


def test_expected_outputs_that_the_original_does_not_give_are_refused_with_the_row(converted: Convert) -> None:
    sample, expected = {"x": np.float32([[0, 1], [1, 1]])}, {"y": np.array([[0, 1], [0, 1]])}
    with pytest.raises(InvalidSample, match="does not answer the sample as expected: y") as refused:
        converted("holds", sample=sample, expected=expected)
    assert refused.value.details["outputs"] == ["y"]


def test_a_library_s_reason_is_told_with_what_to_do_and_without_the_folder(converted: Convert, folder: Path) -> None:
    with pytest.raises(ConversionFailed, match="a model of steps can't be opened: ValueError: no such tree") as refused:
        converted("breaks")
    assert "send numbers" in refused.value.message
    assert str(folder) not in refused.value.message


def test_a_file_that_may_hold_a_program_is_not_opened_unscanned(converted: Convert) -> None:
    with pytest.raises(UnsafePickle, match="nothing here scans it"):
        converted("holds", program=True)


def test_a_program_that_runs_as_the_model_is_opened_starts_no_other(converted: Convert) -> None:
    if not isolation_in_force().strong:
        pytest.skip("no strong isolation on this machine")
    with pytest.raises(ConversionFailed, match="PermissionError"):
        converted("other user's")
    assert not os.path.exists("/tmp/aimass-was-here")


def test_a_format_that_holds_programs_needs_a_strong_sandbox() -> None:
    with pytest.raises(SandboxTooWeak, match="needs Linux"):
        check_isolation("sklearn", CONFINED)
    check_isolation("sklearn", replace(CONFINED, strong=True))
    check_isolation("xgboost-json", CONFINED)


GOOD: dict[str, Any] = {
    "main": "model.onnx",
    "files": ["model.onnx"],
    "framework": "f",
    "labels": [],
    "describes": {},
    "notes": [],
    "seconds": 1.0,
    "memory_bytes": 1,
    "tools": {},
    "scan": None,
    "examples": [],
    "replay": {"samples": "given", "rows": 1, "differences": [], "expected": False},
}


def deep(levels: int) -> dict[str, Any]:
    """An object within an object, and so on."""
    return {"a": deep(levels - 1)} if levels else {}


FIGURES = {"output": "y", "datatype": "FP32", "largest_absolute": 0.0, "largest_relative": 0.0, "agreement": 1.0}
FIGURES |= {"absolute": 0.0, "relative": 0.0, "within": True}


def test_an_answer_of_the_right_form_is_read() -> None:
    assert read_answer(GOOD, CONFINED).files == ("model.onnx",)


@pytest.mark.parametrize(
    "change",
    [
        {"files": ["../../etc/passwd"]},
        {"files": []},
        {"files": ["model.onnx", "model.onnx"]},
        {"files": None},
        {"beside": ["sample.npz", "sample.npz"]},
        {"beside": ["sample.npz", "tokenizer.json"]},
        {"beside": ["sample.json"]},
        {"seconds": float("nan")},
        {"seconds": -1.0},
        {"seconds": 86_401.0},
        {"seconds": 10**400},
        {"replay": GOOD["replay"] | {"rows": -1}},
        {"replay": GOOD["replay"] | {"rows": 10**12}},
        {"replay": GOOD["replay"] | {"differences": [FIGURES | {"absolute": 10**400}]}},
        {"memory_bytes": 10**30},
        {"memory_bytes": "much"},
        {"labels": [{"a": 1}]},
        {"replay": {"samples": "invented", "rows": 1, "differences": []}},
        {"replay": {"samples": "given", "rows": 1, "differences": [{"output": "y"}]}},
        {"isolation": "forged", "tools": ["a"]},
        {"framework": "\ud800"},
        {"labels": ["\udfff"]},
        {"describes": {"\ud800": 1}},
        {"describes": {"input": 1 << 70}},
        {"describes": {"input": 1e-130}},
        {"describes": deep(20)},
        {"examples": [deep(900)]},
    ],
)
def test_an_answer_of_another_form_is_a_crash_and_nothing_more(change: dict[str, Any]) -> None:
    with pytest.raises(ModelCrashed):
        read_answer(GOOD | change, CONFINED)


def test_a_child_cannot_say_how_it_was_isolated() -> None:
    assert read_answer(GOOD | {"isolation": "forged"}, CONFINED).isolation == CONFINED.description


def test_files_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("model.onnx", "model.onnx.data"):
        (tmp_path / name).write_bytes(bytes(600))
    monkeypatch.setattr(convert, "MAX_BYTES", 1200)
    check_sizes(tmp_path, ("model.onnx", "model.onnx.data"))
    monkeypatch.setattr(convert, "MAX_BYTES", 1199)
    with pytest.raises(ConversionFailed, match="1200 bytes; at most 1199 together"):
        check_sizes(tmp_path, ("model.onnx", "model.onnx.data"))


@pytest.mark.parametrize("trick", ["symlink", "hard link", "pipe", "folder", "linked folder", "nothing"])
def test_what_is_no_plain_file_of_the_child_s_own_is_not_read(tmp_path: Path, trick: str) -> None:
    secret, out = tmp_path / "secret", tmp_path / "out"
    secret.write_text("of the parent")
    out.mkdir()
    file = out / "model.onnx"
    if trick == "symlink":
        file.symlink_to(secret)
    elif trick == "hard link":
        file.hardlink_to(secret)
    elif trick == "pipe":
        os.mkfifo(file)
    elif trick == "folder":
        file.mkdir()
    elif trick == "linked folder":
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "model.onnx").write_text("x")
        out.rmdir()
        out.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConversionFailed), opened(out, "model.onnx"):
        pass
