"""The control plane's calls about compressions, over a registry in process."""

import base64
import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from aimass.adapters.aws.examples import S3ExampleFiles
from aimass.bootstrap import clients, compressing, importing, prediction_jobs, stores, tenancy
from aimass.compression.report.page import POLICY
from aimass.domain.clock import later, now
from aimass.domain.compression import Compression
from aimass.domain.jobs import Failure
from aimass.protocols import idempotent
from aimass.usecases.compressions import Compressions
from aimass.usecases.start_import import Imports
from tests.unit.aws.test_compressions import INT8
from tests.unit.aws.test_registry import LIMITS, ready
from tests.unit.functions.test_api import api  # noqa: F401
from tests.unit.usecases.conftest import Runner

PATH = "/api/v1/models/m/versions/1/compressions"
CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 1000)
ROWS = {"data": {"size": 4, "filename": "rows.csv"}}


@pytest.fixture
def at(registry, limits, uploads):
    ready(registry)
    return Compressions(registry, S3ExampleFiles(uploads._client, "uploads"), Runner(), limits)


@pytest.fixture
def send(api, at, uploads, artifacts, monkeypatch):  # noqa: F811
    imports = Imports(at.registry, uploads, Runner(), at.limits)
    made = {
        (compressing, "compressions"): at,
        (stores, "registry"): at.registry,
        (importing, "imports"): imports,
        (compressing, "compression_runner"): at.runner,
        (stores, "artifacts"): artifacts,
        (prediction_jobs, "predictions"): SimpleNamespace(registry=at.registry),
        (tenancy, "call_meter"): SimpleNamespace(count=lambda *asked: None),
    }
    for (module, name), one in made.items():
        monkeypatch.setattr(module, name, lambda one=one: one)
    monkeypatch.setattr(clients, "client", lambda service: at.registry._client)
    monkeypatch.setenv("IDEMPOTENCY_TABLE", "once")

    def run(method, path, body=None, **headers):
        event = {
            "version": "2.0",
            "routeKey": f"{method} {path}",
            "rawPath": path,
            "headers": {"host": "h", **headers},
            "queryStringParameters": None,
            "requestContext": {
                "http": {"method": method, "path": path},
                "requestId": "request-1",
                "stage": "$default",
                "authorizer": {"lambda": {"tenant": "t"}},
            },
            "body": body if body is None or isinstance(body, str) else json.dumps(body),
            "isBase64Encoded": False,
        }
        return api.handler(event, CONTEXT)

    tenancy.idempotency.cache_clear()  # the handler holds it as it is
    yield run
    tenancy.idempotency.cache_clear()


@pytest.fixture
def call(send):
    def run(method, path, body=None, **headers):
        answer = send(method, path, body, **headers)
        return answer["statusCode"], json.loads(answer["body"])

    return run


@pytest.mark.parametrize("body", [None, {}, {"budget": None, "data": None, "methods": "auto"}])
def test_every_field_may_be_left_out(call, body):
    status, accepted = call("POST", PATH, body)
    assert (status, set(accepted)) == (202, {"model_name", "version", "job_id", "status_url"})
    _, job = call("GET", f"/api/v1/jobs/{accepted['job_id']}")
    asked = {"budget": None, "data": None, "methods": "auto", "target": "lambda-x86", "objective": "balanced"}
    assert (job["kind"], job["state"], job["compression"], job["candidates"]) == ("compression", "running", asked, {})
    assert job["result"] is None


def test_what_was_asked_is_told_as_it_was_written(call):
    wanted = {"budget": {"agreement": 0.99}, "methods": ["int8"], "target": "gpu", "objective": "size", **ROWS}
    status, accepted = call("POST", PATH, wanted)
    assert status == 201
    upload = accepted["upload"]
    assert (upload["method"], upload["headers"]) == ("PUT", {"content-length": "4"})
    assert f"/data/t/{accepted['job_id']}/rows.csv" in upload["url"]
    _, job = call("GET", accepted["status_url"].removeprefix("https://h"))
    assert (job["state"], job["step"], job["compression"]) == ("waiting", "upload", wanted)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"budgets": {}}, "budgets"),
        ({"data": {"rows": 5}}, "data.rows"),
        ({"data": {"size": 0, "filename": "a"}}, "data.size"),
        ({"data": {"size": True, "filename": "a"}}, "data.size"),
        ({"data": {"prefix": ""}}, "data.prefix"),
        ({"data": "digits"}, "data"),
        ({"target": "arm"}, "target"),
        ({"objective": "small"}, "objective"),
        ({"budget": 0.01}, "budget"),
        ({"budget": {"accuracy_drop": 2}}, "budget.accuracy_drop"),
        ({"methods": ["int7"]}, "methods"),
        ([], "body"),
        ("{", "body"),
    ],
)
def test_what_is_wrong_names_its_field(call, at, body, field):
    status, told = call("POST", PATH, body)
    assert (status, told["code"], list(told["details"]["fields"])) == (400, "invalid_arguments", [field])
    assert at.limits.usage_of("t").jobs == 0


def test_a_second_one_is_told_of_the_first(call):
    _, first = call("POST", PATH)
    status, told = call("POST", PATH)
    assert (status, told["code"], told["details"]["job_id"]) == (409, "compression_running", first["job_id"])
    assert call("GET", PATH) == (200, {"compressions": [], "running": first["job_id"]})


