"""What is read of a SavedModel and a Keras file before TensorFlow or Keras sees it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from aimass.domain.errors import ConversionFailed, InvalidModel
from aimass.formats.converters import _keras_config
from aimass.formats.converters import _tensorflow_operators as operators
from aimass.formats.converters._tensorflow_allowed import computes


def field(number: int, content: bytes) -> bytes:
    """A field of a protobuf message that holds bytes shorter than 16 KiB."""
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + content


def node(operator: str) -> bytes:
    return field(1, b"name") + field(2, operator.encode())


def saved_model(*nodes: str, functions: tuple[str, ...] = ()) -> bytes:
    library = field(1, b"".join(field(3, node(one)) for one in functions))
    graph = b"".join(field(1, node(one)) for one in nodes) + field(2, library)
    return b"\x08\x01" + field(2, field(1, field(4, b"serve")) + field(2, graph))


def test_operators_of_graphs_and_of_their_functions_are_found() -> None:
    content = saved_model("Placeholder", "StatefulPartitionedCall", functions=("MatMul", "ReadFile"))

    assert operators.of_saved_model(content) == {"Placeholder", "StatefulPartitionedCall", "MatMul", "ReadFile"}


def test_a_graph_that_is_named_twice_is_read_twice() -> None:
    content = saved_model("MatMul") + field(2, field(2, field(1, node("WriteFile"))))

    assert "WriteFile" in operators.of_saved_model(content)


@pytest.mark.parametrize("content", [b"\x08\x01\x12\x7f", b"\x08\x01\x13", field(2, field(2, b"\x0a\x05\x12"))])
def test_a_message_that_is_cut_short_or_holds_groups_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidModel):
        operators.of_saved_model(content)


@pytest.mark.parametrize(
    "operator",
    [
        *("ReadFile", "WriteFile", "MatchingFiles", "TFRecordDatasetV2", "TextLineDataset", "ExperimentalCSVDataset"),
        *(
            "InitializeTableFromTextFileV2",
            "WholeFileReaderV2",
            "CreateSummaryFileWriter",
            "DebugIdentityV3",
            "PrintV2",
        ),
        *("SnapshotDatasetV2", "CacheDatasetV2", "LoadAndRemapMatrix", "ImmutableConst", "FileSystemSetConfiguration"),
        *("RpcClient", "RemoteCall", "DataServiceDatasetV4", "_Send", "_HostRecv", "CollectiveReduceV2"),
        *("PyFunc", "EagerPyFunc", "PyFuncStateless", "XlaCustomCallV2", "TRTEngineOp", "TPUExecute", "DumpTensor"),
        *("DatasetFromGraph", "XlaCallModule", "IteratorGetNext", "MapDataset", "OneShotIterator", "RemoteFusedGraph"),
        *("FIFOQueueV2", "Abort", "ReadVariableXlaSplitND", "SymbolicGradient", "", "Relu\n", "relu", "Anything"),
    ],
)
def test_an_operator_that_reaches_out_is_refused_by_name(operator: str) -> None:
    with pytest.raises(ConversionFailed, match=f"{operator.strip()}.*; ") as refused:
        operators.refuse_others({"MatMul", operator})

    assert len(refused.value.details["operators"]) == 1


def test_operators_of_models_are_let_through() -> None:
    operators.refuse_others(
        {"MatMul", "Conv2D", "ReadVariableOp", "VarHandleOp", "SaveV2", "RestoreV2", "StatefulPartitionedCall"}
        | {"TensorListReserve", "LookupTableFindV2", "HashTableV2", "ResourceGather", "StringJoin", "Assert", "Print"}
        | {"SparseSegmentMean", "RandomStandardNormal", "DecodePng", "While", "If", "TensorArrayReadV3"}
    )


@pytest.mark.parametrize(
    "operator", ["SaveV2", "RestoreV2", "VarHandleOp", "StatefulPartitionedCall", "DatasetFromGraph"]
)
def test_what_a_savedmodel_keeps_is_no_operator_of_tensorflow_lite(operator: str) -> None:
    operators.refuse_others({"MatMul", "Erf", "StringLower"}, computes)

    with pytest.raises(ConversionFailed, match=operator):
        operators.refuse_others({"MatMul", operator}, computes)


def keras_file(path: Path, *layers: dict[str, Any]) -> Path:
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": list(layers)}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.9.2"}))
        archive.writestr("config.json", json.dumps(config))
    return path


def layer(name: str, module: str | None = "keras.layers", **more: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": {}, "registered_name": None, **more}


def test_layers_of_keras_are_let_through_and_its_version_is_told(tmp_path: Path) -> None:
    relu = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}
    path = keras_file(
        tmp_path / "model.keras",
        layer("Dense", config={"activation": relu, "kernel_initializer": layer("Zeros", "keras.initializers")}),
        layer("Functional", "keras.src.models.functional"),
        layer("Add", "keras.src.ops.numpy"),
        layer("Dense", None),
        layer("Dense", "tf_keras.layers"),
    )

    assert _keras_config.checked(path, "keras") == "Keras 3.9.2"


@pytest.mark.parametrize(
    "one",
    [
        layer("Lambda"),
        layer("Lambda", None),
        layer("TFSMLayer"),
        layer("Dense", config={"activation": {"class_name": "__lambda__", "config": {"value": "4wEA"}}}),
        layer("function", "os", config="system"),
        layer("get_file", "keras.utils"),
        layer("utils.get_file", "keras"),
        layer("exec", "builtins"),
        layer("Popen", "subprocess"),
        layer("Dense", "keras.layers_of_mine"),
        layer("Doubled", None, registered_name="shop>Doubled"),
        layer("shop>Doubled", None),
        layer("TimeDistributed", config={"layer": layer("Lambda")}),
    ],
)
def test_code_and_classes_of_others_are_refused_however_deep(tmp_path: Path, one: dict[str, Any]) -> None:
    path = keras_file(tmp_path / "model.keras", layer("Dense"), one)

    with pytest.raises(ConversionFailed, match=r"model\.export\('folder'\)"):
        _keras_config.checked(path, "keras")


def test_a_configuration_that_is_nested_too_deep_or_no_json_is_refused(tmp_path: Path) -> None:
    for text in ("[" * 200_000, "{", "\x00"):
        path = tmp_path / "model.keras"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", text)

        with pytest.raises(InvalidModel, match=r"config\.json"):
            _keras_config.checked(path, "keras")


def test_a_file_that_is_no_whole_zip_file_is_refused(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "model.keras", layer("Dense"))
    path.write_bytes(path.read_bytes()[:-30])

    with pytest.raises(InvalidModel, match="damaged"):
        _keras_config.checked(path, "keras")
