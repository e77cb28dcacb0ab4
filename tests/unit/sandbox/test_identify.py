from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper

from aimass.domain.errors import (
    AmbiguousArchive,
    ArchiveTooLarge,
    ExternalDataEscapes,
    ExternalDataMissing,
    InvalidModel,
    TruncatedModel,
    UnsafeArchive,
    UnsupportedFormat,
)
from aimass.sandbox.identify import Identified, identify_folder
from aimass.sandbox.limits import MIB, Limits
from tests.unit.sandbox.graphs import add_external, endless_loop, external, model, node, relu, value, weight, write

LIMITS = Limits(seconds=30, memory_bytes=1024 * MIB, file_bytes=4 * MIB)
WEIGHTS = bytes(8)


def identify(folder: Path) -> Identified:
    return identify_folder(folder, LIMITS)


def upload(folder: Path, **files: bytes | ModelProto) -> Path:
    """Several loose files; `__` in a name stands for a dot."""
    for name, content in files.items():
        data = content.SerializeToString() if isinstance(content, ModelProto) else content
        (folder / name.replace("__", ".")).write_bytes(data)
    return folder


def archive(folder: Path, name: str, members: dict[str, bytes]) -> Path:
    if name.endswith(".zip"):
        with zipfile.ZipFile(folder / name, "w") as zipped:
            for member, content in members.items():
                zipped.writestr(member, content)
        return folder
    with tarfile.open(folder / name, "w:gz") as tar:
        for member, content in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return folder


def test_one_file_is_described_by_what_it_says_of_itself(tmp_path: Path) -> None:
    proto = model(
        [node("Gemm", ["x", "w", "b"], ["y"])],
        [value("x", ["n", 3])],
        [value("y", ["n", 2])],
        [weight("w", np.zeros((3, 2), np.float32)), weight("b", np.zeros(2, np.float32))],
        opset={"": 17, "ai.onnx.ml": 3},
        producer_name="pytorch",
        producer_version="2.13.0",
    )
    assert identify(upload(tmp_path, **{"Mödel v1": proto})) == Identified(
        format="onnx",
        folder=tmp_path,
        main="Mödel v1",
        files=("Mödel v1",),
        left_out=(),
        framework="pytorch 2.13.0",
        opset={"ai.onnx": 17, "ai.onnx.ml": 3},
        ir_version=8,
        parameter_count=8,
    )


def test_a_model_that_names_no_producer_is_called_onnx(tmp_path: Path) -> None:
    assert identify(upload(tmp_path, m=relu())).framework == "onnx"


def test_the_tensors_beside_decision_trees_are_not_taken_for_their_size(tmp_path: Path) -> None:
    """A leaf that answers 1, and a constant that is added."""
    of_nodes, of_targets = ("tree", "node", "feature", "truenode", "falsenode"), ("tree", "node", "")
    attributes: dict[str, Any] = {f"nodes_{one}ids": [0] for one in of_nodes}
    attributes |= {f"target_{one}ids": [0] for one in of_targets}
    attributes |= {"nodes_values": [0.0], "nodes_modes": ["LEAF"], "target_weights": [1.0], "n_targets": 1}
    trees = helper.make_node("TreeEnsembleRegressor", ["x"], ["t"], domain="ai.onnx.ml", **attributes)
    proto = model(
        [trees, node("Add", ["t", "base"], ["y"])],
        [value("x", ["n", 3])],
        [value("y", ["n", 1])],
        [weight("base", np.float32([0.5]))],
        opset={"": 17, "ai.onnx.ml": 3},
    )
    assert identify(upload(tmp_path, m=proto)).parameter_count is None


def test_parameters_within_subgraphs_and_sparse_ones_count(tmp_path: Path) -> None:
    proto = endless_loop()
    proto.graph.node[0].attribute[0].g.initializer.append(weight("inner", np.zeros((2, 5), np.float32)))
    values, indices = weight("sparse", np.ones(3, np.float32)), weight("", np.array([0, 4, 9]))
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [10]))
    proto.graph.node.append(node("Constant", [], ["c"], value=weight("c", np.zeros(100, np.float32))))
    assert identify(upload(tmp_path, m=proto)).parameter_count == 1 + 10 + 3


