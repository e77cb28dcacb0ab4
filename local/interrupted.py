"""Jobs that the last stop cut off: no execution goes on by itself, whatever its job says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from local.aws import client
from local.durable.durability import JOURNAL
from local.durable.executions import CUT_OFF
from local.durable.items import KIND
from local.durable.journal import records_in

#: What writes down that a job was cut off, by its kind. A verification runs in the import's state machine; a prediction
#: in none, and its message, which comes again, finds it ended.
FAIL_STATES = {
    "import": "fail_import",
    "verification": "fail_import",
    "prediction": "fail_import",
    "compression": "fail_compression",
}
JOB, TENANT = "JOB#", "T#"


def settle_interrupted_jobs(state: Path, endpoint: str) -> int:
    """Has the state machine's own last state write down each job that counts as running, and says how many.

    Telling it again changes nothing: it ends only the attempt that still counts as running. Called before any event
    is delivered, as that starts new ones.
    """
    cut_off, functions = list(running_jobs(state / JOURNAL)), client("lambda", endpoint)
    function = cache(lambda state: _function_of(state, endpoint))
    for fail_state, event in cut_off:
        functions.invoke(FunctionName=function(fail_state), Payload=json.dumps(event).encode())
    return len(cut_off)


def running_jobs(journal: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The state that writes down each one's failure, and what it is told, as its state machine would."""
    for item in records_in(journal, KIND, f'"{JOB}'):
        if item.get("state") == {"S": "running"}:
            yield (
                FAIL_STATES[item["kind"]["S"]],
                {
                    "tenant": item["PK"]["S"].removeprefix(TENANT),
                    "model": item["model"]["S"],
                    "version": int(item["version"]["N"]),
                    "job_id": item["SK"]["S"].removeprefix(JOB),
                    "attempt": int(item["attempt"]["N"]),
                    "error": {"Error": CUT_OFF, "Cause": ""},
                },
            )


def _function_of(name: str, endpoint: str) -> str:
    """The function behind a state, named by it or by its parameters."""
    states = client("stepfunctions", endpoint)
    for machine in states.list_state_machines()["stateMachines"]:
        definition = json.loads(states.describe_state_machine(stateMachineArn=machine["stateMachineArn"])["definition"])
        state = definition["States"].get(name)
        if state:
            return str(state.get("Parameters", {}).get("FunctionName", state["Resource"]))
    raise LookupError(f"no state machine has a state {name}")
