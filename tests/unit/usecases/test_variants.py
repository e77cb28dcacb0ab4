"""Which variant answers, and variants that are taken away."""

from dataclasses import replace

import numpy as np
import pytest

from aimass.adapters.onnxruntime.session import OnnxRuntime
from aimass.domain.errors import (
    CompressionRunning,
    Conflict,
    InvalidArguments,
    VariantNotFound,
    VariantServing,
    VersionNotReady,
)
from aimass.domain.files import ModelFiles, Packed, StoredFile
from aimass.domain.jobs import Job
from aimass.domain.model import Variant
from aimass.inference.dataplane import Asked
from aimass.inference.folders import ModelFolders
from aimass.inference.sessions import Sessions
from aimass.usecases.download import downloads
from aimass.usecases.predict import Predictor
from aimass.usecases.variants import change_version, remove_variant
from aimass.usecases.versions import delete_version
from tests.unit.aws.test_registry import FILES, MEASURED, listed, reserved, running
from tests.unit.inference.plane import TENANT, Shelf
from tests.unit.sandbox.graphs import model, node, value, weight, write
from tests.unit.usecases.test_stored_versions import stored

SMALL = ModelFiles("m.onnx", (StoredFile("m.onnx", "cd" * 32, 6, packed=Packed("ef" * 32, 3)),))
OPTIMIZED = ModelFiles("o.onnx", (StoredFile("o.onnx", "12" * 32, 7),))


class Index:
    def __init__(self):
        self.touched, self.freed = set(), []

    def touch(self, tenant, sha256):
        self.touched.add(sha256)

    def unrefer(self, tenant, model, version, digests):
        self.freed.append((tenant, model, version, set(digests)))


def variant(name, files=SMALL, optimized=None):
    return Variant(name, "int8", False, {}, files, optimized, MEASURED)


@pytest.fixture
def version(registry):
    importing, job = running(registry)
    original = Variant("original", None, False, {}, FILES, None, MEASURED)
    variants = (original, variant("int8", SMALL, OPTIMIZED), variant("clean", FILES))
    done = replace(importing, state="ready", variants=variants)
    registry.register("t", done, job)
    return done


def serve(registry, name):
    return change_version(registry, "t", "m", 1, {"serving_variant": name})


def test_another_variant_answers_and_the_original_again(registry, version):
    epochs = [registry.model_epoch("t", "m")]
    for name in ("int8", "original"):
        assert serve(registry, name).serving.name == name
        assert registry.get_version("t", "m", 1).serving_variant == name
        assert [(one.serving_variant, one.size) for one in listed(registry)] == [(name, FILES.size)]
        epochs.append(registry.model_epoch("t", "m"))
    assert sorted(set(epochs)) == epochs


def test_what_answers_already_is_written_no_second_time(registry, version):
    serve(registry, "int8")
    epoch = registry.model_epoch("t", "m")
    assert serve(registry, "int8").serving_variant == "int8"
    assert registry.model_epoch("t", "m") == epoch


def test_a_variant_that_is_not_there_is_refused_and_those_that_are_are_named(registry, version):
    with pytest.raises(InvalidArguments, match="no variant 'int4'; there are: 'original', 'int8', 'clean'") as caught:
        serve(registry, "int4")
    assert caught.value.details["fields"].keys() == {"serving_variant"}


def test_where_one_change_is_refused_nothing_changes(registry, version):
    with pytest.raises(InvalidArguments):
        change_version(registry, "t", "m", 1, {"notes": "small", "serving_variant": "int4"})
    with pytest.raises(InvalidArguments):
        change_version(registry, "t", "m", 1, {"tags": {"": ""}, "serving_variant": "int8"})
    found = registry.get_version("t", "m", 1)
    assert (found.notes, found.serving_variant) == (None, "original")
    change_version(registry, "t", "m", 1, {"notes": "small", "serving_variant": "int8"})
    found = registry.get_version("t", "m", 1)
    assert (found.notes, found.serving_variant) == ("small", "int8")


def test_a_change_that_another_call_overtakes_changes_nothing(registry, version, monkeypatch):
    read = registry.get_version("t", "m", 1)
    remove_variant(registry, Index(), "t", "m", 1, "clean")
    monkeypatch.setattr(registry, "get_version", lambda *_: read)
    with pytest.raises(Conflict):
        change_version(registry, "t", "m", 1, {"notes": "small", "serving_variant": "int8"})
    monkeypatch.undo()
    found = registry.get_version("t", "m", 1)
    assert (found.notes, found.serving_variant) == (None, "original")


def test_only_a_ready_version_has_one_that_answers(registry):
    reserved(registry)
    with pytest.raises(VersionNotReady, match="importing"):
        serve(registry, "original")
    stored(registry, 2)
    with pytest.raises(VersionNotReady, match="stored"):
        change_version(registry, "t", "m", 2, {"serving_variant": "original"})


