"""What identify makes of models in other formats than ONNX: one, several, in folders, and hostile ones."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aimass.domain.errors import (
    AmbiguousArchive,
    ArchiveTooLarge,
    ExternalDataMissing,
    InvalidModel,
    TruncatedModel,
    UnsupportedFormat,
)
from aimass.sandbox.identify import Identified, identify_folder
from aimass.sandbox.limits import MIB, Limits
from tests.unit.formats.gguf_files import STRING, U32, gguf, llama
from tests.unit.sandbox.graphs import relu

LIMITS = Limits(seconds=30, memory_bytes=1024 * MIB, file_bytes=64 * MIB)
XGBOOST = b'{"learner":{"attributes":{}}}'
LIGHTGBM = b"tree\nversion=v4\nnum_class=1\n"
TFLITE = b"\x1c\x00\x00\x00TFL3" + bytes(50)
SAVED_MODEL = b"\x08\x01\x12\x08\x0a\x02ab\x12\x02cd"


def safetensors(tensors: dict[str, int]) -> bytes:
    header, at = {}, 0
    for name, size in tensors.items():
        header[name] = {"dtype": "F32", "shape": [size], "data_offsets": [at, at := at + 4 * size]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


def config(architecture: str, **more: Any) -> bytes:
    return json.dumps({"architectures": [architecture], "model_type": "bert"} | more).encode()


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def identify(folder: Path, members: dict[str, bytes], *, loose: bool = False) -> Identified:
    """Of the files in one archive, or as they are."""
    for name, content in (members if loose else {"model.tar.gz": tarred(members)}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return identify_folder(folder, LIMITS)


def test_a_model_to_convert_is_identified_with_its_environment(tmp_path: Path) -> None:
    assert identify(tmp_path, {"my model": XGBOOST}, loose=True) == Identified(
        format="xgboost-json",
        folder=tmp_path,
        main="my model",
        files=("my model",),
        left_out=(),
        framework="",
        opset={},
        ir_version=0,
        parameter_count=None,
        environment="trees",
    )


def test_a_model_in_onnx_is_converted_nowhere(tmp_path: Path) -> None:
    found = identify(tmp_path, {"m.onnx": relu().SerializeToString()}, loose=True)
    assert (found.environment, found.stored, found.facts) == (None, False, {})


def test_a_model_in_the_runtimes_own_format_goes_on_as_it_is(tmp_path: Path) -> None:
    found = identify(tmp_path, {"m": b"\x18\x00\x00\x00ORTM" + bytes(50)}, loose=True)
    assert (found.format, found.environment, found.stored, found.main) == ("ort", None, False, "m")


def test_one_onnx_model_goes_before_all_others(tmp_path: Path) -> None:
    members = {"onnx/model.onnx": relu().SerializeToString(), "model.ort": b"\x18\x00\x00\x00ORTM" + bytes(50)}
    found = identify(tmp_path, members | {"model.json": XGBOOST, "model.txt": LIGHTGBM})
    assert (found.format, found.left_out) == ("onnx", ("model.json", "model.ort", "model.txt"))


@pytest.mark.parametrize(
    "members",
    [{"a.json": XGBOOST, "b.json": XGBOOST}, {"a.json": XGBOOST, "b.txt": LIGHTGBM}],
    ids=["of a format", "of two"],
)
def test_several_models_are_refused_by_name(tmp_path: Path, members: dict[str, bytes]) -> None:
    with pytest.raises(AmbiguousArchive, match=r"one model is expected; found (a\.json, b\.|b\.txt, a\.json)"):
        identify(tmp_path, members)


def test_a_model_goes_before_one_that_is_not_taken(tmp_path: Path) -> None:
    found = identify(tmp_path, {"m.tflite": TFLITE, "model.xml": b'<?xml version="1.0"?><net name="x">'})
    assert (found.format, found.left_out) == ("tflite", ("model.xml",))


def test_files_that_describe_a_model_are_found_beside_it(tmp_path: Path) -> None:
    members = {"m/model.cbm": b"CBM1" + bytes(20), "m/aimass.yaml": b"aimass: 1\n", "labels.txt": b"a\nb\n"}
    found = identify(tmp_path, members)
    assert (found.format, found.main, sorted(found.beside)) == ("catboost", "model.cbm", ["aimass.yaml", "labels.txt"])


def test_weights_are_the_model_only_where_no_graph_is(tmp_path: Path) -> None:
    program = zipped({"m/archive_format": b"pt2", "m/models/model.json": b"{}"})
    found = identify(tmp_path, {"a.safetensors": safetensors({"a": 3}), "b.pt2": program})
    assert (found.format, found.left_out) == ("pt2", ("a.safetensors",))


def test_weights_alone_go_on_to_be_refused_or_known_by_their_architecture(tmp_path: Path) -> None:
    found = identify(tmp_path, {"a.safetensors": safetensors({"a": 3, "b": 2})}, loose=True)
    assert (found.format, found.environment, found.parameter_count) == ("safetensors", "torch", 5)


def test_a_sample_and_its_outputs_are_found_one_of_each(tmp_path: Path) -> None:
    members = {"m/model.txt": LIGHTGBM, "m/sample.json": b"[1]", "m/sample.npy": npy(b""), "sample.npz": zipped({})}
    found = identify(tmp_path, members | {"expected.json": b"[1]", "expected.npz": zipped({"a.npy": b""})})
    assert {name: path.parent.name for name, path in found.beside.items()} == {
        "sample.npy": "m",
        "expected.npz": "unpacked",
    }
    assert found.left_out == ("expected.json", "m/sample.json", "sample.npz")


def test_a_saved_model_is_a_folder(tmp_path: Path) -> None:
    inside = {"saved_model.pb": SAVED_MODEL, "fingerprint.pb": b"\x08\x01", "assets/words.txt": b"a\nb\n"}
    inside |= {
        "variables/variables.index": bytes(40) + bytes.fromhex("57fb808b247547db"),
        "variables/v.data-0": b"\x01",
    }
    members = {f"export/1/{name}": content for name, content in inside.items()} | {"readme.md": b"about"}
    found = identify(tmp_path, members)
    assert (found.format, found.environment, found.main) == ("savedmodel", "tensorflow", "saved_model.pb")
    assert sorted(found.files) == sorted(inside)
    assert found.left_out == ("readme.md",)
    assert (found.folder / "variables/v.data-0").read_bytes() == b"\x01"


TOKENIZER = {"tokenizer.json": b"{}", "tokenizer_config.json": b"{}", "vocab.txt": b"[PAD]\n"}


def test_a_hugging_face_folder_is_one_model_whatever_else_it_holds(tmp_path: Path) -> None:
    members = TOKENIZER | {
        "config.json": config("BertForSequenceClassification", max_position_embeddings=512, transformers_version="5.1"),
        "model.safetensors": safetensors({"a": 3, "b": 4}),
        "pytorch_model.bin": zipped({"a/data.pkl": b"", "a/version": b"3"}),
        "training_args.bin": zipped({"a/data.pkl": b"", "a/version": b"3"}),
        "1_Pooling/config.json": b'{"word_embedding_dimension": 3}',
        "README.md": b"about",
    }
    found = identify(tmp_path, {f"my-bert/{name}": content for name, content in members.items()})
    assert (found.format, found.environment, found.main) == ("huggingface", "torch", "config.json")
    assert sorted(found.files) == sorted(members.keys() - {"pytorch_model.bin", "training_args.bin", "README.md"})
    assert (found.framework, found.parameter_count) == ("transformers 5.1", 7)
    assert found.facts["architecture"] == "BertForSequenceClassification"
    assert found.facts["context_length"] == 512
    assert {"config.json", "tokenizer.json", "tokenizer_config.json"} <= found.beside.keys()


def test_pickled_weights_make_a_folder_of_another_kind(tmp_path: Path) -> None:
    weights = zipped({"a/data.pkl": b"", "a/version": b"3"})
    found = identify(tmp_path, {"config.json": config("BertModel"), "pytorch_model.bin": weights}, loose=True)
    assert found.format == "huggingface-pickled"


@pytest.mark.parametrize("name", ["part.safetensors", "part.json"])
def test_pickled_weights_are_told_by_their_content_and_not_by_their_name(tmp_path: Path, name: str) -> None:
    weights = zipped({"a/data.pkl": b"", "a/version": b"3"})
    members = {"config.json": config("BertModel"), "pytorch_model.bin.index.json": index(name), name: weights}
    assert identify(tmp_path, members, loose=True).format == "huggingface-pickled"


@pytest.mark.parametrize("architecture", ["LlamaForCausalLM", "GPT2LMHeadModel", "T5ForConditionalGeneration"])
def test_a_causal_language_model_is_kept_as_it_is(tmp_path: Path, architecture: str) -> None:
    members = TOKENIZER | {"config.json": config(architecture), "model.safetensors": safetensors({"a": 3})}
    found = identify(tmp_path, members)
    assert (found.format, found.stored, found.environment) == ("causal-lm", True, None)
    assert found.facts["architecture"] == architecture


def index(*shards: str) -> bytes:
    return json.dumps({"weight_map": {str(number): shard for number, shard in enumerate(shards)}}).encode()


def test_weights_in_parts_are_all_of_the_model(tmp_path: Path) -> None:
    one, two = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    members = {"config.json": config("BertModel"), "model.safetensors.index.json": index(one, two, one)}
    found = identify(tmp_path, members | {one: safetensors({"a": 3}), two: safetensors({"b": 4})})
    assert found.files == ("config.json", "model.safetensors.index.json", one, two)
    assert found.parameter_count == 7


@pytest.mark.parametrize(
    ("shard", "message"),
    [
        ("model-2.safetensors", "'model-2.safetensors', which model.safetensors.index.json names, is not among"),
        ("config.json", "'config.json', which model.safetensors.index.json names, is not among the weights"),
        ("../../../etc/passwd", "not as plain file names"),
        ("/etc/passwd", "not as plain file names"),
        ("..", "not as plain file names"),
    ],
)
def test_a_part_that_is_missing_or_lies_elsewhere_is_refused(tmp_path: Path, shard: str, message: str) -> None:
    members = {"config.json": config("BertModel"), "model.safetensors.index.json": index(shard)}
    with pytest.raises(ExternalDataMissing, match=message):
        identify(tmp_path, members)


def test_an_adapter_is_refused_with_what_to_do(tmp_path: Path) -> None:
    members = {"adapter_config.json": b'{"peft_type": "LORA"}', "adapter_model.safetensors": safetensors({"a": 3})}
    with pytest.raises(UnsupportedFormat, match=r"an adapter .* which is not taken: merge it into its model"):
        identify(tmp_path, members)


def test_a_core_ml_package_is_refused_as_one(tmp_path: Path) -> None:
    model = b"\x08\x04\x12\x00\xa2\x1f\x00"
    members = {"Manifest.json": b'{"a": 1}', "Data/com.apple.CoreML/model.mlmodel": model}
    members = {f"m.mlpackage/{name}": content for name, content in members.items()}
    with pytest.raises(UnsupportedFormat, match=r"a Core ML package \(\.mlpackage\), which is not taken: send the"):
        identify(tmp_path, members | {"m.mlpackage/Data/com.apple.CoreML/weights/weight.bin": b"\x00"})


def test_a_spacy_pipeline_is_refused_as_one(tmp_path: Path) -> None:
    members = {
        "en/meta.json": b'{"spacy_version": ">=3"}',
        "en/config.cfg": b"[nlp]\n",
        "en/ner/model": b"\x80\x04K\x01.",
    }
    with pytest.raises(UnsupportedFormat, match="recognised as a spaCy pipeline, which is not taken: "):
        identify(tmp_path, members)


def test_a_language_model_is_kept_with_what_it_says_of_itself(tmp_path: Path) -> None:
    found = identify(tmp_path, {"tiny.gguf": llama()}, loose=True)
    assert (found.format, found.stored, found.environment) == ("gguf", True, None)
    assert (found.framework, found.parameter_count) == ("GGUF 3", 12)
    assert found.facts == {
        "architecture": "llama",
        "name": "Tiny",
        "licence": "apache-2.0",
        "context_length": 4096,
        "quantization": "Q4_K_M",
        "tokenizer": "gpt2",
        "vocabulary": 3,
        "tensors": 1,
    }


def part(number: int, of: int = 2) -> bytes:
    return llama(**{"split.no": (U32, number), "split.count": (U32, of)})


def test_the_parts_of_a_language_model_are_one_model(tmp_path: Path) -> None:
    found = identify(tmp_path, {"a-00002-of-00002.gguf": part(1), "b-00001-of-00002.gguf": part(0)})
    assert found.files == ("b-00001-of-00002.gguf", "a-00002-of-00002.gguf")
    assert found.parameter_count == 24


def test_texts_of_a_language_model_are_cut(tmp_path: Path) -> None:
    told = {"general.architecture": (STRING, "a" * 100_000), "general.name": (STRING, "\x1b[31m\u202e")}
    found = identify(tmp_path, {"m": gguf(told, {"w": ((1,), 0)}, 4)}, loose=True)
    assert len(found.facts["architecture"]) <= 200
    assert found.facts["name"].isprintable()


# What nobody vouches for: whatever it says, nothing happens but a refusal, or being told for what it is.


class Touch:
    """Pickles as a call that makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def npy(payload: bytes) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    return file.getvalue() + payload


