"""What an order of a conversion names, and what it lets the job do."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from aimass.domain.conversion import PHASES
from aimass.domain.errors import ConverterMissing


def order_of(place, ordered):
    key = f"{ordered.folder}/order.json"
    assert key in ordered.order_url
    return json.loads(place.client.get_object(Bucket="uploads", Key=key)["Body"].read())


def test_an_order_names_the_model_its_main_file_first_what_lies_beside_it_and_its_limits(place):
    at = place()
    order = order_of(at, at.order())
    assert order["conversion"] == {"format": "xgboost-json", "environment": "trees", "facts": {"trees": 5}}
    assert [one["path"] for one in order["files"]] == ["model.json", "vocabulary.txt"]
    assert [one["path"] for one in order["beside"]] == ["tokenizer.json"]
    assert (order["sample"], order["expected"]) == (None, None)
    assert order["limits"] == {"seconds": 60, "memory_mb": 1000, "disk_mb": 2000}


def test_an_order_is_read_as_the_job_reads_it(place, monkeypatch):
    monkeypatch.syspath_prepend("gpu_batch")
    from jobs.order import parse_conversion

    at = place()
    order = parse_conversion(json.dumps(order_of(at, at.order())).encode())
    assert order.candidate.files == ("model.json", "vocabulary.txt")
    assert set(order.outputs) == {"model.onnx", "model.onnx.data", "tokenizer.json", "sample.npz"}
    assert order.limits.memory_bytes == 1000 << 20


def test_what_an_order_lets_the_job_do_is_fetch_these_files_and_leave_what_it_made_in_the_attempts_folder(place):
    at = place()
    order = order_of(at, at.order())
    for one in [*order["files"], *order["beside"]]:
        assert f"artifacts/t/sha256/{one['sha256']}?" in one["url"]
    places = {one["name"]: one["url"] for one in order["outputs"]} | {"result.json": order["result_url"]}
    assert set(places) == {"model.onnx", "model.onnx.data", "tokenizer.json", "sample.npz", "result.json"}
    told = {f"{one['name']}.progress": one["url"] for one in order["progress"]}
    assert list(told) == [f"{phase}.progress" for phase in PHASES]
    places |= told
    for name, url in places.items():
        assert f"{at.folder}/{name}?" in url
        assert "X-Amz-Expires=10800" in url


def test_the_sample_of_a_bundle_goes_with_what_is_expected_of_it(place):
    at = place()
    beside = (at.kept("sample.npz", b"1"), at.kept("expected.json", b"2"), at.kept("texts/sample.npz", b"3"))
    at.identified = replace(at.identified, beside=beside)
    order = order_of(at, at.order())
    assert (order["sample"]["path"], order["expected"]["path"]) == ("sample.npz", "expected.json")


def test_the_sample_of_the_upload_goes_before_and_what_a_bundle_expects_of_its_own_is_left_out(place, artifacts):
    source = Path("pyproject.toml")
    at = place(sample=artifacts.put_file("t", "mine.json", source))
    at.identified = replace(at.identified, beside=(at.kept("sample.npz", b"1"), at.kept("expected.json", b"2")))
    order = order_of(at, at.order())
    assert (order["sample"]["path"], order["expected"]) == ("mine.json", None)


def test_an_environment_that_is_not_here_is_refused_with_what_makes_it(place):
    at = place()
    with pytest.raises(ConverterMissing, match="make trees, then retry the job") as refused:
        at.order(environments=("torch",))
    assert refused.value.details == {"format": "xgboost-json", "environment": "trees", "here": ["torch"]}
