"""A state that is a job on the queue for CPUs, waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, Stack
from aws_cdk.aws_iam import IRole, PolicyStatement
from aws_cdk.aws_stepfunctions import CustomState, JitterType
from constructs import Construct

from infra.constructs.acknowledged import acknowledge
from infra.settings import Stage

PRIORITY = 1  # among a tenant's own, which come in their order
# Batch's own faults; a job's attempts are its definition's.
RETRIED = ["Batch.ServerException", "Batch.TooManyRequestsException", "Batch.SdkClientException"]
RULE = "StepFunctionsGetEventsForBatchJobsRule"  # Step Functions' own, by which it hears of the job's end


class BatchState(CustomState):
    """The job is named for its execution, its share of the queue is its tenant's, and it gets `$.ordered.order_url`.
    Queue and definitions go by their names: no export ties the stacks together.

    `definition` is the parameter that says which one. `seconds` are those from the submission to the end of the last
    attempt. Of its result nothing but the status goes on: the rest has the order's URL in it. The status takes that
    URL's place, which no later state needs.
    """

    def __init__(
        self, scope: Construct, name: str, *, stage: Stage, seconds: int, definition: Mapping[str, str]
    ) -> None:
        super().__init__(
            scope,
            name,
            state_json={
                "Type": "Task",
                "Resource": f"arn:{Stack.of(scope).partition}:states:::batch:submitJob.sync",
                "Parameters": {
                    "JobName.$": "$$.Execution.Name",
                    "JobQueue": f"{stage.jobs}-cpu",
                    "ShareIdentifier.$": "States.Hash($.tenant, 'SHA-256')",  # Batch takes letters and digits alone
                    "SchedulingPriorityOverride": PRIORITY,
                    **definition,
                    "ContainerOverrides": {
                        "Environment": [{"Name": "ORDER_URL", "Value.$": "$.ordered.order_url"}],
                    },
                },
                "ResultSelector": {"status.$": "$.Status"},
                "ResultPath": "$.ordered.order_url",
                "TimeoutSeconds": seconds,
            },
        )
        self._stage = stage
        self.add_retry(
            errors=RETRIED,
            interval=Duration.seconds(2),
            backoff_rate=2,
            max_attempts=4,
            max_delay=Duration.seconds(30),
            jitter_strategy=JitterType.FULL,
        )

    def allow(self, role: IRole, definitions: Sequence[str]) -> None:
        """What Step Functions needs to start such a job, to hear of its end, and to end it with its execution."""
        stack, stage = Stack.of(self), self._stage
        queue = stack.format_arn(service="batch", resource="job-queue", resource_name=f"{stage.jobs}-cpu")
        allowed = [
            stack.format_arn(service="batch", resource="job-definition", resource_name=f"{one}{any}")
            for one in definitions
            for any in ("", ":*")
        ]
        rule = stack.format_arn(service="events", resource="rule", resource_name=RULE)
        jobs = stack.format_arn(service="batch", resource="job", resource_name="*")
        for actions, resources in (
            (["batch:SubmitJob"], [queue, *allowed]),
            (["batch:TerminateJob"], [jobs]),
            (["batch:DescribeJobs"], ["*"]),
            (["events:PutTargets", "events:PutRule", "events:DescribeRule"], [rule]),
        ):
            role.add_to_principal_policy(PolicyStatement(actions=actions, resources=resources))
        arn = "arn:<AWS::Partition>:batch:<AWS::Region>:<AWS::AccountId>"
        for one in definitions:
            revisions = f"IAM5[Resource::{arn}:job-definition/{one}:*]"
            acknowledge(role, revisions, "whichever revision of the definition is the newest")
        acknowledge(role, f"IAM5[Resource::{arn}:job/*]", "Batch gives jobs their ids when they start")
