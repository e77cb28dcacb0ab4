"""Every value of every datatype comes back over every wire bit for bit, from a model that hands on what it gets."""

import base64
import gzip
import io
import json
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import pytest
import tritonclient.utils as triton

from aimass.domain.datatypes import FLOATS
from tests.unit.inference.models import ELEMENTS, echo, numbers_of

pytestmark = pytest.mark.e2e

TEXTS = [
    "",
    "\0",
    "a\0b\0",
    "é",
    "e\u0301",
    "😀𝄞",
    '"\\/\b\f\n\r\t',
    "\u2028\ufeff\uffff",
    "日本語",
    "a" * 300,
    "{}",
    "NaN",
]


def dtype_of(datatype):
    return np.dtype(object) if datatype == "BYTES" else numbers_of(datatype)


def edges(datatype):
    """The values where a datatype breaks, if anywhere."""
    if datatype == "BYTES":
        return np.array(TEXTS, object)
    if datatype == "BOOL":
        return np.array([True, False, False, True])
    dtype = dtype_of(datatype)
    if datatype in FLOATS:
        limits = ml_dtypes.finfo(dtype)
        tiny, most = limits.smallest_subnormal, limits.max
        values = [np.nan, np.inf, -np.inf, -0.0, 0.0, tiny, -tiny, limits.tiny, most, -most, limits.eps, 1 / 3]
        return np.array([float(one) for one in values]).astype(dtype)
    limits = np.iinfo(dtype)
    near = {limits.min, limits.max, limits.min + 1, limits.max - 1, 0, 1, -1, 2**53 + 1, -(2**53) - 1, 2**53}
    return np.array(sorted(one for one in near if limits.min <= one <= limits.max), dtype)


def rows_of(datatype, count):
    return np.resize(edges(datatype), (count, 4)) if count else np.empty((0, 4), dtype_of(datatype))


def plain(array):
    """As Python's own values, which `json` writes exactly."""
    return (array.astype(np.float64) if array.dtype == ml_dtypes.bfloat16 else array).tolist()


def back(values, datatype, shape):
    """An array of what JSON gave. A datatype of numbers takes its numbers only where they are exact."""
    array = np.array(values, object).reshape(shape)
    if datatype in FLOATS:
        return array.astype(np.float64).astype(dtype_of(datatype))
    return array.astype(dtype_of(datatype))


def post(client, path, body, headers=None):
    answer = client.call("POST", path, data=body, headers=headers or {})
    assert answer.status_code == 200, answer.text[:2000]
    return answer


def document(answer):
    """Its JSON with NaN and the infinities, which what `requests` picks may refuse."""
    return json.loads(answer.content)


def rows(client, name, datatype, array):
    body = json.dumps({"instances": [{f"x_{datatype}": row} for row in plain(array)]})
    answer = post(client, f"/v1/models/{name}:predict", body)
    return back(document(answer)["predictions"], datatype, array.shape)


def columns(client, name, datatype, array):
    answer = post(client, f"/v1/models/{name}:predict", json.dumps({"inputs": {f"x_{datatype}": plain(array)}}))
    return back(document(answer)["outputs"], datatype, array.shape)


def infer_json(client, name, datatype, array):
    tensor = {"name": f"x_{datatype}", "shape": list(array.shape), "datatype": datatype, "data": plain(array.ravel())}
    (output,) = document(post(client, f"/v2/models/{name}/infer", json.dumps({"inputs": [tensor]})))["outputs"]
    return back(output["data"], output["datatype"], output["shape"])


def packed(datatype, array):
    if datatype == "BYTES":
        return triton.serialize_byte_tensor(array).item() if array.size else b""
    return array.tobytes()


def unpacked(data, tensor):
    if tensor["datatype"] == "BYTES":
        texts = triton.deserialize_bytes_tensor(data)
        return np.array([one.decode() for one in texts], object).reshape(tensor["shape"])
    return np.frombuffer(data, dtype_of(tensor["datatype"])).reshape(tensor["shape"])


