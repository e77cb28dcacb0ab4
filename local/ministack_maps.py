"""MiniStack's Map states as one machine needs them, and as AWS has them: items end with the first that fails."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

PARTS = {"ministack.services.stepfunctions": ("_ExecutionError", "_execute_task", "_run_map_items", "_run_sub_machine")}
#: What an item of the Map that runs in this context failed of, or nothing yet.
_failed: ContextVar[list[Exception]] = ContextVar("failed")


def run_items(at_once: int) -> None:
    """So many items at once, as each of them computes. To be called before MiniStack serves, which runs them all,
    whatever becomes of the others, and of their execution.
    """
    from ministack.services import stepfunctions

    stopped = stepfunctions._ExecutionError("States.TaskAborted", "its execution was stopped")
    stepfunctions._execute_task = wanted_still(stepfunctions._execute_task, stopped)
    stepfunctions._run_sub_machine = failing_together(stepfunctions._run_sub_machine)
    stepfunctions._run_map_items = bounded(stepfunctions._run_map_items, at_once)


def bounded(run_map: Callable[..., Any], at_once: int) -> Callable[..., Any]:
    """`run_map` with at most that many items at once, which hear of each other's failure."""

    def run(state: dict[str, Any], *arguments: Any) -> Any:
        most = min(state.get("MaxConcurrency") or at_once, at_once)
        token = _failed.set([])
        try:
            return run_map({**state, "MaxConcurrency": most}, *arguments)
        finally:
            _failed.reset(token)

    return run


def failing_together(run_item: Callable[..., Any]) -> Callable[..., Any]:
    """`run_item`, which fails of what the first item of its Map failed of, and isn't begun after that."""

    def run(*arguments: Any) -> Any:
        failed = _failed.get([])
        if not failed:
            try:
                return run_item(*arguments)
            except Exception as error:
                failed.append(error)
        raise failed[0]

    return run


def wanted_still(execute_task: Callable[..., Any], stopped: Exception) -> Callable[..., Any]:
    """`execute_task`, which in a Map isn't begun once its execution has ended, or another item has failed."""

    def execute(state: dict[str, Any], given: Any, execution: dict[str, Any], context: dict[str, Any]) -> Any:
        if "Map" in context:
            if execution["status"] != "RUNNING":
                raise stopped
            if failed := _failed.get([]):
                raise failed[0]
        return execute_task(state, given, execution, context)

    return execute
