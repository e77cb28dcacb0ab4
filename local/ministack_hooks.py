"""Every place where MiniStack's private parts are used or replaced; docs/adr/0020 says why.

MiniStack must not be imported before its settings are in the environment, so it is imported here inside functions.
"""

from __future__ import annotations

import http.client
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local import ministack_iam, ministack_maps
from local.aws import ACCOUNT, KEYS, REGION
from local.batch import Batch, JobFailed, JobLate

LONGEST_CALL_SECONDS = 1000
SUBMIT_JOB = "arn:aws:states:::batch:submitJob"
PARTS = {
    "ministack.app": (
        "_IncompleteRequestBody",
        "_RequestBodyDisconnected",
        "_build_persistence_save_dict",
        "_load_persisted_state",
        "_read_request_body",
        "_routing_params",
        "app",
        "save_all",
    ),
    "ministack.core.iam_actions": ("_action_from_query",),
    "ministack.core.iam_evaluator": ("pin_signed_body",),
    "ministack.core.persistence": ("STATE_DIR", "save_state"),
    "ministack.core.responses": ("StreamingResponse", "get_account_id", "get_region", "set_request_account_id"),
    "ministack.services.cloudformation": ("_stacks",),
    "ministack.services.dynamodb": (
        "_items_replaced",
        "_normalize_table_name",
        "_query",
        "_remove_item",
        "_set_item",
        "_tables",
        "_update_counts",
    ),
    "ministack.services.eventbridge": ("_dispatch_event", "_dispatch_to_lambda", "_dispatch_to_sqs"),
    "ministack.services.lambda_svc": (
        "_execute_function_dispatch",
        "_execute_function_with_config_scope",
        "_execution_record_for_config",
        "_get_func_record_for_ref",
        "_prune_orphan_code_blobs",
        "_throttle_response",
    ),
    "ministack.services.s3": (
        "_abort_multipart_upload",
        "_bucket_notifications",
        "_buckets",
        "_complete_multipart_upload",
        "_completed_multipart_uploads",
        "_compute_s3_checksum",
        "_create_multipart_upload",
        "_delete_persisted_object",
        "_delete_version_file",
        "_deliver_event_to_sqs",
        "_fire_s3_event",
        "_fire_s3_event_async",
        "_get_object",
        "_get_object_data",
        "_multipart_uploads",
        "_next_event_sequencer",
        "_object_acl",
        "_object_annotations",
        "_object_legal_hold",
        "_object_retention",
        "_object_tags",
        "_object_versions",
        "_parse_range",
        "_persist_delete_marker",
        "_persist_displaced_version",
        "_persist_object",
        "_upload_part",
        "_upload_part_copy",
        "md5_hash",
    ),
    "ministack.services.sqs": ("_delete_messages_for_esm", "_queues", "_receive_messages_for_esm"),
    "ministack.services.stepfunctions": (
        "_SERVICE_DISPATCH",
        "_ExecutionError",
        "_executions",
        "_start_execution",
        "_stop_execution",
    ),
}
Dispatch = Callable[..., dict[str, Any]]


def settings(port: int, state: Path) -> dict[str, str]:
    """The environment that MiniStack reads when it is imported."""
    return {
        **KEYS,  # of the account's root user
        **ministack_iam.SETTINGS,
        "DOCKER_HOST": "unix:///nonexistent",  # it would otherwise look for containers to remove
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "1",
        "S3_DATA_DIR": str(state / "s3"),
        "S3_PERSIST": "1",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(state / "services"),
    }


def check_parts() -> None:
    """Ends the process, saying which, if a part that is used here has gone."""
    missing = [
        f"{module}.{part}"
        for module, parts in (*PARTS.items(), *ministack_iam.PARTS.items(), *ministack_maps.PARTS.items())
        for part in parts
        if not hasattr(importlib.import_module(module), part)
    ]
    if missing:
        sys.exit(f"this MiniStack lacks {', '.join(missing)}: install the version that requirements/run.in pins")


