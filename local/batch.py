"""Batch on this machine: a job is a process of the Python that its image stands for, as its definition says.

A process gets its definition's environment and what the job overrides, nothing of ours, and a folder of its own. It
ends with this process, and with its execution.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aimass.domain.leftovers import remove
from local.converters import python_of
from local.places import Places

ROOT = Path(__file__).parents[1]
CHILD = Path(__file__).with_name("batch_child.py")
DEFINITIONS = "job_definitions.json"
OF_JOBS = "-jobs-"
#: The images whose jobs run here: those that convert, each in its environment, and the one that compresses.
IMAGES = ("convert-", "compress")
#: From a job's submission to the end of its last attempt, as the deployed states `convert` and `compress_large` wait.
SECONDS = {"convert": 9000, "compress": 18_000}
_REMEMBERED = 1000  # names of executions that were stopped: one of them may still submit its job


class JobFailed(Exception):
    """The job did not succeed; the text is the reason, as Batch's status has it."""


class JobLate(JobFailed):
    """Its submitter waits no longer."""


@dataclass(frozen=True)
class Definition:
    """What a job definition of the deployed template says that counts here: `again` are exit codes of another try."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    seconds: int
    attempts: int
    again: tuple[int, ...]

    @property
    def image(self) -> str:
        """What it is called among those of its stage: `convert-trees`, `compress`."""
        return _image_of(self.name)

    @property
    def waits(self) -> float:
        """How long the state that starts it waits, in seconds."""
        return SECONDS[self.image.partition("-")[0]]


def _image_of(definition: str) -> str:
    return definition.partition(OF_JOBS)[2]


class _Wait:
    """A submitter's patience, in seconds from now on."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._ends = seconds, time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._ends - time.monotonic())

    def late(self) -> JobLate:
        return JobLate(f"the job did not end within {self._seconds:g} s of its submission")


def keep_definitions(assembly: Path, state: Path) -> None:
    """Writes down, where `Batch` reads them, those definitions of a synthesized assembly whose jobs run here."""
    found = [
        asdict(_definition(one["Properties"]))
        for template in sorted(assembly.glob("*-jobs.template.json"))
        for one in json.loads(template.read_text())["Resources"].values()
        if one["Type"] == "AWS::Batch::JobDefinition"
        and _image_of(one["Properties"]["JobDefinitionName"]).startswith(IMAGES)
    ]
    (state / DEFINITIONS).write_text(json.dumps(found, indent=1))


def _definition(properties: dict[str, Any]) -> Definition:
    container, retries = properties["ContainerProperties"], properties["RetryStrategy"]
    codes = (one.get("OnExitCode", "") for one in retries["EvaluateOnExit"] if one["Action"] == "RETRY")
    return Definition(
        properties["JobDefinitionName"],
        tuple(container["Command"]),
        {one["Name"]: one["Value"] for one in container.get("Environment", ())},
        properties["Timeout"]["AttemptDurationSeconds"],
        retries["Attempts"],
        tuple(int(code) for code in codes if code.isdigit()),
    )


class Batch:
    """Runs jobs for their callers' threads, `at_once` of them; the others wait, each share in its turn.

    `python` finds an image's. `seconds` is how long callers wait, in place of what is deployed.
    """

    def __init__(
        self, state: Path, at_once: int, python: Callable[[str], Path] = python_of, seconds: float | None = None
    ) -> None:
        self._state = state
        self._places = Places(at_once)
        self._python = python
        self._seconds = seconds
        self._lock = threading.Lock()
        self._jobs: dict[str, subprocess.Popen[bytes] | None] = {}  # by name; None while one waits
        self._stopped: dict[str, None] = {}  # in their order
        self._prefix = f"aimass-job-{hashlib.sha256(str(state).encode()).hexdigest()[:12]}-"
        for left in Path(tempfile.gettempdir()).glob(f"{self._prefix}*"):
            remove(left)  # of a process that was killed

    def run(self, name: str, definition: str, environment: Mapping[str, str], share: str) -> None:
        """A job from its submission to its end. Raises JobFailed, JobLate."""
        wanted = self._defined(definition)
        wait = _Wait(wanted.waits if self._seconds is None else self._seconds)
        with self._lock:
            self._jobs[name] = None
        try:
            with self._places.taken(share, lambda: self._check_wanted(name, wait)):
                self._attempts(name, wanted, environment, wait)
        finally:
            with self._lock:
                del self._jobs[name]
                self._stopped.pop(name, None)

    def stop(self, name: str) -> None:
        """Ends the job of that name, whether it runs, waits, or is submitted later."""
        with self._lock:
            self._stopped[name] = None
            if process := self._jobs.get(name):
                _kill(process)
            while len(self._stopped) > _REMEMBERED:
                del self._stopped[next(iter(self._stopped))]

    def _defined(self, name: str) -> Definition:
        for one in json.loads((self._state / DEFINITIONS).read_text()):
            if one["name"] == name:
                return Definition(**{**one, "command": tuple(one["command"]), "again": tuple(one["again"])})
        raise JobFailed(f"no job definition {name}")

    def _check_wanted(self, name: str, wait: _Wait) -> None:
        if name in self._stopped:
            raise JobFailed("stopped with its execution")
        if not wait.left:
            raise wait.late()

    def _attempts(self, name: str, definition: Definition, environment: Mapping[str, str], wait: _Wait) -> None:
        for _ in range(definition.attempts):
            status = self._attempt(name, definition, environment, wait)
            if status == 0:
                return
            if status not in definition.again:
                break
        raise JobFailed(f"the container ended with status {status}")

    def _attempt(self, name: str, definition: Definition, environment: Mapping[str, str], wait: _Wait) -> int:
        scratch = Path(tempfile.mkdtemp(prefix=self._prefix))
        scratch.chmod(0o711)  # the process that opens the model may be another user's: it passes through
        try:
            process = self._start(name, definition, environment, scratch)
            try:
                return process.wait(min(definition.seconds, wait.left))
            except subprocess.TimeoutExpired:
                if not wait.left:
                    raise wait.late() from None
                raise JobFailed(f"Job attempt duration exceeded timeout of {definition.seconds} s") from None
            finally:
                _kill(process)  # and whatever it started
                process.wait()
        finally:
            remove(scratch)

    def _start(
        self, name: str, definition: Definition, environment: Mapping[str, str], scratch: Path
    ) -> subprocess.Popen[bytes]:
        python, (_, *arguments) = self._python(definition.image), definition.command
        log = self._state / "logs" / f"{definition.image}.log"
        with log.open("ab") as output, self._lock:
            if name in self._stopped:
                raise JobFailed("stopped with its execution")
            process = subprocess.Popen(
                [str(python), "-P", str(CHILD), str(os.getpid()), *arguments],
                cwd=scratch,
                env={**_variables(python, scratch), **definition.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._jobs[name] = process
        return process


def _variables(python: Path, scratch: Path) -> dict[str, str]:
    """What gpu_batch/Dockerfile sets, for this machine's paths."""
    return {
        "HOME": str(scratch),
        "LANG": "C.UTF-8",
        "ORT_DISABLE_TELEMETRY": "1",
        "PATH": os.pathsep.join((str(python.parent), "/usr/local/bin", "/usr/bin", "/bin")),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join((str(ROOT / "layers/aimass/python"), str(ROOT / "gpu_batch"))),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        "SCRATCH": str(scratch),
        "TMPDIR": str(scratch),
    }


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The process and all of its session that it left in its group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
