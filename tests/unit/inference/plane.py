"""A data plane over models in memory, and calls of it as API Gateway makes them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import onnxruntime as ort

from aimass.adapters.onnxruntime.session import OnnxRuntime
from aimass.domain.datatypes import datatype_of, is_tensor
from aimass.domain.errors import AliasNotFound, ModelNotFound, VersionNotFound, VersionNotReady
from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.model import Alias, Measurements, Model, TensorSpec, Variant, Version, VersionSummary
from aimass.domain.ports import Page, PageRequest
from aimass.inference.folders import ModelFolders
from aimass.inference.sessions import Sessions
from aimass.protocols.front import respond
from aimass.protocols.http import HttpResponse, request_of
from aimass.usecases.predict import Predictor

TENANT = "acme"


class Shelf:
    """Versions, aliases and artifacts of one tenant, in memory. `reads` lists what was asked for."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, int], Version] = {}
        self.aliases: dict[tuple[str, str], int | None] = {}
        self.blobs: dict[str, bytes] = {}
        self.epochs: dict[str, int] = {}
        self.deleted: set[str] = set()
        self.reads: list[str] = []

    def add(self, name: str, model: Any, number: int = 1, labels: tuple[str, ...] = (), **changes: Any) -> Version:
        """Puts a ready version of an ONNX model on the shelf."""
        files = self.store({"model.onnx": model.SerializeToString()})
        inputs, outputs = specs_of(model)
        fields: dict[str, Any] = {"state": "ready", "inputs": inputs, "outputs": outputs, "variants": (variant(files),)}
        version = Version(
            name, number, job_id="job", created_at="now", filename="model.onnx", labels=labels, **(fields | changes)
        )
        self.versions[name, number] = version
        return version

    def store(self, files: Mapping[str, bytes]) -> ModelFiles:
        stored = []
        for path, data in files.items():
            digest = hashlib.sha256(data).hexdigest()
            self.blobs[digest] = data
            stored.append(StoredFile(path, digest, len(data)))
        return ModelFiles(stored[0].path, tuple(stored))

    def model_epoch(self, tenant: str, model: str) -> int:
        self.reads.append(f"epoch {model}")
        if tenant != TENANT or not any(name == model for name, _ in self.versions) or model in self.deleted:
            raise ModelNotFound(f"no model {model!r}")
        return self.epochs.get(model, 0)

    def get_version(self, tenant: str, model: str, number: int) -> Version:
        self.reads.append(f"version {model} {number}")
        if tenant != TENANT or not any(name == model for name, _ in self.versions):
            raise ModelNotFound(f"no model {model!r}")
        if (model, number) not in self.versions:
            raise VersionNotFound(f"model {model!r} has no version {number}")
        return self.versions[model, number]

    def get_alias(self, tenant: str, model: str, name: str) -> Alias:
        self.reads.append(f"alias {model} {name}")
        if (model, name) not in self.aliases:
            raise AliasNotFound(f"model {model!r} has no alias {name!r}")
        return Alias(model, name, self.aliases[model, name], 1, "now")

    def latest_version(self, tenant: str, model: str) -> Version:
        self.reads.append(f"latest {model}")
        ready = [one for (name, _), one in self.versions.items() if name == model and one.state == "ready"]
        if ready:
            return max(ready, key=lambda one: one.number)
        if any(name == model for name, _ in self.versions):
            raise VersionNotReady(f"model {model!r} has no ready version yet", model=model)
        raise ModelNotFound(f"no model {model!r}")

    def list_models(self, tenant: str, page: PageRequest, *, deleted: bool = False) -> Page[Model]:
        names = sorted({name for name, _ in self.versions} - self.deleted) if tenant == TENANT else []
        return Page(tuple(Model(name, "now", 1) for name in names))

    def list_versions(self, tenant: str, model: str, page: PageRequest, **only: Any) -> Page[VersionSummary]:
        every = self.list_all_versions(tenant, page).items
        return Page(tuple(reversed([one for one in every if one.model == model])))

    def list_all_versions(self, tenant: str, page: PageRequest) -> Page[VersionSummary]:
        versions = [self.versions[key] for key in sorted(self.versions)] if tenant == TENANT else []
        return Page(
            tuple(VersionSummary(one.model, one.number, one.state, "now", failure=one.failure) for one in versions)
        )

    def fetch(self, tenant: str, file: StoredFile, target: Path) -> None:
        self.reads.append(f"artifact {file.path}")
        target.write_bytes(self.blobs[file.sha256])


def variant(files: ModelFiles, optimized: ModelFiles | None = None, memory: int = 1) -> Variant:
    measured = Measurements(1.0, memory, 1.0, 1.0, 1, ort.__version__)
    return Variant("original", None, False, {}, files, optimized, measured)


def specs_of(model: Any) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs as an import describes them."""
    session = ort.InferenceSession(model.SerializeToString())
    return tuple(map(spec_of, session.get_inputs())), tuple(map(spec_of, session.get_outputs()))


def spec_of(one: Any) -> TensorSpec:
    shape = tuple(size if isinstance(size, int) else -1 for size in one.shape) if is_tensor(one.type) else (1,)
    return TensorSpec(one.name, datatype_of(one.type), shape, one.type)


def predictor(shelf: Shelf, folder: Path, seconds: float = 20, **options: Any) -> Predictor:
    folders = ModelFolders(folder / "models", shelf, 1 << 30)
    sessions = Sessions(OnnxRuntime(threads=1), folders, 1 << 30)
    return Predictor(shelf, lambda: sessions, seconds, **options)


def event(method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An HTTP API event (payload 2.0); the body goes as base64, as API Gateway sends binary."""
    path, _, query = path.partition("?")
    return {
        "rawPath": path,
        "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)),
        "headers": dict(headers or {}),
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
        "requestContext": {
            "http": {"method": method},
            "requestId": "request-1",
            "authorizer": {"lambda": {"tenant": TENANT}},
        },
    }


class Caller:
    """Calls the data plane through its front, without a socket."""

    def __init__(self, plane: Predictor) -> None:
        self.plane = plane
        self.faults: list[Exception] = []

    def call(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> HttpResponse:
        request = request_of(event(method, path, body, headers))
        return respond(request, lambda: self.plane, self.faults.append)
