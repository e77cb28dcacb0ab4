"""By hand: one route of Starlette, lists parsed by orjson, bytes taken as they are."""

from __future__ import annotations

import numpy as np
import orjson
from opened import input_types, open_session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SESSION = open_session()
TYPES = input_types(SESSION)


async def predict(request: Request) -> Response:
    body = await request.body()
    if request.headers["content-type"] == "application/json":
        lists = orjson.loads(body)
        inputs = {name: np.array(lists[name], dtype) for name, dtype in TYPES.items()}
        answer = SESSION.run(None, inputs)[0]
        return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")
    image = np.frombuffer(body, np.float32).reshape(1, 3, 224, 224)
    return Response(SESSION.run(None, {"x": image})[0].tobytes(), media_type="application/octet-stream")


app = Starlette(routes=[Route("/predict", predict, methods=["POST"])])
