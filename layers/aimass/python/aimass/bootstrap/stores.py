"""Where things are kept: the registry, and the files of models, jobs and tenants."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from aimass.bootstrap import clients

if TYPE_CHECKING:
    from aimass.adapters.aws.artifact_index import DynamoArtifactIndex
    from aimass.adapters.aws.artifacts import S3ArtifactStore
    from aimass.adapters.aws.conversions import S3ConversionFiles
    from aimass.adapters.aws.examples import S3ExampleFiles
    from aimass.adapters.aws.predictions import S3PredictionFiles
    from aimass.adapters.aws.registry import DynamoModelRegistry
    from aimass.adapters.aws.uploads import S3UploadStore
    from aimass.adapters.aws.webhooks import DynamoWebhookSecrets, SqsWebhookQueue
    from aimass.adapters.aws.workspaces import S3WorkspaceFiles
    from aimass.domain.ports import ArtifactReader


@cache
def registry() -> DynamoModelRegistry:
    """Models, versions, aliases and jobs."""
    from aimass.adapters.aws.registry import DynamoModelRegistry

    return DynamoModelRegistry(clients.dynamodb(), os.environ["TABLE_NAME"])


@cache
def examples() -> S3ExampleFiles:
    """What compressions are shown."""
    from aimass.adapters.aws.examples import S3ExampleFiles

    return S3ExampleFiles(clients.client("s3"), os.environ["UPLOADS_BUCKET"])


@cache
def artifacts() -> S3ArtifactStore:
    """Content-addressed files."""
    from aimass.adapters.aws.artifacts import S3ArtifactStore

    return S3ArtifactStore(clients.client("s3"), os.environ["ARTIFACTS_BUCKET"], artifact_index())


@cache
def artifact_index() -> DynamoArtifactIndex:
    """Which artifacts are wanted, and by which versions."""
    from aimass.adapters.aws.artifact_index import DynamoArtifactIndex

    return DynamoArtifactIndex(clients.client("dynamodb"), os.environ["TABLE_NAME"])


def fetcher() -> ArtifactReader:
    """What a prediction fetches models with: without an SDK where it can."""
    access = clients.access()
    return access.artifacts(os.environ["ARTIFACTS_BUCKET"], artifacts) if access else artifacts()


def conversion_files() -> S3ConversionFiles:
    """What jobs on Batch are ordered, and what they leave."""
    from aimass.adapters.aws.conversions import S3ConversionFiles

    return S3ConversionFiles(clients.client("s3"), os.environ["UPLOADS_BUCKET"])


@cache
def workspaces() -> S3WorkspaceFiles:
    """What the steps of compressions leave for each other."""
    from aimass.adapters.aws.workspaces import S3WorkspaceFiles

    return S3WorkspaceFiles(clients.client("s3"), os.environ["UPLOADS_BUCKET"])


@cache
def prediction_files() -> S3PredictionFiles:
    """Bodies and answers of prediction jobs."""
    from aimass.adapters.aws.predictions import S3PredictionFiles

    return S3PredictionFiles(clients.client("s3"), os.environ["UPLOADS_BUCKET"])


@cache
def webhook_secrets() -> DynamoWebhookSecrets:
    """What tenants' webhooks are signed with."""
    from aimass.adapters.aws.webhooks import DynamoWebhookSecrets

    return DynamoWebhookSecrets(clients.client("dynamodb"), os.environ["TABLE_NAME"])


@cache
def webhook_queue() -> SqsWebhookQueue:
    """Webhooks that shall be sent."""
    from aimass.adapters.aws.webhooks import SqsWebhookQueue

    return SqsWebhookQueue(clients.client("sqs"), os.environ["WEBHOOKS_QUEUE_URL"])


@cache
def uploads() -> S3UploadStore:
    """Where uploads arrive."""
    from aimass.adapters.aws.uploads import S3UploadStore

    return S3UploadStore(clients.client("s3"), os.environ["UPLOADS_BUCKET"])
