"""Imports that the last stop cut off: MiniStack ends their executions without going on to any state."""

from __future__ import annotations

import json

from local.aws import client

CUT_OFF = "States.ServiceRestart"
FAIL_STATE = "fail_import"
NEWEST = 100


def settle_interrupted_imports(endpoint: str) -> int:
    """Has the state machine's own `fail_import` write down each, and says how many there were.

    Telling it again changes nothing: it ends only the attempt that still counts as running.
    """
    states, functions = client("stepfunctions", endpoint), client("lambda", endpoint)
    settled = 0
    for machine in states.list_state_machines()["stateMachines"]:
        arn = machine["stateMachineArn"]
        definition = json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"])
        ended = states.list_executions(stateMachineArn=arn, statusFilter="FAILED", maxResults=NEWEST)["executions"]
        for execution in ended:
            described = states.describe_execution(executionArn=execution["executionArn"])
            if described.get("error") == CUT_OFF:
                event = {**json.loads(described["input"]), "error": {"Error": CUT_OFF, "Cause": ""}}
                function = definition["States"][FAIL_STATE]["Resource"]
                functions.invoke(FunctionName=function, Payload=json.dumps(event))
                settled += 1
    return settled
