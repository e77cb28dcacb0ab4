"""Idempotency-Key: calls that may be repeated, as a middleware of the control plane."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from aws_lambda_powertools.event_handler import Response

from aimass.domain.clock import now
from aimass.domain.errors import InvalidArguments
from aimass.protocols.upload_form import FormFile, UploadForm, parse_upload_form

Answer = TypeVar("Answer")
Json = dict[str, Any]
Middleware = Callable[[Any, Callable[[Any], Response[Any]]], Response[Any]]

REPLAYED = "Idempotent-Replayed"
PREDICTIONS = "/predictions"
#: Where the context of a call has the kept answer whose URL for a body is over, for the route to sign another.
REPLAYED_BODY = "replayed_body"
NOTE = "a secret is shown once and kept nowhere; rotate the key for another"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

#: The header as an OpenAPI parameter.
PARAMETER: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes the call once: for 24 hours the same key and body get the first answer again, with the "
    f"header {REPLAYED}. Another body is 422; while the first call is under way, 409. Errors are not kept.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


class CallStore(Protocol):
    """Makes a call once, and keeps its answer."""

    def once(
        self,
        call: tuple[str, ...],
        asked: str,
        run: Callable[[], Answer],
        *,
        keep: Callable[[Answer], Json],
        restore: Callable[[Json], Answer],
        lambda_context: Any,
    ) -> Answer: ...


def digest(content_type: str, body: bytes) -> str:
    """A digest of what a call says, however often it is sent.

    Neither spaces nor the order of fields change JSON; the boundary between a form's parts differs with every try.
    """
    if content_type.lower().startswith("multipart/form-data"):
        return _digest_of_form(parse_upload_form(content_type, body))
    with contextlib.suppress(ValueError, RecursionError):  # what is no JSON stands for itself
        body = json.dumps(json.loads(body), sort_keys=True).encode()
    return hashlib.sha256(body).hexdigest()


def repeatable(open_store: Callable[[], CallStore]) -> Middleware:
    """A middleware for every POST: with the header, the same tenant, path and key are one call.

    Without it nothing is done, and the store never opened. Raises InvalidArguments for a malformed key,
    IdempotencyMismatch, IdempotencyInProgress.
    """

    def once(app: Any, next_middleware: Callable[[Any], Response[Any]]) -> Response[Any]:
        event = app.current_event.raw_event
        context, key = event["requestContext"], event["headers"].get("idempotency-key")
        if key is None or context["http"]["method"] != "POST":
            return next_middleware(app)
        if not _KEY.fullmatch(key):
            raise InvalidArguments.of_fields({"Idempotency-Key": "must be 1 to 255 visible ASCII characters"})
        return open_store().once(
            (context["authorizer"]["lambda"]["tenant"], event["rawPath"], key),
            _asked(event),
            lambda: next_middleware(app),
            keep=_kept,
            restore=lambda kept: _signed_anew(kept, app, next_middleware) if _lapsed(kept) else _restored(kept),
            lambda_context=app.lambda_context,
        )

    return once


def _asked(event: Json) -> str:
    content_type, body = event["headers"].get("content-type", ""), _body(event)
    if not event["rawPath"].endswith(PREDICTIONS):
        return digest(content_type, body)
    # Its body is of any kind, and its parameters say what it means. A form's boundary differs with every try.
    boundary = content_type.partition("boundary=")[2].partition(";")[0].strip('" ')
    plain = body.replace(boundary.encode(), b"") if boundary else body
    said = [content_type.partition(";")[0], event["headers"].get("content-encoding", "")]
    said += [f"{name}={value}" for name, value in sorted((event.get("queryStringParameters") or {}).items())]
    return hashlib.sha256("\n".join(said).encode() + b"\n" + plain).hexdigest()


def _kept(response: Response[Any]) -> Json:
    body = response.body
    if isinstance(body, dict) and "secret" in body:
        body = body | {"secret": None, "note": NOTE}
    return {"status": response.status_code, "headers": response.headers, "body": body}


def _restored(kept: Json) -> Response[Any]:
    return Response(kept["status"], body=kept["body"], headers=kept["headers"] | {REPLAYED: "true"})


def _lapsed(kept: Json) -> bool:
    """Whether it is the answer to a prediction that was to put its body to a URL, and the URL has expired."""
    upload = kept["body"].get("upload") if isinstance(kept["body"], dict) else None
    return isinstance(upload, dict) and "url" in upload and str(upload.get("expires_at", "9999")) <= now()


def _signed_anew(kept: Json, app: Any, next_middleware: Callable[[Any], Response[Any]]) -> Response[Any]:
    app.append_context(**{REPLAYED_BODY: kept["body"]})
    response = next_middleware(app)
    response.headers[REPLAYED] = "true"
    return response


def _body(event: Json) -> bytes:
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()


def _digest_of_form(form: UploadForm) -> str:
    files = [_digest_of_file(file) for file in (form.model, form.data)]
    described = hashlib.sha256(form.description).hexdigest() if form.description is not None else None
    said = [files, form.name, form.version, form.label, form.labels, *([described] if described else [])]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _digest_of_file(file: FormFile | None) -> list[str]:
    return [file.filename, hashlib.sha256(file.body).hexdigest()] if file else []
