"""The composition root: it alone reads the environment and picks adapters. Heavy imports happen on first use."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

from aimass.domain.placement import Placement, tiers_of

if TYPE_CHECKING:
    from aimass.adapters.aws.artifact_index import DynamoArtifactIndex
    from aimass.adapters.aws.artifacts import S3ArtifactStore
    from aimass.adapters.aws.conversions import S3ConversionFiles
    from aimass.adapters.aws.examples import S3ExampleFiles
    from aimass.adapters.aws.idempotency import DynamoIdempotency
    from aimass.adapters.aws.invoke import LambdaTiers
    from aimass.adapters.aws.keys import DynamoApiKeys
    from aimass.adapters.aws.predictions import S3PredictionFiles
    from aimass.adapters.aws.registry import DynamoModelRegistry
    from aimass.adapters.aws.registry.limits import DynamoTenantLimits
    from aimass.adapters.aws.signed.access import Access
    from aimass.adapters.aws.uploads import S3UploadStore
    from aimass.adapters.aws.webhooks import DynamoWebhookSecrets, SqsWebhookQueue
    from aimass.adapters.aws.workflow import StepFunctionsImportRunner
    from aimass.adapters.aws.workspaces import S3WorkspaceFiles
    from aimass.adapters.onnxruntime.session import OnnxRuntime
    from aimass.domain.model import Job
    from aimass.domain.ports import ArtifactReader
    from aimass.inference.sessions import Sessions
    from aimass.sandbox.limits import Limits
    from aimass.usecases.calls import CallMeter
    from aimass.usecases.collect_conversion import Collected
    from aimass.usecases.compression_steps import Steps
    from aimass.usecases.compressions import Compressions
    from aimass.usecases.import_model import Import
    from aimass.usecases.order_compression import LargeCompressions
    from aimass.usecases.order_conversion import Conversions
    from aimass.usecases.predict import Predictor
    from aimass.usecases.prediction_jobs import Predictions
    from aimass.usecases.prepare_compression import Preparation
    from aimass.usecases.publish_compression import Publishing
    from aimass.usecases.run_prediction import Runs
    from aimass.usecases.settle import House
    from aimass.usecases.start_import import Imports
    from aimass.usecases.sweep import Sweep
    from aimass.usecases.webhooks import Deliveries

MIB = 1024 * 1024
_MIB_PER_VCPU = 1769  # as Lambda deals them out
_SESSION_SHARE = 0.6  # of the function's memory; the rest is for inputs, outputs and what runs
_PARENT_MIB = 512  # what a step's own process keeps of its function's memory
_PUBLISH_SECONDS = 720.0  # to verify and pack variants, of the 900 that a function has
_COMPRESS_SECONDS = 840.0  # for one step, of the 900 that a function has; the rest is for files
_UNPACKED_MIB = 5120  # what an archive may unpack to, beside an upload of 4 GiB on a disk of 10


@cache
def _client(service: str) -> Any:
    from aimass.adapters.aws.clients import client

    return client(service)


@cache
def _access() -> Access | None:
    from aimass.adapters.aws.signed.access import plain_access

    return plain_access(os.environ)


@cache
def _dynamodb() -> Any:
    """For what a prediction and its authorizer read: a cold start without an SDK."""
    access = _access()
    return access.dynamodb(lambda: _client("dynamodb")) if access else _client("dynamodb")


@cache
def registry() -> DynamoModelRegistry:
    """Models, versions, aliases and jobs."""
    from aimass.adapters.aws.registry import DynamoModelRegistry

    return DynamoModelRegistry(_dynamodb(), os.environ["TABLE_NAME"])


@cache
def tenant_limits() -> DynamoTenantLimits:
    """What tenants were granted, or the stage's defaults."""
    from aimass.adapters.aws.registry.limits import DynamoTenantLimits
    from aimass.domain.model import Limits

    defaults = Limits(**json.loads(os.environ["DEFAULT_LIMITS"]))
    return DynamoTenantLimits(_dynamodb(), os.environ["TABLE_NAME"], defaults)


