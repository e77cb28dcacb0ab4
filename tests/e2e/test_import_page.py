"""The calls of docs/import.md, run in order as they stand there, answer what stands there."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from local.converters import installed, python_of
from tests.e2e.client import Client
from tests.e2e.conftest import LocalStack
from tests.e2e.test_readme import assert_shown, run

pytestmark = pytest.mark.e2e

PAGE = Path("docs/import.md").read_text()
EXAMPLE = re.compile(r"(?:<!-- with (\w+) -->\n)?```(python|sh|json)\n(.*?)```", re.DOTALL)
#: Of a run, or of a library that is newer by then: their type alone is compared.
VOLATILE = {
    *("job_id", "status_url", "seconds", "memory_bytes", "scan", "framework", "rows"),
    *("largest_absolute", "absolute", "probability"),
}


@dataclass(frozen=True)
class Example:
    """A block of code; `environment` is where Python runs."""

    environment: str
    language: str
    text: str


def examples() -> dict[str, list[Example]]:
    """By the title of their part of the page."""
    titles = [*re.finditer(r"^##+ (.*)$", PAGE, re.MULTILINE), None]
    parts = {}
    for title, after in pairwise(titles):
        assert title is not None
        found = EXAMPLE.findall(PAGE[title.end() : after.start() if after else None])
        if found:
            parts[title[1]] = [Example(*one) for one in found]
    return parts


PARTS = examples()


def test_the_page_shows_each_family_a_refusal_and_drift() -> None:
    assert [one.environment for part in PARTS.values() for one in part if one.language == "python"] == [
        *("trees", "torch", "tensorflow", "trees", "tensorflow")
    ]


@pytest.mark.parametrize("title", PARTS)
def test_its_calls_answer_what_it_shows(
    stack: LocalStack, client: Client, title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = {one.environment for one in PARTS[title] if one.environment} - {*installed()}
    if missing:
        pytest.skip(f"make {' '.join(f'convert-{name}' for name in missing)} makes what converts this")
    monkeypatch.chdir(tmp_path)
    answers = followed(PARTS[title], stack.url, client)
    shown = [json.loads(one.text) for one in PARTS[title] if one.language == "json"]
    assert len(shown) == len(answers)
    for wanted, got in zip(shown, answers, strict=True):
        assert_shown(settled(wanted), settled(got), title)


def followed(part: list[Example], url: str, client: Client) -> list[dict[str, Any]]:
    """The answers that the page shows: each of the last call before it. An import that is started is waited for."""
    shown, job, answer = [], "", {}
    for example in part:
        if example.language == "python":
            command = [str(python_of(f"convert-{example.environment}")), "-c", example.text]
            subprocess.run(command, check=True, capture_output=True)
        elif example.language == "json":
            shown.append(answer)
        for line in example.text.replace("\n  ", " ").splitlines() if example.language == "sh" else ():
            if not line.startswith("curl "):
                subprocess.run(line, shell=True, check=True)
                continue
            answered = run(line.replace("$JOB", job), url)
            assert answered.ok, (line, answered.text)
            answer = answered.json()
            if "/upload " in line or "/retry " in line:
                job = answer["job_id"]
                ended = client.await_job(job)
                assert ended["state"] in {"succeeded", "failed"}, ended
    return shown


def settled(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: type(value).__name__ if name in VOLATILE else settled(value) for name, value in document.items()}
    return [settled(one) for one in document] if isinstance(document, list) else document
