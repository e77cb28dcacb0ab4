"""Runs a state machine's definition for a test, its functions and its job being the test's: a process of its own, as
MiniStack reads its settings when it is imported.

From standard input `{definition, input, answers, fails, at_once, stop_at}`, `answers` and `fails` by the state's name;
to standard output the calls, how many ran side by side, and how the execution ended.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

asked = json.load(sys.stdin)
os.environ.update({"PERSIST_STATE": "0", "DOCKER_HOST": "unix:///nonexistent", "LOG_LEVEL": "ERROR"})

from ministack.services import stepfunctions  # noqa: E402 after its settings

from local import ministack_maps  # noqa: E402

calls, running, most = [], {}, {}
lock = threading.Lock()
execution = {
    "executionArn": "arn:aws:states:eu-central-1:000000000000:execution:machine:compress-job",
    "stateMachineArn": "arn:machine",
    "name": "compress-job",
    "status": "RUNNING",
    "startDate": "2026-01-01T00:00:00Z",
    "input": json.dumps(asked["input"]),
    "events": [],
}


def call(name, event):
    with lock:
        calls.append([name, event])
        running[name] = running.get(name, 0) + 1
        most[name] = max(most.get(name, 0), running[name])
        if asked.get("stop_at") == name:
            execution["status"] = "ABORTED"
    time.sleep(0.1)  # long enough that those which may run beside it do
    with lock:
        running[name] -= 1
    fails = asked.get("fails", {}).get(name)
    if fails and all(event.get(key) == value for key, value in fails.get("of", {}).items()):
        raise stepfunctions._ExecutionError(fails["error"], fails["cause"])
    return asked["answers"].get(name)


def submit(_resource, parameters):
    call("job", parameters)
    return {"JobName": parameters["JobName"], "Status": "SUCCEEDED", "Container": {"Environment": ["secret"]}}


stepfunctions._invoke_resource = lambda resource, given: (
    submit(resource, given) if "batch:submitJob" in resource else call(resource.removesuffix("live"), given)
)
stepfunctions._scaled_sleep = lambda seconds: None
stepfunctions._emit_execution_status_event = lambda execution: None
ministack_maps.run_items(asked["at_once"])
stepfunctions._executions[execution["executionArn"]] = execution
stepfunctions._state_machines["arn:machine"] = {"name": "machine", "definition": json.dumps(asked["definition"])}
stepfunctions._run_execution(execution["executionArn"])
ended = {name: execution.get(name) for name in ("status", "error", "cause", "output")}
print(json.dumps({"calls": calls, "most": most, "ended": ended}))
