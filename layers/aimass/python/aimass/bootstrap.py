"""The composition root: it alone reads the environment and picks adapters. Heavy imports happen on first use."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aimass.adapters.aws.artifacts import S3ArtifactStore
    from aimass.adapters.aws.keys import DynamoApiKeys
    from aimass.adapters.aws.registry import DynamoModelRegistry
    from aimass.adapters.aws.uploads import S3UploadStore
    from aimass.adapters.aws.workflow import StepFunctionsImportRunner
    from aimass.sandbox.limits import Limits
    from aimass.usecases.predict import Predictor

MIB = 1024 * 1024
_MIB_PER_VCPU = 1769  # as Lambda deals them out
_MODEL_DISK_MIB = 8192  # of 10,240: a model that is being fetched needs room too
_SESSION_SHARE = 0.6  # of the function's memory; the rest is for inputs, outputs and what runs
_PARENT_MIB = 512  # what a step's own process keeps of its function's memory
_UNPACKED_MIB = 5120  # what an archive may unpack to, beside an upload of 4 GiB on a disk of 10


@cache
def _client(service: str) -> Any:
    from aimass.adapters.aws.clients import client

    return client(service)


@cache
def registry() -> DynamoModelRegistry:
    """Models, versions, aliases and jobs."""
    from aimass.adapters.aws.registry import DynamoModelRegistry

    return DynamoModelRegistry(_client("dynamodb"), os.environ["TABLE_NAME"])


@cache
def api_keys() -> DynamoApiKeys:
    """API keys, as hashes."""
    from aimass.adapters.aws.keys import DynamoApiKeys

    return DynamoApiKeys(_client("dynamodb"), os.environ["TABLE_NAME"])


@cache
def artifacts() -> S3ArtifactStore:
    """Content-addressed files."""
    from aimass.adapters.aws.artifacts import S3ArtifactStore

    return S3ArtifactStore(_client("s3"), os.environ["ARTIFACTS_BUCKET"])


@cache
def uploads() -> S3UploadStore:
    """Where uploads arrive."""
    from aimass.adapters.aws.uploads import S3UploadStore

    return S3UploadStore(_client("s3"), os.environ["UPLOADS_BUCKET"])


@cache
def import_runner() -> StepFunctionsImportRunner:
    """The import state machine."""
    from aimass.adapters.aws.workflow import StepFunctionsImportRunner

    return StepFunctionsImportRunner(_client("stepfunctions"), os.environ["IMPORT_STATE_MACHINE_ARN"])


@cache
def predictor() -> Predictor:
    """The data plane."""
    from aimass.adapters.onnxruntime.session import OnnxRuntime
    from aimass.inference.folders import ModelFolders
    from aimass.inference.sessions import Sessions
    from aimass.usecases.predict import Predictor

    memory = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
    threads = max(1, min(os.cpu_count() or 1, round(memory / _MIB_PER_VCPU)))
    root = Path(gettempdir()) / "models"
    shutil.rmtree(root, ignore_errors=True)  # what a killed process left: its environment lives on, its index does not
    folders = ModelFolders(root, artifacts(), _MODEL_DISK_MIB * MIB)
    sessions = Sessions(OnnxRuntime(threads), folders, int(memory * _SESSION_SHARE) * MIB)
    return Predictor(registry(), sessions, prediction_seconds())


def identify_limits() -> Limits:
    """What the process that opens an upload may use of its function."""
    from aimass.sandbox.limits import Limits

    memory = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) - _PARENT_MIB
    return Limits(seconds=300, memory_bytes=memory * MIB, file_bytes=_UNPACKED_MIB * MIB)


def verify_limits() -> Limits:
    """What a model may use: the memory of the function that will serve it."""
    from aimass.sandbox.limits import Limits

    memory = int(os.environ["MODEL_MEMORY_MB"])
    return Limits(seconds=600, memory_bytes=memory * MIB, file_bytes=_UNPACKED_MIB * MIB)


def prediction_seconds() -> float:
    """How long one prediction may take."""
    return float(os.environ["PREDICTION_SECONDS"])
