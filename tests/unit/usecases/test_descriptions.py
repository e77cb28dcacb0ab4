"""Model descriptions of imported versions, with the real sandbox: found in bundles, set, and brought back."""

import io
import json
import zipfile

import numpy as np
import pytest
from msgspec import convert as read
from onnx import TensorProto

from aimass.domain.conversion import Conversion, Replay
from aimass.domain.description import ClassOutput, Column, Description, ImageInput, Resize, TableInput, Tokenizer
from aimass.domain.errors import InvalidArguments, InvalidDescription, LabelsMismatch, VersionNotFound, VersionNotReady
from aimass.domain.ports import PageRequest
from aimass.domain.tenants import Limits as TenantLimits
from aimass.formats.converters._table import table
from aimass.protocols.control import version_view
from aimass.sandbox.limits import Limits
from aimass.usecases import import_model
from aimass.usecases.descriptions import get_description, reset_description, set_description
from aimass.usecases.find_version import NAME_SECONDS, VersionFinder
from aimass.usecases.import_model import Import, identify, verify
from aimass.usecases.import_results import ConvertedModel, IdentifiedModel
from aimass.usecases.register_model import register
from aimass.usecases.reverify import request_verification
from aimass.usecases.start_import import ArrivedObject, Imports, start_import
from aimass.usecases.uploads import Attachment, NewVersion, reserve, upload_whole
from tests.unit.sandbox.graphs import INT64, model, node, value, weight

LIMITS = Limits(seconds=60, memory_bytes=4 << 30, file_bytes=1 << 30)
NOT_CONVERTED = ConvertedModel(None)
TENANT = TenantLimits(bytes=10**9, models=10, jobs=10)


def classifier(scale=10.0):
    """Means of three channels as scores of three classes."""
    return model(
        [node("ReduceMean", ["pixels"], ["means"], axes=[2, 3], keepdims=0), node("Mul", ["means", "k"], ["logits"])],
        [value("pixels", ["n", 3, 8, 8])],
        [value("logits", ["n", 3])],
        [weight("k", np.array(scale, np.float32))],
    ).SerializeToString()


def scaled_within():
    """The same of pictures of 0 to 255: the graph begins with 1/255."""
    return model(
        [
            node("Mul", ["pixels", "k"], ["scaled"]),
            node("ReduceMean", ["scaled"], ["scores"], axes=[2, 3], keepdims=0),
        ],
        [value("pixels", ["n", 3, 8, 8])],
        [value("scores", ["n", 3])],
        [weight("k", np.array(1 / 255, np.float32))],
    ).SerializeToString()


def encoder():
    """A text's tokens, counted."""
    return model(
        [
            node("Mul", ["input_ids", "attention_mask"], ["both"]),
            node("Cast", ["both"], ["floats"], to=TensorProto.FLOAT),
            node("ReduceSum", ["floats", "axis"], ["score"], keepdims=1),
        ],
        [value("input_ids", ["n", "t"], INT64), value("attention_mask", ["n", "t"], INT64)],
        [value("score", ["n", 1])],
        [weight("axis", np.array([1]))],
    ).SerializeToString()


