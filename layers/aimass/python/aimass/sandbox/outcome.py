"""How a child's end becomes an error that a caller can be told."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from aimass.domain.errors import (
    AimassError,
    InternalError,
    InvalidModel,
    ModelCrashed,
    ModelOutOfMemory,
    ModelTimeout,
)
from aimass.domain.refusals import ANSWERED
from aimass.domain.told import check_texts, is_kept
from aimass.inference.onnxruntime.words import tells_of_memory
from aimass.sandbox.limits import FIRST_LOAD_SLACK, Limits

_LONGEST_MESSAGE, _LONGEST_DETAIL, _LONGEST_NAME, _MOST_ITEMS = 2000, 200, 64, 64
_MOST_DETAILS_BYTES = 20_000


def error_of(document: dict[str, Any], limits: Limits) -> AimassError:
    """The error that a child sent, as the class that it was raised as. Raises a LookupError, TypeError or ValueError
    for what none of ours says: a model may have written it.
    """
    if document["code"] == ModelOutOfMemory.code:
        return out_of_memory(limits)
    kind, message, details = ANSWERED[document["code"]], document["message"], document["details"]
    if not isinstance(message, str):
        raise TypeError("a message is a text")
    check_texts([message, details])
    return kind(message, **details)


def death(number: int, stderr: str, limits: Limits, *, late: bool = False) -> AimassError:
    """Why a child died: `number` is the signal's, 0 for an exit with an error; `late` if the parent killed it."""
    if late or number == signal.SIGXCPU:
        return ModelTimeout(f"the model was not done within {limits.seconds:g} s", seconds=limits.seconds)
    if number == signal.SIGALRM:
        return call_timeout(limits)
    if number == signal.SIGPROF:
        return load_timeout(limits)
    # Only the kernel's memory killer sends SIGKILL here; the parent's own counts as late.
    if number == signal.SIGKILL or tells_of_memory(stderr):
        return out_of_memory(limits)
    if number:
        name = signal.Signals(number).name
        return ModelCrashed(f"the runtime died of {name} while it held the model", signal=name)
    error = InternalError("the sandbox failed")
    error.add_note(stderr)
    return error


def out_of_memory(limits: Limits) -> ModelOutOfMemory:
    """Names the limit that the model went beyond."""
    text = f"the model needs more than the {limits.memory_mb} MB of memory that it may use"
    return ModelOutOfMemory(text, memory_mb=limits.memory_mb)


def call_timeout(limits: Limits) -> ModelTimeout:
    """Names the time that one call of the model may take."""
    seconds = _call_seconds(limits)
    return ModelTimeout(f"one prediction did not return within {seconds:g} s", seconds=seconds)


def load_timeout(limits: Limits) -> ModelTimeout:
    """Names the time that loading the model may take."""
    seconds = _call_seconds(limits)
    text = f"loading takes more than {seconds * FIRST_LOAD_SLACK:g} s; at most {seconds:g} s"
    return ModelTimeout(text, seconds=seconds)


def ended_itself(status: int, stderr: str) -> ModelCrashed:
    """For an isolated child that failed, or ended without its answer, once the model's own code may have run."""
    error = ModelCrashed(f"the model ended the process that held it, with status {status}", status=status)
    error.add_note(stderr)
    return error


def wrote_too_much(limits: Limits) -> InvalidModel:
    """Names the room that a model's files may take."""
    most = (limits.folder_bytes or 0) >> 20
    return InvalidModel(f"the model writes more than the {most} MiB of files that it may", max_mib=most)


def _call_seconds(limits: Limits) -> float:
    return limits.seconds if limits.call_seconds is None else limits.call_seconds


def told(error: AimassError, folder: Path) -> AimassError:
    """The same error as a caller can be told it: no longer than that is read, and without the path of `folder`."""
    details = _few({key: _cut(value, str(folder)) for key, value in error.details.items()})
    cut = type(error)(_cut(error.message, str(folder), _LONGEST_MESSAGE), **details)
    for note in getattr(error, "__notes__", ()):
        cut.add_note(note)
    return cut


def _few(details: dict[str, Any]) -> dict[str, Any]:
    """Those that a failure has room for, in their order."""
    kept: dict[str, Any] = {}
    size = 0
    for name, value in details.items():
        more = len(json.dumps([name, value]))
        if len(name) <= _LONGEST_NAME and size + more <= _MOST_DETAILS_BYTES:
            kept[name] = value
            size += more
    return kept


def _cut(value: Any, folder: str, longest: int = _LONGEST_DETAIL) -> Any:
    if isinstance(value, str):
        text = value.replace(folder + "/", "").replace(folder, ".")
        return text if len(text) <= longest else text[: longest - 1] + "…"
    if isinstance(value, list):
        return [_cut(item, folder) for item in value[:_MOST_ITEMS]]
    if isinstance(value, dict):
        return {_cut(name, folder): _cut(item, folder) for name, item in list(value.items())[:_MOST_ITEMS]}
    return value if is_kept(value) else _cut(str(value), folder)