def test_a_repeated_call_makes_one_job_and_its_url_is_signed_anew_once_it_has_lapsed(call, at, monkeypatch):
    key = {"idempotency-key": "k"}
    status, first = call("POST", PATH, ROWS, **key)
    assert status == 201
    assert call("POST", PATH, ROWS, **key) == (201, first)
    monkeypatch.setattr(idempotent, "now", lambda: later(now(), hours=2))
    lapsed = json.loads(json.dumps(first))
    again = call("POST", PATH, ROWS, **key)
    assert again[0] == 201
    assert again[1]["job_id"] == lapsed["job_id"]
    assert again[1]["upload"]["expires_at"] > lapsed["upload"]["expires_at"]
    at.registry.fail("t", at.registry.get_job("t", first["job_id"]), Failure("upload", "cancelled", "text"))
    assert call("POST", PATH, ROWS, **key) == (201, first)


def test_one_that_fails_can_be_run_again_and_ended_by_its_own_state_machine(call, at):
    _, accepted = call("POST", PATH)
    job_id = accepted["job_id"]
    assert call("POST", f"/api/v1/jobs/{job_id}/cancel")[1]["state"] == "cancelled"
    assert at.runner.ended == {f"compress-{job_id}"}
    status, again = call("POST", f"/api/v1/jobs/{job_id}/retry")
    assert (status, again["attempt"], again["state"]) == (202, 2, "running")
    assert [name for name, _ in at.runner.started] == [f"compress-{job_id}", f"compress-{job_id}-2"]


@pytest.fixture
def ended(call, at, artifacts, tmp_path):
    """A compression that has ended, and its job's id."""
    _, accepted = call("POST", PATH)
    job = at.registry.get_job("t", accepted["job_id"])
    files = {"report.json": '{"verdict": "Täuschend echt"}', "report.html": "<!doctype html>\n<p>ä"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    report, page = (artifacts.put_file("t", name, tmp_path / name) for name in files)
    done = Compression(job.id, "then", {"agreement": 0.99}, "size", "int8", "best", ("int8",), report, page)
    version = at.registry.get_version("t", "m", 1)
    after = replace(version, variants=(*version.variants, INT8), compressions=(done,), compressing=None)
    at.registry.register_compression("t", version, after, job, LIMITS)
    return job.id, files


def test_what_it_came_to_is_in_the_job_in_its_result_and_in_the_list(call, ended):
    job_id, _ = ended
    _, job = call("GET", f"/api/v1/jobs/{job_id}")
    result = job["result"]
    assert (result["chosen"], result["reason"], result["variants"]) == ("int8", "best", ["int8"])
    assert set(result["report"]) == {"json", "html"}
    status, same = call("GET", f"/api/v1/jobs/{job_id}/result")
    assert (status, same["chosen"], set(same)) == (200, "int8", set(result))
    _, found = call("GET", PATH)
    assert found["running"] is None
    [one] = found["compressions"]
    assert (one["job_id"], one["budget"], one["objective"], one["chosen"]) == (
        job_id,
        {"agreement": 0.99},
        "size",
        "int8",
    )
    [listed] = [one for one in call("GET", "/api/v1/jobs")[1]["jobs"] if one["job_id"] == job_id]
    assert "result" not in listed


@pytest.mark.parametrize(
    ("path", "file", "kind"),
    [("report", "report.json", "application/json"), ("report.html", "report.html", "text/html; charset=utf-8")],
)
def test_the_report_is_answered_byte_for_byte(send, ended, path, file, kind):
    job_id, files = ended
    answer = send("GET", f"/api/v1/jobs/{job_id}/{path}")
    body = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
    assert (answer["statusCode"], body.decode()) == (200, files[file])
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    assert headers["content-type"] == kind
    assert headers.get("content-security-policy") == (POLICY if file == "report.html" else None)


def test_a_report_larger_than_one_call_carries_is_told_where_it_lies(send, ended, api, monkeypatch):  # noqa: F811
    monkeypatch.setattr("routes.compressions.MAX_DIRECT_BYTES", 10)
    answer = send("GET", f"/api/v1/jobs/{ended[0]}/report")
    assert answer["statusCode"] == 303
    assert "X-Amz-Signature" in answer["headers"]["Location"]


@pytest.mark.parametrize("path", ["report", "report.html", "result"])
def test_there_is_none_while_it_runs_nor_of_another_kind_of_job(call, path):
    _, accepted = call("POST", PATH)
    status, told = call("GET", f"/api/v1/jobs/{accepted['job_id']}/{path}")
    assert (status, told["code"]) == (409, "job_not_ended")
    status, told = call("GET", f"/api/v1/jobs/job-1/{path}")
    assert (status, told["code"]) == (409, "no_answer")
    assert call("GET", f"/api/v1/jobs/unknown/{path}")[0] == 404


def test_what_answers_a_report_loads_nothing_that_runs_models():
    heavy = "{'numpy', 'onnx', 'onnxruntime'}"
    program = (
        f"import sys, aimass.compression.report.page, aimass.protocols.requests; print({heavy} & {{*sys.modules}})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("body", [{"budget": {"\ud800": 0.1}}, {"methods": ["\ud800"]}, {"data": {"prefix": "\ud800"}}])
def test_what_is_no_text_is_refused_and_the_answer_is_text(call, body):
    status, told = call("POST", PATH, body)
    assert (status, told["code"]) == (400, "invalid_arguments")
    json.dumps(told, ensure_ascii=False).encode()
