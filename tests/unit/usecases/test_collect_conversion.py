"""Collecting what a conversion left: its files become artifacts."""

import hashlib
from dataclasses import replace

import pytest

from aimass.domain.conversion import Replay
from aimass.domain.errors import ConversionFailed, DigestMismatch, InternalError
from aimass.usecases import collect_conversion as module
from tests.unit.usecases.converting import CLOSE, DIGITS


def test_a_conversion_becomes_artifacts_and_a_record_of_how_it_went(place):
    at = place()
    at.leave_model()
    converted = at.collect()
    (file,) = converted.model.files
    assert (converted.model.main, file.sha256) == ("model.onnx", hashlib.sha256(DIGITS).hexdigest())
    at.artifacts.fetch("t", file, at.tmp_path / "fetched")
    assert (at.tmp_path / "fetched").read_bytes() == DIGITS
    assert converted.labels == ("none", "some")
    assert converted.describes == {"input": {"table": {"columns": [{"name": "age"}]}}}
    conversion = converted.conversion
    assert (conversion.format, conversion.environment, conversion.framework) == ("xgboost-json", "trees", "XGBoost 3.1")
    assert (conversion.scan, conversion.isolation) == ("nothing found", "shut off by seccomp")
    assert conversion.replay == Replay("generated", 256, (CLOSE,))
    assert conversion.drift_accepted is False


def test_the_log_tells_of_the_conversion_and_its_largest_difference(place):
    at = place()
    at.leave_model()
    at.collect()
    assert at.log() == [
        "converted xgboost-json of XGBoost 3.1 to ONNX in 1.5 s with 300 MB of memory; onnxmltools 1.14",
        "scan: nothing found",
        "isolation: shut off by seccomp",
        "256 rows of generated inputs through both models: the largest difference is 1e-07 (relative 2e-07) in"
        " probabilities, 100.00% of the rows agree in probabilities; within the tolerance",
        "note: a note",
    ]


@pytest.mark.parametrize(
    "files", [[], ["../model.onnx"], ["model.onnx", "model.onnx"], ["model.onnx.data"], ["model.onnx", "other"]]
)
def test_other_files_than_the_order_had_places_for_are_a_fault(place, files):
    at = place()
    at.leave_model(files=[{"path": path, "sha256": "0" * 64, "size": 1} for path in files])
    with pytest.raises(InternalError, match="other files than it may"):
        at.collect()


def test_a_tokenizer_that_was_made_with_the_model_is_kept_beside_it(place):
    at = place()
    at.identified = replace(at.identified, beside=())
    body = b'{"version": "1.0"}'
    at.leave("tokenizer.json", body)
    file = {"path": "tokenizer.json", "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}
    at.leave_model(beside=[file])
    converted = at.collect()
    assert [file.path for file in converted.model.files] == ["model.onnx"]
    (kept,) = converted.beside
    assert (kept.path, kept.sha256, kept.size) == ("tokenizer.json", file["sha256"], len(body))


def left_sample(at, body):
    at.leave("sample.npz", body)
    return {"path": "sample.npz", "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}


def test_a_sample_that_the_conversion_left_is_kept_and_told(place):
    at = place()
    at.leave_model(beside=[left_sample(at, b"rows")])
    converted = at.collect()
    assert (converted.sample, converted.beside) == (converted.beside[0], (converted.sample,))
    assert converted.sample.size == 4
    assert "one that both models took is kept as such" in at.log()[-1]


def test_a_sample_larger_than_any_job_of_ours_leaves_is_refused(place):
    at = place()
    at.leave_model(beside=[left_sample(at, bytes((1 << 20) + 1))])
    with pytest.raises(ConversionFailed, match="sample"):
        at.collect()


@pytest.mark.parametrize("beside", [["aimass.yaml"], ["tokenizer.json", "tokenizer.json"], ["../tokenizer.json"]])
def test_other_files_beside_a_model_than_a_tokenizer_are_a_fault(place, beside):
    at = place()
    at.identified = replace(at.identified, beside=())
    at.leave_model(beside=[{"path": path, "sha256": "0" * 64, "size": 1} for path in beside])
    with pytest.raises(InternalError, match="other files than it may"):
        at.collect()


def test_bytes_that_were_not_announced_are_refused(place):
    at = place()
    at.leave_model(announced="0" * 64)
    with pytest.raises(DigestMismatch):
        at.collect()


def test_a_file_that_is_too_large_is_refused_before_it_is_fetched(place, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    at = place()
    at.leave_model()
    with pytest.raises(ConversionFailed, match="larger than 1000 bytes together"):
        at.collect()


def test_files_that_are_too_large_together_are_refused(place, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", len(DIGITS) + 4)
    at = place()
    files = [{"path": "model.onnx", "sha256": hashlib.sha256(DIGITS).hexdigest(), "size": len(DIGITS)}]
    files.append({"path": "model.onnx.data", "sha256": hashlib.sha256(b"12345").hexdigest(), "size": 5})
    at.leave("model.onnx.data", b"12345")
    at.leave_model(files=files)
    with pytest.raises(ConversionFailed, match="bytes together"):
        at.collect()


def test_a_second_tokenizer_beside_the_one_that_came_is_refused(place):
    at = place()
    body = b'{"version": "forged"}'
    at.leave("tokenizer.json", body)
    at.leave_model(beside=[{"path": "tokenizer.json", "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}])
    with pytest.raises(ConversionFailed, match=r"another tokenizer\.json than the one that came") as refused:
        at.collect()
    assert refused.value.details == {"file": "tokenizer.json"}
