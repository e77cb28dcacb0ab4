"""What the other stacks hold that is worth watching, found there: what is added to them is watched too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk.aws_apigatewayv2 import CfnApi
from aws_cdk.aws_dynamodb import CfnTable
from aws_cdk.aws_lambda import CfnFunction
from aws_cdk.aws_sqs import CfnQueue
from aws_cdk.aws_stepfunctions import CfnStateMachine


@dataclass(frozen=True)
class WatchedFunction:
    """`folder` is what the function is called in the tree, `seconds` its timeout."""

    name: str
    folder: str
    seconds: float


@dataclass(frozen=True)
class Watched:
    """Names as metrics have them; `state_machines` maps names to ARNs.

    `dead_letters` are the queues without a redrive policy: what lies there goes nowhere by itself.
    """

    functions: tuple[WatchedFunction, ...]
    state_machines: dict[str, str]
    dead_letters: tuple[str, ...]
    api_ids: tuple[str, ...]
    tables: tuple[str, ...]


def watched_in(stacks: Sequence[Stack]) -> Watched:
    """Everything in these stacks. Functions, queues and state machines have names of their own there."""
    return Watched(
        functions=tuple(_function(one) for one in _all(stacks, CfnFunction)),
        state_machines={
            _named(one.state_machine_name): _arn(one, _named(one.state_machine_name))
            for one in _all(stacks, CfnStateMachine)
        },
        dead_letters=tuple(_named(one.queue_name) for one in _all(stacks, CfnQueue) if one.redrive_policy is None),
        api_ids=tuple(one.ref for one in _all(stacks, CfnApi)),
        tables=tuple(one.ref for one in _all(stacks, CfnTable)),
    )


def _all(stacks: Sequence[Stack], kind: type[Any]) -> Iterator[Any]:
    for stack in stacks:
        yield from (one for one in stack.node.find_all() if isinstance(one, kind))


def _function(resource: CfnFunction) -> WatchedFunction:
    scope = resource.node.scope
    assert scope is not None
    assert scope.node.scope is not None
    assert resource.timeout is not None
    return WatchedFunction(_named(resource.function_name), scope.node.scope.node.id, resource.timeout)


def _arn(machine: CfnStateMachine, name: str) -> str:
    arn: str = Stack.of(machine).format_arn(
        service="states", resource="stateMachine", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    return arn


def _named(name: object) -> str:
    assert isinstance(name, str), "what is watched has a name of its own, so that no export ties the stacks together"
    return name
