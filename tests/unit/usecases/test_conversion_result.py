"""What a conversion's job left, right or wrong."""

import json

import pytest

from aimass.domain.errors import ConversionFailed, InternalError, ModelCrashed, UnsafePickle
from aimass.usecases import conversion_result


@pytest.mark.parametrize(
    ("code", "kind"),
    [("unsafe_pickle", UnsafePickle), ("conversion_failed", ConversionFailed), ("?", ConversionFailed)],
)
def test_what_the_job_refuses_is_refused_by_its_code(place, code, kind):
    at = place()
    error = {"code": code, "message": "why", "details": {"global": "os.system", "message": "x", "self": "y"}}
    at.leave("result.json", json.dumps({"error": error}).encode())
    with pytest.raises(kind, match="why") as refused:
        at.collect()
    assert type(refused.value) is kind
    assert refused.value.details == {"global": "os.system"}


def test_a_result_that_is_missing_or_no_result_is_a_fault(place):
    at = place()
    with pytest.raises(InternalError, match="without a result"):
        at.collect()
    for body in (b"", b"[]", b"{}", b'{"converted": {"main": 3}}', b"\xff", b'{"error": {"code": [' + b"[" * 100_000):
        at.leave("result.json", body)
        with pytest.raises(InternalError):
            at.collect()


def test_a_result_that_is_too_long_is_not_read(place, monkeypatch):
    monkeypatch.setattr(conversion_result, "MAX_RESULT_BYTES", 100)
    at = place()
    at.leave_model()
    with pytest.raises(InternalError, match="where 100 may be"):
        at.collect()


@pytest.mark.parametrize(
    ("name", "value"), [("seconds", -1), ("seconds", 86_401), ("memory_bytes", 1 << 60), ("rows", 10**12)]
)
def test_figures_that_no_conversion_has_are_a_fault(place, name, value):
    at = place()
    at.leave_model()
    result = json.loads(at.client.get_object(Bucket="uploads", Key=f"{at.folder}/result.json")["Body"].read())
    proof = result["conversion"]
    (proof["replay"] if name == "rows" else proof)[name] = value
    at.leave("result.json", json.dumps(result).encode())
    with pytest.raises(InternalError, match=f"{name} is not between"):
        at.collect()


@pytest.mark.parametrize("left", [{"rows": 0}, {"differences": ()}])
def test_a_conversion_that_compared_nothing_is_refused(place, left):
    at = place()
    at.leave_model(**left)
    with pytest.raises(ConversionFailed, match=r"nothing shows that the ONNX model.*send a sample"):
        at.collect()


def refusal(details, message="why"):
    return json.dumps({"error": {"code": "invalid_model", "message": message, "details": details}}).encode()


@pytest.mark.parametrize(
    "body",
    [
        refusal({"a": 1 << 70}),
        refusal({"a": [1e-130]}),
        refusal({"n" * 100_000: 1}),
        refusal({}, "m" * 100_000),
        b'{"error": {"code": "invalid_model", "message": "m", "details": {"a": ' + b"[" * 100_000,
    ],
    ids=["whole", "small", "name", "message", "deep"],
)
def test_a_refusal_that_no_job_of_ours_leaves_is_the_models_doing(place, body):
    at = place()
    at.leave("result.json", body)
    with pytest.raises(ModelCrashed, match="garbled"):
        at.collect()


def test_a_text_that_is_no_utf_8_is_a_fault(place):
    at = place()
    at.leave("result.json", b'{"error": {"code": "c", "message": "\xed\xa0\x80", "details": {}}}')
    with pytest.raises(InternalError, match="can't be read"):
        at.collect()


@pytest.mark.parametrize("number", [1 << 70, -(1 << 63) - 1, 1e-130, 1e120])
def test_numbers_that_no_table_holds_describe_no_model(place, number):
    at = place()
    at.leave_model(describes={"input": {"table": {"columns": [{"name": "a", "missing": number}]}}})
    with pytest.raises(ModelCrashed, match="garbled"):
        at.collect()
