"""A model that comes with the code, nobody's own: what warms a process up runs this one."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from aimass.domain.errors import AliasNotFound
from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.model import Alias, Measurements, Model, TensorSpec, Variant, Version, VersionSummary
from aimass.domain.ports import Page, PageRequest

#: ONNX, opset 17: y = x @ w, w being twice the unit matrix of 2 rows.
GRAPH = base64.b64decode(
    "CAg6ZQoRCgF4CgF3EgF5IgZNYXRNdWwSB2J1aWx0aW4qGwgCCAIQAUIBd0oQAAAAQAAAAAAAAAAAAAAAQFoUCgF4Eg8KDQgBEgkKAxIBbgoCCAJi"
    "FAoBeRIPCg0IARIJCgMSAW4KAggCQgQKABAR"
)
MODEL = "builtin"


class BuiltIn:
    """The ports `VersionReader` and `ArtifactReader` over the one model, whoever asks."""

    def model_epoch(self, tenant: str, model: str) -> int:
        """It never changes."""
        return 0

    def get_version(self, tenant: str, model: str, number: int) -> Version:
        """Version 1."""
        return _VERSION

    def get_alias(self, tenant: str, model: str, name: str) -> Alias:
        """Raises AliasNotFound."""
        raise AliasNotFound(f"{model} has no aliases")

    def latest_version(self, tenant: str, model: str) -> Version:
        """Version 1."""
        return _VERSION

    def list_models(self, tenant: str, page: PageRequest, *, deleted: bool = False) -> Page[Model]:
        """None: nobody sees it."""
        return Page(())

    def list_versions(
        self, tenant: str, model: str, page: PageRequest, *, state: str | None, tag: tuple[str, str] | None
    ) -> Page[VersionSummary]:
        """None."""
        return Page(())

    def list_all_versions(self, tenant: str, page: PageRequest) -> Page[VersionSummary]:
        """None."""
        return Page(())

    def fetch(self, tenant: str, file: StoredFile, target: Path) -> None:
        """Writes the graph."""
        target.write_bytes(GRAPH)


_FILES = ModelFiles("model.onnx", (StoredFile("model.onnx", hashlib.sha256(GRAPH).hexdigest(), len(GRAPH)),))
_VARIANT = Variant("original", None, False, {}, _FILES, None, Measurements(0.0, 0, 0.0, 0.0, 0, ""))
_VERSION = Version(
    model=MODEL,
    number=1,
    state="ready",
    job_id="",
    created_at="",
    filename="model.onnx",
    inputs=(TensorSpec("x", "FP32", (-1, 2), "tensor(float)"),),
    outputs=(TensorSpec("y", "FP32", (-1, 2), "tensor(float)"),),
    variants=(_VARIANT,),
)