def run_functions_in(invoke_port: int, settle: Callable[[], None], changed: Callable[[], None]) -> None:
    """Every invocation, whoever makes it, goes to our runtime, after `settle`; `changed` is called after each."""
    from ministack.services import lambda_svc

    dispatch = dispatcher(invoke_port, lambda_svc._throttle_response)

    def dispatch_and_tell(*arguments: Any) -> dict[str, Any]:
        settle()
        try:
            return dispatch(*arguments)
        finally:
            changed()

    lambda_svc._execute_function_dispatch = dispatch_and_tell


def take_files_as_they_come() -> None:
    """A large body is a file and no query, whatever type its sender gives it: curl's --data-binary calls any a form."""
    from ministack import app
    from ministack.core import iam_actions

    app._routing_params = without_large_bodies(app._routing_params, at=3)
    iam_actions._action_from_query = without_large_bodies(iam_actions._action_from_query, at=1)


def without_large_bodies(found: Callable[..., Any], at: int) -> Callable[..., Any]:
    """`found` a call's parameters in its body, the argument at that place: a large one is a view of memory."""

    def parameters(*arguments: Any) -> Any:
        large = isinstance(arguments[at], memoryview)
        return found(*arguments[:at], b"", *arguments[at + 1 :]) if large else found(*arguments)

    return parameters


def run_jobs_in(batch: Batch) -> None:
    """A state that submits a job runs it here and waits; a job ends with the execution that it is named for."""
    from ministack.services import stepfunctions

    stepfunctions._SERVICE_DISPATCH[SUBMIT_JOB] = submitter(batch.run, stepfunctions._ExecutionError)
    stepfunctions._stop_execution = stopping_jobs(stepfunctions._stop_execution, batch.stop)


def submitter(
    run: Callable[[str, str, dict[str, str], str], None], failure: Callable[[str, str], Exception]
) -> Callable[[str, dict[str, Any]], dict[str, str]]:
    """Answers `batch:submitJob.sync` when the job has ended. Raises `failure(error, cause)` as a task that failed."""

    def submit(_resource: str, parameters: dict[str, Any]) -> dict[str, str]:
        overrides = parameters["ContainerOverrides"]["Environment"]
        environment = {one["Name"]: one["Value"] for one in overrides}
        try:
            run(parameters["JobName"], parameters["JobDefinition"], environment, parameters["ShareIdentifier"])
        except JobLate as late:
            raise failure("States.Timeout", str(late)) from None
        except JobFailed as failed:
            raise failure("States.TaskFailed", str(failed)) from None
        return {"JobName": parameters["JobName"], "Status": "SUCCEEDED"}

    return submit


def stopping_jobs(stop: Callable[[dict[str, Any]], Any], stop_job: Callable[[str], None]) -> Callable[..., Any]:
    """`stop`, an execution, and then the job that is named for it."""

    def stop_both(data: dict[str, Any]) -> Any:
        answer = stop(data)
        if answer[0] == 200:
            stop_job(data["executionArn"].rpartition(":")[2])
        return answer

    return stop_both


def dispatcher(invoke_port: int, throttled: Callable[[str, str], dict[str, Any]]) -> Dispatch:
    """Stands in for `_execute_function_dispatch`, which MiniStack calls on a thread of its own.

    No log is handed back: MiniStack would keep each in its state for ever, and it is in `<state>/logs` anyway.
    """

    def dispatch(_record: object, config: dict[str, Any], event: Any, *_: object) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", invoke_port, timeout=LONGEST_CALL_SECONDS)
        try:
            path = f"/2015-03-31/functions/{config['FunctionName']}/invocations"
            connection.request("POST", path, json.dumps(event).encode())
            response = connection.getresponse()
            answer = json.loads(response.read() or b"null")
        except OSError as error:
            return _failed({"errorType": "Lambda.ServiceException", "errorMessage": f"no answer: {error}"})
        finally:
            connection.close()
        error_type = response.getheader("x-amzn-errortype")
        if response.status == 429:
            refused = throttled("ReservedFunctionConcurrentInvocationLimitExceeded", answer["Message"])
            refused["body"]["errorType"] = error_type
            return refused
        if response.status != 200:
            return _failed({"errorType": f"Lambda.{error_type}", "errorMessage": answer["Message"]})
        return _failed(answer) if response.getheader("x-amz-function-error") else {"body": answer, "log": ""}

    return dispatch


def _failed(error: dict[str, Any]) -> dict[str, Any]:
    return {"error": True, "body": error, "log": ""}
