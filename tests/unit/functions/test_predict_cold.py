"""What a process of `predict` loads until its first answer. Each module there is time that a caller waits."""

import json
import subprocess
import sys
from pathlib import Path

from aimass.adapters.aws.items import item_of
from aimass.domain.model import Model
from aimass.inference.builtin import GRAPH, BuiltIn

HANDLER = Path(__file__).parents[3] / "functions/predict/handler.py"
FUNCTION = {
    "ARTIFACTS_BUCKET": "artifacts",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    "AWS_REGION": "eu-central-1",
    "AWS_SECRET_ACCESS_KEY": "test",
    "FORWARD": "{}",
    "IDEMPOTENCY_TABLE": "once",
    "PATH": "/usr/bin:/bin",
    "POWERTOOLS_SERVICE_NAME": "predict",
    "PREDICTION_SECONDS": "20",
    "TABLE_NAME": "table",
    "TIER": "small",
    "TIERS": '{"small": 1769, "medium": 4096, "large": 10240}',
}
PROGRAM = """
import importlib.util, json, sys
from pathlib import Path
from types import SimpleNamespace

asked = json.loads(sys.stdin.read())
spec = importlib.util.spec_from_file_location("handler", asked["handler"])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from aimass.adapters.aws.signed.connection import Connection

def call(self, method, path, headers, body, operation):
    if operation == "GetObject":
        return bytes.fromhex(asked["graph"])
    key = json.loads(body)["Key"]
    if operation == "UpdateItem":
        return json.dumps({"Attributes": {"calls": {"N": "1"}}}).encode()
    item = asked["items"].get(key["SK"]["S"])
    return json.dumps({"Item": item} if item else {}).encode()

Connection.call = call
context = SimpleNamespace(get_remaining_time_in_millis=lambda: 29_000)
from aimass.bootstrap import predicting

before = predicting.held_models_news()
answer = module.handler(asked["event"], context)
loaded = [name for name in asked["needless"] if name in sys.modules]
held = predicting.sessions().held()
told = {"answer": answer, "before": before, "loaded": loaded}
print(json.dumps(told | {"opened": held.sessions.misses, "bytes": held.files.weight}))
"""
NEEDLESS = (
    "boto3",
    "botocore.session",
    "botocore.auth",
    "urllib3",
    "s3transfer",
    "pydantic",
    "yaml",
    "PIL",
    "tokenizers",
)


def test_a_first_prediction_loads_no_sdk_and_nothing_else_that_it_does_not_need(tmp_path):
    version = BuiltIn().get_version("acme", "builtin", 1)
    lambda_context = {"tenant": "acme", "calls_per_second": 100}
    told = {
        "handler": str(HANDLER),
        "graph": GRAPH.hex(),
        "needless": NEEDLESS,
        "items": {
            "MODEL#builtin": item_of(Model("builtin", "now", 1)),
            "VER#builtin#000001": item_of(version),
        },
        "event": {
            "rawPath": "/predict",
            "headers": {},
            "body": json.dumps({"model_name": "builtin", "version": 1, "input_format": "json", "data": [[1, 2]]}),
            "isBase64Encoded": False,
            "requestContext": {"http": {"method": "POST"}, "requestId": "r", "authorizer": {"lambda": lambda_context}},
        },
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=60,
        env=FUNCTION | {"TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert json.loads(found["answer"]["body"])["prediction"] == [[2.0, 4.0]]
    assert found["loaded"] == []
    assert found["before"] == {}
    assert (found["opened"], found["bytes"]) == (1, len(GRAPH))
