"""Two tenants: whatever one calls, it reads, changes and learns nothing of the other."""

import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from local.aws import client as aws_client
from tests.e2e.client import Client
from tests.e2e.test_uploads import linear

pytestmark = pytest.mark.e2e

ROWS = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]}
BODIES = {
    "/api/v1/jobs/{job_id}/retry": {"accept_drift": True},
    "/upload": None,
    "/api/v1/uploads": {"model": "{model}", "filename": "a.onnx", "size": 4, "sha256": "ab" * 32},
    "/api/v1/uploads/{upload_id}/complete": {"parts": [{"part_number": 1, "etag": "x"}]},
    "/api/v1/models/{model}": {"description": "taken over"},
    "/api/v1/models/{model}/versions/{version}": {"label": "taken over", "serving_variant": "original"},
    "/api/v1/models/{model}/versions/{version}/description": {"aimass": 1, "labels": ["taken over", "b", "c"]},
    "/api/v1/models/{model}/aliases/{alias}": {"version": 1},
    "/api/v1/models/{model}/aliases/{alias}/rollback": {},
    "/api/v1/keys": {"name": "extra"},
    "/api/v1/keys/{key_id}/rotate": {"overlap_seconds": 0},
    "/predict": {"model_name": "{model}", "input_format": "numpy array", "data": [[1, 2, 3, 4]]},
    "/predict/{model}": {"input_format": "numpy array", "data": [[1, 2, 3, 4]]},
    "/api/v1/models/{model}/predictions": {"input_format": "numpy array", "data": [[1, 2, 3, 4]]},
    "/api/v1/models/{model}/versions/{version}/compressions": {"data": {"size": 4, "filename": "rows.csv"}},
    "/v2/repository/index": {},
}
EXAMPLES = {"examples": [{"x": [1, 2, 3, 4]}]}
NOT_FOR_THIS_MODEL = (":regress",)  # which answers three numbers a row
PREDICTIONS = ("/predict", "/predict/{model}", ":predict", "/infer")


@dataclass
class Tenant:
    client: Client
    names: dict[str, str]


@dataclass
class Operation:
    method: str
    path: str

    @property
    def body(self):
        if self.path.endswith((":classify", ":regress")):
            return EXAMPLES
        return BODIES.get(self.path, ROWS if "/v2/" in self.path else {"instances": [[1, 2, 3, 4]]})

    @property
    def names_something(self):
        return "{" in self.path or "{model}" in json.dumps(self.body)

    def call(self, client, names):
        path = re.sub(r"{(\w+)\+?}", lambda found: names[found[1]], self.path)
        if self.path == "/upload":
            return client.call("POST", path, files={"model": ("m.onnx", b"x")}, data={"name": names["model"]})
        filled = json.loads(re.sub(r"{(\w+)}", lambda found: names[found[1]], json.dumps(self.body)))
        return client.call(self.method, path, json=None if self.method == "GET" else filled)


def make(stack, name):
    """A tenant with one of everything."""
    client = Client(stack.url, stack.key(name))
    model = f"{name}-model"
    job = client.import_model(model, linear(), label=f"{name}-mark", labels="a,b,c")
    assert job["state"] == "succeeded"
    client.call(
        "PATCH", f"/api/v1/models/{model}", json={"description": f"{name}-mark", "tags": {"mark": f"{name}-mark"}}
    )
    client.call("PUT", f"/api/v1/models/{model}/aliases/{name}-alias", json={"version": 1})
    announced = {"model": model, "filename": "big.onnx", "size": 4, "sha256": "ab" * 32}
    upload = client.call("POST", "/api/v1/uploads", json=announced).json()
    spare = client.call("POST", "/api/v1/keys", json={"name": "spare"}).json()
    names = {
        "model": model,
        "model_name": model,
        "version": "1",
        "model_version": "1",
        "alias": f"{name}-alias",
        "label": f"{name}-alias",
        "job_id": job["job_id"],
        "upload_id": upload["upload_id"],
        "key_id": spare["id"],
        "region": "1",
        "variant": "int8",
    }
    return Tenant(client, names)


@pytest.fixture(scope="module")
def victim(stack):
    return make(stack, "victim")