@pytest.mark.parametrize("name", ["model.tar.gz", "model.zip"])
def test_an_archive_is_unpacked_and_only_the_models_files_are_kept(tmp_path: Path, name: str) -> None:
    members = {
        "bundle/model.onnx": add_external("data/w.bin", length=8).SerializeToString(),
        "bundle/data/w.bin": WEIGHTS,
        "bundle/sample.npz": b"PK",
        "README.md": b"about",
    }
    found = identify(archive(tmp_path, name, members))
    assert (found.main, found.files) == ("model.onnx", ("model.onnx", "data/w.bin"))
    assert found.left_out == ("README.md",)
    assert found.beside == {"sample.npz": found.folder / "sample.npz"}
    assert (found.folder / "data/w.bin").read_bytes() == WEIGHTS
    assert found.folder.is_relative_to(tmp_path)


def test_files_that_describe_the_model_are_found_beside_it_and_at_the_archives_root(tmp_path: Path) -> None:
    members = {
        "aimass.yaml": b"aimass: 1\nlabels: lists/names.txt\n",
        "config.json": b"the root's",
        "lists/names.txt": b"a",
        "lists/other.txt": b"b",
        "onnx/config.json": b"the model's",
        "onnx/model.onnx": relu().SerializeToString(),
    }
    found = identify(archive(tmp_path, "model.zip", members))
    told = {name: path.read_bytes() for name, path in found.beside.items()}
    assert told == {
        "aimass.yaml": members["aimass.yaml"],
        "config.json": b"the model's",
        "lists/names.txt": b"a",
    }
    assert found.left_out == ("config.json", "lists/other.txt")


def test_a_file_too_large_to_describe_a_model_is_left_out(tmp_path: Path) -> None:
    found = identify(upload(tmp_path, model__onnx=relu(), config__json=b" " * (3 * MIB), labels__txt=b"a"))
    assert (list(found.beside), found.left_out) == (["labels.txt"], ("config.json",))


def test_several_loose_files_are_one_model(tmp_path: Path) -> None:
    found = identify(upload(tmp_path, model__onnx=add_external("w.bin"), w__bin=WEIGHTS, sample__json=b"{}"))
    assert found.files == ("model.onnx", "w.bin")


def test_an_archive_may_come_with_a_loose_sample(tmp_path: Path) -> None:
    archive(tmp_path, "model.zip", {"model.onnx": relu().SerializeToString()})
    assert identify(upload(tmp_path, sample__json=b"[1, 2]")).main == "model.onnx"


def test_external_data_that_looks_like_a_model_is_not_taken_for_one(tmp_path: Path) -> None:
    weights = relu().SerializeToString()
    found = identify(upload(tmp_path, a__bin=weights, model__onnx=add_external("a.bin")))
    assert (found.main, found.files) == ("model.onnx", ("model.onnx", "a.bin"))


def test_tensors_may_share_a_file_and_lie_anywhere_in_a_subgraph(tmp_path: Path) -> None:
    proto = endless_loop()
    proto.graph.initializer.append(external("a", [2], "w.bin"))
    body = proto.graph.node[0].attribute[0].g
    body.initializer.append(external("b", [1], "./w.bin", offset=4, length=4))
    body.node.append(node("Constant", [], ["c"], value=external("c", [1], "c.bin")))
    assert identify(upload(tmp_path, m=proto, w__bin=WEIGHTS, c__bin=WEIGHTS)).files == ("m", "w.bin", "c.bin")


def test_a_file_of_a_format_that_is_not_taken_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match=r"recognised as a fastText model.*not taken: .*\. Accepted: ONNX"):
        identify(upload(tmp_path, model__onnx=b"\xba\x16\x4f\x2f" + bytes(50)))


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x00" * 100, b"\x08\x08\x12"])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnsupportedFormat, match="not a model"):
        identify(upload(tmp_path, model__onnx=content))


def test_a_truncated_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TruncatedModel, match="cut short"):
        identify(upload(tmp_path, model__onnx=relu().SerializeToString()[:-20]))


def test_a_truncated_model_in_an_archive_is_refused_by_name(tmp_path: Path) -> None:
    content = relu().SerializeToString()[:-20]
    with pytest.raises(TruncatedModel, match=r"a/model\.onnx: the ONNX file is cut short"):
        identify(archive(tmp_path, "m.zip", {"a/model.onnx": content, "b.txt": b"text"}))


