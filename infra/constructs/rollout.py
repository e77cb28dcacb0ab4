"""How a new version takes a function's calls over: by CodeDeploy, and back again when calls fail."""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk.aws_cloudwatch import Alarm, ComparisonOperator, TreatMissingData
from aws_cdk.aws_codedeploy import (
    AutoRollbackConfig,
    ILambdaDeploymentConfig,
    LambdaApplication,
    LambdaDeploymentConfig,
    LambdaDeploymentGroup,
)
from aws_cdk.aws_iam import PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_lambda import Alias
from constructs import Construct

from infra.settings import Stage

# In one minute. Our functions answer what goes wrong in a call; one that fails crashed, or ran out of time.
ERRORS = 1
# A step of the import raises what it refuses an upload for, and that says nothing about a new version.
ERRORS_OF_REFUSERS = 10


class Rollout(Construct):
    """A deployment group for the alias, as the stage says, and the alarm that stops it: calls that fail."""

    def __init__(self, scope: Construct, *, stage: Stage, function_name: str, alias: Alias, refuses: bool) -> None:
        super().__init__(scope, "rollout")
        alarm = _alarm(self, function_name, alias, ERRORS_OF_REFUSERS if refuses else ERRORS)
        config: ILambdaDeploymentConfig = getattr(LambdaDeploymentConfig, stage.rollout)
        LambdaDeploymentGroup(
            self,
            "group",
            application=_application(Stack.of(self)),
            alias=alias,
            deployment_config=config,
            deployment_group_name=function_name,
            alarms=[alarm],
            auto_rollback=AutoRollbackConfig(failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True),
            # CDK would give any other role AWS's managed policy, which may update every function of the account.
            role=_role(self, function_name, alarm_name=f"{function_name}-failing").without_policy_updates(),
        )


def _alarm(scope: Construct, function_name: str, alias: Alias, errors: int) -> Alarm:
    return Alarm(
        scope,
        "alarm",
        alarm_name=f"{function_name}-failing",
        alarm_description=f"{errors} or more calls of {function_name}:live failed in a minute; a rollout is taken back",
        metric=alias.metric_errors(period=Duration.minutes(1), statistic="Sum"),
        threshold=errors,
        comparison_operator=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluation_periods=1,
        treat_missing_data=TreatMissingData.NOT_BREACHING,
    )


def _application(stack: Stack) -> LambdaApplication:
    """One a stack: its deployment groups are named for their functions."""
    found = stack.node.try_find_child("rollouts")
    if found is None:
        return LambdaApplication(stack, "rollouts", application_name=stack.stack_name)
    assert isinstance(found, LambdaApplication)
    return found


def _role(scope: Construct, function_name: str, *, alarm_name: str) -> Role:
    """May move this function's alias and read its alarm."""
    stack = Stack.of(scope)
    function = stack.format_arn(
        service="lambda", resource="function", resource_name=function_name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    alarm = stack.format_arn(
        service="cloudwatch", resource="alarm", resource_name=alarm_name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    role = Role(scope, "role", assumed_by=ServicePrincipal("codedeploy.amazonaws.com"))
    role.add_to_policy(
        PolicyStatement(
            actions=["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
            resources=[function, f"{function}:live"],
        )
    )
    role.add_to_policy(PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=[alarm]))
    return role
