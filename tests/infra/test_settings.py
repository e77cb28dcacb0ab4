"""What the operator's guide says to set before a first deployment, set: the templates follow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.synth import synthesize
from tests.infra.conftest import Deployment

ROOT = Path(__file__).parents[2]
APP = """
import runpy, sys
sys.path.insert(0, {root!r})
from dataclasses import replace
from infra.settings import STAGES, Tiers

STAGES["prod"] = replace(STAGES["prod"], {settings})
runpy.run_path({app!r})
"""
SMALL = """
    tiers=Tiers(small=1769, medium=3008, large=3008), identify_memory_mb=3008, verify_memory_mb=3008,
    compress_memory_mb=3008, reserved_imports=None, reserved_compressions=None,
    alarm_email="ops@example.com", origins=("https://app.example.com",), monthly_budget_usd=77
"""
NOBODY = "alarms of aimass-prod reach nobody"


def prod_with(settings, root):
    (root / "app.py").write_text(APP.format(root=str(ROOT), app=str(ROOT / "app.py"), settings=settings.strip()))
    (root / "cdk.json").write_text((ROOT / "cdk.json").read_text())
    context = {"aws:cdk:bundling-stacks": [], "nag": False, "stage": "prod"}
    return Deployment(synthesize(root / "out", root=root, context=context))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """For an account that grants 3,008 MB and little concurrency."""
    return prod_with(SMALL, tmp_path_factory.mktemp("small"))


def test_an_account_of_3008_mb_is_deployed_to_by_settings_alone(small):
    functions = small.functions()
    assert max(one["MemorySize"] for one in functions.values()) == 3008
    assert functions["verify"]["Environment"]["Variables"]["MODEL_MEMORY_MB"] == str(3008 - 512)
    assert not [name for name, one in functions.items() if "ReservedConcurrentExecutions" in one]


def test_alarms_are_mailed_to_whom_the_settings_name(small):
    (mail,) = (one["Properties"] for one in small.of_type("AWS::SNS::Subscription").values())
    assert (mail["Protocol"], mail["Endpoint"], mail["TopicArn"]) == ("email", "ops@example.com", "alarmstopic")
    assert NOBODY not in said(small)


def test_web_pages_of_the_named_origins_alone_may_call_and_put_parts(small):
    api = small.properties("AWS::ApiGatewayV2::Api", "fronthttp")["CorsConfiguration"]
    (parts,) = small.properties("AWS::S3::Bucket", "uploadsbucket")["CorsConfiguration"]["CorsRules"]
    assert api["AllowOrigins"] == parts["AllowedOrigins"] == ["https://app.example.com"]


def test_the_budget_is_the_settings(small):
    budget = small.properties("AWS::Budgets::Budget", "budget")["Budget"]
    assert budget["BudgetLimit"] == {"Amount": 77, "Unit": "USD"}


def test_a_stage_that_keeps_its_data_and_tells_nobody_is_warned_of(tmp_path, dev):
    assert NOBODY in said(prod_with("alarm_email=None", tmp_path))
    assert "reach nobody" not in said(dev)


def said(deployment):
    """Everything that the cdk command prints of a synthesis."""
    told = [*deployment.assembly.glob("manifest.json"), *deployment.assembly.glob("*.metadata.json")]
    return json.dumps([path.read_text() for path in told])
