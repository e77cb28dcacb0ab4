"""The calls of docs/compression.md, run in order as they stand there, answer in the form that stands there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from local.converters import installed, python_of
from tests.e2e.client import Client
from tests.e2e.conftest import LocalStack
from tests.e2e.test_readme import run

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif("trees" not in installed(), reason="make convert-trees makes the page's model"),
]

PAGE = Path("docs/compression.md").read_text()
EXAMPLES = re.findall(r"```(python|sh|json)\n(.*?)```", PAGE, re.DOTALL)
SECONDS = 420
#: Which candidates there are, and which one is best, is of the machine that measured them.
BY_NAME = {"candidates"}


def test_its_calls_answer_what_it_shows(
    stack: LocalStack, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known: dict[str, str] = {}
    answer: dict[str, Any] = {}
    for language, text in EXAMPLES:
        if language == "python":
            subprocess.run([str(python_of("convert-trees")), "-c", text], check=True, capture_output=True)
        elif language == "json":
            alike(json.loads(text), answer, text)
        else:
            answer = called(text, known, stack, client)
    assert known["$VARIANT"] != "original"
    assert "<title>" in (tmp_path / "report.html").read_text()


def called(text: str, known: dict[str, str], stack: LocalStack, client: Client) -> dict[str, Any]:
    """The answer of a command; what it names is kept for those after it, and its job is waited for."""
    line = " ".join(text.split())
    for name, value in known.items():
        line = line.replace(name, value)
    if " -o " in line:
        line, _, target = line.partition(" -o ")[0], None, line.split(" -o ")[1].split()
        page = client.call("GET", target[1].removeprefix("http://127.0.0.1:8080"))
        Path(target[0]).write_text(page.text)
        return {}
    if "-T examples.npz" in line:
        sent = requests.put(known["$URL"], data=Path("examples.npz").read_bytes(), timeout=60)
        assert sent.status_code == 200, sent.text
        assert client.await_job(known["$JOB"], SECONDS)["state"] == "succeeded"
        return {}
    answered = run(line, stack.url)
    assert answered.ok, (line, answered.text)
    answer: dict[str, Any] = answered.json()
    if "/upload " in line:
        assert client.await_job(answer["job_id"])["state"] == "succeeded"
    elif "upload" in answer:
        known |= {"$JOB": answer["job_id"], "$URL": answer["upload"]["url"]}
    elif "result" in answer:
        known["$VARIANT"] = answer["result"]["chosen"]
    return answer


def alike(shown: Any, got: Any, where: str) -> None:
    """What is shown is there, and of its type; what has a number of its own is shown as an example."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert name in got, (name, where)
            if name in BY_NAME:
                assert got[name], where
                shapes = [set(one) for one in got[name].values()]
                assert all(set(one) <= shape for one in value.values() for shape in shapes), where
            else:
                alike(value, got[name], where)
    elif isinstance(shown, list):
        assert got, where
        alike(shown[0], got[0], where)
    else:
        assert type(shown) is type(got) or {type(shown), type(got)} == {int, float}, (shown, got, where)
