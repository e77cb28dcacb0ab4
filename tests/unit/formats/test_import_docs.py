"""What docs/import.md says of samples and refusals is what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from aimass.formats.beside import MAX_FILE_BYTES
from aimass.formats.registry import CONVERTERS
from aimass.sandbox.tasks.sample import read_sample

PAGE = (Path(__file__).parents[3] / "docs/import.md").read_text()
SAMPLES = re.findall(
    r"^\| ([^|]+) \| `([\[{].*)` \|$", PAGE.partition("### A sample")[2].partition("\n## ")[0], re.MULTILINE
)
TABLE = {"age": ("tensor(float)", [None, 1]), "city": ("tensor(string)", [None, 1])}
TOKENS = ("tensor(int64)", [None, None])
ROWS = {"input": ("tensor(float)", [None, 4])}
INPUTS = {
    "one input of four columns, two rows": ROWS,
    "the same, with the input's name": ROWS,
    "an input a column, as of a data frame: by column": TABLE,
    "the same by row": TABLE,
    "texts": {"texts": ("tensor(string)", [None])},
    "tokens": {"input_ids": TOKENS, "attention_mask": TOKENS},
}


def test_the_page_names_every_format_that_is_refused_with_what_to_do() -> None:
    for converter in CONVERTERS:
        for name, remedy in converter.refused.items():
            assert f"| {converter.titles[name]} | {remedy} |" in PAGE


@pytest.mark.parametrize(("model", "sample"), SAMPLES)
def test_a_sample_as_the_page_shows_it_is_read_as_two_rows(tmp_path: Path, model: str, sample: str) -> None:
    path = tmp_path / "sample.json"
    path.write_text(sample)
    inputs = [SimpleNamespace(name=name, type=kind, shape=shape) for name, (kind, shape) in INPUTS[model].items()]
    found = read_sample(path, inputs)
    assert {name: len(array) for name, array in found.items()} == dict.fromkeys(INPUTS[model], 2)
    assert all(array.ndim == len(INPUTS[model][name][1]) for name, array in found.items())


def test_the_page_shows_every_form_and_the_limit() -> None:
    assert {model for model, _ in SAMPLES} == INPUTS.keys()
    assert f"over {MAX_FILE_BYTES >> 20} MiB" in PAGE


def test_the_page_does_not_blame_rounding_on_models_that_round_themselves() -> None:
    """As tests/converters/test_trees_rounding.py has it: a forest alone loses nothing, one behind a scaler does."""
    words = " ".join(PAGE.partition("## Proof")[2].partition("### Drift")[0].split())
    assert "that boosting, neighbours, or a scaler before a forest was trained on" in words
    assert "XGBoost, CatBoost and a forest alone round it themselves, and lose nothing" in words