def imports() -> Imports:
    """All that starting an import takes."""
    from aimass.usecases.start_import import Imports

    return Imports(registry(), uploads(), import_runner(), tenant_limits())


@cache
def compression_runner() -> StepFunctionsImportRunner:
    """The state machine of compressions."""
    from aimass.adapters.aws.workflow import StepFunctionsImportRunner

    return StepFunctionsImportRunner(_client("stepfunctions"), os.environ["COMPRESSION_STATE_MACHINE_ARN"])


@cache
def examples() -> S3ExampleFiles:
    """What compressions are shown."""
    from aimass.adapters.aws.examples import S3ExampleFiles

    return S3ExampleFiles(_client("s3"), os.environ["UPLOADS_BUCKET"])


def compressions() -> Compressions:
    """All that asking for a compression, and starting it, takes."""
    from aimass.usecases.compressions import Compressions

    return Compressions(registry(), examples(), compression_runner(), tenant_limits())


def control_of(job: Job) -> Imports:
    """All that ending a job, or running it again, takes."""
    return replace(imports(), runner=compression_runner()) if job.kind == "compression" else imports()


@cache
def api_keys() -> DynamoApiKeys:
    """API keys, as hashes."""
    from aimass.adapters.aws.keys import DynamoApiKeys

    return DynamoApiKeys(_dynamodb(), os.environ["TABLE_NAME"])


@cache
def idempotency() -> DynamoIdempotency:
    """Calls that are made once however often they are sent."""
    from aimass.adapters.aws.idempotency import DynamoIdempotency

    return DynamoIdempotency(_client("dynamodb"), os.environ["IDEMPOTENCY_TABLE"])


@cache
def call_meter() -> CallMeter:
    """Holds tenants to their calls a second."""
    from aimass.adapters.aws.counter import DynamoCallCounter
    from aimass.usecases.calls import CallMeter

    return CallMeter(DynamoCallCounter(_dynamodb(), os.environ["IDEMPOTENCY_TABLE"]), time.time)


@cache
def artifacts() -> S3ArtifactStore:
    """Content-addressed files."""
    from aimass.adapters.aws.artifacts import S3ArtifactStore

    return S3ArtifactStore(_client("s3"), os.environ["ARTIFACTS_BUCKET"], artifact_index())


@cache
def artifact_index() -> DynamoArtifactIndex:
    """Which artifacts are wanted, and by which versions."""
    from aimass.adapters.aws.artifact_index import DynamoArtifactIndex

    return DynamoArtifactIndex(_client("dynamodb"), os.environ["TABLE_NAME"])


def _fetcher() -> ArtifactReader:
    access = _access()
    return access.artifacts(os.environ["ARTIFACTS_BUCKET"], artifacts) if access else artifacts()


def import_step() -> Import:
    """What the heavy steps of an import work on."""
    from aimass.usecases.import_model import Import

    return Import(registry(), artifacts(), artifact_index())


def conversion_files() -> S3ConversionFiles:
    """What jobs on Batch are ordered, and what they leave."""
    from aimass.adapters.aws.conversions import S3ConversionFiles

    return S3ConversionFiles(_client("s3"), os.environ["UPLOADS_BUCKET"])


def conversions() -> Conversions:
    """All that ordering a conversion takes."""
    from aimass.usecases.order_conversion import Conversions, JobLimits

    limits = JobLimits(**json.loads(os.environ["CONVERSION_LIMITS"]))
    environments = frozenset(os.environ["CONVERTERS"].split())
    return Conversions(registry(), artifacts(), conversion_files(), environments, _converter_remedy, limits)


def _converter_remedy(environment: str) -> str:
    if machine_cores():
        return f"run `make convert-{environment}` and start the service again"
    return "who runs this service deploys it with the setting `cpu_jobs` on"


def large_compressions() -> LargeCompressions:
    """All that ordering a large model's compression takes."""
    from aimass.usecases.order_compression import LargeCompressions
    from aimass.usecases.order_conversion import JobLimits

    limits, here = JobLimits(**json.loads(os.environ["COMPRESSION_LIMITS"])), bool(os.environ["COMPRESSORS"])
    return LargeCompressions(registry(), workspaces(), conversion_files(), here, limits)


