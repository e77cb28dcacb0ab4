"""The first thing a newcomer sees: a real trained model uploaded over HTTP, imported, and answering."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from local.steps import step

MODEL = "digits"
EXAMPLE = Path("examples/digits")
SECONDS = 60


class DemoFailed(RuntimeError):
    """The stack answered with an error, or, with status 0, not at all."""

    def __init__(self, url: str, status: int, text: str) -> None:
        super().__init__(f"{url} answered {status}: {text}" if status else f"{url}: {text}")
        self.status = status


def run_demo(url: str) -> None:
    """Uploads the model unless it is there already, predicts, and prints the call. Raises DemoFailed."""
    if not _is_ready(url):
        with step(f"uploading {EXAMPLE}/{MODEL}.onnx and waiting for its import"):
            boundary = uuid.uuid4().hex
            content = (EXAMPLE / f"{MODEL}.onnx").read_bytes()
            _call(f"{url}/upload?wait=25", _multipart(boundary, content), f"multipart/form-data; boundary={boundary}")
    request = EXAMPLE / "request.json"
    answer = _call(f"{url}/predict", request.read_bytes(), "application/json")
    print(f"curl {url}/predict -H 'content-type: application/json' -d @{request}")
    print(json.dumps(answer), flush=True)


def _is_ready(url: str) -> bool:
    try:
        return bool(_call(f"{url}/api/v1/models/{MODEL}")["latest"])
    except DemoFailed as failed:
        if failed.status == 404:
            return False
        raise


def _multipart(boundary: str, content: bytes) -> bytes:
    name = f'--{boundary}\r\ncontent-disposition: form-data; name="name"\r\n\r\n{MODEL}\r\n'
    file = f'--{boundary}\r\ncontent-disposition: form-data; name="model"; filename="{MODEL}.onnx"\r\n\r\n'
    return (name + file).encode() + content + f"\r\n--{boundary}--\r\n".encode()


def _call(url: str, body: bytes | None = None, content_type: str = "") -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, body, {"content-type": content_type} if body else {})  # noqa: S310 our own URL
    try:
        with opener.open(request, timeout=SECONDS) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        raise DemoFailed(url, error.code, error.read().decode(errors="replace")) from error
    except OSError as error:
        raise DemoFailed(url, 0, str(error)) from error
