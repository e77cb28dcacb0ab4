"""Queues between an event and a function, and where events go that no try could handle."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk.aws_events import CfnRule
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_lambda import EventSourceMapping
from aws_cdk.aws_sqs import DeadLetterQueue, Queue, QueueEncryption
from constructs import Construct

from infra.constructs.buckets import PrivateBucket
from infra.constructs.customer_key import OBJECT_READ, OBJECT_WRITE, CustomerKey
from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage

KEPT = Duration.days(14)  # the longest that SQS keeps a message
RECEIVES = 5
BATCH = 5
READERS = 10  # of a queue at once, so that a flood of uploads leaves Lambda's concurrency to predictions


class PrivateQueue(Queue):
    """Encrypted under the stage's key, TLS only; a message is kept 14 days."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        stage: Stage,
        key: CustomerKey,
        visible_after: Duration | None = None,
        dead_letters: Queue | None = None,
        receives: int = RECEIVES,
    ) -> None:
        super().__init__(
            scope,
            name,
            queue_name=f"{stage.prefix}-{name.replace('_', '-')}",
            encryption=QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=KEPT,
            visibility_timeout=visible_after,
            dead_letter_queue=DeadLetterQueue(max_receive_count=receives, queue=dead_letters) if dead_letters else None,
        )
        self._key = key

    def take_created(self, rule: str, bucket: PrivateBucket, prefix: str) -> None:
        """Objects created under a prefix of a bucket are sent here, by a rule of that name beside the queue.

        EventBridge's own target class would open the key to a rule of this stack, and so tie storage to it.
        """
        scope = self.node.scope
        assert scope is not None
        created = CfnRule(
            scope,
            rule,
            event_pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": {"name": [bucket.name]}, "object": {"key": [{"prefix": f"{prefix}/"}]}},
            },
            targets=[CfnRule.TargetProperty(id=self.node.id, arn=self.queue_arn)],
        )
        self._accept_from(created.attr_arn)

    def _accept_from(self, rule_arn: str) -> None:
        """Lets one rule of EventBridge send to the queue."""
        self.add_to_resource_policy(
            PolicyStatement(
                principals=[ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": rule_arn}},
            )
        )

    def allow_send(self, function: ServiceFunction) -> None:
        """Lets the function send, as Lambda does in its name when an asynchronous call failed for good."""
        function.allow("sqs", ["SendMessage"], self.queue_arn)
        self._key.allow(function, "sqs", OBJECT_WRITE)

    def read_by(self, reader: ServiceFunction, *more: str, batch: int = BATCH) -> None:
        """Hands messages to one function, which may do `more` to them, and says which must come again."""
        reader.allow("sqs", ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes", *more], self.queue_arn)
        self._key.allow(reader, "sqs", OBJECT_READ)
        EventSourceMapping(
            self,
            "reader",
            target=reader.live,
            event_source_arn=self.queue_arn,
            batch_size=batch,
            max_concurrency=READERS,
            report_batch_item_failures=True,
        )


class WorkQueue(PrivateQueue):
    """Read by one function in batches. A message that failed five times goes to `<name>_dead_letters`.

    From there SQS moves it back (StartMessageMoveTask): nothing is lost, and nothing is done twice on the way.
    """

    def __init__(self, scope: Construct, name: str, *, stage: Stage, key: CustomerKey, reader: ServiceFunction) -> None:
        dead_letters = PrivateQueue(scope, f"{name}_dead_letters", stage=stage, key=key)
        # As Lambda's own documents advise: six times what one batch may take.
        visible_after = Duration.seconds(6 * reader.seconds)
        super().__init__(scope, name, stage=stage, key=key, visible_after=visible_after, dead_letters=dead_letters)
        self.dead_letters = dead_letters
        self.read_by(reader)
