import importlib.util
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from aws_lambda_powertools import Logger

from aimass.bootstrap import predicting
from aimass.domain.description import Batching, Description
from tests.unit.inference.models import scaled
from tests.unit.inference.plane import Shelf, event, predictor

HANDLER = Path(__file__).parents[3] / "functions/predict/handler.py"
CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 29_000)
BODY = {"model_name": "scaled", "input_format": "numpy array", "data": [[0.125, 2, 3, 4]]}


@pytest.fixture
def module(monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", raising=False)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "predict")
    shelf = Shelf()
    shelf.add("scaled", scaled())
    shelf.add("together", scaled(), description=Description(batching=Batching(8, 2.0)))
    plane = predictor(shelf, tmp_path)
    monkeypatch.setattr(predicting, "predictor", lambda: plane)
    spec = importlib.util.spec_from_file_location("predict_handler", HANDLER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def handler(module):
    return module.handler


@pytest.fixture
def log(capsys):
    return SimpleNamespace(getvalue=lambda: capsys.readouterr().out)


def test_an_event_becomes_an_answer(handler):
    answer = handler(event("POST", "/predict", json.dumps(BODY).encode()), CONTEXT)
    assert answer["statusCode"] == 200
    assert answer["headers"]["x-model-version"] == "1"
    assert json.loads(answer["body"])["prediction"] == [[0.25, 4.0, 6.0, 8.0]]


def test_a_call_without_time_left_says_so_instead_of_being_killed(handler):
    late = SimpleNamespace(get_remaining_time_in_millis=lambda: 1000)
    answer = handler(event("POST", "/predict", json.dumps(BODY).encode()), late)
    assert answer["statusCode"] == 504
    assert "call again" in json.loads(answer["body"])["error"]


def test_one_line_is_logged_a_call_without_its_payload(handler, log):
    handler(event("POST", "/predict", json.dumps(BODY).encode()), CONTEXT)
    (line,) = log.getvalue().splitlines()
    logged = json.loads(line)
    told = {key: logged[key] for key in ("request_id", "tenant", "method", "status", "model", "version", "variant")}
    assert told == {
        "request_id": "request-1",
        "tenant": "acme",
        "method": "POST",
        "status": 200,
        "model": "scaled",
        "version": 1,
        "variant": "original",
    }
    assert logged["ms"] > 0
    assert "0.125" not in line
    assert "prediction" not in line


def test_the_line_has_what_the_logger_of_the_other_functions_writes(module, log):
    theirs = io.StringIO()
    Logger(service="predict", stream=theirs).info("answered")
    module.handler(event("POST", "/predict", json.dumps(BODY).encode()), CONTEXT)
    expected, logged = json.loads(theirs.getvalue()), json.loads(log.getvalue())
    assert list(logged)[: len(expected)] == list(expected)
    same = ("level", "message", "service")
    assert [logged[key] for key in same] == [expected[key] for key in same]
    forms = [re.sub(r"\d", "0", one["timestamp"]) for one in (expected, logged)]
    assert forms[0] == forms[1]


def test_a_refused_call_is_logged_with_its_code(handler, log):
    handler(event("POST", "/predict", b"{}"), CONTEXT)
    logged = json.loads(log.getvalue())
    assert (logged["status"], logged["code"]) == (400, "invalid_arguments")


def test_several_events_at_once_are_answered_and_logged_one_by_one(handler, log):
    bodies = [BODY, {}, BODY | {"data": [[1, 1, 1, 1]]}]
    calls = [event("POST", "/predict", json.dumps(body).encode()) for body in bodies]
    answers = handler({"calls": calls}, CONTEXT)["answers"]
    assert [answer["statusCode"] for answer in answers] == [200, 400, 200]
    assert json.loads(answers[0]["body"])["prediction"] == [[0.25, 4.0, 6.0, 8.0]]
    assert json.loads(answers[2]["body"])["prediction"] == [[2.0] * 4]
    assert [json.loads(line)["status"] for line in log.getvalue().splitlines()] == [200, 400, 200]


def test_only_on_one_machine_an_answer_says_that_such_calls_may_run_together(handler, monkeypatch):
    together = event("POST", "/predict", json.dumps(BODY | {"model_name": "together"}).encode())
    assert "batching" not in handler(together, CONTEXT)
    monkeypatch.setenv("MACHINE_CORES", "2")
    assert handler(together, CONTEXT)["batching"] == {"max_batch": 8, "max_delay_ms": 2.0}
    assert "batching" not in handler(event("POST", "/predict", json.dumps(BODY).encode()), CONTEXT)


def test_health_loads_neither_numpy_nor_onnxruntime_nor_boto3():
    program = f"""
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("handler", {str(HANDLER)!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
context = {{"http": {{"method": "GET"}}, "requestId": "r"}}
answer = module.handler({{"rawPath": "/v2/health/live", "headers": {{}}, "requestContext": context}}, None)
assert answer["body"] == '{{"live": true}}', answer
print(json.dumps(sorted({{"numpy", "onnxruntime", "boto3"}} & set(sys.modules))))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_allocation_beyond_the_functions_memory_fails_in_the_process():
    program = f"""
import importlib.util
spec = importlib.util.spec_from_file_location("handler", {str(HANDLER)!r})
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(len(bytearray(300 << 20)))
try:
    bytearray(600 << 20)
except MemoryError:
    print("refused")
"""
    environment = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == [str(300 << 20), "refused"]
