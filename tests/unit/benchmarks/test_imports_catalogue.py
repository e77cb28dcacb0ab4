from collections import Counter

import pytest

from benchmarks.imports.catalogue import ENTRIES, chosen
from benchmarks.imports.models.plain import FILES


def test_every_model_has_a_name_of_its_own_that_a_model_can_have():
    assert max(Counter(entry.name for entry in ENTRIES).values()) == 1
    assert all(entry.name.replace("-", "").isalnum() and entry.name.islower() for entry in ENTRIES)


def test_every_environment_converts_several_models_that_are_scored():
    scored = Counter(entry.environment for entry in ENTRIES if entry.ends == "ready" and entry.task)
    assert min(scored[name] for name in ("trees", "torch", "tensorflow")) >= 5


def test_what_needs_no_environment_is_made_here(tmp_path):
    for entry in ENTRIES:
        if not entry.environment:
            folder = tmp_path / entry.name
            folder.mkdir()
            assert entry.function == "core_ml" or (folder / FILES[entry.function](folder)).stat().st_size


def test_models_are_chosen_by_the_beginnings_of_their_names():
    assert {entry.name for entry in chosen("gguf,xgboost-binary")} == {"gguf", "xgboost-binary", "xgboost-binary-ubj"}
    assert len(chosen("")) == len(ENTRIES)


def test_a_name_that_no_model_has_is_an_error():
    with pytest.raises(ValueError, match="no model begins with caffe"):
        chosen("gguf,caffe")
