"""KServe's InferenceRESTClient against a model that doubles rows of four floats. Prints what it saw as JSON."""

import asyncio
import json
import sys

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig


def request(model, array, binary, **options):
    given = InferInput("x", list(array.shape), "FP32")
    given.set_data_from_numpy(array, binary_data=binary)
    return InferRequest(model_name=model, infer_inputs=[given], **options)


async def main(url, model, headers):
    client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=60))
    rows = np.arange(4000, dtype=np.float32).reshape(-1, 4)
    seen = {
        "live": await client.is_server_live(url),
        "ready": await client.is_server_ready(url),
        "model_ready": await client.is_model_ready(url, model, headers=headers),
        "unknown_ready": await client.is_model_ready(url, "no-such-model", headers=headers),
    }
    for name, binary in (("json", False), ("binary", True)):
        for wanted in (False, True):
            asked = request(model, rows, binary, request_id="seven", parameters={"binary_data_output": wanted})
            back: dict = {}
            answer = await client.infer(url, asked, model_name=model, headers=dict(headers), response_headers=back)
            (output,) = answer.outputs
            seen[f"{name} to {'binary' if wanted else 'json'}"] = {
                "exact": bool((output.as_numpy() == rows * 2).all()),
                "id": answer.id,
                "model": answer.model_name,
                "coding": back.get("content-encoding"),
                "marks": [back["x-model-version"], back["x-model-variant"]],
            }
    try:
        await client.infer(url, request(model, rows[:, :3], False), model_name=model, headers=dict(headers))
    except httpx.HTTPStatusError as error:
        seen["refused"] = [error.response.status_code, str(error)]
    await client.close()
    print(json.dumps(seen))


asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
