"""Who is told what: a dashboard, the alarms, one topic for them, and a budget."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Annotations, Stack
from aws_cdk.aws_budgets import CfnBudget
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_sns import Topic
from aws_cdk.aws_sns_subscriptions import EmailSubscription
from constructs import Construct

from infra.constructs.alarms import Alarms
from infra.constructs.customer_key import CustomerKey
from infra.constructs.dashboard import OperationsDashboard
from infra.constructs.watched import watched_in
from infra.settings import Stage

PUBLISHERS = ("cloudwatch.amazonaws.com", "budgets.amazonaws.com")
BUDGET_PERCENTS = (80, 100)


class ObservabilityStack(Stack):
    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, key: CustomerKey, stacks: Sequence[Stack]
    ) -> None:
        super().__init__(scope, construct_id)
        topic = self._topic(stage, key)
        watched = watched_in(stacks)
        for stack in stacks:
            self.add_stack_dependency(stack)
        Alarms(self, prefix=stage.prefix, watched=watched, topic=topic)
        OperationsDashboard(self, prefix=stage.prefix, watched=watched)
        self._budget(stage, topic)

    def _topic(self, stage: Stage, key: CustomerKey) -> Topic:
        """Alarms can't be published to a topic under AWS's own key: the stage's key lets its publishers in."""
        topic = Topic(self, "alarms_topic", topic_name=f"{stage.prefix}-alarms", master_key=key, enforce_ssl=True)
        ours = {"StringEquals": {"aws:SourceAccount": self.account}}
        publishers = [ServicePrincipal(name) for name in PUBLISHERS]
        topic.add_to_resource_policy(
            PolicyStatement(
                principals=publishers, actions=["sns:Publish"], resources=[topic.topic_arn], conditions=ours
            )
        )
        key.add_to_resource_policy(
            PolicyStatement(
                principals=publishers, actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=["*"], conditions=ours
            )
        )
        if stage.alarm_email:
            topic.add_subscription(EmailSubscription(stage.alarm_email))
        elif stage.keep_data:
            Annotations.of(self).add_warning_v2(
                "aimass:nobodyIsTold", f"alarms of {stage.prefix} reach nobody: set alarm_email in infra/settings.py"
            )
        return topic

    def _budget(self, stage: Stage, topic: Topic) -> None:
        """Of the whole account: what the stage costs can be told apart only once its tags are activated for costs."""
        CfnBudget(
            self,
            "budget",
            budget=CfnBudget.BudgetDataProperty(
                budget_name=f"{stage.prefix}-monthly",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=CfnBudget.SpendProperty(amount=stage.monthly_budget_usd, unit="USD"),
            ),
            notifications_with_subscribers=[
                CfnBudget.NotificationWithSubscribersProperty(
                    notification=CfnBudget.NotificationProperty(
                        notification_type="ACTUAL",
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)],
                )
                for percent in BUDGET_PERCENTS
            ],
        )
