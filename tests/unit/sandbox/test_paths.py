"""What a child that was taken over may name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aimass.domain.errors import InternalError
from aimass.sandbox import identify, verify
from aimass.sandbox.paths import files_within, folder_within
from tests.unit.sandbox.conftest import LIMITS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_bytes(b"credentials")
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    (root / "w.bin").write_bytes(b"weights")
    (root / "inner/model.onnx").write_bytes(b"graph")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path)
    return root


def test_files_of_the_folder_are_taken(root: Path) -> None:
    assert files_within(root, ["w.bin", "inner/model.onnx"]) == ("w.bin", "inner/model.onnx")
    assert folder_within(root, str(root / "inner")) == root / "inner"
    assert folder_within(root, str(root)) == root


OUTSIDE = ["../secret", "link", "folder/secret", "/etc/passwd", "inner/../w.bin", "inner", "none", ".", ""]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_file_outside_the_folder_is_a_fault(root: Path, name: str) -> None:
    with pytest.raises(InternalError):
        files_within(root, ["w.bin", name])


def test_an_absolute_path_is_a_fault_wherever_it_leads(root: Path) -> None:
    with pytest.raises(InternalError):
        files_within(root, [str(root / "w.bin")])


@pytest.mark.parametrize("name", ["..", "folder", "none", "w.bin", "/"])
def test_a_folder_outside_the_folder_is_a_fault(root: Path, name: str) -> None:
    with pytest.raises(InternalError):
        folder_within(root, str(root / name))


IDENTIFIED = {"format": "onnx", "left_out": [], "framework": "onnx", "opset": {}, "ir_version": 8, "parameter_count": 0}


@pytest.mark.parametrize(
    ("folder", "files"), [("{root}/..", ["secret"]), ("{root}/inner", ["model.onnx", "../w.bin"]), ("/proc/self", [])]
)
def test_identify_hands_on_nothing_outside(
    root: Path, monkeypatch: pytest.MonkeyPatch, folder: str, files: list[str]
) -> None:
    answer: dict[str, Any] = {**IDENTIFIED, "folder": folder.format(root=root), "files": files}
    monkeypatch.setattr(identify, "run", lambda *_, **__: answer)
    with pytest.raises(InternalError):
        identify.identify_folder(root, LIMITS)


def test_verify_hands_on_nothing_outside(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "run", lambda *_, **__: {"optimized": ["../secret"]})
    with pytest.raises(InternalError):
        verify.verify_folder(root, "inner/model.onnx", None, LIMITS, 20)
