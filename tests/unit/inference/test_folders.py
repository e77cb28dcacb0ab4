from dataclasses import replace

import pytest

from aimass.domain.files import ModelFiles, Packed
from aimass.inference.folders import ModelFolders
from tests.unit.inference.plane import TENANT, Shelf


@pytest.fixture
def shelf():
    return Shelf()


def test_every_file_lies_at_its_relative_path(shelf, tmp_path):
    model = shelf.store({"model.onnx": b"graph", "weights/a.bin": b"data"})
    folder = ModelFolders(tmp_path, shelf, 1000).folder(TENANT, model)
    assert (folder / "model.onnx").read_bytes() == b"graph"
    assert (folder / "weights/a.bin").read_bytes() == b"data"


def test_a_model_is_fetched_once_a_tenant(shelf, tmp_path):
    model = shelf.store({"model.onnx": b"graph"})
    folders = ModelFolders(tmp_path, shelf, 1000)
    assert folders.folder(TENANT, model) == folders.folder(TENANT, model)
    assert folders.folder(TENANT, model) != folders.folder("other", model)
    assert shelf.reads == ["artifact model.onnx"] * 2


def test_a_single_file_lies_beside_the_models_within_the_same_bound(shelf, tmp_path):
    folders = ModelFolders(tmp_path, shelf, 10)
    file = shelf.store({"text/tokenizer.json": b"123456"}).files[0]
    path = folders.file(TENANT, file)
    assert path.read_bytes() == b"123456"
    assert folders.file(TENANT, file) == path
    folders.folder(TENANT, shelf.store({"model.onnx": b"abcdef"}))
    assert not path.exists()


def test_the_disk_holds_no_more_than_its_bound(shelf, tmp_path):
    folders = ModelFolders(tmp_path, shelf, 10)
    first = folders.folder(TENANT, shelf.store({"model.onnx": b"123456"}))
    second = folders.folder(TENANT, shelf.store({"model.onnx": b"abcdef"}))
    assert not first.exists()
    assert second.exists()


def test_a_packed_file_needs_room_for_both(shelf, tmp_path):
    folders = ModelFolders(tmp_path, shelf, 10)
    first = folders.folder(TENANT, shelf.store({"model.onnx": b"123"}))
    (file,) = shelf.store({"model.onnx": b"abcde"}).files
    packed = replace(file, packed=Packed("ab" * 32, 3))
    second = folders.folder(TENANT, ModelFiles("model.onnx", (packed,)))
    assert not first.exists()
    assert second.exists()


def test_a_fetch_that_fails_leaves_nothing_behind(shelf, tmp_path):
    model = shelf.store({"model.onnx": b"graph", "weights.bin": b"data"})
    del shelf.blobs[model.files[1].sha256]
    with pytest.raises(KeyError):
        ModelFolders(tmp_path, shelf, 1000).folder(TENANT, model)
    assert list(tmp_path.iterdir()) == []
