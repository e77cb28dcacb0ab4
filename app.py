"""The CDK app: `cdk deploy --all -c stage=prod`, or without the cdk command through `infra.synth`."""

from __future__ import annotations

import infra  # noqa: F401 it says on which Node aws_cdk runs

# isort: split
import aws_cdk as cdk

from infra.settings import STAGES
from infra.stacks.api import ApiStack
from infra.stacks.compression import CompressionStack
from infra.stacks.imports import ImportsStack
from infra.stacks.jobs import JobsStack
from infra.stacks.observability import ObservabilityStack
from infra.stacks.predict import PredictStack
from infra.stacks.predictions import PredictionsStack
from infra.stacks.storage import StorageStack

app = cdk.App(
    analytics_reporting=False,
    tree_metadata=False,
    default_stack_synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
)
stage = STAGES[app.node.try_get_context("stage") or "dev"]

storage = StorageStack(app, f"{stage.prefix}-storage", stage=stage)
predictions = PredictionsStack(app, f"{stage.prefix}-predictions", stage=stage, storage=storage)
imports = ImportsStack(app, f"{stage.prefix}-imports", stage=stage, storage=storage, predictions=predictions)
compression = CompressionStack(app, f"{stage.prefix}-compression", stage=stage, storage=storage)
predict = PredictStack(app, f"{stage.prefix}-predict", stage=stage, storage=storage)
api = ApiStack(
    app,
    f"{stage.prefix}-api",
    stage=stage,
    storage=storage,
    imports=imports,
    compression=compression,
    predict=predict,
    predictions=predictions,
)
JobsStack(app, f"{stage.prefix}-jobs", stage=stage, storage=storage)
ObservabilityStack(
    app,
    f"{stage.prefix}-observability",
    stage=stage,
    key=storage.key,
    stacks=[storage, predictions, imports, compression, predict, api],
)

if app.node.try_get_context("nag") is True:  # takes the development environment
    from infra.nag import check

    check(app)

app.synth()
