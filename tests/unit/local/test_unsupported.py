import json

import pytest

from local.unsupported import is_used_here, supported

PLAIN = {"Type": "AWS::SQS::Queue", "Properties": {}}
GROUP = {"Type": "AWS::CodeDeploy::DeploymentGroup", "Properties": {}}
MATHS = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": []}}
ALARM = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}}


def left(**resources):
    return json.loads(supported(json.dumps({"Resources": resources})))["Resources"]


def test_a_template_that_is_supported_stays_as_it_is():
    text = json.dumps({"Resources": {"queue": PLAIN}}, indent=3)
    assert supported(text) == text


def test_what_cannot_be_created_is_left_out():
    assert left(queue=PLAIN, group=GROUP, maths=MATHS, alarm=ALARM) == {"queue": PLAIN, "alarm": ALARM}


def test_an_alias_moves_without_the_deployment_that_is_left_out():
    rolled_out = {"CodeDeployLambdaAliasUpdate": {"DeploymentGroupName": {"Ref": "group"}}}
    alias = {"Type": "AWS::Lambda::Alias", "Properties": {"Name": "live"}}
    assert left(alias={**alias, "UpdatePolicy": rolled_out}, group=GROUP)["alias"] == alias


def test_no_snapshot_is_started_beside_our_own_runtime():
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "h"}}
    snapped = {**function, "Properties": {"Handler": "h", "SnapStart": {"ApplyOn": "PublishedVersions"}}}
    assert left(function=snapped)["function"] == function


@pytest.mark.parametrize(("after", "kept"), [("group", []), ("queue", ["queue"]), (["queue", "group"], ["queue"])])
def test_nothing_waits_for_what_is_left_out(after, kept):
    assert left(queue=PLAIN, group=GROUP, last={**PLAIN, "DependsOn": after})["last"]["DependsOn"] == kept


@pytest.mark.parametrize(
    ("stack", "used"),
    [
        ("aimass-dev-api", True),
        ("aimass-dev-storage", True),
        ("aimass-dev-jobs", False),
        ("aimass-prod-observability", False),
    ],
)
def test_which_stacks_one_machine_uses(stack, used):
    assert is_used_here(stack) is used
