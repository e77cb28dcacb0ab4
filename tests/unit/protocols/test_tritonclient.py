"""tritonclient's own encoding and decoding of requests and answers, without its socket."""

import gzip

import ml_dtypes
import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import np_to_triton_dtype

ARRAYS = {
    "FP32": np.array([[0.1, -2.5], [np.inf, 1e-40]], np.float32),
    "FP16": np.array([0.1, 65504], np.float16),
    "BF16": np.array([0.5, -3], ml_dtypes.bfloat16),
    "INT64": np.array([2**63 - 1, -(2**63)], np.int64),
    "UINT64": np.array([2**64 - 1, 0], np.uint64),
    "BOOL": np.array([[True, False]]),
    "BYTES": np.array(["é😀", "", "a\0b"], object),
}


@pytest.fixture
def infer(caller):
    def call(datatype, array, binary=True, outputs=None, request_id="", compress=False):
        given = InferInput(f"x_{datatype}", list(array.shape), np_to_triton_dtype(array.dtype))
        given.set_data_from_numpy(array, binary_data=binary)
        body, length = InferenceServerClient.generate_request_body([given], outputs=outputs, request_id=request_id)
        headers = {} if length is None else {"inference-header-content-length": str(length)}
        if compress:
            body, headers = gzip.compress(body), headers | {"content-encoding": "gzip"}
        answer = caller.call("POST", f"/v2/models/echo-{datatype.lower()}/infer", body, headers)
        assert answer.status == 200, answer.body
        length = answer.headers.get("Inference-Header-Content-Length")
        return InferenceServerClient.parse_response_body(answer.body, header_length=length and int(length))

    return call


def same(found, wanted):
    if wanted.dtype.kind == "O":
        found = np.array([one.decode() if isinstance(one, bytes) else one for one in found], object)
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    assert found.tolist() == wanted.tolist()


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("datatype", ARRAYS)
def test_binary_in_and_out_is_exact(infer, datatype, compress):
    same(infer(datatype, ARRAYS[datatype], compress=compress).as_numpy(f"y_{datatype}"), ARRAYS[datatype])


@pytest.mark.parametrize("asked_binary", [True, False])
@pytest.mark.parametrize("datatype", [one for one in ARRAYS if one != "BF16"])
def test_json_in_and_an_output_asked_for_in_either_form_is_exact(infer, datatype, asked_binary):
    wanted = [InferRequestedOutput(f"y_{datatype}", binary_data=asked_binary)]
    result = infer(datatype, ARRAYS[datatype], binary=False, outputs=wanted)
    same(result.as_numpy(f"y_{datatype}"), ARRAYS[datatype])
    assert ("data" in result.get_output(f"y_{datatype}")) is not asked_binary


@pytest.mark.parametrize("shape", [(0,), (2, 0), (1, 1, 1)])
def test_empty_and_deep_shapes_come_back(infer, shape):
    same(infer("FP32", np.zeros(shape, np.float32)).as_numpy("y_FP32"), np.zeros(shape, np.float32))


def test_the_clients_id_comes_back_and_one_it_left_out_stays_out(infer):
    assert infer("FP32", ARRAYS["FP32"], request_id="seven").get_response()["id"] == "seven"
    assert "id" not in infer("FP32", ARRAYS["FP32"]).get_response()
