"""Calls of the platform's own protocol, without a socket."""

from __future__ import annotations

import json

from tests.unit.inference.plane import Caller


class NativeCaller:
    """Each call gives the status and the answer's JSON; a fault of ours is never an answer."""

    def __init__(self, plane):
        self.caller = Caller(plane)

    def json(self, model, data, input_format="json", **more):
        body = {"model_name": model, "input_format": input_format, "data": data} | more
        return self.send("/predict", json.dumps(body).encode(), "application/json")

    def body(self, model, body, content_type=None, query="", **headers):
        return self.send(f"/predict/{model}{query}", body, content_type, **headers)

    def form(self, path, fields):
        """`fields` are (name, text) or (name, bytes, filename[, media type])."""
        boundary = "limit"
        parts = [form_part(boundary, *field) for field in fields]
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        return self.send(path, body, f"multipart/form-data; boundary={boundary}")

    def send(self, path, body, content_type=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type is not None:
            headers["content-type"] = content_type
        answer = self.caller.call("POST", path, body, headers)
        assert not self.caller.faults, self.caller.faults
        return answer.status, json.loads(answer.body)


def form_part(boundary, name, body, filename=None, media_type=None):
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"'
    if filename is not None:
        head += f'; filename="{filename}"'
    if media_type:
        head += f"\r\ncontent-type: {media_type}"
    return head.encode() + b"\r\n\r\n" + (body if isinstance(body, bytes) else body.encode()) + b"\r\n"


def prediction(answer):
    status, body = answer
    assert status == 200, body
    return body["prediction"]


def refusal(answer, status=400):
    """What is said of each field."""
    got, body = answer
    assert got == status, body
    return body["details"].get("fields", body["error"])
