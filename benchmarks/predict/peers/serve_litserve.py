"""LitServe as its docs say: a LitAPI of four methods, its workers' processes behind one HTTP server each."""

import os
from typing import Annotated, Any

import litserve
import numpy as np
from fastapi import Body, Response
from opened import input_types, open_session


class Lists(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.session = open_session()
        self.types = input_types(self.session)

    def decode_request(self, request: dict[str, Any]) -> dict[str, np.ndarray]:
        return {name: np.array(request[name], dtype) for name, dtype in self.types.items()}

    def batch(self, inputs: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return {name: np.concatenate([one[name] for one in inputs]) for name in self.types}

    def predict(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        return self.session.run(None, inputs)[0]

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        return [output[row : row + 1] for row in range(len(output))]

    def encode_response(self, output: np.ndarray) -> Any:
        return output.tolist()


class Bytes(Lists):
    def decode_request(self, request: Annotated[bytes, Body()]) -> dict[str, np.ndarray]:
        return {"x": np.frombuffer(request, np.float32).reshape(1, 3, 224, 224)}

    def encode_response(self, output: np.ndarray) -> Response:
        return Response(output.tobytes(), media_type="application/octet-stream")


if __name__ == "__main__":
    rows = int(os.environ["BENCH_MAX_BATCH"])
    batching = {"max_batch_size": rows, "batch_timeout": float(os.environ["BENCH_MAX_DELAY"])} if rows else {}
    api = Bytes(**batching) if os.environ["BENCH_BINARY"] == "1" else Lists(**batching)
    workers = int(os.environ["BENCH_WORKERS"])
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=workers)
    server.run(host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), log_level="warning", generate_client_file=False)
