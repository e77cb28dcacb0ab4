"""Samples, and the outputs that belong to them: found beside a model, or refused with how to send them."""

from __future__ import annotations

from pathlib import Path

import pytest

from aimass.domain.errors import InvalidSample
from aimass.formats.beside import MAX_FILE_BYTES, find_beside


def beside(root: Path, *names: str, model: str = "m/model.txt") -> list[str]:
    for name in (model, *names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return [*find_beside(root, root / model, [model, *names])]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["expected.json"], "expected.json came without the inputs that it belongs to: put sample.npz or"),
        (["m/expected.npz", "other/sample.npz"], "expected.npz came without the inputs"),
        (["m/sample.csv"], "sample.csv is not read: send it as sample.npz or sample.npy or sample.json"),
        (["Sample.PARQUET"], "Sample.PARQUET is not read"),
        (["sample.json", "expected.csv"], "expected.csv is not read: send it as expected.npz"),
    ],
)
def test_a_sample_that_would_be_passed_over_is_refused(tmp_path: Path, names: list[str], told: str) -> None:
    with pytest.raises(InvalidSample, match=told):
        beside(tmp_path, *names)


def test_a_sample_that_is_too_large_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    with (tmp_path / "sample.npy").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(InvalidSample, match=r"sample\.npy has 67108865 bytes; at most 67108864: send fewer rows"):
        beside(tmp_path, "sample.npy")


def test_pictures_files_elsewhere_and_a_model_of_that_name_are_no_sample(tmp_path: Path) -> None:
    assert beside(tmp_path, "sample.jpg", "a/sample.csv", "sample.txt", "samples.csv", model="sample.pkl") == []


def test_where_a_sample_can_be_read_the_same_in_another_form_is_left_out(tmp_path: Path) -> None:
    assert beside(tmp_path, "sample.json", "sample.csv", "expected.npy") == ["sample.json", "expected.npy"]
