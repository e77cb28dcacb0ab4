from __future__ import annotations

import pytest


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_stage_is_four_stacks_of_its_own(stage, request):
    stacks = request.getfixturevalue(stage).stacks
    assert stacks == {f"aimass-{stage}-{part}" for part in ("storage", "imports", "predict", "api")}


def test_nothing_runs_that_is_not_written_here(dev):
    assert not [kind for kind in dev.types() if kind.startswith(("Custom::", "AWS::CloudFormation::", "AWS::CDK::"))]
    assert len(dev.of_type("AWS::Lambda::Function")) == len(dev.functions()) == 9


def test_no_layer_version_is_shared_between_stacks(dev):
    # CloudFormation refuses to change an export in use, and every change of code makes a new layer version.
    exported = [value for value in dev.exports().values() if value in {"aimass", "deps", "ml"}]
    assert exported == []
