"""One page that answers: is it up, is it fast, what fails, what waits."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import Dashboard, GraphWidget, IMetric, IWidget, TextWidget
from constructs import Construct

from infra.constructs.alarms import api_metric, lambda_metric, queue_metric, states_metric, table_metric
from infra.constructs.watched import Watched

WIDTH, THIRD = 24, 8
TITLE = "# {prefix}\nWhat each alarm means, and what to do: `docs/operations` in the repository."


class OperationsDashboard(Construct):
    """The API above, then predictions by tier, functions, imports, tables and dead letters."""

    def __init__(self, scope: Construct, *, prefix: str, watched: Watched) -> None:
        super().__init__(scope, "dashboard")
        rows: tuple[list[IWidget], ...] = (
            [TextWidget(markdown=TITLE.format(prefix=prefix), width=WIDTH, height=2)],
            *(_api(api_id) for api_id in watched.api_ids),
            _functions("Predictions by tier", [one.name for one in watched.functions if "-predict" in one.name]),
            _functions("Functions", [one.name for one in watched.functions if "-predict" not in one.name]),
            [
                *(_executions(name, arn) for name, arn in watched.state_machines.items()),
                _graph("Tables: throttled calls", _throttles(watched.tables), THIRD),
                _graph("Dead letters", _by_queue(watched.dead_letters), THIRD),
            ],
        )
        Dashboard(
            self,
            "page",
            dashboard_name=prefix,
            default_interval=Duration.hours(3),
            widgets=list(rows),
        )


def _api(api_id: str) -> list[IWidget]:
    latencies: list[IMetric] = [
        api_metric(api_id, "Latency", "p50").with_(label="p50"),
        api_metric(api_id, "Latency", "p99").with_(label="p99"),
    ]
    return [
        _graph("API: calls", [api_metric(api_id, "Count", "Sum")], THIRD),
        _graph("API: errors", [api_metric(api_id, name, "Sum") for name in ("4xx", "5xx")], THIRD),
        _graph("API: latency, ms", latencies, THIRD),
    ]


def _functions(title: str, names: list[str]) -> list[IWidget]:
    quarter = WIDTH // 4
    return [
        _graph(
            f"{title}: {what}", [lambda_metric(name, metric, statistic).with_(label=name) for name in names], quarter
        )
        for what, metric, statistic in (
            ("calls", "Invocations", "Sum"),
            ("errors", "Errors", "Sum"),
            ("p50, ms", "Duration", "p50"),
            ("p99, ms", "Duration", "p99"),
        )
    ]


def _executions(name: str, arn: str) -> IWidget:
    kinds = ("Started", "Succeeded", "Failed", "TimedOut", "Aborted")
    return _graph(f"Executions of {name}", [states_metric(arn, f"Executions{kind}") for kind in kinds], THIRD)


def _throttles(tables: tuple[str, ...]) -> list[IMetric]:
    return [
        table_metric(table, metric).with_(label=f"{table} {metric}")
        for table in tables
        for metric in ("ReadThrottleEvents", "WriteThrottleEvents")
    ]


def _by_queue(queues: tuple[str, ...]) -> list[IMetric]:
    return [queue_metric(queue).with_(label=queue) for queue in queues]


def _graph(title: str, metrics: list[IMetric], width: int) -> IWidget:
    return GraphWidget(title=title, left=metrics, width=width, height=6)
