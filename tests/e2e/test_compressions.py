"""A model is compressed within a budget, over HTTP: examples uploaded, candidates followed, the report read, a variant
chosen to answer, and the original again.
"""

from __future__ import annotations

import time
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import requests
from onnx import TensorProto, helper, numpy_helper

from tests.e2e.client import Client
from tests.e2e.conftest import LocalStack
from tests.e2e.digits_net import digits, examples, net

pytestmark = pytest.mark.e2e

SECONDS = 420
TENANT = "local"
ASKED = {"objective": "size", "methods": ["int8"]}
LARGE_WORDS, LARGE_WIDTH = 17_000, 2_048  # 139 MB
ENDED = {"chosen", "passed", "not asked", "rejected"}


def compress(
    client: Client, model: str, rows: bytes | None = None, filename: str = "digits.npz", **asked: Any
) -> dict[str, Any]:
    """Asks for a compression, sends the examples, and waits for the job's end."""
    return client.await_job(start(client, model, rows, filename, **asked), SECONDS)


def start(client: Client, model: str, rows: bytes | None = None, filename: str = "digits.npz", **asked: Any) -> str:
    path = f"/api/v1/models/{model}/versions/1/compressions"
    if rows is None:
        answer = client.call("POST", path, json=asked)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])
    answer = client.call("POST", path, json={"data": {"size": len(rows), "filename": filename}} | asked)
    assert answer.status_code == 201, answer.text
    upload = answer.json()["upload"]
    headers = upload["headers"] | {"content-type": "application/x-www-form-urlencoded"}  # as curl --data-binary says
    sent = requests.request(upload["method"], upload["url"], data=rows, headers=headers, timeout=120)
    assert sent.status_code == 200, sent.text
    return str(answer.json()["job_id"])


def log_of(client: Client, job: dict[str, Any]) -> list[str]:
    found = client.call("GET", f"/api/v1/jobs/{job['job_id']}/log?limit=100")
    return [line["message"] for line in found.json()["lines"]]


def version_of(client: Client, model: str) -> dict[str, Any]:
    view: dict[str, Any] = client.call("GET", f"/api/v1/models/{model}/versions/1").json()
    return view


def scores(client: Client, model: str, rows: np.ndarray, compress: str | None = None) -> np.ndarray:
    body = {"input_format": "numpy array", "data": rows.tolist(), "compress": compress}
    answer = client.call("POST", f"/predict/{model}", json=body)
    assert answer.status_code == 200, answer.text
    return np.array(answer.json()["prediction"])


@pytest.fixture(scope="module")
def compressed(client: Client) -> dict[str, Any]:
    """The job that compressed the model `digits-net`, whose whole way the tests look at."""
    assert client.import_model("digits-net", net())["state"] == "succeeded"
    return compress(client, "digits-net", examples(), **ASKED, budget={"accuracy_drop": 0.02})


def test_a_net_comes_out_smaller_within_its_budget_and_each_candidate_says_why(
    client: Client, compressed: dict[str, Any]
) -> None:
    assert compressed["state"] == "succeeded", compressed
    result, candidates = compressed["result"], compressed["candidates"]
    assert result["chosen"] in result["variants"], result
    assert {one["state"] for one in candidates.values()} <= ENDED
    assert all(one["reason"] for one in candidates.values())
    assert candidates[result["chosen"]]["state"] == "chosen"
    variants = {one["variant"]: one for one in version_of(client, "digits-net")["variants"]}
    original, chosen = variants["original"], variants[result["chosen"]]
    assert chosen["size"] * 3 < original["size"]
    assert chosen["compressed"] == "int8"
    assert len(chosen["sha256"]) == 64
    assert chosen["measurements"]["p50_ms"] > 0
    assert [one["step"] for one in compressed["steps"]] == [
        *("upload", "prepare", "plan", "compress", "repair", "choose", "publish")
    ][-len(compressed["steps"]) :]


def test_its_log_tells_of_every_candidate(client: Client, compressed: dict[str, Any]) -> None:
    text = "\n".join(log_of(client, compressed))
    assert all(name in text for name in compressed["candidates"]), text