def torch_zip(payload: bytes) -> bytes:
    return zipped({"m/data.pkl": payload, "m/version": b"3"})


WRAPPERS: dict[str, Any] = {
    "bare": lambda payload: {"model.pkl": payload},
    "gzip": lambda payload: {"m.joblib": gzip.compress(payload)},
    "zlib": lambda payload: {"m.joblib": zlib.compress(payload)},
    "bz2": lambda payload: {"m.joblib": bz2.compress(payload)},
    "xz": lambda payload: {"m.joblib": lzma.compress(payload)},
    "lzma": lambda payload: {"m.joblib": lzma.compress(payload, format=lzma.FORMAT_ALONE)},
    "torch": lambda payload: {"m.pt": torch_zip(payload)},
    "torch in zip": lambda payload: {"m.zip": zipped({"m.pt": torch_zip(payload)})},
    "torchscript": lambda payload: {"m.pt": zipped({"m/data.pkl": payload, "m/constants.pkl": payload})},
    "zip in tar": lambda payload: {"m.tar.gz": tarred({"m.zip": zipped({"m.pkl": payload})})},
    "tar in zip": lambda payload: {"m.zip": zipped({"m/model.pkl": payload, "labels.txt": b"a"})},
    "npy": lambda payload: {"m.npy": npy(payload)},
    "npz": lambda payload: {"m.npz": zipped({"a.npy": npy(payload)})},
    "folder": lambda payload: {"config.json": config("BertModel"), "pytorch_model.bin": torch_zip(payload)},
    "skops": lambda payload: {"m.skops": zipped({"schema.json": b"{}", "1.pkl": payload})},
    "keras": lambda payload: {"m.keras": zipped({"config.json": b"{}", "model.weights.h5": payload})},
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_pickle_in_any_wrapper_is_looked_at_and_never_loaded(tmp_path: Path, wrapper: str) -> None:
    (tmp_path / "in").mkdir()
    bait = tmp_path / "bait"
    payload = pickle.dumps(Touch(bait), protocol=2)
    pickle.loads(payload)
    assert bait.exists(), "the bait must work"
    bait.unlink()
    with suppress(UnsupportedFormat, AmbiguousArchive):
        identify(tmp_path / "in", WRAPPERS[wrapper](payload), loose=True)
    assert not bait.exists()


def test_the_bait_of_a_compressed_pickle_works_where_it_is_loaded(tmp_path: Path) -> None:
    payload = gzip.compress(pickle.dumps(Touch(tmp_path / "bait"), protocol=2))
    code = "import sys, gzip, pickle; pickle.loads(gzip.decompress(sys.stdin.buffer.read()))"
    subprocess.run([sys.executable, "-c", code], input=payload, check=True)
    assert (tmp_path / "bait").exists()


HEADER_LIES = {
    "gguf counts": (gguf({}, keys=1 << 63), InvalidModel, "announces"),
    "gguf tensors": (gguf({}, count=1 << 63), InvalidModel, "announces"),
    "gguf text": (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 60), InvalidModel, "has a text of"),
    "gguf end": (llama()[:-20], TruncatedModel, "cut short"),
    "safetensors end": (safetensors({"a": 8})[:-4], TruncatedModel, "cut short within the tensor 'a'"),
    "safetensors depth": (struct.pack("<Q", 100_005) + b'{"a":' + b"[" * 100_000, InvalidModel, "nested too deep"),
    "safetensors header": (struct.pack("<Q", 90_000_000) + b'{"a":', TruncatedModel, "its header announces 90000000"),
}


