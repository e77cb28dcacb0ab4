"""What a file of PyTorch's can do besides being a model: it is refused before it is opened, and nothing happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.converters
Convert = Callable[..., dict[str, Any]]

RUNS = {
    "pt2_size": "has a size that is no expression of sizes",
    "pt2_size_of_metadata": "has a size that is no expression of sizes",
    "pt2_size_of_stack_trace": "has a size that is no expression of sizes",
    "pt2_size_of_a_number": "has a size that is no expression of sizes",
    "pt2_size_in_a_dict": "has a size that is no expression of sizes",
    "pt2_guard": "has a guard that compares more than sizes",
    "pt2_guard_of_attributes": "has a guard that compares more than sizes",
    "pt2_operator": "calls what is no operator of PyTorch's: torch.os.system",
    "pt2_reads_file": "calls what is no operator of PyTorch's: torch.ops.aten.from_file",
    "pt2_name": "has a name that is none",
    "pt2_range": "has a size that is no expression of sizes",
    "pt2_spec": "nests its inputs or outputs in what is no plain container",
    "pt2_pickled_example": "names posix.system",
    "pt2_pickled_weight": "names posix.system",
    "pt2_pickled_object": "opaque_obj_0, which no exported program needs",
    "pt2_native_code": "wrapper.so, which no exported program needs",
    "torchscript_reads_file": "calls from_file",
    "torchscript_writes_file": "calls torch",
    "torchscript_pickled_constants": "names posix.system",
    "weights_that_run": "names posix.system",
    "old_weights_that_run": "names posix.system",
    "folder_with_weights_that_run": "names posix.system",
}


@pytest.mark.parametrize("name", RUNS)
def test_what_would_run_is_refused_unopened(torch: Convert, name: str, tmp_path: Path) -> None:
    witness = tmp_path / "witness"

    error = torch(family="torch_hostile", model=name, witness=str(witness))["error"]

    assert error["code"] == "unsafe_pickle"
    assert RUNS[name] in error["message"]
    assert "it was not opened" in error["message"]
    assert not witness.exists()


def test_a_folders_own_code_is_not_run(torch: Convert, tmp_path: Path) -> None:
    witness = tmp_path / "witness"

    error = torch(family="torch_hostile", model="folder_with_code", witness=str(witness))["error"]

    assert error["code"] == "architecture_unknown"
    assert "brings code of its own (auto_map), which is not run here" in error["message"]
    assert not witness.exists()


def test_of_a_known_type_the_librarys_own_class_is_taken(torch: Convert, tmp_path: Path) -> None:
    witness = tmp_path / "witness"

    answer = torch(family="torch_hostile", model="folder_with_code_of_known_type", witness=str(witness))

    assert answer["labels"] == ["fewer", "more"]
    assert not witness.exists()


REFUSED = {
    "folder_too_wide": ("conversion_failed", "config.json describes a model of"),
    "folder_too_deep": ("conversion_failed", "config.json says num_hidden_layers: 1000000000; at most 1000"),
    "folder_of_other_shapes": ("conversion_failed", "mismatch"),
    "folder_lacking_weights": ("conversion_failed", "the weights lack 2 tensors that the architecture has"),
    "folder_of_a_module_elsewhere": ("conversion_failed", "modules.json names a folder that is none of its own"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_folder_that_contradicts_itself_is_refused(torch: Convert, name: str) -> None:
    error = torch(family="torch_hostile", model=name)["error"]

    code, words = REFUSED[name]
    assert error["code"] == code
    assert words in error["message"]
