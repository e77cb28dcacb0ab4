from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aimass.domain.errors import (
    ExternalDataMissing,
    InternalError,
    InvalidModel,
    ModelCrashed,
    ModelOutOfMemory,
    ModelTimeout,
)
from aimass.sandbox.limits import MIB, Limits
from aimass.sandbox.runner import run

LIMITS = Limits(seconds=20, memory_bytes=512 * MIB, file_bytes=MIB)


def behave(folder: Path, behaviour: str, limits: Limits = LIMITS, **request: Any) -> dict[str, Any]:
    document = {"behaviour": behaviour, **request}
    return run("tests.unit.sandbox.misbehaving", document, folder=folder, limits=limits)


def test_the_child_sees_nothing_of_the_callers_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.2/")
    monkeypatch.setenv("TABLE_NAME", "registry")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib::lib")
    seen = behave(tmp_path, "environment")["result"]
    known = {"HOME", "LANG", "LC_CTYPE", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
    assert seen.keys() <= known | {"ORT_DISABLE_TELEMETRY", "PYTHONPATH", "TMPDIR"}
    assert seen["ORT_DISABLE_TELEMETRY"] == "1"
    assert seen["HOME"] == seen["TMPDIR"] == str(tmp_path)
    assert seen["LD_LIBRARY_PATH"] == "/opt/lib"
    assert all(entry.startswith("/") for entry in seen["PYTHONPATH"].split(":"))


def test_an_uploaded_module_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('imported')")
    assert not behave(tmp_path, "import numpy")["result"].startswith(str(tmp_path))


def test_only_tasks_import_heavy_libraries(tmp_path: Path) -> None:
    assert not {"numpy", "onnx", "onnxruntime", "boto3"} & set(behave(tmp_path, "modules")["result"])


def test_what_the_child_prints_cannot_garble_or_forge_its_answer(tmp_path: Path) -> None:
    assert behave(tmp_path, "noise") == {"result": "heard"}


def test_a_refusal_comes_back_as_itself_without_our_paths(tmp_path: Path) -> None:
    with pytest.raises(ExternalDataMissing) as caught:
        behave(tmp_path, "refuse")
    assert caught.value.message == "w.bin is missing"
    assert caught.value.details == {"file": "w.bin", "tensor": "w"}


def test_a_refusal_is_no_longer_than_is_read(tmp_path: Path) -> None:
    with pytest.raises(ExternalDataMissing) as caught:
        behave(tmp_path, "refuse at length")
    assert len(caught.value.message) == 2000
    assert len(caught.value.details["tensor"]) == 200
    assert [len(name) for name in caught.value.details["names"]] == [200] * 64


_DEEP = '{"error": {"code": "invalid_model", "message": "m", "details": {"a": %s}}}'


@pytest.mark.parametrize(
    "told",
    [
        {"error": {"message": 3}},
        {"error": {"message": ["m"]}},
        {"error": {"message": "\ud800"}},
        {"error": {"details": {"file": "\udfff"}}},
        {"error": {"details": {"\ud800": 1}}},
        {"error": {"details": {"self": 1}}},
        {"error": {"details": ["a"]}},
        {"error": {}, "line": _DEEP % ("[" * 50 + "]" * 50)},
        {"error": {}, "line": _DEEP % ("[" * 100_000 + "]" * 100_000)},
    ],
    ids=["number", "list", "text", "detail", "name", "argument", "none", "nested", "deep"],
)
def test_a_refusal_that_none_of_ours_is_counts_as_a_crash(tmp_path: Path, told: dict[str, Any]) -> None:
    with pytest.raises(ModelCrashed, match="garbled"):
        behave(tmp_path, "refuse as told", **told)


def test_the_details_of_a_refusal_are_bounded_however_they_are_nested(tmp_path: Path) -> None:
    rows = [{"n" * 5000: ["v" * 5000] * 5}]
    details = {"rows": rows, "n" * 5000: 1, "much": [["v" * 200] * 64] * 64, "large": 10**400, "tiny": 1e-300, "at": 7}
    with pytest.raises(InvalidModel) as caught:
        behave(tmp_path, "refuse as told", error={"details": details})
    [[(name, values)]] = [row.items() for row in caught.value.details.pop("rows")]
    assert (len(name), [len(one) for one in values]) == (200, [200] * 5)
    assert caught.value.details == {"large": f"1{'0' * 198}…", "tiny": "1e-300", "at": 7}


def test_the_child_cannot_see_its_parents_credentials(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.unit.sandbox.secretive", str(tmp_path)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        env={"AWS_SECRET_ACCESS_KEY": "the secret", "PATH": os.environ["PATH"]},
        preexec_fn=_without_capabilities,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == dict.fromkeys(("environ", "mem", "fd/0"), "PermissionError")


def _without_capabilities() -> None:
    """Root's processes, too, are then kept apart by what hides them, as those of Lambda's user are."""
    drop_from_bounding_set = 24
    for capability in range(64):
        ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


def test_memory_beyond_the_limit_is_refused_naming_it(tmp_path: Path) -> None:
    assert behave(tmp_path, "allocate", bytes=100 * MIB)["result"] == 100 * MIB
    with pytest.raises(ModelOutOfMemory, match="512 MB") as caught:
        behave(tmp_path, "allocate", bytes=600 * MIB)
    assert caught.value.details == {"memory_mb": 512}


def test_a_file_beyond_the_limit_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ExternalDataMissing, match="File too large"):
        behave(tmp_path, "write", bytes=2 * MIB)
    assert (tmp_path / "large").stat().st_size <= MIB


def test_open_files_are_limited(tmp_path: Path) -> None:
    limits = Limits(seconds=20, memory_bytes=512 * MIB, file_bytes=MIB, open_files=64)
    assert behave(tmp_path, "open many", limits, files=1000)["result"] < 64


def test_a_child_that_burns_time_is_killed(tmp_path: Path) -> None:
    limits = Limits(seconds=0.5, memory_bytes=512 * MIB, file_bytes=MIB)
    with pytest.raises(ModelTimeout, match=r"within 0\.5 s"):
        behave(tmp_path, "burn", limits)


def test_all_processes_of_a_late_child_are_killed(tmp_path: Path) -> None:
    limits = Limits(seconds=1, memory_bytes=512 * MIB, file_bytes=MIB)
    with pytest.raises(ModelTimeout):
        behave(tmp_path, "sleep", limits)
    assert _ends(int((tmp_path / "grandchild").read_text()))


def _ends(process: int) -> bool:
    for _ in range(100):
        status = Path(f"/proc/{process}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            return True
        time.sleep(0.02)
    return False


def test_a_call_that_outlives_its_alarm_is_named_so(tmp_path: Path) -> None:
    limits = Limits(seconds=20, memory_bytes=512 * MIB, file_bytes=MIB, call_seconds=0.05)
    with pytest.raises(ModelTimeout, match=r"one prediction did not return within 0\.05 s"):
        behave(tmp_path, "alarm", limits, timer=signal.ITIMER_REAL)


def test_a_load_that_outlives_its_alarm_is_named_so(tmp_path: Path) -> None:
    limits = Limits(seconds=20, memory_bytes=512 * MIB, file_bytes=MIB, call_seconds=0.05)
    with pytest.raises(ModelTimeout, match=r"loading takes more than 0\.15 s; at most 0\.05 s"):
        behave(tmp_path, "alarm", limits, timer=signal.ITIMER_PROF)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_a_crash_names_its_signal(tmp_path: Path, number: signal.Signals) -> None:
    with pytest.raises(ModelCrashed, match=number.name) as caught:
        behave(tmp_path, "die", signal=number)
    assert caught.value.details == {"signal": number.name}


def test_the_kernels_memory_killer_counts_as_out_of_memory(tmp_path: Path) -> None:
    with pytest.raises(ModelOutOfMemory):
        behave(tmp_path, "die", signal=signal.SIGKILL)


def test_a_child_that_dies_after_its_answer_has_answered(tmp_path: Path) -> None:
    answer = behave(tmp_path, "answer then die")
    assert answer["result"] == "early"
    assert "SIGSEGV" in answer["interrupted"]


def test_a_fault_of_the_task_is_internal_and_keeps_its_traceback_out_of_the_message(tmp_path: Path) -> None:
    with pytest.raises(InternalError) as caught:
        behave(tmp_path, "fail")
    assert "KeyError" not in caught.value.message
    assert "KeyError: 'a fault of ours'" in caught.value.__notes__[0]


def test_nothing_is_left_open_or_running(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    behave(tmp_path, "environment")
    assert len(os.listdir("/proc/self/fd")) == len(before)
    assert list(tmp_path.iterdir()) == []
