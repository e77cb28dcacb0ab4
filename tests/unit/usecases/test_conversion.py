"""Ordering a conversion and collecting what it left, over a registry and stores in process."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from aimass.adapters.aws.conversions import S3ConversionFiles
from aimass.domain.conversion import Difference, Replay
from aimass.domain.errors import (
    ConversionDrift,
    ConversionFailed,
    ConverterMissing,
    DigestMismatch,
    InternalError,
    UnsafePickle,
)
from aimass.domain.model import Limits as TenantLimits
from aimass.domain.model import ModelFiles
from aimass.domain.ports import PageRequest
from aimass.sandbox.limits import Limits
from aimass.usecases import collect_conversion as module
from aimass.usecases.collect_conversion import Collected, collect_conversion
from aimass.usecases.import_model import Import, verify
from aimass.usecases.import_results import ConvertedModel, IdentifiedModel, OrderedConversion
from aimass.usecases.order_conversion import Conversions, JobLimits, order_conversion
from aimass.usecases.register_model import register
from aimass.usecases.uploads import NewVersion, reserve

DIGITS = Path("examples/digits/digits.onnx").read_bytes()
CLOSE = Difference("probabilities", "FP32", 1e-7, 2e-7, 1.0, 1e-5, 1e-4, True)
FAR = replace(CLOSE, largest_absolute=0.25, largest_relative=0.5, agreement=0.9, within=False)
LIMITS = JobLimits(seconds=60, memory_mb=1000, disk_mb=2000)


class Place:
    """A job at its conversion, of a model of two files with a tokenizer beside it."""

    def __init__(self, registry, artifacts, tmp_path, client, **asked):
        self.registry, self.artifacts, self.client, self.tmp_path = registry, artifacts, client, tmp_path
        bounds = TenantLimits(bytes=10**9, models=10, jobs=10)
        waiting = reserve(registry, "t", NewVersion("m", "model.json", **asked), bounds)
        self.job = replace(waiting, state="running", attempt=2)
        registry.requeue("t", self.job, was=waiting)
        model = ModelFiles("model.json", (self.kept("vocabulary.txt", b"words"), self.kept("model.json", b"{}")))
        self.identified = IdentifiedModel(
            "xgboost-json",
            "XGBoost",
            {},
            0,
            model,
            model,
            (self.kept("tokenizer.json", b"{}"),),
            "trees",
            facts={"trees": 5},
        )
        self.folder = f"conversions/t/{self.job.id}/2"
        self.files = S3ConversionFiles(client, "uploads")

    def kept(self, path, body):
        source = self.tmp_path / "given"
        source.write_bytes(body)
        return self.artifacts.put_file("t", path, source)

    def order(self, environments=("trees",)):
        at = Conversions(
            self.registry, self.artifacts, self.files, frozenset(environments), lambda one: f"make {one}", LIMITS
        )
        return order_conversion(at, "t", self.job.id, self.identified)

    def leave(self, name, body):
        self.client.put_object(Bucket="uploads", Key=f"{self.folder}/{name}", Body=body)

    def leave_model(self, differences=(CLOSE,), announced=None, rows=256, **changes):
        self.leave("model.onnx", DIGITS)
        digest = announced or hashlib.sha256(DIGITS).hexdigest()
        replay = {"samples": "generated", "rows": rows, "expected": False}
        replay["differences"] = [vars(one) for one in differences]
        result = {
            "converted": {
                "main": "model.onnx",
                "files": [{"path": "model.onnx", "sha256": digest, "size": len(DIGITS)}],
                "framework": "XGBoost 3.1",
                "labels": ["none", "some"],
                "columns": ["age"],
                "notes": ["a note"],
            }
            | changes,
            "conversion": {
                "seconds": 1.5,
                "memory_bytes": 300 << 20,
                "tools": {"onnxmltools": "1.14"},
                "scan": "nothing found",
                "isolation": "shut off by seccomp",
                "replay": replay,
                "examples": [{"row": 3}],
            },
        }
        self.leave("result.json", json.dumps(result).encode())

    def collect(self):
        at = Collected(self.registry, self.artifacts, self.files)
        return collect_conversion(
            at, "t", self.job.id, self.identified, OrderedConversion({"status": "SUCCEEDED"}, self.folder)
        )

    def log(self):
        return [line.message for line in self.registry.read_log("t", self.job.id, PageRequest()).items]


@pytest.fixture
def place(registry, artifacts, uploads, tmp_path):
    def make(**asked):
        return Place(registry, artifacts, tmp_path, uploads._client, **asked)

    return make


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
    assert set(order.outputs) == {"model.onnx", "model.onnx.data"}
    assert order.limits.memory_bytes == 1000 << 20


def test_what_an_order_lets_the_job_do_is_fetch_these_files_and_leave_three_in_the_attempts_folder(place):
    at = place()
    order = order_of(at, at.order())
    for one in [*order["files"], *order["beside"]]:
        assert f"artifacts/t/sha256/{one['sha256']}?" in one["url"]
    places = {one["name"]: one["url"] for one in order["outputs"]} | {"result.json": order["result_url"]}
    assert set(places) == {"model.onnx", "model.onnx.data", "result.json"}
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


def test_a_conversion_becomes_artifacts_and_a_record_of_how_it_went(place):
    at = place()
    at.leave_model()
    converted = at.collect()
    (file,) = converted.model.files
    assert (converted.model.main, file.sha256) == ("model.onnx", hashlib.sha256(DIGITS).hexdigest())
    at.artifacts.fetch("t", file, at.tmp_path / "fetched")
    assert (at.tmp_path / "fetched").read_bytes() == DIGITS
    assert (converted.labels, converted.columns) == (("none", "some"), ("age",))
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


def test_drift_ends_the_import_with_its_numbers(place):
    at = place()
    at.leave_model([CLOSE, FAR])
    with pytest.raises(
        ConversionDrift, match=r"probabilities differs by up to 0\.25, where 1e-05 and 0\.0001"
    ) as drift:
        at.collect()
    assert "accept_drift=true" in drift.value.message
    details = drift.value.details
    assert [one["largest_absolute"] for one in details["differences"]] == [0.25]
    assert (details["rows"], details["examples"]) == (256, [{"row": 3}])
    assert any("BEYOND the tolerance" in line for line in at.log())


def test_labels_that_drift_are_told_by_their_share(place):
    at = place()
    at.leave_model([Difference("label", "INT64", None, None, 0.875, 0.0, 0.0, False)])
    with pytest.raises(ConversionDrift, match=r"label: 87\.50% of the rows agree"):
        at.collect()


def test_drift_that_its_owner_accepts_is_marked(place):
    at = place(accept_drift=True)
    at.leave_model([FAR])
    assert at.collect().conversion.drift_accepted is True


def test_accepting_drift_marks_nothing_where_there_is_none(place):
    at = place(accept_drift=True)
    at.leave_model()
    assert at.collect().conversion.drift_accepted is False


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
    monkeypatch.setattr(module, "MAX_RESULT_BYTES", 100)
    at = place()
    at.leave_model()
    with pytest.raises(InternalError, match="where 100 may be"):
        at.collect()


@pytest.mark.parametrize(
    "files", [[], ["../model.onnx"], ["model.onnx", "model.onnx"], ["model.onnx.data"], ["model.onnx", "other"]]
)
def test_other_files_than_the_order_had_places_for_are_a_fault(place, files):
    at = place()
    at.leave_model(files=[{"path": path, "sha256": "0" * 64, "size": 1} for path in files])
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


def test_more_names_than_a_state_carries_are_refused(place):
    at = place()
    at.leave_model(labels=["x" * 1000] * 41)
    with pytest.raises(ConversionFailed, match="41 class names"):
        at.collect()


def test_numbers_that_no_table_holds_are_kept_as_near_as_it_can(place):
    at = place()
    at.leave_model([replace(CLOSE, largest_absolute=1e-300, largest_relative=1e300)])
    (kept,) = at.collect().conversion.replay.differences
    assert (kept.largest_absolute, kept.largest_relative) == (0.0, 1e100)


def test_a_converted_version_has_its_conversion_and_what_the_onnx_file_says(place, index):
    at = place(accept_drift=True)
    pixels = [f"pixel {number}" for number in range(64)]
    at.leave_model([FAR], labels=[f"class {number}" for number in range(10)], columns=pixels)
    converted = at.collect()
    work = Import(at.registry, at.artifacts, index)
    limits = Limits(seconds=60, memory_bytes=4 << 30, file_bytes=1 << 30)
    verified = verify(work, "t", at.job.id, at.identified, converted, limits, 5)
    version = register(at.registry, index, "t", at.job.id, at.identified, converted, verified)
    assert version == at.registry.get_version("t", "m", 1)
    assert (version.state, version.format, version.framework) == ("ready", "xgboost-json", "XGBoost 3.1")
    assert (version.opset["ai.onnx.ml"], version.parameter_count) == (1, 3621)
    assert version.variant().files == converted.model
    assert version.source == at.identified.source
    assert version.conversion == converted.conversion
    assert [column.name for column in version.description.table.columns] == pixels
    assert version.class_names == tuple(f"class {number}" for number in range(10))
    assert converted.model.files[0].sha256 in version.digests


def test_what_is_no_onnx_model_is_no_conversion(place, index):
    at = place()
    at.leave_model()
    converted = replace(at.collect(), model=at.identified.model)
    work = Import(at.registry, at.artifacts, index)
    limits = Limits(seconds=60, memory_bytes=4 << 30, file_bytes=1 << 30)
    with pytest.raises(ConversionFailed, match="wrote no ONNX model: no model found"):
        verify(work, "t", at.job.id, at.identified, converted, limits, 5)


def test_what_is_kept_as_it_is_becomes_a_stored_version(place, index):
    at = place()
    identified = replace(at.identified, format="gguf", environment=None, stored=True, parameter_count=7)
    version = register(at.registry, index, "t", at.job.id, identified, ConvertedModel(None), None)
    assert version == at.registry.get_version("t", "m", 1)
    assert (version.state, version.kept, version.variants) == ("stored", identified.model, ())
    assert (version.format, version.parameter_count, version.facts) == ("gguf", 7, {"trees": 5})
    assert at.registry.get_job("t", at.job.id).state == "succeeded"
    for sha256 in version.digests:
        assert index.references("t", sha256) == [("m", 1)]


@pytest.mark.parametrize("left", [{"rows": 0}, {"differences": ()}])
def test_a_conversion_that_compared_nothing_is_refused(place, left):
    at = place()
    at.leave_model(**left)
    with pytest.raises(ConversionFailed, match=r"nothing shows that the ONNX model.*send a sample"):
        at.collect()