def test_a_model_whose_last_fields_are_missing_is_refused(tmp_path: Path) -> None:
    proto = relu()
    proto.ClearField("opset_import")
    with pytest.raises(InvalidModel, match="no operator set; the file may be cut short"):
        identify(upload(tmp_path, model__onnx=proto))


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    content = relu().SerializeToString()
    with pytest.raises(InvalidModel, match="damaged"):
        identify(upload(tmp_path, model__onnx=content.replace(b"\x0a\x01x", b"\x0f\x01x")))


def test_missing_external_data_names_file_and_tensor(tmp_path: Path) -> None:
    with pytest.raises(ExternalDataMissing, match=r"tensor 'w', 'w\.bin', is not among the files uploaded") as caught:
        identify(upload(tmp_path, model__onnx=add_external("w.bin")))
    assert caught.value.details == {"file": "w.bin", "tensor": "w"}


@pytest.mark.parametrize("entries", [{"length": 12}, {"offset": 4, "length": 8}, {"offset": 4}])
def test_external_data_that_is_too_short_is_refused(tmp_path: Path, entries: dict[str, int]) -> None:
    with pytest.raises(ExternalDataMissing, match=r"cut short: 12 bytes are needed, 8 are there"):
        identify(upload(tmp_path, model__onnx=add_external("w.bin", **entries), w__bin=WEIGHTS))


@pytest.mark.parametrize(
    "location", ["../w.bin", "/etc/passwd", "a/../../w.bin", "*/_ORT_MEM_ADDR_/*", "w.bin\0", "link.bin"]
)
def test_external_data_outside_the_models_folder_is_refused_by_name(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "upload"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(WEIGHTS)
    (folder / "link.bin").symlink_to(tmp_path / "w.bin")
    with pytest.raises(ExternalDataEscapes, match="tensor 'w'") as caught:
        identify(upload(folder, model__onnx=add_external(location)))
    assert caught.value.details["tensor"] == "w"
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "*/_ORT_MEM_ADDR_/*"])
@pytest.mark.parametrize("deep", [False, True])
def test_external_data_in_a_functions_defaults_is_checked_too(tmp_path: Path, location: str, deep: bool) -> None:
    proto, tensor = relu(), external("w", [2], location)
    function = proto.functions.add(name="f", domain="local")
    if deep:
        inner = helper.make_graph([node("Constant", [], ["c"], value=tensor)], "inner", [], [value("c")])
        function.attribute_proto.append(helper.make_attribute("body", inner))
    else:
        function.attribute_proto.append(helper.make_attribute("default", tensor))
    folder = tmp_path / "upload"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(WEIGHTS)
    with pytest.raises(ExternalDataEscapes, match="tensor 'w'"):
        identify(upload(folder, model__onnx=proto))


def test_the_weights_of_one_model_are_in_at_most_1000_files(tmp_path: Path) -> None:
    proto = relu()
    for number in range(1000):
        proto.graph.initializer.append(external(f"w{number}", [2], f"{number}.bin"))
        (tmp_path / f"{number}.bin").write_bytes(WEIGHTS)
    assert len(identify(upload(tmp_path, model__onnx=proto)).files) == 1001
    proto.graph.initializer.append(external("w", [2], "one-more.bin"))
    with pytest.raises(InvalidModel, match=r"weights in 1001 files; pack them into one \(onnx\.save with all_tensors"):
        identify(upload(tmp_path, model__onnx=proto, **{"one-more__bin": WEIGHTS}))


def test_the_paths_of_one_model_are_short_together(tmp_path: Path) -> None:
    proto, folder = relu(), "d" * 200 + "/" + "e" * 200
    (tmp_path / folder).mkdir(parents=True)
    for number in range(350):
        proto.graph.initializer.append(external(f"w{number}", [2], f"{folder}/{number}.bin"))
        (tmp_path / folder / f"{number}.bin").write_bytes(WEIGHTS)
    with pytest.raises(InvalidModel, match=r"paths of the model's 350 files are too long; pack them"):
        identify(upload(tmp_path, model__onnx=proto))


def test_an_external_path_is_at_most_512_bytes(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="longer than 512 bytes") as caught:
        identify(upload(tmp_path, model__onnx=add_external("./" * 260 + "w.bin"), w__bin=WEIGHTS))
    assert len(str(caught.value.details["file"])) <= 200


