"""Real models, imported over HTTP, answer as raw onnxruntime does on the file that was uploaded."""

import numpy as np
import pytest
import tritonclient.http as triton

from tests.e2e.catalogue import EXAMPLES
from tests.e2e.client import assert_same, expected

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_real_model_imports_and_answers_as_onnxruntime_does(client, example):
    body = example.model_bytes()
    job = client.import_model(example.name, body)
    assert job["state"] == "succeeded", job["error"]
    wanted = expected(body, example.feed)
    got = client.infer(example.name, example.feed)
    assert set(got) == set(wanted)
    for name, value in wanted.items():
        assert_same(name, value, got[name])
    binary = infer_binary(client, example.name, example.feed)
    for name, value in wanted.items():
        if not isinstance(value, list):
            assert_same(name, value, binary[name])


def infer_binary(client, model, feed):
    """The same through an unmodified tritonclient, binary both ways."""
    scheme, _, address = client.url.partition("://")
    remote = triton.InferenceServerClient(address, ssl=scheme == "https", connection_timeout=60, network_timeout=60)
    inputs = []
    for name, array in feed.items():
        kind = triton.InferInput(name, list(array.shape), triton.np_to_triton_dtype(array.dtype))
        kind.set_data_from_numpy(array)
        inputs.append(kind)
    answer = remote.infer(model, inputs, headers=dict(client.headers))  # it adds its own
    got = {}
    for output in answer.get_response()["outputs"]:
        array = answer.as_numpy(output["name"])
        if output["datatype"] == "BYTES":
            array = np.array([text.decode() for text in array.ravel()], dtype=object).reshape(array.shape)
        got[output["name"]] = array
    return got