@cache
def workspaces() -> S3WorkspaceFiles:
    """What the steps of compressions leave for each other."""
    from aimass.adapters.aws.workspaces import S3WorkspaceFiles

    return S3WorkspaceFiles(_client("s3"), os.environ["UPLOADS_BUCKET"])


def preparation() -> Preparation:
    """All that preparing a compression takes."""
    from aimass.usecases.prepare_compression import Preparation

    return Preparation(registry(), artifacts(), examples(), workspaces(), compress_limits())


def compression_steps() -> Steps:
    """All that the steps of a compression take, from `plan` to `choose`."""
    from aimass.usecases.compression_steps import Steps

    return Steps(registry(), workspaces(), compress_limits())


def collected() -> Collected:
    """All that collecting a conversion takes."""
    from aimass.usecases.collect_conversion import Collected

    return Collected(registry(), artifacts(), conversion_files())


def publishing() -> Publishing:
    """All that publishing a compression takes."""
    from aimass.usecases.publish_compression import Publishing

    stores = (artifacts(), artifact_index(), workspaces())
    return Publishing(registry(), *stores, tenant_limits(), verify_limits(), prediction_seconds(), _PUBLISH_SECONDS)


def house() -> House:
    """All that doing what comes due takes."""
    from aimass.adapters.aws.due import DynamoDueList
    from aimass.usecases.settle import House

    due = DynamoDueList(_client("dynamodb"), os.environ["TABLE_NAME"])
    return House(registry(), artifact_index(), uploads(), due, webhook_queue(), prediction_files())


def sweep() -> Sweep:
    """All that a sweep of artifacts takes."""
    from aimass.adapters.aws.sweeper import DynamoSweepProgress, S3ArtifactSweeper
    from aimass.usecases.sweep import Sweep

    sweeper = S3ArtifactSweeper(_client("s3"), os.environ["ARTIFACTS_BUCKET"])
    progress = DynamoSweepProgress(_client("dynamodb"), os.environ["TABLE_NAME"])
    return Sweep(registry(), artifact_index(), sweeper, progress)


@cache
def prediction_files() -> S3PredictionFiles:
    """Bodies and answers of prediction jobs."""
    from aimass.adapters.aws.predictions import S3PredictionFiles

    return S3PredictionFiles(_client("s3"), os.environ["UPLOADS_BUCKET"])


@cache
def webhook_secrets() -> DynamoWebhookSecrets:
    """What tenants' webhooks are signed with."""
    from aimass.adapters.aws.webhooks import DynamoWebhookSecrets

    return DynamoWebhookSecrets(_client("dynamodb"), os.environ["TABLE_NAME"])


@cache
def webhook_queue() -> SqsWebhookQueue:
    """Webhooks that shall be sent."""
    from aimass.adapters.aws.webhooks import SqsWebhookQueue

    return SqsWebhookQueue(_client("sqs"), os.environ["WEBHOOKS_QUEUE_URL"])


def _webhooks_may_stay_here() -> bool:
    """Whether a webhook may go to the machine itself, as on one machine alone."""
    return os.environ.get("WEBHOOK_LOOPBACK") == "true"


def predictions() -> Predictions:
    """All that asking for a prediction as a job takes."""
    from aimass.usecases.prediction_jobs import Predictions

    return Predictions(
        registry(),
        prediction_files(),
        tenant_limits(),
        webhook_secrets(),
        webhook_queue(),
        _webhooks_may_stay_here(),
    )


def prediction_runs() -> Runs:
    """All that running a prediction job takes."""
    from aimass.usecases.run_prediction import Runs

    return Runs(registry(), prediction_files(), webhook_queue())


