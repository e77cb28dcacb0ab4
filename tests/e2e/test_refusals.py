"""What cannot become a version is refused in the sandbox, with a reason to act on; nothing is half registered."""

import gzip
import io
import tarfile

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from tests.e2e.catalogue import doubling_loop, model
from tests.e2e.test_uploads import linear, linear_with_external_data, tar_gz, zipped

pytestmark = pytest.mark.e2e

X = h.make_tensor_value_info("x", T.FLOAT, ["n"])
Y = h.make_tensor_value_info("y", T.FLOAT, ["n"])


def identity(op="Identity", domain="", **options):
    return model([h.make_node(op, ["x"], ["y"], domain=domain)], [X], [Y], **options)


def unknown_operator():
    graph = h.make_graph([h.make_node("Frobnicate", ["x"], ["y"], domain="acme.ops")], "g", [X], [Y])
    opsets = [h.make_opsetid("", 17), h.make_opsetid("acme.ops", 1)]
    return h.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def type_error():
    nodes = [h.make_node("Cast", ["x"], ["i"], to=T.INT64), h.make_node("Add", ["x", "i"], ["y"])]
    return model(nodes, [X], [Y])


def cycle():
    nodes = [
        h.make_node("Add", ["x", "b"], ["a"]),
        h.make_node("Identity", ["a"], ["b"]),
        h.make_node("Identity", ["b"], ["y"]),
    ]
    return model(nodes, [X], [Y])


def memory_hog(elements=2**34):
    """Expands to 64 GiB."""
    shape = numpy_helper.from_array(np.array([elements], np.int64), "shape")
    one = numpy_helper.from_array(np.array([1], np.float32), "one")
    nodes = [
        h.make_node("Expand", ["one", "shape"], ["big"]),
        h.make_node("ReduceSum", ["big"], ["s"]),
        h.make_node("Add", ["x", "s"], ["y"]),
    ]
    return model(nodes, [X], [Y], [shape, one])


def link_archive(kind):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo("model.onnx")
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    return out.getvalue()


def without(files, name):
    return {path: body for path, body in files.items() if path != name}


REFUSALS = {
    "not a model": (lambda: b"hello, this is no model at all", "unsupported_format", "not a model"),
    "empty archive": (lambda: tar_gz({}), "unsupported_format", "tar"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(64), "unsupported_format", ""),
    "another format": (lambda: b'<?xml version="1.0"?><PMML version="4.4"></PMML>', "unsupported_format", "Accepted"),
    "truncated": (lambda: linear()[:-20], "truncated_model", ""),
    "an unknown operator": (unknown_operator, "unknown_operator", "Frobnicate"),
    "an opset too new": (lambda: identity(opset=99), "opset_too_new", "99"),
    "a type error": (type_error, "invalid_model", ""),
    "a cycle": (cycle, "invalid_model", ""),
    "external data missing": (
        lambda: tar_gz(without(linear_with_external_data(), "weights.bin")),
        "external_data_missing",
        "weights.bin",
    ),
    "external data alone": (lambda: linear_with_external_data()["model.onnx"], "external_data_missing", "weights.bin"),
    "external data outside its folder": (
        lambda: tar_gz({"m/model.onnx": linear_with_external_data("../../etc/passwd")["model.onnx"]}),
        "external_data_escapes",
        "../../etc/passwd",
    ),
    "an archive that escapes": (lambda: tar_gz({"../evil.onnx": linear()}), "unsafe_archive", "../evil.onnx"),
    "an archive with an absolute path": (lambda: zipped({"/evil.onnx": linear()}), "unsafe_archive", "/evil.onnx"),
    "an archive with a symbolic link": (lambda: link_archive(tarfile.SYMTYPE), "unsafe_archive", "model.onnx"),
    "an archive with a hard link": (lambda: link_archive(tarfile.LNKTYPE), "unsafe_archive", "model.onnx"),
    "a sample in a form that is not read": (
        lambda: zipped({"m.onnx": linear(), "sample.csv": b"a,b\n1,2\n"}),
        "invalid_sample",
        "send it as sample.npz or sample.npy or sample.json",
    ),
    "expected outputs without a sample": (
        lambda: zipped({"m.onnx": linear(), "expected.json": b"[1]"}),
        "invalid_sample",
        "came without the inputs",
    ),
    "a configuration without weights": (
        lambda: zipped({"m/config.json": b'{"model_type": "bert"}', "m/tokenizer.json": b"{}"}),
        "external_data_missing",
        "put model.safetensors",
    ),
    "two models in one archive": (
        lambda: zipped({"a.onnx": linear(), "b.onnx": linear(2)}),
        "ambiguous_archive",
        "a.onnx",
    ),
    "a model that never returns": (lambda: doubling_loop(endless=True), "model_timeout", "20"),
    "a model that asks for too much memory": (memory_hog, "model_out_of_memory", "MB of memory"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_it_is_refused_with_its_code_and_what_to_do(client, case):
    make, code, fragment = REFUSALS[case]
    name = case.replace(" ", "-")[:60]
    job = client.import_model(name, make())
    assert job["state"] == "failed"
    assert job["error"]["code"] == code, job["error"]
    assert fragment in job["error"]["message"]
    assert "/tmp" not in str(job["error"])
    version = client.call("GET", f"/api/v1/models/{name}/versions/1").json()
    assert (version["state"], version["error"]) == ("failed", job["error"])
    assert client.call("GET", f"/v2/models/{name}/ready").status_code != 200


def test_an_archive_that_would_unpack_beyond_its_limit_is_refused(client):
    job = client.import_model("bomb", declared_too_large(), "bomb.tar.gz")
    assert (job["state"], job["error"]["code"]) == ("failed", "archive_too_large")


def declared_too_large():
    """A header that announces 64 GiB, and nothing behind it."""
    entry = tarfile.TarInfo("model.onnx")
    entry.size = 64 << 30
    return gzip.compress(entry.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20))


def test_a_waiting_upload_answers_422_with_the_same_error(client):
    answer = client.call("POST", "/upload?wait=25", files={"model": b"no model"}, data={"name": "refused-now"})
    body = answer.json()
    assert answer.status_code == 422
    assert body["code"] == "unsupported_format"
    assert body["details"]["step"] == "identify"
    assert body["request_id"]
