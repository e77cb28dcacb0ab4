"""The predict handler as each tier runs it, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HANDLER = Path(__file__).parents[3] / "functions/predict/handler.py"
SMALL = {
    "ARTIFACTS_BUCKET": "artifacts",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    "AWS_SECRET_ACCESS_KEY": "test",
    "FORWARD": '{"medium": "arn:medium", "large": "arn:large"}',
    "PATH": "/usr/bin:/bin",
    "POWERTOOLS_SERVICE_NAME": "predict",
    "PREDICTION_SECONDS": "20",
    "TABLE_NAME": "table",
    "TIER": "small",
    "TIERS": '{"small": 1769, "medium": 4096, "large": 10240}',
}
LARGE = SMALL | {"TIER": "large", "FORWARD": "{}", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "10240"}

PREAMBLE = f"""
import importlib.util, io, json, os, random, sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

def no_network(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise AssertionError(event)

sys.addaudithook(no_network)

def load():
    spec = importlib.util.spec_from_file_location("handler", {str(HANDLER)!r})
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.handler

CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 29_000)
BODY = json.dumps({{"model_name": "builtin", "input_format": "json", "data": [[1, 2]]}})
EVENT = {{
    "rawPath": "/predict",
    "headers": {{}},
    "body": BODY,
    "isBase64Encoded": False,
    "requestContext": {{
        "http": {{"method": "POST"}}, "requestId": "r", "authorizer": {{"lambda": {{"tenant": "acme"}}}}
    }},
}}
HEAVY = ("onnxruntime", "numpy", "boto3")
"""

FORWARDED = """
handler = load()
from aimass.bootstrap import predicting, stores
from aimass.adapters.aws import invoke
from aimass.inference.builtin import BuiltIn

class Registry(BuiltIn):
    def latest_version(self, tenant, model):
        version = super().latest_version(tenant, model)
        variant = version.variant()
        measured = replace(variant.measurements, memory_bytes=5 << 30)
        return replace(version, variants=(replace(variant, measurements=measured),))

    def get_version(self, tenant, model, number):
        return self.latest_version(tenant, model)

class Lambda:
    def invoke(self, FunctionName, Payload):
        assert FunctionName == "arn:large", FunctionName
        assert json.loads(Payload) == EVENT
        answer = {"statusCode": 200, "headers": {"x-model-version": "1"}, "body": "e30=", "isBase64Encoded": True}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

stores.registry = Registry
stores.artifacts = lambda: BuiltIn()
invoke.lambda_client = lambda seconds: Lambda()
answer = handler(EVENT, CONTEXT)
print(json.dumps({"answer": answer, "loaded": [name for name in HEAVY if name in sys.modules]}))
"""

SNAPSHOT = """
handler = load()
from aimass.bootstrap import predicting, stores
from aimass.inference.builtin import BuiltIn
from aimass.usecases.find_version import VersionFinder
from snapshot_restore_py import get_after_restore

loaded = [name for name in HEAVY if name in sys.modules]
left = os.listdir(os.environ["TMPDIR"])
seeds = set()
for _ in range(2):
    random.seed(1)
    (Path(os.environ["TMPDIR"]) / "models").mkdir()
    for hook, arguments, options in get_after_restore():
        hook(*arguments, **options)
    seeds.add(random.random())
reads = []

class Registry(BuiltIn):
    def latest_version(self, tenant, model):
        reads.append(tenant)
        return super().latest_version(tenant, model)

predicting.predictor()._find = VersionFinder(Registry(), lambda: 0.0).find
predicting.sessions()._folders._artifacts = BuiltIn()
answer = handler(EVENT, CONTEXT)
told = {"answer": answer, "loaded": loaded, "left": left, "hooks": len(get_after_restore()), "reads": reads}
print(json.dumps(told | {"seeds": len(seeds), "models": (Path(os.environ["TMPDIR"]) / "models").exists()}))
"""


def run(program, environment):
    command = [sys.executable, "-c", PREAMBLE + program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_a_large_model_is_answered_by_the_large_tier_without_loading_onnxruntime():
    told = run(FORWARDED, SMALL)
    headers = {"x-model-version": "1"}
    assert told["answer"] == {"statusCode": 200, "headers": headers, "body": "e30=", "isBase64Encoded": True}
    assert "onnxruntime" not in told["loaded"]


def test_the_large_tier_answers_itself(tmp_path):
    told = run(FORWARDED, LARGE | {"TMPDIR": str(tmp_path)})
    assert json.loads(told["answer"]["body"])["prediction"] == [[2.0, 4.0]]


def test_a_snapshot_has_everything_loaded_and_nobodys_model(scratch):
    environment = SMALL | {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "TMPDIR": str(scratch)}
    told = run(SNAPSHOT, environment)
    assert told["loaded"] == ["onnxruntime", "numpy", "boto3"]
    assert told["left"] == []
    assert told["reads"] == ["acme"]
    assert json.loads(told["answer"]["body"])["prediction"] == [[2.0, 4.0]]


def test_what_is_restored_twice_draws_other_random_numbers_and_has_no_files(scratch):
    environment = SMALL | {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "TMPDIR": str(scratch)}
    told = run(SNAPSHOT, environment)
    assert told["hooks"] == 1
    assert told["seeds"] == 2


@pytest.mark.parametrize("kind", ["on-demand", "provisioned-concurrency"])
def test_without_a_snapshot_nothing_is_loaded_before_it_is_needed(kind):
    program = "load()\nprint(json.dumps([name for name in HEAVY if name in sys.modules]))"
    assert run(program, SMALL | {"AWS_LAMBDA_INITIALIZATION_TYPE": kind}) == []