@pytest.mark.parametrize("lie", HEADER_LIES)
def test_a_header_that_lies_is_refused_by_what_it_says(tmp_path: Path, lie: str) -> None:
    content, error, message = HEADER_LIES[lie]
    with pytest.raises(error, match=rf"model\.bin .*{message}"):
        identify(tmp_path, {"model.bin": content}, loose=True)


@pytest.mark.parametrize(
    "content",
    [b"[" * 200_000, b'{"architectures":' * 50_000, b'{"a": 1, "a": 2}', b'{"architectures": [[]], "model_type": 7}'],
    ids=["deep list", "deep object", "twice", "types"],
)
def test_a_configuration_that_is_none_makes_no_folder_of_a_model(tmp_path: Path, content: bytes) -> None:
    found = identify(tmp_path, {"config.json": content, "model.safetensors": safetensors({"a": 3})}, loose=True)
    assert found.format in {"safetensors", "huggingface"}


def test_an_entity_bomb_is_a_document_that_nobody_parses(tmp_path: Path) -> None:
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE PMML [<!ENTITY e0 "ha">{lines}]><PMML>&e11;</PMML>'.encode()
    with pytest.raises(UnsupportedFormat, match="not a model: the file is an XML document"):
        identify(tmp_path, {"m.pmml": bomb}, loose=True)
    outside = b'<?xml version="1.0"?>\n<net name="&x;" version="11"><!ENTITY x SYSTEM "file:///etc/passwd"></net>'
    with pytest.raises(UnsupportedFormat, match=r"recognised as an OpenVINO model"):
        identify(tmp_path, {"m.pmml": outside}, loose=True)


def test_a_zip_bomb_named_as_a_saved_model_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("saved_model.pb", SAVED_MODEL)
        archive.writestr("variables/variables.data-00000-of-00001", bytes(65 * MIB))
    with pytest.raises(ArchiveTooLarge, match="unpacks to more than"):
        identify(tmp_path, {"m.zip": file.getvalue()}, loose=True)


def test_a_saved_model_of_too_many_files_is_refused(tmp_path: Path) -> None:
    members = {"saved_model.pb": SAVED_MODEL} | {f"assets/{number}": b"a" for number in range(1000)}
    with pytest.raises(InvalidModel, match="1001 files"):
        identify(tmp_path, members)