def infer_binary(client, name, datatype, array, coding=None):
    data = packed(datatype, array)
    parameters = {"binary_data_size": len(data)}
    tensor = {"name": f"x_{datatype}", "shape": list(array.shape), "datatype": datatype, "parameters": parameters}
    header = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    headers = {"Inference-Header-Content-Length": str(len(header)), "Accept-Encoding": coding or "identity"}
    body = header + data
    if coding:
        body, headers = gzip.compress(body, 1), headers | {"Content-Encoding": coding}
    answer = post(client, f"/v2/models/{name}/infer", body, headers)
    length = int(answer.headers["Inference-Header-Content-Length"])
    (output,) = json.loads(answer.content[:length])["outputs"]
    return unpacked(answer.content[length:], output)


def infer_gzip(client, name, datatype, array):
    return infer_binary(client, name, datatype, array, "gzip")


def native(client, name, datatype, array, **asked):
    answer = post(client, "/predict", json.dumps({"model_name": name, "version": 1} | asked))
    return back(document(answer)["prediction"], datatype, array.shape)


def native_rows(client, name, datatype, array):
    data = [{f"x_{datatype}": row} for row in plain(array)]
    return native(client, name, datatype, array, input_format="json", data=data)


def native_array(client, name, datatype, array):
    return native(client, name, datatype, array, input_format="numpy array", data=plain(array))


def native_npy(client, name, datatype, array):
    file = io.BytesIO()
    np.save(file, array.astype(np.str_) if datatype == "BYTES" else array, allow_pickle=False)
    answer = post(client, f"/predict/{name}", file.getvalue(), {"Content-Type": "application/x-npy"})
    return back(document(answer)["prediction"], datatype, array.shape)


WIRES = {
    "tfserving rows": rows,
    "tfserving columns": columns,
    "openinference json": infer_json,
    "openinference binary": infer_binary,
    "openinference binary in gzip": infer_gzip,
    "native json": native_rows,
    "native numpy array": native_array,
    "native npy": native_npy,
}
#: Calls of these name no shape: of no rows at all there is nothing to say.
NO_ROWS = {"tfserving rows", "native json"}
#: A .npy file has no bfloat16, and its texts end where zero bytes begin.
NO_NPY = {"BF16", "BYTES"}
CASES = [(wire, one) for wire in WIRES for one in ELEMENTS if wire != "native npy" or one not in NO_NPY]


def model_of(datatype):
    return f"same-{datatype.lower()}"


@pytest.fixture(scope="module", autouse=True)
def models(client):
    def load(datatype):
        return client.import_model(model_of(datatype), echo(datatype, shape=["n", 4]).SerializeToString())

    fixed = client.import_model("same-two", echo("FP32", shape=[2, 4]).SerializeToString())
    with ThreadPoolExecutor(3) as pool:
        for job in [fixed, *pool.map(load, ELEMENTS)]:
            assert job["state"] == "succeeded", job


def assert_identical(got, wanted):
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
    if wanted.dtype == object:
        assert got.tolist() == wanted.tolist()
        return
    bits = np.dtype(f"u{wanted.dtype.itemsize}")
    is_number = ~np.isnan(wanted.astype(np.float64))
    np.testing.assert_array_equal(got.view(bits)[is_number], wanted.view(bits)[is_number])
    assert np.isnan(got.astype(np.float64)[~is_number]).all()


@pytest.mark.parametrize(("wire", "datatype"), CASES)
def test_every_value_comes_back(client, wire, datatype):
    for count in (0, 1, 2, 7):
        if count or wire not in NO_ROWS:
            array = rows_of(datatype, count)
            assert_identical(WIRES[wire](client, model_of(datatype), datatype, array), array)


