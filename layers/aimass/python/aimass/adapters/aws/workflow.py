"""The import state machine on Step Functions."""

from __future__ import annotations

import json
from typing import Any


class StepFunctionsImportRunner:
    """The port `ImportRunner`: an execution's name makes a doubled start harmless."""

    def __init__(self, client: Any, state_machine_arn: str) -> None:
        self._client = client
        self._arn = state_machine_arn

    def start(self, name: str, document: dict[str, Any]) -> None:
        """Starts an execution of that name unless one ran before."""
        try:
            self._client.start_execution(stateMachineArn=self._arn, name=name, input=json.dumps(document))
        except self._client.exceptions.ExecutionAlreadyExists:
            return

    def has_ended(self, name: str) -> bool:
        """Whether an execution of that name ran and is over."""
        try:
            return bool(self._client.describe_execution(executionArn=self._execution(name))["status"] != "RUNNING")
        except self._client.exceptions.ExecutionDoesNotExist:
            return False

    def stop(self, name: str) -> None:
        """Ends the execution of that name, if one is running."""
        try:
            self._client.stop_execution(executionArn=self._execution(name), error="Cancelled", cause="by its tenant")
        except self._client.exceptions.ExecutionDoesNotExist:
            return

    def _execution(self, name: str) -> str:
        return f"{self._arn.replace(':stateMachine:', ':execution:')}:{name}"
