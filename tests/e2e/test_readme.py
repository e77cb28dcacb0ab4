"""The README's calls, run as they stand there, answer what stands there."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import requests

pytestmark = pytest.mark.e2e

README = Path("README.md").read_text()
EXAMPLES = re.findall(r"```sh\n(curl .*?)```.*?```json\n(.*?)```", README, re.DOTALL)
VOLATILE = {"timestamp", "updated_at", "measurements"}


def test_the_readme_shows_calls():
    assert len(EXAMPLES) == 5


def run(command, url, key=None):
    """A curl command by requests, since a fresh machine has no curl."""
    words = shlex.split(command.replace("\\\n", " "))[1:]
    method, target, form, body = None, "", [], None
    headers = {"authorization": f"Bearer {key}"} if key else {}
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word in {"-d", "--data-binary"}:
            body = words.pop(0)
            body = Path(body[1:]).read_bytes() if body.startswith("@") else body.encode()
            headers = {"content-type": "application/x-www-form-urlencoded"} | headers
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-F":
            name, _, value = words.pop(0).partition("=")
            path = Path(value[1:])
            form.append((name, (path.name, path.read_bytes()) if value.startswith("@") else (None, value)))
        else:
            target = word
    target = target.replace("http://127.0.0.1:8080", url)
    method = method or ("POST" if body or form else "GET")
    return requests.request(method, target, data=body, files=form or None, headers=headers, timeout=60)


def test_the_readmes_calls_answer_what_it_shows(stack):
    for command, shown in EXAMPLES:
        answer = run(command, stack.url)
        assert answer.ok, (command, answer.text)
        assert_shown(json.loads(shown), answer.json(), command)


def test_the_s3_example_of_the_local_guide_imports_a_model(stack, client):
    (example,) = re.findall(r"```python\n(.*?)```", Path("docs/local.md").read_text(), re.DOTALL)
    exec(example.replace(".aimass/stack.json", f"{stack.state}/stack.json"), {})
    client.await_model("from-s3")


def test_make_key_prints_a_key_that_opens_its_tenant(stack):
    made = subprocess.run(
        ["make", "-s", "key", "TENANT=made-by-make", f"STATE={stack.state}"], capture_output=True, text=True, check=True
    )
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    assert requests.get(f"{stack.url}/api/v1/models", headers=headers, timeout=10).json()["models"] == []


def assert_shown(shown, got, where):
    if isinstance(shown, dict):
        assert shown.keys() <= got.keys(), where
        for name, value in shown.items():
            if name in VOLATILE:
                assert type(got[name]) is type(value), (where, name)
            else:
                assert_shown(value, got[name], (where, name))
    elif isinstance(shown, list):
        assert len(shown) == len(got), where
        for one, other in zip(shown, got, strict=True):
            assert_shown(one, other, where)
    elif isinstance(shown, float):
        assert got == pytest.approx(shown, rel=0.1, abs=1e-4), where
    else:
        assert got == shown, where