@pytest.mark.parametrize("wire", WIRES)
def test_as_many_rows_as_a_call_carries_come_back(client, wire):
    count = 1_000_000 if "binary" in wire or "npy" in wire else 120_000 if wire in NO_ROWS else 250_000
    array = np.random.default_rng(1).integers(0, 9, (count, 4), np.uint8)
    if wire == "native npy":
        array = array[:500_000]  # its answer is JSON
    assert_identical(WIRES[wire](client, model_of("UINT8"), "UINT8", array), array)


@pytest.mark.parametrize("wire", ["openinference json", "openinference binary", "tfserving columns"])
def test_a_batch_larger_than_a_fixed_one_is_split_and_joined(client, wire):
    array = rows_of("FP32", 10)
    assert_identical(WIRES[wire](client, "same-two", "FP32", array), array)


def test_rows_that_fill_no_fixed_batch_are_refused_with_the_way_out(client):
    for path, body in sent("same-two", [[1.0] * 4] * 3, [3, 4]):
        answer = client.call("POST", path, json=body)
        assert answer.status_code == 400
        assert "input 'x_FP32': wants batches of 2 rows, got 3; send a multiple of 2" in answer.json()["error"], path


def sent(name, data, shape):
    """The same data over every wire that speaks JSON."""
    tensor = {"name": "x_FP32", "shape": shape, "datatype": "FP32", "data": data}
    asked = {"model_name": name, "version": 1, "input_format": "numpy array", "data": data}
    return [
        (f"/v1/models/{name}:predict", {"inputs": data}),
        (f"/v1/models/{name}:predict", {"inputs": {"x_FP32": data}}),
        (f"/v2/models/{name}/infer", {"inputs": [tensor]}),
        ("/predict", asked),
        ("/predict", asked | {"input_format": "json", "data": {"x_FP32": data}}),
    ]


@pytest.mark.parametrize(
    ("data", "shape", "what"),
    [
        ([[1, 2, 3]], [1, 3], "wants FP32 of shape [-1, 4], got shape [1, 3]"),
        ([1, 2, 3], [3], "wants FP32 of shape [-1, 4], got shape [3]"),
        ([[[1, 2, 3, 4]]], [1, 1, 4], "wants FP32 of shape [-1, 4], got shape [1, 1, 4]"),
        ([[1, 2, 3, "4"]], [1, 4], 'wants FP32, got "4"'),
        ([[1, 2, 3, None]], [1, 4], "wants FP32, got null"),
        ([[1, 2, 3, True]], [1, 4], "wants FP32, got true"),
        ([[1, 2, 3, 1e39]], [1, 4], "1e+39 is out of the range of FP32"),
        ([[1, 2, 3, 4], [5]], [2, 4], "ragged lists"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_on_every_wire(client, data, shape, what):
    for path, body in sent(model_of("FP32"), data, shape):
        answer = client.call("POST", path, json=body)
        assert answer.status_code == 400, path
        assert "input 'x_FP32'" in answer.json()["error"], path
        assert what in answer.json()["error"], path


def test_a_single_value_is_refused_by_name_and_in_an_object_counts_as_a_row(client):
    *others, (path, of_one_row) = sent(model_of("FP32"), 5, [])
    for wire, body in others:
        error = client.call("POST", wire, json=body).json()["error"]
        assert "input 'x_FP32': wants FP32 of shape [-1, 4], got shape []" in error, wire
    assert "wants FP32 of shape [-1, 4], got shape [1]" in client.call("POST", path, json=of_one_row).json()["error"]


def test_bytes_that_are_no_text_travel_as_base64(client):
    raw = {"b64": base64.b64encode(b"\xff\x00\xfe\x01").decode()}
    for path, body in sent(model_of("BYTES"), [[raw, "a", "b", "c"]], [1, 4]):
        body = json.loads(json.dumps(body).replace("FP32", "BYTES"))
        answer = client.call("POST", path, json=body)
        # The runtime takes them and cannot hand them out.
        assert (answer.status_code, "not UTF-8" in answer.json()["error"]) == (400, True), path