def tokenizer(max_length=None):
    from tokenizers import Tokenizer as Made
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    made = Made(WordLevel({"[UNK]": 0, "good": 1, "bad": 2}, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    if max_length:
        made.enable_truncation(max_length)
    return made.to_str().encode()


def bundle(**files):
    """A zip; `__` in a name stands for a dot."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as zipped:
        for name, content in files.items():
            zipped.writestr(name.replace("__", "."), content)
    return body.getvalue()


class Runner:
    def start(self, name, document):
        self.document = document


@pytest.fixture
def at(registry, artifacts, index):
    return Import(registry, artifacts, index)


@pytest.fixture
def imports(registry, uploads, limits):
    return Imports(registry, uploads, Runner(), limits)


@pytest.fixture
def imported(at, imports, uploads):
    """Uploads and imports a body as a version of the model `m`."""

    def run(body, document=None, converted=NOT_CONVERTED, **fields):
        attached = Attachment(at.artifacts, "aimass.yaml", document) if document is not None else None
        new = NewVersion("m", "m.zip", **fields)
        job = upload_whole(at.registry, uploads, "t", new, TENANT, body, document=attached)
        head = uploads._client.head_object(Bucket="uploads", Key="uploads/t/m/m.zip")
        arrived = ArrivedObject("uploads", "uploads/t/m/m.zip", head["VersionId"], len(body), "2026-05-01T10:00:00Z")
        start_import(imports, arrived)
        identified = identify(at, uploads, "t", job.id, LIMITS)
        verified = verify(at, "t", job.id, identified, converted, LIMITS, 5)
        return register(at.registry, at.index, "t", job.id, identified, converted, verified)

    return run


def log_of(at, version):
    return [line.message for line in at.registry.read_log("t", version.job_id, PageRequest()).items]


def test_a_model_alone_is_described_by_what_it_is(at, imported):
    version = imported(classifier(), labels=("red", "green", "blue"))
    described = version.description
    assert described.image == ImageInput("pixels", resize=Resize(8, 8))
    assert described.classes == ClassOutput("logits", "softmax")
    assert described.inferred == ("input.image", "output")
    assert version.class_names == ("red", "green", "blue")
    assert at.registry.get_version("t", "m", 1) == version
    assert "the model description has image, classes; inferred of it: input.image, output" in log_of(at, version)


def test_a_model_that_scales_its_pictures_itself_gets_them_as_they_are(at, imported):
    version = imported(scaled_within())
    assert version.description.image == ImageInput("pixels", resize=Resize(8, 8), scale=1.0)
    assert any("with numbers of 0 to 255: the model" in line for line in log_of(at, version))
    after = set_description(at.registry, at.artifacts, "t", "m", 1, b"aimass: 1\ninput: {image: {color: BGR}}")
    assert (after.description.image.color, after.description.image.scale) == ("BGR", 1.0)


def test_a_sample_beyond_1_says_that_pictures_are_not_scaled(imported):
    sample = io.BytesIO()
    np.savez(sample, pixels=np.full((1, 3, 8, 8), 200, np.float32))
    version = imported(bundle(**{"sample.npz": sample.getvalue(), "model.onnx": classifier()}))
    assert version.description.image.scale == 1.0


def test_guesses_at_a_pictures_numbers_are_told_in_the_versions_record(at, imported):
    conversion = Conversion("keras", "tensorflow", "Keras", 1.0, 1, {}, Replay("generated", 1, ()), notes=("a note",))
    version = imported(classifier(), converted=ConvertedModel(None, conversion))
    guess, note = version.conversion.notes
    assert note == "a note"
    assert guess.startswith("guessed of pictures: scale 1/255, no mean, no std; ")
    assert f"note: {guess}" in log_of(at, version)


@pytest.mark.parametrize("known", ["aimass", "preprocessor", "converter"])
def test_numbers_that_somebody_gave_are_no_guess(at, imported, known):
    conversion = Conversion("keras", "tensorflow", "Keras", 1.0, 1, {}, Replay("generated", 1, ()))
    files = {"aimass": {"aimass.yaml": "aimass: 1\ninput: {image: {scale: 0.5}}"},
             "preprocessor": {"preprocessor_config.json": '{"do_rescale": true, "rescale_factor": 0.5}'},
             "converter": {}}[known]  # fmt: skip
    describes = {"input": {"image": {"scale": 0.5}}} if known == "converter" else {}
    body = bundle(**files, **{"model.onnx": classifier()})
    version = imported(body, converted=ConvertedModel(None, conversion, describes=describes))
    assert (version.description.image.scale, version.conversion.notes) == (0.5, ())


def test_what_gave_probabilities_gets_no_activation(imported):
    version = imported(classifier(scale=1.0), labels=("a", "b", "c"))
    assert (version.raw_scores, version.description.classes.activation) == ((), None)


def test_a_bundles_document_is_followed_beside_the_model_or_at_the_root(imported):
    document = "aimass: 1\nlabels: names.txt\ninput: null\noutput: {activation: sigmoid}\n"
    for folder in ("", "onnx/"):
        body = bundle(**{"aimass.yaml": document, "names.txt": "a\nb\nc\n", f"{folder}model.onnx": classifier()})
        described = imported(body).description
        assert (described.labels, described.image) == (("a", "b", "c"), None)
        assert described.classes == ClassOutput("logits", "sigmoid")


def test_the_document_that_came_with_the_upload_goes_before_the_bundles(at, imported):
    body = bundle(**{"aimass.yaml": "aimass: 1\nlabels: [x, y, z]", "model.onnx": classifier()})
    version = imported(body, document=b"aimass: 1\nlabels: [a, b, c]")
    assert version.description.labels == ("a", "b", "c")
    assert version.document.sha256 in version.digests
    assert at.index.references("t", version.document.sha256) == [("m", 1)]
    assert at.registry.usage_of("t").bytes == version.stored_bytes


@pytest.mark.parametrize("name", ["AIMass.yaml", "aimass.YML", "Aimass.Yaml"])
def test_a_documents_name_is_known_in_any_case(imported, name):
    body = bundle(**{name: "aimass: 1\nlabels: [x, y, z]", "model.onnx": classifier()})
    assert imported(body).description.labels == ("x", "y", "z")


def test_a_document_in_its_usual_spelling_goes_before_others(imported):
    files = {"AIMASS.yaml": "aimass: 1\nlabels: [a, b, c]", "aimass.yml": "aimass: 1\nlabels: [x, y, z]"}
    assert imported(bundle(**files, **{"model.onnx": classifier()})).description.labels == ("x", "y", "z")


def test_a_slip_in_the_document_ends_the_import_with_its_line(at, imported):
    body = bundle(**{"aimass.yaml": "aimass: 1\nlabels:\n  - cat\n  - no\n", "model.onnx": classifier()})
    with pytest.raises(
        InvalidDescription, match=r'aimass.yaml: line 4: labels.1 must be text.*quote it, "no"'
    ) as caught:
        imported(body)
    assert caught.value.code == "invalid_description"
    assert list(caught.value.details["fields"]) == ["labels.1"]


def test_a_document_that_does_not_fit_the_model_ends_the_import_with_its_line(imported):
    body = bundle(**{"aimass.yml": "aimass: 1\nlabels: [a]\noutput: {output: logits}", "model.onnx": classifier()})
    with pytest.raises(InvalidDescription, match="line 2: labels are 1; output 'logits' has 3 columns"):
        imported(body)


def test_a_document_that_is_too_large_ends_the_import(imported):
    body = bundle(**{"aimass.yaml": "#" * 300_000, "model.onnx": classifier()})
    with pytest.raises(InvalidDescription, match="at most 262144"):
        imported(body)


def test_a_tokenizer_is_kept_with_the_version_and_nothing_else_of_the_bundle(at, imported):
    files = {
        "tokenizer.json": tokenizer(max_length=64),
        "config.json": json.dumps({"max_position_embeddings": 48, "id2label": {"0": "score"}}),
        "model.onnx": encoder(),
    }
    version = imported(bundle(**files))
    expected = Tokenizer("tokenizer.json", "input_ids", "attention_mask", max_length=48)
    assert version.description.text.tokenizer == expected
    assert version.description.labels == ()
    assert [asset.path for asset in version.assets] == ["tokenizer.json"]
    assert at.index.references("t", version.assets[0].sha256) == [("m", 1)]
    assert at.registry.get_version("t", "m", 1).assets[0].memory >= version.assets[0].size
    assert version.asset_memory == version.assets[0].memory


def test_the_tokenizer_that_was_checked_is_the_one_that_is_kept(at, imported, tmp_path):
    checked = tmp_path / "checked"
    checked.write_bytes(tokenizer())
    made = at.artifacts.put_file("t", "tokenizer.json", checked)
    body = bundle(**{"tokenizer.json": b"never looked at", "model.onnx": encoder()})
    version = imported(body, converted=ConvertedModel(None, beside=(made,)))
    assert [asset.sha256 for asset in version.assets] == [made.sha256]


@pytest.mark.parametrize("broken", [b"{}", b"\xff\x00", b"[1]", tokenizer()[:-40]])
def test_a_broken_tokenizer_ends_the_import_by_name(imported, broken):
    with pytest.raises(InvalidDescription, match=r"'tokenizer.json' is no file of the tokenizers library"):
        imported(bundle(**{"tokenizer.json": broken, "model.onnx": encoder()}))


def test_a_tokenizer_that_nothing_needs_is_not_looked_at(imported):
    assert imported(bundle(**{"tokenizer.json": b"broken", "model.onnx": classifier()})).assets == ()


def test_a_tokenizer_may_lie_in_a_folder_that_the_document_names(imported):
    document = "aimass: 1\ninput: {text: {tokenizer: texts/mine.json, max_length: 9}}"
    files = {"aimass.yaml": document, "texts/mine.json": tokenizer(), "model.onnx": encoder()}
    version = imported(bundle(**files))
    assert version.description.text.tokenizer.max_length == 9
    assert [asset.path for asset in version.assets] == ["texts/mine.json"]


def test_verifying_again_keeps_the_description(at, imports, imported):
    before = imported(classifier(), document=b"aimass: 1\nlabels: [a, b, c]")
    set_description(at.registry, at.artifacts, "t", "m", 1, b"aimass: 1\nlabels: [x, y, z]")
    job = request_verification(imports, "t", "m", 1)
    document = imports.runner.document
    identified, converted = read(document["identified"], IdentifiedModel), read(document["converted"], ConvertedModel)
    verified = verify(at, "t", job.id, identified, converted, LIMITS, 5)
    register(
        at.registry,
        at.index,
        "t",
        job.id,
        identified,
        converted,
        verified,
    )
    after = at.registry.get_version("t", "m", 1)
    assert after.description.labels == ("x", "y", "z")
    assert (after.document, after.described) == (before.document, before.described)


def test_what_the_steps_hand_on_is_bounded(at, uploads, imported, monkeypatch):
    monkeypatch.setattr(import_model, "MAX_HANDED_ON_BYTES", 500)
    with pytest.raises(InvalidDescription, match="at most 500: send fewer files, or shorter labels"):
        imported(classifier())


def test_a_description_is_set_and_brought_back(at, imported):
    imported(classifier(), labels=("r", "g", "b"))
    first = get_description(at.registry, "t", "m", 1).description
    body = b"aimass: 1\nlabels: [x, y, z]\noutput: {top_k: 1}\ninput: null"
    after = set_description(at.registry, at.artifacts, "t", "m", 1, body)
    assert after.description.classes == ClassOutput("logits", "softmax", top_k=1)
    assert after == at.registry.get_version("t", "m", 1)
    back = reset_description(at.registry, at.artifacts, "t", "m", 1)
    assert back.description == first
    assert back == at.registry.get_version("t", "m", 1)


def test_that_classes_do_not_exclude_each_other_is_still_known_when_the_description_is_set(at, imported):
    several = json.dumps({"problem_type": "multi_label_classification"})
    version = imported(bundle(**{"config.json": several, "labels.txt": "a\nb\nc", "model.onnx": classifier()}))
    assert version.description.classes == ClassOutput("logits", "sigmoid")
    after = set_description(at.registry, at.artifacts, "t", "m", 1, b"aimass: 1\noutput: {top_k: 2}")
    assert after.description.classes == ClassOutput("logits", "sigmoid", top_k=2)


def test_a_tokenizers_length_is_still_known_when_the_description_is_set(at, imported):
    imported(bundle(**{"tokenizer.json": tokenizer(max_length=64), "model.onnx": encoder()}))
    set_description(at.registry, at.artifacts, "t", "m", 1, b"aimass: 1\ninput: null")
    after = set_description(at.registry, at.artifacts, "t", "m", 1, b"aimass: 1\ninput: {text: {padding: max_length}}")
    assert after.description.text.tokenizer.max_length == 64


def test_a_description_that_does_not_fit_changes_nothing(at, imported):
    before = imported(classifier())
    with pytest.raises(InvalidArguments, match=r"line 1: output.output names no output of the model: 'x'"):
        set_description(at.registry, at.artifacts, "t", "m", 1, b"{aimass: 1, labels: [a], output: {output: x}}")
    assert at.registry.get_version("t", "m", 1) == before


def test_another_tenants_version_has_no_description_to_read_or_to_set(at, imported):
    imported(classifier())
    reserve(at.registry, "other", NewVersion("m", "m.onnx", number=2), TENANT)
    for call in (
        lambda: get_description(at.registry, "other", "m", 1),
        lambda: set_description(at.registry, at.artifacts, "other", "m", 1, b"aimass: 1"),
        lambda: reset_description(at.registry, at.artifacts, "other", "m", 1),
    ):
        with pytest.raises(VersionNotFound):
            call()


def test_a_version_that_is_not_ready_has_no_description(at, uploads):
    upload_whole(at.registry, uploads, "t", NewVersion("m", "m.onnx"), TENANT, b"x")
    with pytest.raises(VersionNotReady, match="only a ready one has a description"):
        set_description(at.registry, at.artifacts, "t", "m", 1, b"aimass: 1")


def test_whoever_serves_the_version_sees_a_new_description_within_seconds(at, imported):
    imported(classifier(), labels=("r", "g", "b"))
    now = 1000.0
    finder = VersionFinder(at.registry, lambda: now)
    assert finder.find("t", "m", 1).class_names == ("r", "g", "b")
    set_description(at.registry, at.artifacts, "t", "m", 1, b"aimass: 1\nlabels: [x, y, z]")
    now += NAME_SECONDS
    assert NAME_SECONDS < 5
    assert finder.find("t", "m", 1).class_names == ("x", "y", "z")
    reset_description(at.registry, at.artifacts, "t", "m", 1)
    now += NAME_SECONDS
    assert finder.find("t", "m", 1).class_names == ("r", "g", "b")


def test_a_versions_record_shows_the_labels_that_its_answers_have(at, imported):
    imported(classifier(), labels=("r", "g", "b"))
    after = set_description(at.registry, at.artifacts, "t", "m", 1, b"aimass: 1\nlabels: [x, y, z]")
    assert version_view("t", after, at.artifacts)["labels"] == ["x", "y", "z"]


def rows():
    """Sums of two columns, as margins of two classes."""
    return model(
        [node("MatMul", ["input", "k"], ["scores"])],
        [value("input", ["n", 2])],
        [value("scores", ["n", 2])],
        [weight("k", np.array([[1, -1], [2, -2]], np.float32))],
    ).SerializeToString()


MARGINS = {"output": {"output": "scores", "activation": "none"}}


def test_what_a_converter_knows_is_still_known_when_the_description_is_set(at, imported):
    converted = ConvertedModel(None, labels=("no", "yes"), describes=MARGINS | table(["a", "b"], takes_nan=True))
    version = imported(rows(), converted=converted)
    columns = (Column("a", "input", "nan"), Column("b", "input", "nan"))
    assert version.description == Description(
        ("no", "yes"), table=TableInput(columns), classes=ClassOutput("scores"),
        inferred=("labels", "input.table", "output"),
    )  # fmt: skip
    assert version.raw_scores == ("scores",)
    after = set_description(at.registry, at.artifacts, "t", "m", 1, b"aimass: 1\nlabels: [x, y]")
    assert (after.description.table, after.description.classes) == (TableInput(columns), ClassOutput("scores"))
    body = b"aimass: 1\ninput: {table: {columns: [{name: c}, {name: d}]}}"
    named = set_description(at.registry, at.artifacts, "t", "m", 1, body)
    assert [column.missing for column in named.description.table.columns] == ["nan", "nan"]
    assert named.description.labels == ("no", "yes")
    assert at.registry.get_version("t", "m", 1).description == named.description


def test_a_labels_file_of_another_length_than_the_columns_ends_the_import(imported):
    with pytest.raises(LabelsMismatch, match=r"labels\.txt has 2 lines; .* 'logits' has 3") as refused:
        imported(bundle(**{"labels.txt": "a\nb", "model.onnx": classifier()}))
    assert refused.value.details == {"labels": 2}


@pytest.mark.parametrize("said", ["labels: null", "labels: [x, y, z]", "output: null"])
def test_a_labels_file_that_the_document_sets_aside_is_not_held_against_the_model(imported, said):
    files = {"labels.txt": "a\nb", "aimass.yaml": f"aimass: 1\n{said}", "model.onnx": classifier()}
    assert imported(bundle(**files)).description.labels in {(), ("x", "y", "z")}


OWN = ConvertedModel(None, labels=("leaves", "stays"), describes=MARGINS)


@pytest.mark.parametrize("how", ["file", "upload", "document"])
def test_a_model_s_own_classes_in_another_order_end_the_import(imported, how):
    files = {"labels.txt": "stays\nleaves"} if how == "file" else {}
    files |= {"aimass.yaml": "aimass: 1\nlabels: [stays, leaves]"} if how == "document" else {}
    labels = ("stays", "leaves") if how == "upload" else ()
    with pytest.raises(LabelsMismatch, match=r"'stays', 'leaves' were given, the model's columns are 'leaves', 'st"):
        imported(bundle(**files, **{"model.onnx": rows()}), converted=OWN, labels=labels)


def test_a_model_s_own_classes_in_their_order_are_taken_and_not_in_another_later(at, imported):
    version = imported(bundle(**{"labels.txt": "leaves\nstays", "model.onnx": rows()}), converted=OWN)
    assert version.class_names == ("leaves", "stays")
    with pytest.raises(InvalidArguments, match="the model's own classes in another order"):
        set_description(at.registry, at.artifacts, "t", "m", 1, b"aimass: 1\nlabels: [stays, leaves]")


def test_other_names_of_the_classes_are_told(at, imported):
    version = imported(bundle(**{"labels.txt": "goes\nstays", "model.onnx": rows()}), converted=OWN)
    assert version.class_names == ("goes", "stays")
    assert "note: classes got other names by their places: 'leaves' is called 'goes'" in log_of(at, version)
