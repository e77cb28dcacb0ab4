import pytest

from aimass.domain.description import Column, Description, ImageInput, TableInput, TextInput
from aimass.domain.errors import InvalidArguments
from aimass.inference.dataplane import Pictures, Rows, Texts
from aimass.inference.described.inputs import described_inputs
from tests.unit.inference.described.given import no_assets, spec, version

X = spec("x", "FP32", -1, 4)
MEDIA = {"image": Pictures((b"",)), "text": Texts(("",)), "table": Rows(({},))}
DESCRIPTIONS = {
    "image": Description(image=ImageInput("x")),
    "text": Description(text=TextInput("x")),
    "table": Description(table=TableInput((Column("a", "x"),))),
}


@pytest.mark.parametrize("section", MEDIA)
@pytest.mark.parametrize("description", [None, Description()])
def test_a_version_without_a_description_says_how_to_set_one(section, description):
    with pytest.raises(InvalidArguments) as refused:
        described_inputs(version(X, description=description), MEDIA[section], no_assets)
    assert f"no description of its has '{section}'" in refused.value.message
    assert "PUT /api/v1/models/m/versions/3/description (docs/model-description.md)" in refused.value.message
    assert "send tensors: 'x' FP32 [-1, 4]" in refused.value.message


@pytest.mark.parametrize("section", MEDIA)
@pytest.mark.parametrize("has", DESCRIPTIONS)
def test_a_version_that_takes_something_else_says_what(section, has):
    if section == has:
        return
    with pytest.raises(InvalidArguments, match=f"its description has '{has}', no '{section}'"):
        described_inputs(version(X, description=DESCRIPTIONS[has]), MEDIA[section], no_assets)


@pytest.mark.parametrize(("section", "noun"), [("image", "picture"), ("text", "text"), ("table", "row")])
def test_nothing_at_all_is_refused(section, noun):
    empty = {"image": Pictures(()), "text": Texts(()), "table": Rows(())}[section]
    with pytest.raises(InvalidArguments, match=f"no {noun} came"):
        described_inputs(version(X, description=DESCRIPTIONS[section]), empty, no_assets)


def test_a_text_for_a_model_of_tokens_without_a_tokenizer_is_told_what_is_missing():
    ids = spec("input_ids", "INT64", -1, -1)
    with pytest.raises(InvalidArguments, match=r"upload it again with tokenizer\.json beside the model") as refused:
        described_inputs(version(ids, description=None), Texts(("a",)), no_assets)
    assert "'input_ids' INT64 [-1, -1]" in refused.value.message
    assert "PUT" not in refused.value.message