def test_the_report_is_json_and_a_page_that_fetches_nothing(client: Client, compressed: dict[str, Any]) -> None:
    report = client.call("GET", f"/api/v1/jobs/{compressed['job_id']}/report").json()
    assert report["verdict"]["chosen"] == compressed["result"]["chosen"]
    assert report["budget"]["asked"] == {"accuracy_drop": 0.02}
    held_out = next(one for one in report["candidates"] if one["verdict"] == "chosen")["held_out"]
    assert held_out["metrics"]["accuracy"]["loss"]["upper"] <= 0.02
    page = client.call("GET", f"/api/v1/jobs/{compressed['job_id']}/report.html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert compressed["result"]["chosen"] in page.text
    assert "<script" not in page.text
    linked = requests.get(compressed["result"]["report"]["html"], timeout=60)
    assert (linked.status_code, linked.text) == (200, page.text)


def test_a_variant_answers_where_it_is_named_or_chosen_and_the_original_again(
    client: Client, compressed: dict[str, Any]
) -> None:
    name, path = compressed["result"]["chosen"], "/api/v1/models/digits-net/versions/1"
    _, (x, y) = digits()
    original, variant = scores(client, "digits-net", x[:200]), scores(client, "digits-net", x[:200], name)
    assert not np.array_equal(original, variant)
    assert (variant.argmax(1) == y[:200]).mean() > (original.argmax(1) == y[:200]).mean() - 0.03
    changed = client.call("PATCH", path, json={"serving_variant": name})
    assert (changed.status_code, changed.json()["serving_variant"]) == (200, name)
    assert client.call("DELETE", f"{path}/variants/{name}").json()["code"] == "variant_serving"
    await_answer(client, x[:200], variant)
    np.testing.assert_allclose(client.infer("digits-net", {"image": x[:4]})["scores"], variant[:4], rtol=1e-5)
    np.testing.assert_array_equal(scores(client, "digits-net", x[:200], "original"), original)
    back = client.call("PATCH", path, json={"serving_variant": "original"})
    assert (back.status_code, back.json()["serving_variant"]) == (200, "original")
    await_answer(client, x[:200], original)


def await_answer(client: Client, rows: np.ndarray, wanted: np.ndarray, seconds: float = 15) -> None:
    """What a call that names no variant is answered, once whoever serves the version has heard of its change."""
    until = time.monotonic() + seconds
    while not np.array_equal(found := scores(client, "digits-net", rows), wanted) and time.monotonic() < until:
        time.sleep(0.1)
    np.testing.assert_array_equal(found, wanted)


def test_another_budget_over_the_same_examples_evaluates_nothing_again(
    stack: LocalStack, s3: Any, client: Client, compressed: dict[str, Any]
) -> None:
    before = written(stack.uploads_bucket, s3, "digits-net", "evaluated.json")
    assert len(before) >= len(compressed["candidates"]) - 2
    again = compress(client, "digits-net", examples(), **ASKED, budget={"accuracy_drop": 0.05})
    assert (again["state"], again["result"]["chosen"] is not None) == ("succeeded", True), again
    after = written(stack.uploads_bucket, s3, "digits-net", "evaluated.json")
    assert {name: after[name] for name in before} == before
    names = {one["variant"] for one in version_of(client, "digits-net")["variants"]}
    assert {*compressed["result"]["variants"], *again["result"]["variants"]} <= names
    assert [one["job_id"] for one in compressions(client, "digits-net")] == [again["job_id"], compressed["job_id"]]


def compressions(client: Client, model: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.call("GET", f"/api/v1/models/{model}/versions/1/compressions").json()[
        "compressions"
    ]
    return found


def written(bucket: str, s3: Any, model: str, ending: str) -> dict[str, list[str]]:
    """The S3 versions of what the steps left for each other, by its name in the workspace."""
    prefix = f"compressions/{TENANT}/{model}/1/"
    found: dict[str, list[str]] = {}
    for one in s3.list_object_versions(Bucket=bucket, Prefix=prefix)["Versions"]:
        if one["Key"].endswith(ending):
            name = one["Key"].removeprefix(prefix).partition("/")[2]
            found.setdefault(name, []).append(one["VersionId"])
    return found


def test_too_few_rows_for_a_budget_is_said_before_any_work_with_the_number_needed(
    client: Client, compressed: dict[str, Any]
) -> None:
    job = compress(client, "digits-net", examples(120), budget={"accuracy_drop": 0.005})
    assert (job["state"], job["error"]["code"], job["error"]["step"]) == ("failed", "invalid_arguments", "prepare")
    assert job["error"]["details"]["needed"] > job["error"]["details"]["held_out"]
    assert str(job["error"]["details"]["needed"]) in job["error"]["message"]
    assert job["candidates"] == {}


def test_without_examples_nothing_lossy_is_published(client: Client) -> None:
    assert client.import_model("digits-bare", net())["state"] == "succeeded"
    job = compress(client, "digits-bare")
    assert job["state"] == "succeeded", job
    assert job["result"]["reason"]
    assert job["result"]["chosen"] in {None, "clean"}


def test_examples_that_any_s3_client_put_are_found_by_their_prefix(
    stack: LocalStack, s3: Any, client: Client, compressed: dict[str, Any]
) -> None:
    assert client.import_model("digits-s3", net())["state"] == "succeeded"
    missing = client.call(
        "POST", "/api/v1/models/digits-s3/versions/1/compressions", json={"data": {"prefix": "nothing-here"}}
    )
    assert (missing.status_code, missing.json()["code"]) == (400, "invalid_arguments")
    s3.put_object(Bucket=stack.uploads_bucket, Key=f"data/{TENANT}/digits/rows.npz", Body=examples(labels=False))
    asked = {"data": {"prefix": "digits"}, "budget": {"agreement": 0.97}, "methods": ["int8"]}
    job = compress(client, "digits-s3", **asked)
    assert job["state"] == "succeeded", job
    assert {name.split("-")[0] for name in job["candidates"]} <= {"int8", "pruned30", "pruned50"}
    assert job["result"]["variants"], job


def test_one_compression_of_a_version_at_a_time(client: Client) -> None:
    assert client.import_model("digits-once", net())["state"] == "succeeded"
    path = "/api/v1/models/digits-once/versions/1/compressions"
    waits = client.call("POST", path, json={"data": {"size": 10, "filename": "rows.csv"}})
    assert waits.status_code == 201, waits.text
    second = client.call("POST", path, json={})
    assert (second.status_code, second.json()["code"]) == (409, "compression_running")
    assert second.json()["details"]["job_id"] == waits.json()["job_id"]
    cancelled = client.call("POST", f"/api/v1/jobs/{waits.json()['job_id']}/cancel")
    assert cancelled.json()["state"] == "cancelled"
    third = client.call("POST", path, json={"methods": ["trees"]})
    assert third.status_code == 202, third.text
    assert client.await_job(third.json()["job_id"], SECONDS)["state"] == "succeeded"


def test_a_model_best_left_alone_is_left_alone_with_the_reason(client: Client) -> None:
    """One product of a few numbers: there is nothing to win."""
    weights = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(weights, "w")],
    )
    body = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    assert client.import_model("tiny", body)["state"] == "succeeded"
    rows = np.random.default_rng(2).normal(size=(600, 4)).astype(np.float32)
    file = BytesIO()
    np.savez(file, x=rows)
    job = compress(client, "tiny", file.getvalue(), "rows.npz")
    assert (job["state"], job["result"]["chosen"], job["result"]["variants"]) == ("succeeded", None, []), job
    assert "best left alone" in job["result"]["reason"] or "nothing" in job["result"]["reason"], job["result"]
    assert [one["variant"] for one in version_of(client, "tiny")["variants"]] == ["original"]


