"""A state machine that does a job's steps. A state, its function and its folder share one name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk.aws_iam import IRole
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_logs import LogGroup
from aws_cdk.aws_stepfunctions import (
    CustomState,
    DefinitionBody,
    Fail,
    IChainable,
    JitterType,
    LogLevel,
    LogOptions,
    Map,
    StateMachine,
    StateMachineType,
    Timeout,
)
from aws_cdk.aws_stepfunctions_tasks import LambdaInvoke
from constructs import Construct

from infra.constructs.acknowledged import acknowledge
from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage

# More at once than the account or what is reserved has room for: they wait, some 30 minutes a step.
THROTTLED = "Lambda.TooManyRequestsException"
# Faults of the service, and conflicts that pass: of our functions' own errors (StepRefused) no other is retried.
RETRIED = ["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException", "StepBusy"]
# A state outlives its function's own timeout, so that the function's error is the one that is caught.
GRACE_SECONDS = 10


class JobStateMachine(Construct):
    """What the machines have in common: how a state calls its function, where errors go, who may start executions.

    It may invoke the functions of its states only. Its executions stand under the job's ids.
    """

    def __init__(
        self, scope: Construct, name: str, *, stage: Stage, key: IKey, functions: Mapping[str, ServiceFunction]
    ) -> None:
        super().__init__(scope, name)
        self.name = f"{stage.prefix}-{name}"
        self._stage = stage
        self._key = key
        self._functions = functions

    def allow_start(self, function: ServiceFunction) -> None:
        """Lets the function start executions."""
        function.allow("states", ["StartExecution"], self.arn)

    def allow_control(self, function: ServiceFunction) -> None:
        """Lets the function start executions, see whether one has ended, and stop one."""
        self.allow_start(function)
        function.allow("states", ["DescribeExecution", "StopExecution"], self._executions)
        executions = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{self.name}:*"
        acknowledge(function, f"IAM5[Resource::{executions}]", "executions of this one state machine, of any name")

    def state(self, scope: Construct, name: str, result_path: str, *, last: bool = False) -> LambdaInvoke:
        """A call of the function of that name. After the `last` nothing comes: it tries again whatever happened."""
        function = self._functions[name]
        state = LambdaInvoke(
            scope,
            name,
            lambda_function=function.live,
            payload_response_only=True,
            result_path=result_path,
            retry_on_service_exceptions=False,
            task_timeout=Timeout.duration(Duration.seconds(function.seconds + GRACE_SECONDS)),
        )
        state.add_retry(
            errors=[THROTTLED],
            interval=Duration.seconds(2),
            backoff_rate=2,
            max_attempts=60,
            max_delay=Duration.seconds(60),
            jitter_strategy=JitterType.FULL,
        )
        state.add_retry(
            errors=["States.TaskFailed"] if last else RETRIED,
            interval=Duration.seconds(2),
            backoff_rate=2,
            max_attempts=4,
            max_delay=Duration.seconds(30),
            jitter_strategy=JitterType.FULL,
        )
        return state

    def catch(self, states: Sequence[LambdaInvoke | CustomState | Map], failing: LambdaInvoke, ended: str) -> None:
        """Any error of these goes to `failing`, which writes it down, and the execution fails by that error."""
        for state in states:
            state.add_catch(failing, errors=["States.ALL"], result_path="$.error")
        failing.next(Fail(self, ended, error_path="$.error.Error", cause_path="$.error.Cause"))

    def define(self, begins: IChainable, *, whole: Duration, every: str) -> IRole:
        """Makes the machine of all states that follow on one; its role is the answer. `every` are its executions."""
        machine = StateMachine(
            self,
            "machine",
            state_machine_name=self.name,
            state_machine_type=StateMachineType.STANDARD,
            definition_body=DefinitionBody.from_chainable(begins),
            timeout=whole,
            logs=LogOptions(destination=self._log(), level=LogLevel.ERROR, include_execution_data=False),
        )
        _acknowledge(machine, every)
        self.arn = machine.state_machine_arn
        self._executions = Stack.of(self).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self.name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        role: IRole = machine.role
        return role

    def _log(self) -> LogGroup:
        stage = self._stage
        return LogGroup(
            self,
            "log",
            log_group_name=f"/aws/vendedlogs/{stage.prefix}/{self.node.id}",
            retention=stage.log_retention,
            encryption_key=self._key,
            removal_policy=stage.removal_policy,
        )


def machine_arn(scope: Construct, stage: Stage, name: str) -> str:
    """Of a machine of another stack, by its name: no export ties the stacks together."""
    arn: str = Stack.of(scope).format_arn(
        service="states",
        resource="stateMachine",
        resource_name=f"{stage.prefix}-{name}",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    return arn


def _acknowledge(machine: StateMachine, every: str) -> None:
    acknowledge(machine, "SF1", f"errors alone are logged: every step of every {every} stands in its job's record")
    acknowledge(machine, "SF2", "tracing can be allowed on all resources only, and a job's record has the steps' times")
    acknowledge(
        machine.role, "IAM5[Resource::*]", "CloudWatch's log deliveries and Batch's DescribeJobs know no resource"
    )