def deliveries(view: Callable[[Job], dict[str, Any]]) -> Deliveries:
    """All that delivering a webhook takes; `view` makes the public record of a job."""
    from aimass.adapters.webhook_post import WebhookPost
    from aimass.usecases.webhooks import Deliveries

    return Deliveries(registry(), webhook_secrets(), WebhookPost(), view, _webhooks_may_stay_here())


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
def placement() -> Placement:
    """The tiers of `predict`, as this function sees them."""
    tiers = tiers_of(json.loads(os.environ["TIERS"]))
    return Placement(os.environ["TIER"], tiers, frozenset(json.loads(os.environ["FORWARD"])))


@cache
def predictor() -> Predictor:
    """The data plane. What only a model that runs here needs is made when the first one does."""
    from aimass.usecases.predict import Predictor

    return Predictor(registry(), sessions, prediction_seconds(), elsewhere=placement().elsewhere)


@cache
def sessions() -> Sessions:
    """Open models."""
    from aimass.inference.folders import ModelFolders
    from aimass.inference.sessions import Sessions

    # What a killed process left: its environment lives on, its index does not.
    shutil.rmtree(_models(), ignore_errors=True)
    folders = ModelFolders(_models(), _fetcher(), placement().tier.folder_bytes)
    return Sessions(_onnx_runtime(), folders, int(_memory_mb() * _SESSION_SHARE) * MIB)


def held_models_news() -> dict[str, Any]:
    """For the log: how models are held, by `caches`, where that changed since the last call; nothing elsewhere."""
    if not sessions.cache_info().currsize:
        return {}
    news = sessions().news()
    return {"caches": asdict(news)} if news else {}


@cache
def other_tiers() -> LambdaTiers:
    """The tiers of `predict` that this one may forward to."""
    from aimass.adapters.aws.invoke import LambdaTiers, lambda_client

    return LambdaTiers(json.loads(os.environ["FORWARD"]), placement().largest, cache(lambda_client))


def prepare_snapshot() -> None:
    """Does what every restored process would have to do first: loads modules, makes clients, runs the built-in model.

    No store is connected to and no tenant's model opened before the snapshot, for all that are restored share it. The
    hooks are part of Lambda's runtime. Raises NotWarm.
    """
    from snapshot_restore_py import register_after_restore  # type: ignore[import-untyped]

    from aimass.inference.builtin import BuiltIn
    from aimass.inference.folders import ModelFolders
    from aimass.inference.sessions import Sessions
    from aimass.protocols.warmup import warm_up
    from aimass.usecases.predict import Predictor

    with TemporaryDirectory() as folder:
        builtin = BuiltIn()
        opened = Sessions(_onnx_runtime(), ModelFolders(Path(folder), builtin, MIB), MIB)
        warm_up(Predictor(builtin, lambda: opened, prediction_seconds()))
        opened.clear()
    predictor()
    sessions()
    register_after_restore(_after_restore)


def _after_restore() -> None:
    """Restored processes differ from here on."""
    random.seed()
    shutil.rmtree(_models(), ignore_errors=True)


def _onnx_runtime() -> OnnxRuntime:
    from aimass.adapters.onnxruntime.session import OnnxRuntime

    if cores := machine_cores():
        return OnnxRuntime(cores, spinning=False)
    return OnnxRuntime(max(1, min(os.cpu_count() or 1, round(_memory_mb() / _MIB_PER_VCPU))))


def machine_cores() -> int | None:
    """Of the one machine that everything runs on, where functions share it; None on Lambda."""
    cores = os.environ.get("MACHINE_CORES")
    return int(cores) if cores else None


def _memory_mb() -> int:
    return int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])


def _models() -> Path:
    return Path(gettempdir()) / "models"


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


def compress_limits() -> Limits:
    """What the process that compresses a model may use of its function."""
    from aimass.sandbox.limits import Limits

    memory = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) - _PARENT_MIB
    return Limits(seconds=_COMPRESS_SECONDS, memory_bytes=memory * MIB, file_bytes=_UNPACKED_MIB * MIB)


def compress_large_bytes() -> int:
    """Models of more bytes are compressed by a job."""
    return int(os.environ["COMPRESS_LARGE_MB"]) * MIB


def prediction_seconds() -> float:
    """How long one prediction may take."""
    return float(os.environ["PREDICTION_SECONDS"])
