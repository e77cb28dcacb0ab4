"""Every place where MiniStack's private parts are used or replaced; docs/adr/0020 says why.

MiniStack must not be imported before its settings are in the environment, so it is imported here inside functions.
"""

from __future__ import annotations

import http.client
import importlib
import json
import sys
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from local.aws import ACCOUNT, KEYS, REGION
from local.saver import Saver

LONGEST_CALL_SECONDS = 1000
PARTS = {
    "ministack.app": ("app", "_build_persistence_save_dict"),
    "ministack.core.persistence": ("save_all",),
    "ministack.services.eventbridge": ("_dispatch_event",),
    "ministack.services.lambda_svc": ("_execute_function_dispatch", "_throttle_response"),
    "ministack.services.s3": (
        "_fire_s3_event",
        "_get_object",
        "_object_disk_path",
        "_object_versions",
        "_parse_range",
        "_persist_object",
        "_read_body",
        "_version_body",
        "_version_disk_path",
        "_version_file_exists",
    ),
}
Dispatch = Callable[..., dict[str, Any]]


def settings(port: int, state: Path) -> dict[str, str]:
    """The environment that MiniStack reads when it is imported."""
    return {
        **KEYS,  # presigned URLs are verified against these
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
        for module, parts in PARTS.items()
        for part in parts
        if not hasattr(importlib.import_module(module), part)
    ]
    if missing:
        sys.exit(f"this MiniStack lacks {', '.join(missing)}: install the version that requirements/run.in pins")


def make_saver() -> Saver:
    from ministack import app
    from ministack.core import persistence

    return Saver(app._build_persistence_save_dict, persistence.save_all)


def run_functions_in(invoke_port: int, changed: Callable[[], None]) -> None:
    """Every invocation, whoever makes it, goes to our runtime; `changed` is called after each, from its thread."""
    from ministack.services import lambda_svc

    dispatch = dispatcher(invoke_port, lambda_svc._throttle_response)

    def dispatch_and_tell(*arguments: Any) -> dict[str, Any]:
        try:
            return dispatch(*arguments)
        finally:
            changed()

    lambda_svc._execute_function_dispatch = dispatch_and_tell


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


def name_versions_in_events() -> None:
    """Adds `version-id` to S3's events on EventBridge, as AWS sends it for a versioned bucket."""
    from ministack.services import eventbridge, s3

    version: ContextVar[str | None] = ContextVar("version", default=None)
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event

    def fire_with_version(*arguments: Any, version_id: str | None = None, **options: Any) -> None:
        version.set(version_id)
        fire(*arguments, version_id=version_id, **options)

    def dispatch_with_version(event: dict[str, Any], *arguments: Any) -> Any:
        if event.get("Source") == "aws.s3" and version.get():
            event = with_version(event, version.get())
        return dispatch(event, *arguments)

    s3._fire_s3_event = fire_with_version
    eventbridge._dispatch_event = dispatch_with_version


def keep_bodies_on_disk() -> None:
    """Forgets a version's body once it is written: MiniStack forgets only the object's own reference to it."""
    from ministack.services import s3

    persist = s3._persist_object

    def persist_and_forget(bucket: str, key: str, record: Any) -> None:
        persist(bucket, key, record)
        if isinstance(record, dict) and record.get("body") is None:
            for version in s3._object_versions.get((bucket, key)) or ():
                if version["version_id"] == record.get("version_id"):
                    version["data"] = None

    s3._persist_object = persist_and_forget


def with_version(event: dict[str, Any], version_id: str | None) -> dict[str, Any]:
    detail = json.loads(event["Detail"])
    detail["object"]["version-id"] = version_id
    return {**event, "Detail": json.dumps(detail)}