@pytest.fixture(scope="module")
def intruder(stack):
    return make(stack, "intruder")


@pytest.fixture(scope="module")
def operations(client):
    """Every operation of the document."""
    document = client.call("GET", "/openapi.json").json()
    return [Operation(method.upper(), path) for path, item in document["paths"].items() for method in item]


#: Of the same form as the victim's, and never made.
UNKNOWN = {
    "model": "nobody-model",
    "model_name": "nobody-model",
    "version": "1",
    "model_version": "1",
    "alias": "nobody-alias",
    "label": "nobody-alias",
    "job_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "upload_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "key_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "region": "1",
    "variant": "int8",
}


def everything_of(stack, tenant):
    """The tenant's whole partition, and its artifacts and uploads."""
    dynamodb, s3 = (aws_client(service, stack.aws_endpoint) for service in ("dynamodb", "s3"))
    pages = dynamodb.get_paginator("query").paginate(
        TableName=stack.table,
        KeyConditionExpression="PK = :pk",
        ExpressionAttributeValues={":pk": {"S": f"T#{tenant}"}},
    )
    items = [item for page in pages for item in page["Items"]]
    listed = [
        (entry["Key"], entry["VersionId"], entry["IsLatest"])
        for bucket, prefix in (
            (stack.artifacts_bucket, "artifacts"),
            (stack.uploads_bucket, "uploads"),
            (stack.uploads_bucket, "data"),
        )
        for entry in s3.list_object_versions(Bucket=bucket, Prefix=f"{prefix}/{tenant}/").get("Versions", [])
    ]
    return json.dumps(items, sort_keys=True, default=str), sorted(listed)


def neutral(answer, names):
    """Status and text, without the names that were sent and what differs with every call."""
    text = answer.text
    for name in sorted(set(names.values()), key=len, reverse=True):
        text = text.replace(name, "<name>") if len(name) > 1 else text
    return answer.status_code, re.sub(
        r'"request_id": ?"[^"]*"|"[0-9A-HJKMNP-TV-Z]{26}"|\d{4}-\d\d-\d\dT[^"]*', "", text
    )


# What makes a thing of the given name in the caller's own space: tests of their own look at it.
MAKES = {("POST", "/upload"), ("POST", "/api/v1/uploads"), ("POST", "/api/v1/keys"), ("GET", "/api/v1/keys")}


def test_what_is_sent_here_is_well_formed_so_that_names_alone_decide(stack, operations):
    owner = make(stack, "owner")
    for operation in sorted(operations, key=lambda one: one.method == "DELETE"):
        answer = operation.call(owner.client, owner.names)
        if not operation.path.endswith(NOT_FOR_THIS_MODEL):
            assert answer.status_code != 400, (operation, answer.text)
        if operation.path.endswith(PREDICTIONS):
            assert answer.status_code == 200, (operation, answer.text)


def test_no_call_tells_a_tenant_that_something_of_another_exists(victim, intruder, operations):
    for operation in operations:
        if not operation.names_something or (operation.method, operation.path) in MAKES:
            continue
        theirs = neutral(operation.call(intruder.client, victim.names), victim.names)
        unknown = neutral(operation.call(intruder.client, UNKNOWN), UNKNOWN)
        assert theirs == unknown, operation
        assert theirs[0] in {404, 501}, operation


