"""BentoML as its docs say: a service whose API takes numpy arrays by name; raw bytes by a mounted ASGI route."""

from __future__ import annotations

import os

import bentoml
import numpy as np
from opened import open_session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

OPTIONS = {"workers": int(os.environ["BENCH_WORKERS"]), "logging": {"access": {"enabled": False}}}
ROWS = int(os.environ["BENCH_MAX_BATCH"])
# It chooses the delay by itself, below a bound of the whole call's.
BATCHING = {"batchable": True, "max_batch_size": ROWS} if ROWS else {}
mounted = Starlette()


class Served:
    def __init__(self) -> None:
        self.session = open_session()


if os.environ["BENCH_MODEL"].endswith("encoder.onnx"):

    @bentoml.service(**OPTIONS)
    class Model(Served):
        @bentoml.api
        def predict(self, input_ids: np.ndarray, attention_mask: np.ndarray, token_type_ids: np.ndarray) -> np.ndarray:
            arrays = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}
            return self.session.run(None, {name: array.astype(np.int64) for name, array in arrays.items()})[0]

else:

    @bentoml.service(**OPTIONS)
    @bentoml.mount_asgi_app(mounted, path="/bytes")
    class Model(Served):
        @bentoml.api(**BATCHING)
        def predict(self, x: np.ndarray) -> np.ndarray:
            return self.session.run(None, {"x": x.astype(np.float32)})[0]


async def from_bytes(request: Request) -> Response:
    image = np.frombuffer(await request.body(), np.float32).reshape(1, 3, 224, 224)
    answer = bentoml.get_current_service().session.run(None, {"x": image})[0]
    return Response(answer.tobytes(), media_type="application/octet-stream")


mounted.add_route("/predict", from_bytes, methods=["POST"])
