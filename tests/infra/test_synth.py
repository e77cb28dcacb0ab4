from __future__ import annotations

import json
import os
import time

import pytest

from infra.synth import SynthesisFailed, synthesize, synthesize_cached

APP = """
import os, pathlib
pathlib.Path(os.environ["CDK_OUTDIR"], "context.json").write_text(os.environ["CDK_CONTEXT_JSON"])
with open("runs", "a") as runs: runs.write(".")
"""


@pytest.fixture
def root(tmp_path):
    """A tree with an app that only notes its context and that it ran."""
    for folder in ("infra", "functions/api", "layers/deps"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "cdk.json").write_text('{"context": {"flag": true}}')
    (tmp_path / "functions/api/handler.py").write_text("one")
    return tmp_path


def runs(root):
    return len((root / "runs").read_text())


def test_an_unchanged_tree_is_synthesized_once(root):
    assert synthesize_cached(root) == synthesize_cached(root)
    assert runs(root) == 1


@pytest.mark.parametrize(
    "changed", ["app.py", "cdk.json", "infra/a.py", "functions/api/handler.py", "layers/deps/requirements.lock"]
)
def test_a_changed_tree_is_synthesized_again(root, changed):
    first = synthesize_cached(root)
    path = root / changed
    path.write_text((path.read_text() if path.exists() else "") + "\n")
    assert synthesize_cached(root) != first
    assert runs(root) == 2


def test_what_python_leaves_behind_is_no_change(root):
    first = synthesize_cached(root)
    (root / "functions/api/__pycache__").mkdir()
    (root / "functions/api/__pycache__/handler.pyc").write_text("bytes")
    assert synthesize_cached(root) == first


def test_another_context_is_another_assembly(root):
    assert synthesize_cached(root, context={"stage": "prod"}) != synthesize_cached(root, context={"stage": "dev"})
    assert runs(root) == 2


def test_the_app_sees_the_context_of_cdk_json_as_under_the_cdk_command(root):
    out = synthesize_cached(root, context={"stage": "prod"})
    assert json.loads((out / "context.json").read_text()) == {"flag": True, "stage": "prod"}


def test_assemblies_that_nobody_used_for_a_day_are_removed_but_for_the_last_four(root):
    for number in range(6):
        path = synthesize_cached(root, context={"number": number})
        hours = 20 if number == 0 else 25 + number
        os.utime(path, times=(time.time() - hours * 3600,) * 2)
    used_again = synthesize_cached(root, context={"number": 5})
    newest = synthesize_cached(root, context={"number": 6})
    kept = [json.loads((path / "context.json").read_text())["number"] for path in (root / "build" / "cdk").iterdir()]
    assert sorted(kept) == [0, 1, 5, 6]
    assert {used_again, newest} <= set((root / "build" / "cdk").iterdir())


def test_a_failing_app_says_why_and_leaves_nothing(root):
    (root / "app.py").write_text("raise SystemExit('no such stage')")
    with pytest.raises(SynthesisFailed, match="no such stage"):
        synthesize_cached(root)
    assert list((root / "build" / "cdk").iterdir()) == []


def test_synthesis_needs_no_node_on_the_path(dev, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    out = synthesize(tmp_path / "out")
    assert {path.name for path in out.glob("*.template.json")} == {f"{stack}.template.json" for stack in dev.stacks}
