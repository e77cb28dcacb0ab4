"""Imports that the last stop cut off: no execution goes on by itself, whatever its job says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.aws import client
from local.durable.durability import JOURNAL
from local.durable.executions import CUT_OFF
from local.durable.items import KIND
from local.durable.journal import records_in

FAIL_STATE = "fail_import"
JOB, TENANT = "JOB#", "T#"


def settle_interrupted_imports(state: Path, endpoint: str) -> int:
    """Has the state machine's own `fail_import` write down each job that counts as running, and says how many.

    Telling it again changes nothing: it ends only the attempt that still counts as running. Called before any event
    is delivered, as that starts new ones.
    """
    cut_off = [json.dumps(event).encode() for event in running_jobs(state / JOURNAL)]
    if cut_off:
        function, functions = _fail_import(endpoint), client("lambda", endpoint)
        for event in cut_off:
            functions.invoke(FunctionName=function, Payload=event)
    return len(cut_off)


def running_jobs(journal: Path) -> Iterator[dict[str, Any]]:
    """What `fail_import` is told of each, as its state machine would."""
    for item in records_in(journal, KIND, f'"{JOB}'):
        if item.get("state") == {"S": "running"}:
            yield {
                "tenant": item["PK"]["S"].removeprefix(TENANT),
                "model": item["model"]["S"],
                "version": int(item["version"]["N"]),
                "job_id": item["SK"]["S"].removeprefix(JOB),
                "attempt": int(item["attempt"]["N"]),
                "error": {"Error": CUT_OFF, "Cause": ""},
            }


def _fail_import(endpoint: str) -> str:
    """The function behind the state, named by it or by its parameters."""
    states = client("stepfunctions", endpoint)
    for machine in states.list_state_machines()["stateMachines"]:
        definition = json.loads(states.describe_state_machine(stateMachineArn=machine["stateMachineArn"])["definition"])
        state = definition["States"].get(FAIL_STATE)
        if state:
            return str(state.get("Parameters", {}).get("FunctionName", state["Resource"]))
    raise LookupError(f"no state machine has a state {FAIL_STATE}")
