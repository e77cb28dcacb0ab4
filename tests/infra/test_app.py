from __future__ import annotations

import json
import re

import pytest

PARTS = ("storage", "predictions", "imports", "compression", "predict", "api", "jobs", "observability")


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_stage_is_eight_stacks_of_its_own(stage, request):
    stacks = request.getfixturevalue(stage).stacks
    assert stacks == {f"aimass-{stage}-{part}" for part in PARTS}


def test_storage_alone_is_guarded_against_deletion_and_only_in_prod(dev, prod):
    assert dev.guarded() == set()
    assert prod.guarded() == {"aimass-prod-storage"}


def test_nothing_runs_that_is_not_written_here(dev):
    assert not [kind for kind in dev.types() if kind.startswith(("Custom::", "AWS::CloudFormation::", "AWS::CDK::"))]
    assert len(dev.of_type("AWS::Lambda::Function")) == len(dev.functions()) == 27


def test_no_layer_version_is_shared_between_stacks(dev):
    # CloudFormation refuses to change an export in use, and every change of code makes a new layer version.
    exported = [value for value in dev.exports().values() if value in {"aimass", "deps", "ml", "rows"}]
    assert exported == []


# What a stage's settings decide: its name, sizes, limits, retention and guards. Everything else is the same in both.
SETTINGS = {
    "AWS::ApiGatewayV2::Api": {"CorsConfiguration"},
    "AWS::ApiGatewayV2::Stage": {"DefaultRouteSettings", "RouteSettings"},
    "AWS::CodeDeploy::DeploymentGroup": {"DeploymentConfigName"},
    "AWS::DynamoDB::Table": {"DeletionProtectionEnabled"},
    "AWS::Lambda::Function": {"MemorySize", "ReservedConcurrentExecutions", "Environment"},
    "AWS::Logs::LogGroup": {"RetentionInDays"},
    "AWS::S3::Bucket": {"CorsConfiguration"},
}
OURS = ("storage", "predictions", "imports", "compression", "predict", "api")


def test_stages_differ_in_what_their_settings_say_and_in_nothing_else(dev, prod):
    differing = {}
    for kind in dev.types() | prod.types():
        ours, theirs = by_stageless_name(dev, kind), by_stageless_name(prod, kind)
        assert ours.keys() == theirs.keys(), kind
        for name, properties in ours.items():
            for key in properties.keys() | theirs[name].keys():
                if stageless(properties.get(key)) != stageless(theirs[name].get(key)):
                    differing.setdefault(kind, set()).add(key)
    assert [(kind, key) for kind, keys in differing.items() for key in keys - SETTINGS.get(kind, set())] == []


def by_stageless_name(deployment, kind):
    return {
        (part, stageless(name)): resource.get("Properties", {})
        for part in OURS
        for name, resource in deployment.of_type(kind, stacks=[part]).items()
    }


def stageless(value):
    """As JSON text without the stage's name, and without the hashes of what it is part of."""
    text = re.sub(r"aimass-?(dev|prod)", "aimass", json.dumps(value, sort_keys=True))
    return re.sub(r"CurrentVersion[0-9A-Fa-f]+|[0-9A-F]{8}", "", text)