def test_a_variant_that_is_removed_frees_what_only_it_used_and_gives_back_its_bytes(registry, version, limits):
    index, before = Index(), limits.usage_of("t").bytes
    remove_variant(registry, index, "t", "m", 1, "int8")
    found = registry.get_version("t", "m", 1)
    assert [one.name for one in found.variants] == ["original", "clean"]
    assert [one.variant_names for one in listed(registry)] == [("original", "clean")]
    assert index.freed == [("t", "m", 1, {"ef" * 32, "12" * 32})]
    assert index.touched == {"ef" * 32, "12" * 32}
    assert before - limits.usage_of("t").bytes == 3 + 7
    remove_variant(registry, index, "t", "m", 1, "clean")
    assert index.freed[1:] == [("t", "m", 1, set())]
    assert before - limits.usage_of("t").bytes == 10


def test_whoever_serves_a_version_hears_that_a_variant_is_gone(registry, version):
    epoch = registry.model_epoch("t", "m")
    remove_variant(registry, Index(), "t", "m", 1, "int8")
    assert registry.model_epoch("t", "m") > epoch


def test_what_answers_stays_until_something_else_does(registry, version):
    serve(registry, "int8")
    index = Index()
    with pytest.raises(VariantServing, match="serving_variant"):
        remove_variant(registry, index, "t", "m", 1, "int8")
    assert index.freed == []
    serve(registry, "original")
    remove_variant(registry, index, "t", "m", 1, "int8")


def test_one_that_began_to_answer_meanwhile_is_not_removed(registry, version, monkeypatch):
    read = registry.get_version("t", "m", 1)
    serve(registry, "int8")
    monkeypatch.setattr(registry, "get_version", lambda *_: read)
    index = Index()
    with pytest.raises(Conflict):
        remove_variant(registry, index, "t", "m", 1, "int8")
    assert index.freed == []


def test_the_original_stays(registry, version):
    with pytest.raises(InvalidArguments, match="the original stays"):
        remove_variant(registry, Index(), "t", "m", 1, "original")


def test_one_that_is_not_there_is_not_found(registry, version):
    with pytest.raises(VariantNotFound, match="there are: 'original', 'int8', 'clean'"):
        remove_variant(registry, Index(), "t", "m", 1, "int4")
    delete_version(registry, "t", "m", 1)
    with pytest.raises(VersionNotReady):
        remove_variant(registry, Index(), "t", "m", 1, "int8")


@pytest.mark.parametrize("finished_at", [None, "2026-01-01T00:00:00.000Z"])
def test_none_is_removed_while_a_compression_may_keep_it(registry, version, monkeypatch, finished_at):
    job = Job("job-2", "compression", "m", 1, "m.onnx", "running", "now", finished_at=finished_at)
    monkeypatch.setattr(registry, "get_version", lambda *_: replace(version, compressing="job-2"))
    monkeypatch.setattr(registry, "get_job", lambda *_: job)
    if finished_at:
        remove_variant(registry, Index(), "t", "m", 1, "int8")
        return
    with pytest.raises(CompressionRunning) as caught:
        remove_variant(registry, Index(), "t", "m", 1, "int8")
    assert caught.value.details["job_id"] == "job-2"


def test_a_packed_file_is_downloaded_as_it_is_stored_with_both_sizes_and_digests(registry, version, artifacts):
    (file,) = downloads(registry, artifacts, "t", "m", 1, "int8")["files"]
    assert f"artifacts/t/sha256/{'ef' * 32}" in file.pop("url")
    assert file == {
        "path": "m.onnx",
        "size": 6,
        "sha256": "cd" * 32,
        "packed": "zstd",
        "stored_size": 3,
        "stored_sha256": "ef" * 32,
    }
    (file,) = downloads(registry, artifacts, "t", "m", 1, "original")["files"]
    assert file.keys() == {"path", "size", "sha256", "url"}


def test_one_whose_optimised_graph_is_of_another_runtime_answers_from_its_own_packed_one(artifacts, tmp_path):
    rows = np.ones((1, 20_000), np.float32)
    source = write(tmp_path, scaled_by(np.full(20_000, 3, np.float32)))
    kept = ModelFiles("model.onnx", (artifacts.put_packed(TENANT, "model.onnx", source),))
    assert kept.files[0].packed
    gone = ModelFiles("optimized.onnx", (StoredFile("optimized.onnx", "12" * 32, 7),))
    shelf = Shelf()
    made = shelf.add("m", scaled_by(np.full(20_000, 2, np.float32)))
    small = replace(variant("int8", kept, gone), measurements=replace(MEASURED, onnxruntime="1.0.0"))
    version = replace(made, variants=(*made.variants, small), serving_variant="int8")
    sessions = Sessions(OnnxRuntime(threads=1), ModelFolders(tmp_path / "models", artifacts, 1 << 30), 1 << 30)
    done = Predictor(shelf, lambda: sessions, 20).predict(TENANT, Asked(version, {"x": rows}))
    assert (done.variant.name, done.outputs[0][1].sum()) == ("int8", 60_000)


def scaled_by(factors):
    return model(
        [node("Mul", ["x", "w"], ["y"])],
        [value("x", ["n", len(factors)])],
        [value("y", ["n", len(factors)])],
        [weight("w", factors)],
    )