@pytest.mark.parametrize(("path", "status"), [("/upload", 202), ("/api/v1/uploads", 201)])
def test_a_name_that_another_uses_is_as_free_as_one_that_nobody_does(stack, victim, path, status):
    newcomer = Client(stack.url, stack.key("newcomer-" + path.rpartition("/")[2]))
    upload = Operation("POST", path)
    used, unused = (upload.call(newcomer, names) for names in (victim.names, UNKNOWN))
    assert (used.status_code, used.json()["version"]) == (status, 1)
    assert (unused.status_code, unused.json()["version"]) == (status, 1)
    assert used.json().keys() == unused.json().keys()
    assert "/victim/" not in used.text
    assert "victim-mark" not in used.text
    own = newcomer.call("GET", f"/api/v1/models/{victim.names['model']}/versions?state=all").json()["versions"]
    assert [one["version"] for one in own] == [1]


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.generate],  # calls leave traces: a sequence made shorter afterwards proves nothing
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_sequence_of_calls_reads_or_changes_anything_of_another(stack, victim, intruder, operations, data):
    before = everything_of(stack, "victim")
    for _ in range(12):
        operation = data.draw(st.sampled_from(operations))
        mixed = {
            name: data.draw(st.sampled_from([victim.names[name], intruder.names[name], UNKNOWN[name]]), label=name)
            for name in victim.names
        }
        if (operation.method, operation.path) in MAKES | {("PUT", "/api/v1/models/{model}/aliases/{alias}")}:
            # Names are every tenant's own: it may make one of any name, which would then be told to it.
            mixed |= {name: intruder.names[name] for name in ("model", "alias")}
        answer = operation.call(intruder.client, mixed)
        assert answer.status_code < 500 or answer.status_code == 501, (operation, answer.text)
        if operation.path != "/openapi.json":
            assert_tells_nothing(answer.text, victim, mixed)
    assert everything_of(stack, "victim") == before


def assert_tells_nothing(text, victim, sent):
    """Only what the caller itself sent of the victim's names may come back."""
    for name, value in victim.names.items():
        if len(value) > 1 and value not in sent.values():
            assert value not in text, name
    assert "victim-mark" not in text
    assert "artifacts/victim" not in text
    assert "uploads/victim" not in text


def test_lists_hold_nothing_of_another(victim, intruder):
    for path in (
        "/api/v1/models",
        "/api/v1/jobs",
        "/api/v1/keys",
        "/api/v1/limits",
        "/api/v1/models?tag=mark:victim-mark",
    ):
        assert "victim" not in intruder.client.call("GET", path).text


def test_a_page_token_of_another_opens_the_callers_own_list_only(victim, intruder):
    token = victim.client.call("GET", "/api/v1/jobs", params={"limit": 1}).json()["next_token"]
    answer = intruder.client.call("GET", "/api/v1/jobs", params={"next_token": token})
    assert "victim" not in answer.text


def changed(url, path=None, **query):
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=path or parts.path, query=urlencode(dict(parse_qsl(parts.query)) | query)))


def test_a_presigned_part_takes_nothing_but_its_part_of_its_object(stack, victim):
    upload = victim.client.call("GET", f"/api/v1/uploads/{victim.names['upload_id']}").json()
    url = upload["parts"][0]["url"]
    path = urlsplit(url).path
    others = [
        changed(url, path.replace("victim-model", "other-model")),
        changed(url, path.replace("/victim/", "/intruder/")),
        changed(url, partNumber="2"),
        changed(url, uploadId="another"),
        changed(url, **{"X-Amz-Expires": "604800"}),
    ]
    for other in others:
        assert requests.put(other, data=b"four", timeout=60).status_code == 403, other
    for method in ("GET", "DELETE", "POST"):
        assert requests.request(method, url, timeout=60).status_code == 403, method
    assert requests.put(url, data=b"more than four", timeout=60).status_code == 403
    assert requests.put(url, data=b"four", timeout=60).status_code == 200


def test_a_presigned_download_reads_nothing_but_its_file(stack, victim):
    files = victim.client.call("GET", f"/api/v1/models/{victim.names['model']}/versions/1/download").json()["files"]
    url = files[0]["url"]
    path = urlsplit(url).path
    assert requests.get(url, timeout=60).content == linear()
    others = [
        changed(url, path[:-1] + ("0" if path[-1] != "0" else "1")),
        changed(url, path.replace("/victim/", "/intruder/")),
        changed(url, **{"response-content-type": "text/html"}),
        changed(url, versionId="another"),
    ]
    for other in others:
        assert requests.get(other, timeout=60).status_code == 403, other
    for method in ("PUT", "DELETE"):
        assert requests.request(method, url, data=b"x", timeout=60).status_code == 403, method


def test_without_a_key_or_with_a_wrong_one_nothing_opens(stack, victim):
    wrong = Client(stack.url, "aimass_" + "x" * 43)
    assert wrong.call("GET", f"/api/v1/models/{victim.names['model']}").status_code == 403