@pytest.mark.parametrize("domains", [[f"d{number}" for number in range(64)], ["d" * 129]])
def test_operator_domains_are_few_and_short(tmp_path: Path, domains: list[str]) -> None:
    proto = model([node("Relu", ["x"], ["y"])], [value("x")], [value("y")], opset={"": 17, **dict.fromkeys(domains, 1)})
    with pytest.raises(InvalidModel, match="at most 64 of 128 characters"):
        identify(upload(tmp_path, model__onnx=proto))


def test_a_producers_name_is_cut(tmp_path: Path) -> None:
    proto = relu()
    proto.producer_name = "p" * 300_000
    assert len(identify(upload(tmp_path, model__onnx=proto)).framework) <= 200


def test_long_names_are_cut_in_a_refusal(tmp_path: Path) -> None:
    proto = add_external("w.bin")
    proto.graph.initializer[0].name = "n" * 300_000
    with pytest.raises(ExternalDataMissing, match=r"nnn', 'w\.bin', is not among the files uploaded") as caught:
        identify(upload(tmp_path, model__onnx=proto))
    assert len(caught.value.message) < 400
    assert len(str(caught.value.details["tensor"])) <= 200


def test_odd_external_data_is_refused(tmp_path: Path) -> None:
    proto = add_external("w.bin")
    proto.graph.initializer[0].external_data.add(key="offset", value="-1")
    with pytest.raises(InvalidModel, match="tensor 'w' has offset '-1'"):
        identify(upload(tmp_path, model__onnx=proto, w__bin=WEIGHTS))


def test_a_shape_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    proto = relu()
    proto.graph.initializer.append(TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 40, 1 << 40]))
    with pytest.raises(InvalidModel, match="tensor 'w' has the shape"):
        identify(upload(tmp_path, model__onnx=proto))


def test_several_models_are_refused_by_name(tmp_path: Path) -> None:
    content = relu().SerializeToString()
    with pytest.raises(AmbiguousArchive, match=r"found a/model\.onnx, model_quantized\.onnx"):
        identify(archive(tmp_path, "m.tar.gz", {"a/model.onnx": content, "model_quantized.onnx": content}))


def test_an_archive_of_another_format_names_what_was_found(tmp_path: Path) -> None:
    members = {"a.rknn": b"RKNN" + bytes(20), "b.bin": b"\xba\x16\x4f\x2f" + bytes(50)}
    with pytest.raises(UnsupportedFormat, match=r"a\.rknn is an RKNN model; b\.bin is a fastText model.*Acc") as caught:
        identify(archive(tmp_path, "m.zip", members))
    assert caught.value.details["format"] == "rknn"


def test_an_archive_without_a_model_names_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match=r"among 1 files: labels\.txt is a text"):
        identify(archive(tmp_path, "m.zip", {"labels.txt": b"cat\ndog\n"}))


def test_an_archive_within_an_archive_is_named_and_not_unpacked(tmp_path: Path) -> None:
    inner = archive(tmp_path, "inner.zip", {"model.onnx": relu().SerializeToString()}) / "inner.zip"
    content = inner.read_bytes()
    inner.unlink()
    with pytest.raises(UnsupportedFormat, match=r"inner\.zip is a zip archive"):
        identify(archive(tmp_path, "outer.zip", {"inner.zip": content}))


def test_an_unsafe_archive_is_refused_in_the_child(tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchive, match="leaves the archive's folder"):
        identify(archive(tmp_path, "m.tar.gz", {"../evil": b"evil"}))
    assert not (tmp_path.parent / "evil").exists()


def test_an_archive_that_unpacks_beyond_its_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveTooLarge, match="more than 4194304 bytes"):
        identify(archive(tmp_path, "m.tar.gz", {"bomb": bytes(50 * MIB)}))


def test_a_model_over_2_gb_in_one_file_is_told_to_use_external_data(tmp_path: Path) -> None:
    path = write(tmp_path, relu())
    size = (1 << 31) + 100
    length = b"".join(bytes([size >> shift & 127 | 128]) for shift in range(0, 28, 7)) + bytes([size >> 28])
    with path.open("ab") as file:
        file.write(b"\xa2\x01" + length)
        file.truncate(file.tell() + size)
    with pytest.raises(InvalidModel, match=r"over 2 GB .* external data"):
        identify(tmp_path)
