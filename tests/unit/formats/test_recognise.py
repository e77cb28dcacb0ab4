from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import random
import struct
import tarfile
import zipfile
import zlib
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.domain.errors import TruncatedModel
from aimass.formats.recognise import ACCEPTED, recognise, recognise_content, title, unsupported
from tests.unit.sandbox.graphs import endless_loop, relu

MODEL = endless_loop().SerializeToString()


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.onnx"), io.BytesIO())
    return file.getvalue()


def field(number: int, payload: bytes | int) -> bytes:
    if isinstance(payload, int):
        return bytes([number << 3, payload])
    key = number << 3 | 2
    return (bytes([key]) if key < 128 else bytes([key & 127 | 128, key >> 7])) + bytes([len(payload)]) + payload


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(2))
    return file.getvalue()


SKLEARN = b"\x80\x04\x95\xe9\x02\x00\x00\x00\x00\x00\x00\x8c\x10sklearn.pipeline\x94."
TORCH_MAGIC = 0x1950A86A20F9469CFC6C
SAFETENSORS_HEADER = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'

CASES = {
    "onnx": [MODEL, relu().SerializeToString()],
    "ort": [b"\x18\x00\x00\x00ORTM" + bytes(50)],
    "pt2": [
        zipped("m/archive_format", "m/models/model.json", "m/data/weights/weight_0", "m/version"),
        zipped("serialized_exported_program.json", "serialized_state_dict.pt", "version"),
    ],
    "torchscript": [zipped("m/data.pkl", "m/code/__torch__.py", "m/version"), zipped("m/constants.pkl", "m/data.pkl")],
    "pytorch": [zipped("m/data.pkl", "m/version", "m/data/0")],
    "pytorch-legacy": [pickle.dumps(TORCH_MAGIC, protocol=2)],
    "keras": [zipped("metadata.json", "config.json", "model.weights.h5")],
    "npz": [zipped("x.npy", "y.npy")],
    "zip": [
        zipped("model.onnx", "weights.bin"),
        zipped("model.onnx", "schema.json"),
        zipped("saved_model.pb", "schema.json"),
        zipped(),
        b"PK\x03\x04 and then nothing",
    ],
    "tar": [tarred()],
    "tar.gz": [gzip.compress(tarred(), mtime=0)],
    "tar.bz2": [bz2.compress(tarred())],
    "tar.xz": [lzma.compress(tarred())],
    "gzip": [gzip.compress(MODEL, mtime=0)],
    "keras-hdf5": [b"\x89HDF\r\n\x1a\n" + bytes(500) + b"keras_version"],
    "hdf5": [b"\x89HDF\r\n\x1a\n" + bytes(500)],
    "tflite": [b"\x1c\x00\x00\x00TFL3" + bytes(50)],
    "savedmodel": [field(1, 1) + field(2, field(1, b"info") + field(2, b"graph"))],
    "tf-graph": [field(1, field(1, b"input") + field(2, b"Placeholder"))],
    "safetensors": [struct.pack("<Q", len(SAFETENSORS_HEADER)) + SAFETENSORS_HEADER + bytes(4)],
    "gguf": [b"GGUF\x03\x00\x00\x00"],
    "skops": [zipped("schema.json", "1.npy")],
    "sklearn": [
        SKLEARN,
        *(pack(SKLEARN) for pack in (zlib.compress, partial(gzip.compress, mtime=0), bz2.compress, lzma.compress)),
        lzma.compress(SKLEARN, format=lzma.FORMAT_ALONE),
    ],
    "pickle": [
        pickle.dumps({"a": 1}),
        gzip.compress(pickle.dumps([1, 2]), mtime=0),
        pickle.dumps(Path("x"), protocol=0),
        pickle.dumps({"a": 1}, protocol=0),
        pickle.dumps({"a": 1}, protocol=1),
    ],
    "lz4": [b"\x04\x22\x4d\x18" + bytes(20)],
    "joblib-old": [b"ZF0x2a                 "],
    "xgboost-json": [b'{"learner":{"attributes":{}', b'{"version":[2,0,3],"learner":{}}'],
    "xgboost-binary": [b"binf" + bytes(30)],
    "xgboost-dump": [b"booster[0]:\n0:[f2<2.45] yes=1", b'[\n  { "nodeid": 0, "depth": 0, "split": "f2"'],
    "xgboost-ubj": [b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{"],
    "lightgbm": [b"tree\nversion=v4\nnum_class=1\n"],
    "catboost-json": [b'{\n  "features_info":\n    {\n      "float_features":'],
    "lightgbm-dump": [b'{"name":"tree","version":"v4","num_class":1'],
    "catboost": [b"CBM1\x10\x00\x00\x00"],
    "coreml": [field(1, 4) + field(2, b"") + b"\xa2\x1f\x00"],
    "paddle": [
        field(1, field(1, 0) + b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        b'{"base_code":{"magic":"pir","trainable":false}',
    ],
    "tf-checkpoint": [bytes(40) + bytes.fromhex("57fb808b247547db")],
    "tensorflowjs": [b'{"format": "graph-model", "generatedBy": "2"', b'{"modelTopology": {"keras_version": "2"'],
    "ctranslate2": [b"\x06\x00\x00\x00\x10\x00TransformerSpec\x00\x07\x00\x00\x00"],
    "pmml": [b'<?xml version="1.0"?>\n<PMML version="4.4">', b"<!-- made by hand -->\n<PMML xmlns='x'>"],
    "openvino": [b'<?xml version="1.0"?>\n<net name="model" version="11">'],
    "xml": [b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><PMML>&c;</PMML>'],
    "ggml": [b"lmgg\x00", b"tjgg\x01"],
    "mxnet": [b'{\n  "nodes": [\n    {\n      "op": "null",', (0x112).to_bytes(8, "little") + bytes(40)],
    "caffe": [
        b'name: "LeNet"\nlayer {\n  name: "data"',
        field(1, b"LeNet") + b"\xa2\x06\x0c" + field(1, b"conv") + field(2, b"Conv"),
    ],
    "darknet": [b"[net]\n# Testing\nbatch=1\n", bytes([0, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0]) + bytes(40)],
    "tensorrt": [b"ftrt" + bytes(20)],
    "rknn": [b"RKNN" + bytes(20)],
    "ncnn": [b"7767517\n75 83\n"],
    "executorch": [b"\x30\x00\x00\x00ET12" + bytes(20)],
    "r-object": [
        gzip.compress(b"X\n\x00\x00\x00\x03\x00\x04", mtime=0),
        b"RDX3\nX\n\x00\x00\x00\x03",
        bz2.compress(b"X\n\x00\x00\x00\x02"),
    ],
    "fasttext": [b"\xba\x16\x4f\x2f\x0c\x00\x00\x00"],
    "java": [b"\xac\xed\x00\x05sr\x00"],
    "h2o-mojo": [zipped("model.ini", "domains/d000.txt", "trees/t00_000.bin")],
    "office": [zipped("[Content_Types].xml", "word/document.xml")],
    "empty": [b""],
    "git-lfs": [b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"],
    "html": [b"<!DOCTYPE html><html>", b"\n <html lang=en>"],
    "json": [json.dumps({"model_type": "bert"}).encode(), b"[1, 2]"],
    "text": [
        b"a list of labels\nover two lines\n",
        "Grüße".encode(),
        b"cat\ndog\n",
        b"cat\ndog\n(both).",
        b"name: of a column\n",
    ],
    "npy": [npy()],
    "png": [b"\x89PNG\r\n\x1a\n" + bytes(20)],
    "unknown": [b"\x00" * 100, b"\xde\xad\xbe\xef" * 20],
}


@pytest.mark.parametrize(
    ("name", "content"), [(name, content) for name, contents in CASES.items() for content in contents]
)
def test_a_format_is_recognised_by_its_content(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / "misleading.onnx"
    path.write_bytes(content)
    assert recognise(path) == name


def test_every_format_has_a_title() -> None:
    assert all(title(name) != title("unknown") for name in CASES.keys() - {"unknown"})


def test_a_model_of_a_format_that_is_not_taken_is_named_with_the_way_to_one_that_is() -> None:
    remedy = "send the PyTorch or TensorFlow model that it was made from"
    error = unsupported("coreml")
    verdict = "recognised as a Core ML model (.mlmodel), which is not taken"
    assert error.message == f"{verdict}: {remedy}. Accepted: {ACCEPTED}"
    assert error.details == {"format": "coreml", "remedy": remedy, "accepted": ACCEPTED}


def test_what_is_accepted_names_every_family_that_is_converted_or_kept() -> None:
    for name in (
        "ONNX",
        ".ort",
        "skops",
        "XGBoost",
        "LightGBM",
        "CatBoost",
        ".pt2",
        "SavedModel",
        "Hugging Face",
        "GGUF",
    ):
        assert name in ACCEPTED


@pytest.mark.parametrize("name", ["empty", "html", "unknown", "git-lfs"])
def test_what_is_no_model_is_called_so(name: str) -> None:
    assert unsupported(name).message.startswith("not a model: the file is ")


@given(st.integers(1, len(MODEL) - 1))
def test_no_truncation_of_a_model_passes_as_a_whole_one(size: int) -> None:
    """Only where the cut falls between two fields does a valid message remain; it imports no operator set then."""
    try:
        name = recognise_content(MODEL[:size])
    except TruncatedModel:
        return
    assert name != "onnx" or not onnx.ModelProto.FromString(MODEL[:size]).opset_import


def test_a_model_cut_short_is_called_truncated() -> None:
    with pytest.raises(TruncatedModel, match="cut short"):
        recognise_content(MODEL[: len(MODEL) // 2])


def test_a_model_of_many_gigabytes_is_recognised_without_reading_it(tmp_path: Path) -> None:
    graph_size = 5 << 30
    length = b"".join(bytes([graph_size >> shift & 127 | 128]) for shift in range(0, 28, 7)) + bytes([graph_size >> 28])
    name, weights = b"\x12\x05graph", graph_size - 7 - 11
    raw = b"".join(bytes([weights >> shift & 127 | 128]) for shift in range(0, 63, 7)) + bytes([0])
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(b"\x08\x08\x3a" + length + name + b"\x2a" + raw)
        file.seek(weights, 1)
        file.write(b"\x42\x02\x10\x11")
    assert recognise(path) == "onnx"


@given(st.binary(max_size=300))
def test_random_bytes_never_crash_it(content: bytes) -> None:
    with suppress(TruncatedModel):
        assert isinstance(recognise_content(content), str)


MAGICS = [contents[0][:8] for contents in CASES.values() if contents[0]]


@given(st.sampled_from([*MAGICS, b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b"\x78\x9c"]), st.binary(max_size=700))
def test_random_bytes_after_a_magic_never_crash_it(magic: bytes, content: bytes) -> None:
    test_random_bytes_never_crash_it.hypothesis.inner_test(magic + content)


@given(st.data())
def test_a_model_with_a_changed_byte_never_crashes_it(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(MODEL) - 1))
    changed = MODEL[:position] + data.draw(st.binary(min_size=1, max_size=1)) + MODEL[position + 1 :]
    test_random_bytes_never_crash_it.hypothesis.inner_test(changed)


def test_a_dictionary_that_no_memory_holds_is_not_made_for_a_look_at_a_file() -> None:
    head = lzma.compress(SKLEARN, format=lzma.FORMAT_ALONE)
    assert recognise_content(head[:1] + (0xF000_0000).to_bytes(4, "little") + head[5:]) == "unknown"


def test_a_tar_of_many_incompressible_bytes_is_recognised_through_bzip2(tmp_path):
    path = tmp_path / "m.tar.bz2"
    with tarfile.open(path, "w:bz2") as archive:
        entry = tarfile.TarInfo("weights.bin")
        entry.size = 2_000_000
        archive.addfile(entry, io.BytesIO(random.Random(1).randbytes(entry.size)))
    assert recognise(path) == "tar.bz2"
