"""Every example of docs/model-description.md is read, and fits a model that it is meant for."""

import re
from pathlib import Path

import pytest

from aimass.formats.description import describe, read_document
from aimass.formats.seen import Seen
from tests.unit.formats.test_description import spec

PAGE = Path("docs/model-description.md").read_text()
EXAMPLES = dict(re.findall(r"^## (?:A )?(\w+)\n.*?```yaml\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE))
TOKENS = tuple(spec(name, [-1, -1], "INT64") for name in ("input_ids", "attention_mask", "token_type_ids"))
MODELS = {
    "picture": Seen((spec("pixels", [-1, 3, 224, 224]),), (spec("logits", [-1, 2]),)),
    "text": Seen(TOKENS, (spec("vector", [-1, 384]),), files=("tokenizer.json",)),
    "table": Seen((spec("x", [-1, 2]), spec("city", [-1, 1], "BYTES")), (spec("probabilities", [-1, 2]),)),
    "Batching": Seen((spec("x", [-1, 4]),), (spec("y", [-1, 3]),)),
}


@pytest.mark.parametrize("name", MODELS)
def test_an_example_leaves_nothing_to_be_inferred_and_fits(name):
    described = describe(read_document(EXAMPLES[name].encode()), MODELS[name])
    assert described.inferred == ()
    assert sum(part is not None for part in (described.image, described.text, described.table, described.batching)) == 1


def test_every_example_of_the_page_is_tried():
    assert EXAMPLES.keys() == MODELS.keys()
    assert PAGE.count("```yaml") == len(MODELS)
