"""KServe's Python server as its docs say: a Model of its own, asked by the Open Inference Protocol."""

from __future__ import annotations

import argparse
from typing import Any

import kserve
from kserve import InferRequest, InferResponse
from kserve.utils.utils import get_predict_response
from opened import open_session


class OnnxModel(kserve.Model):
    def load(self) -> bool:
        self.session = open_session()
        self.ready = True
        return self.ready

    def __getstate__(self) -> dict[str, Any]:
        """Workers get the model pickled, which a session can't be: each opens its own."""
        return {name: value for name, value in self.__dict__.items() if name != "session"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.load()

    async def predict(self, payload: InferRequest, headers: dict[str, str] | None = None) -> InferResponse:
        inputs = {one.name: one.as_numpy() for one in payload.inputs}
        return get_predict_response(payload, self.session.run(None, inputs)[0], self.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[kserve.model_server.parser])
    arguments, _ = parser.parse_known_args()
    model = OnnxModel(arguments.model_name)
    model.load()
    kserve.ModelServer().start([model])
