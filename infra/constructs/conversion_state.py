"""The state `convert`: a job on the queue for CPUs, of the environment that the model needs, waited for."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk.aws_iam import IRole, PolicyStatement
from aws_cdk.aws_stepfunctions import CustomState, JitterType
from constructs import Construct

from infra.constructs.acknowledged import acknowledge
from infra.settings import CONVERTERS, Stage

SECONDS = 9000  # three attempts, and a queue before them
PRIORITY = 1  # among a tenant's own, which come in their order
# Batch's own faults; a job's attempts are its definition's.
RETRIED = ["Batch.ServerException", "Batch.TooManyRequestsException", "Batch.SdkClientException"]
RULE = "StepFunctionsGetEventsForBatchJobsRule"  # Step Functions' own, by which it hears of the job's end


class ConversionState(CustomState):
    """The job is named for its execution, and its share of the queue is its tenant's. Queue and definitions go by their
    names: no export ties the stacks together.

    Of its result nothing but the status goes on: the rest has the order's URL in it. The status takes that URL's place,
    which no later state needs.
    """

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        super().__init__(
            scope,
            "convert",
            state_json={
                "Type": "Task",
                "Resource": f"arn:{Stack.of(scope).partition}:states:::batch:submitJob.sync",
                "Parameters": {
                    "JobName.$": "$$.Execution.Name",
                    "JobQueue": f"{stage.jobs}-cpu",
                    "ShareIdentifier.$": "States.Hash($.tenant, 'SHA-256')",  # Batch takes letters and digits alone
                    "SchedulingPriorityOverride": PRIORITY,
                    "JobDefinition.$": f"States.Format('{stage.jobs}-convert-{{}}', $.identified.environment)",
                    "ContainerOverrides": {
                        "Environment": [{"Name": "ORDER_URL", "Value.$": "$.ordered.order_url"}],
                    },
                },
                "ResultSelector": {"status.$": "$.Status"},
                "ResultPath": "$.ordered.order_url",
                "TimeoutSeconds": SECONDS,
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

    def allow(self, role: IRole) -> None:
        """What Step Functions needs to start a job, to hear of its end, and to end it with its execution."""
        stack, stage = Stack.of(self), self._stage
        queue = stack.format_arn(service="batch", resource="job-queue", resource_name=f"{stage.jobs}-cpu")
        definitions = [
            stack.format_arn(
                service="batch", resource="job-definition", resource_name=f"{stage.jobs}-convert-{one}{any}"
            )
            for one in CONVERTERS
            for any in ("", ":*")
        ]
        rule = stack.format_arn(service="events", resource="rule", resource_name=RULE)
        jobs = stack.format_arn(service="batch", resource="job", resource_name="*")
        for actions, resources in (
            (["batch:SubmitJob"], [queue, *definitions]),
            (["batch:TerminateJob"], [jobs]),
            (["batch:DescribeJobs"], ["*"]),
            (["events:PutTargets", "events:PutRule", "events:DescribeRule"], [rule]),
        ):
            role.add_to_principal_policy(PolicyStatement(actions=actions, resources=resources))
        arn = "arn:<AWS::Partition>:batch:<AWS::Region>:<AWS::AccountId>"
        for one in CONVERTERS:
            revisions = f"IAM5[Resource::{arn}:job-definition/{stage.jobs}-convert-{one}:*]"
            acknowledge(role, revisions, "whichever revision of the definition is the newest")
        acknowledge(role, f"IAM5[Resource::{arn}:job/*]", "Batch gives jobs their ids when they start")
