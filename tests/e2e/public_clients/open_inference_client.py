"""open-inference-openapi's client against a model that doubles rows of four floats. Prints what it saw as JSON."""

import json
import sys

import httpx
from open_inference.openapi.client import OpenInferenceClient
from open_inference.openapi.core import ApiError
from open_inference.openapi.types import InferenceRequest, RequestInput, RequestOutput

url, model, headers = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = OpenInferenceClient(base_url=url, httpx_client=httpx.Client(headers=headers, timeout=60))
ROWS = [[0.5, -1.0, 2.0, 3.0]]


def request(shape, data):
    tensor = RequestInput(name="x", shape=shape, datatype="FP32", data=data)
    return InferenceRequest(id="seven", inputs=[tensor], outputs=[RequestOutput(name="y")])


def refused(call):
    try:
        call()
    except ApiError as error:
        return [error.status_code, error.body["error"]]
    return None


client.check_server_liveness()
client.check_server_readiness()
client.check_model_readiness(model)
client.check_model_version_readiness(model, "1")
server, metadata = client.read_server_metadata(), client.read_model_metadata(model)
answer = client.model_infer(model, request=request([1, 4], ROWS))
by_version = client.model_version_infer(model, "1", request=request([1, 4], ROWS[0]))
print(
    json.dumps(
        {
            "server": [server.name, server.extensions],
            "metadata": json.loads(metadata.json()),
            "answer": json.loads(answer.json()),
            "by_version": json.loads(by_version.json()) == json.loads(answer.json()),
            "bad": refused(lambda: client.model_infer(model, request=request([1, 3], [1, 2, 3]))),
            "unknown": refused(lambda: client.read_model_metadata("no-such-model")),
            "unknown_version": refused(lambda: client.check_model_version_readiness(model, "99")),
        }
    )
)