def test_a_model_too_large_for_a_function_is_compressed_by_a_batch_job(stack: LocalStack, client: Client) -> None:
    file = BytesIO()
    np.savez(file, x=np.random.default_rng(4).integers(0, LARGE_WORDS, (600, 4)))
    assert client.import_model("large", large_net())["state"] == "succeeded"
    job = compress(client, "large", file.getvalue(), "rows.npz", methods=["fp16"], objective="size")
    assert job["state"] == "succeeded", job
    assert "delivered" in (stack.state / "logs" / "compress.log").read_text()
    assert any("a job does it" in line for line in log_of(client, job))
    seen = job["candidates"]["fp16-weights"]
    assert seen["smaller"] > 1.99
    assert seen["lost"] < 0.01
    assert seen["state"] == ("chosen" if job["result"]["chosen"] else "rejected")
    assert [one["job_id"] for one in compressions(client, "large")] == [job["job_id"]]


def large_net() -> bytes:
    """A table of words above 128 MiB, which functions compress up to; a call reads four of its rows."""
    random = np.random.default_rng(6)
    words = np.tile(random.normal(size=(LARGE_WORDS // 100, LARGE_WIDTH)), (100, 1)).astype(np.float32)
    head = random.normal(0, LARGE_WIDTH**-0.5, (LARGE_WIDTH, 16)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["words", "x"], ["each"]),
            helper.make_node("ReduceMean", ["each"], ["mean"], axes=[1], keepdims=0),
            helper.make_node("MatMul", ["mean", "head"], ["y"]),
        ],
        "large",
        [helper.make_tensor_value_info("x", TensorProto.INT64, ["N", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 16])],
        [numpy_helper.from_array(words, "words"), numpy_helper.from_array(head, "head")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())
