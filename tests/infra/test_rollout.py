"""How a new version of a function takes over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

FUNCTIONS = (
    *("api", "authorize", "predict-small", "predict-medium", "predict-large", "start_import", "identify"),
    *("order_conversion", "collect_conversion", "verify", "register", "fail_import", "settle_import", "sweep"),
    *("note_progress", "run_prediction", "deliver_webhook", "start_compression", "prepare", "plan", "compress"),
    *("evaluate", "repair", "choose", "order_compression", "publish", "fail_compression"),
)
REFUSERS = {
    *("identify", "order_conversion", "collect_conversion", "verify", "register"),
    *("prepare", "plan", "compress", "evaluate", "repair", "choose", "order_compression", "publish"),
}


def plain(name):
    return name.replace("_", "").replace("-", "")


def test_no_function_is_left_out(dev):
    assert set(FUNCTIONS) == set(dev.functions())
    for kind in ("AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::CodeDeploy::DeploymentGroup"):
        assert len(dev.of_type(kind)) == len(FUNCTIONS), kind


@pytest.mark.parametrize("name", FUNCTIONS)
def test_live_is_an_alias_of_a_published_version_that_codedeploy_moves(dev, name):
    alias = dev.of_type("AWS::Lambda::Alias")[f"{plain(name)}live"]
    assert alias["Properties"]["Name"] == "live"
    assert alias["Properties"]["FunctionName"] == f"{plain(name)}function"
    assert alias["Properties"]["FunctionVersion"].startswith(f"{plain(name)}functionCurrentVersion")
    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"] == {
        "ApplicationName": "rollouts",
        "DeploymentGroupName": f"{plain(name)}rolloutgroup",
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_rollout_is_taken_back_when_calls_of_the_alias_fail(dev, name):
    group = dev.properties("AWS::CodeDeploy::DeploymentGroup", f"{plain(name)}rolloutgroup")
    assert group["AlarmConfiguration"] == {"Alarms": [{"Name": f"{plain(name)}rolloutalarm"}], "Enabled": True}
    assert set(group["AutoRollbackConfiguration"]["Events"]) == {
        "DEPLOYMENT_FAILURE",
        "DEPLOYMENT_STOP_ON_ALARM",
        "DEPLOYMENT_STOP_ON_REQUEST",
    }
    alarm = dev.properties("AWS::CloudWatch::Alarm", f"{plain(name)}rolloutalarm")
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/Lambda", "Errors", "Sum")
    dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    assert dimensions == {"FunctionName": f"{plain(name)}function", "Resource": f"{plain(name)}function:live"}
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["Threshold"] == (10 if name in REFUSERS else 1)


@pytest.mark.parametrize(
    ("stage", "config"),
    [("dev", "CodeDeployDefault.LambdaAllAtOnce"), ("prod", "CodeDeployDefault.LambdaCanary10Percent5Minutes")],
)
def test_the_stage_says_how_fast(stage, config, request):
    groups = request.getfixturevalue(stage).of_type("AWS::CodeDeploy::DeploymentGroup").values()
    assert {group["Properties"]["DeploymentConfigName"] for group in groups} == {config}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_codedeploy_may_move_this_alias_and_read_this_alarm_and_nothing_else(dev, name):
    deployed = f"aimass-dev-{name.replace('_', '-')}"
    function = f"arn:AWS::Partition:lambda:AWS::Region:AWS::AccountId:function:{deployed}"
    alarm = f"arn:AWS::Partition:cloudwatch:AWS::Region:AWS::AccountId:alarm:{deployed}-failing"
    actions = ("lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig")
    assert dev.rights(f"{plain(name)}rolloutrole") == {
        *((action, resource) for action in actions for resource in (function, f"{function}:live")),
        ("cloudwatch:DescribeAlarms", alarm),
    }
    assert dev.properties("AWS::CloudWatch::Alarm", f"{plain(name)}rolloutalarm")["AlarmName"] == f"{deployed}-failing"


def test_a_new_layer_or_setting_makes_a_new_version():
    # Without these flags a version stays as it is when only a layer changed, and its alias with the old code.
    context = json.loads((Path(__file__).parents[2] / "cdk.json").read_text())["context"]
    assert context["@aws-cdk/aws-lambda:recognizeLayerVersion"] is True
    assert context["@aws-cdk/aws-lambda:recognizeVersionProps"] is True
