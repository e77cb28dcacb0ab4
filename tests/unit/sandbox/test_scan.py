"""A file that may hold a program and can't be scanned is not opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aimass.domain.errors import UnsafePickle
from aimass.formats.converter import Candidate, Converter
from aimass.sandbox.tasks.convert import convert


def _fails(folder: Path, candidate: Candidate) -> str:
    raise KeyError("no such member")


def _opens(folder: Path, candidate: Candidate) -> Any:
    raise AssertionError("it was opened")


def test_a_scan_that_fails_refuses_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    converter = Converter({"p": "a program"}, "trees", open=_opens, scan=_fails, program=frozenset({"p"}), remedy="no")
    request = {
        "candidate": {"format": "p", "files": ["m"], "facts": {}},
        "sample": None,
        "expected": None,
        "seconds": 9,
    }
    with pytest.raises(UnsafePickle, match=r"m can't be checked for programs \(KeyError: .*it was not opened"):
        convert(converter, request)
