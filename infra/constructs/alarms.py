"""What an operator is woken for. Each alarm's description says what it means and where to look."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import (
    Alarm,
    ComparisonOperator,
    IMetric,
    MathExpression,
    Metric,
    TreatMissingData,
)
from aws_cdk.aws_cloudwatch_actions import SnsAction
from aws_cdk.aws_logs import FilterPattern, LogGroup, MetricFilter
from aws_cdk.aws_sns import ITopic
from constructs import Construct

from infra.constructs.watched import Watched, WatchedFunction

PERIOD = Duration.minutes(5)
# `POST /upload?wait=25` may take 25 s of 29; what takes longer than nine tenths is about to be cut off.
NEAR_TIMEOUT = 0.9
# Clients see 501, 504 and 507 by what they send, so one of them at night is no alarm.
SERVER_ERRORS, SERVER_ERRORS_PERCENT = 5, 1
# What is refused ends as a failed execution, so one is no alarm; half of all, five at least, is.
FAILED_EXECUTIONS, FAILED_EXECUTIONS_PERCENT = 5, 50
# Steps whose function raises StepRefused for what a tenant sent, StepBusy to be called again: their errors are counted
# in the log, without these.
REFUSING_STEPS = (
    *("identify", "order_conversion", "collect_conversion", "verify", "register"),
    *("prepare", "plan", "compress", "evaluate", "repair", "choose", "order_compression", "publish"),
)
# A pattern can't say "or" beside "not", so each has a filter of its own; all count into one metric. The last two are
# Lambda's own words, of a call that was cut off and of a process that died, as one out of memory does.
FAULTS = {"raised": '"[ERROR]" -StepRefused -StepBusy', "cut_off": '"Task timed out"', "died": '"Runtime exited"'}


class Alarms(Construct):
    """One topic hears all of them, and hears when each is over."""

    def __init__(self, scope: Construct, *, prefix: str, watched: Watched, topic: ITopic) -> None:
        super().__init__(scope, "alarms")
        self._prefix = prefix
        self._action = SnsAction(topic)
        for function in watched.functions:
            self._function(function)
        for name, arn in watched.state_machines.items():
            self._executions(name, arn)
        for queue in watched.dead_letters:
            self._dead_letters(queue)
        for api_id in watched.api_ids:
            self._server_errors(api_id)

    def _function(self, function: WatchedFunction) -> None:
        name, short = function.name, function.name.removeprefix(f"{self._prefix}-")
        errors = self._faults(function) if function.folder in REFUSING_STEPS else lambda_metric(name, "Errors", "Sum")
        self._alarm(f"{short}-errors", f"{name} failed: its log says why", errors, 0)
        throttles = lambda_metric(name, "Throttles", "Sum")
        self._alarm(f"{short}-throttles", f"{name} was refused concurrency: see the account's quota", throttles, 0)
        limit = NEAR_TIMEOUT * function.seconds * 1000
        slow = f"the slowest hundredth of {name}'s calls come near its timeout of {function.seconds} s"
        self._alarm(f"{short}-slow", slow, lambda_metric(name, "Duration", "p99"), limit, periods=3)

    def _faults(self, function: WatchedFunction) -> IMetric:
        name = function.name
        log = LogGroup.from_log_group_name(self, f"{name}-log", f"/aws/lambda/{name}")
        for kind, pattern in FAULTS.items():
            MetricFilter(
                self,
                f"{name}-{kind}",
                log_group=log,
                filter_pattern=FilterPattern.literal(pattern),
                metric_namespace=self._prefix,
                metric_name=f"{name}-faults",
                metric_value="1",
            )
        return _metric(self._prefix, f"{name}-faults", "Sum", {})

    def _executions(self, name: str, arn: str) -> None:
        # ExecutionsAborted wakes nobody: a tenant who cancels a job aborts its execution.
        about = f"executions of {name} ran out of time: their jobs are settled by settle_import"
        short = name.removeprefix(f"{self._prefix}-")
        self._alarm(f"{short}-executions-timedout", about, states_metric(arn, "ExecutionsTimedOut"), 0)
        share = MathExpression(
            expression=f"IF(failed >= {FAILED_EXECUTIONS}, 100 * failed / MAX([started, failed]), 0)",
            using_metrics={
                "failed": states_metric(arn, "ExecutionsFailed"),
                "started": states_metric(arn, "ExecutionsStarted"),
            },
            period=PERIOD,
            label="failed executions, percent",
        )
        about = (
            f"half of {name}'s executions fail, {FAILED_EXECUTIONS} or more in 5 minutes; what was refused counts too"
        )
        self._alarm(f"{short}-executions-failed", about, share, FAILED_EXECUTIONS_PERCENT)

    def _dead_letters(self, queue: str) -> None:
        about = f"events that could not be handled lie in {queue}: see docs/operations, Redrive"
        short = queue.removeprefix(f"{self._prefix}-")
        self._alarm(short, about, queue_metric(queue), 0)

    def _server_errors(self, api_id: str) -> None:
        share = MathExpression(
            expression=f"IF(errors >= {SERVER_ERRORS}, 100 * errors / MAX([errors, calls]), 0)",
            using_metrics={"errors": api_metric(api_id, "5xx", "Sum"), "calls": api_metric(api_id, "Count", "Sum")},
            period=PERIOD,
            label="answers 5xx, percent",
        )
        about = (
            f"more than {SERVER_ERRORS_PERCENT} % of answers are 5xx, {SERVER_ERRORS} or more in 5 minutes: the access"
            " log has their routes and statuses, the functions' logs their causes by request id"
        )
        self._alarm("api-5xx", about, share, SERVER_ERRORS_PERCENT)

    def _alarm(self, name: str, about: str, metric: IMetric, threshold: float, *, periods: int = 1) -> None:
        alarm = Alarm(
            self,
            name,
            alarm_name=f"{self._prefix}-{name}",
            alarm_description=about,
            metric=metric,
            threshold=threshold,
            comparison_operator=ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)


def lambda_metric(function_name: str, metric: str, statistic: str) -> Metric:
    """One of a function's own metrics; durations are in milliseconds."""
    return _metric("AWS/Lambda", metric, statistic, {"FunctionName": function_name})


def states_metric(arn: str, metric: str) -> Metric:
    """How many executions of a state machine did so."""
    return _metric("AWS/States", metric, "Sum", {"StateMachineArn": arn})


def queue_metric(queue_name: str) -> Metric:
    """How many messages wait in a queue."""
    return _metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", {"QueueName": queue_name})


def api_metric(api_id: str, metric: str, statistic: str) -> Metric:
    """One of an HTTP API's metrics; latencies are in milliseconds."""
    return _metric("AWS/ApiGateway", metric, statistic, {"ApiId": api_id})


def table_metric(table_name: str, metric: str) -> Metric:
    """One of a table's metrics."""
    return _metric("AWS/DynamoDB", metric, "Sum", {"TableName": table_name})


def _metric(namespace: str, metric: str, statistic: str, dimensions: Mapping[str, str]) -> Metric:
    return Metric(
        namespace=namespace, metric_name=metric, statistic=statistic, dimensions_map=dict(dimensions), period=PERIOD
    )
