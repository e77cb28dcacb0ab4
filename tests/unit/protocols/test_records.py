"""The control plane answers the records that its OpenAPI document describes, no field more or less."""

from dataclasses import replace

import msgspec
import pytest

from aimass.domain.compression import Candidate, Compression, CompressionCall
from aimass.domain.conversion import Conversion, Difference, Replay
from aimass.domain.description import Batching, Description, TextInput
from aimass.domain.files import ModelFiles, Packed, StoredFile
from aimass.domain.jobs import Failure, Job, LogLine, StepTime
from aimass.domain.model import (
    Alias,
    AliasMove,
    Deletion,
    Measurements,
    Model,
    TensorSpec,
    Variant,
    Version,
    VersionSummary,
)
from aimass.domain.tenants import Limits, Usage
from aimass.protocols import control, records
from aimass.usecases.uploads import NewVersion, describe_upload, start_upload

FILES = ModelFiles("m.onnx", (StoredFile("m.onnx", "ab" * 32, 10),))
IMPORTING = Version("m", 1, "importing", "job", "then", "m.onnx", label="l", labels=("a",))
READY = replace(
    IMPORTING,
    state="ready",
    ready_at="now",
    sample=FILES.files[0],
    source=FILES,
    format="onnx",
    framework="onnx",
    opset={"ai.onnx": 17},
    parameter_count=1,
    inputs=(TensorSpec("x", "FP32", (-1,), "tensor(float)"),),
    description=Description(labels=("a",), text=TextInput(input="x"), batching=Batching(8)),
    variants=(Variant("original", None, False, {}, FILES, None, Measurements(1.0, 1, 1.0, 1.0, 1, "1")),),
)
CONVERTED = replace(
    READY,
    conversion=Conversion(
        "xgboost-json",
        "trees",
        "XGBoost 3.2",
        1.5,
        100,
        {"onnx": "1"},
        Replay("generated", 10, (Difference("y", "FP32", 1e-7, 1e-7, None, 1e-5, 1e-4, True),)),
        drift_accepted=True,
    ),
)
STORED = replace(
    IMPORTING,
    state="stored",
    ready_at="now",
    source=FILES,
    kept=FILES,
    format="gguf",
    framework="GGUF 3",
    parameter_count=1,
    facts={"architecture": "llama"},
)
FAILED = replace(IMPORTING, state="failed", failure=Failure("verify", "code", "text"))
DELETED = replace(FAILED, state="deleted", deleted=Deletion("now", "later", "failed"))
JOB = Job("job", "import", "m", 1, "m.onnx", "running", "then", steps=(StepTime("identify", "then"),))


def steps_of(**changes):
    steps = (StepTime("identify", "1"), StepTime("convert", "2"), StepTime("convert", "3"))
    view = control.job_view(replace(JOB, **{"steps": steps, **changes}))
    return [(one["step"], one["started_at"], one["attempt"], one["state"]) for one in view["steps"]]


def test_a_step_of_several_states_is_listed_once_with_its_state():
    identified = ("identify", "1", 1, "succeeded")
    assert steps_of() == [identified, ("convert", "2", 1, "running")]
    assert steps_of(state="failed") == [identified, ("convert", "2", 1, "failed")]
    assert steps_of(steps=()) == []
    again = (StepTime("identify", "4", 2), StepTime("convert", "5", 2))
    first = [identified, ("convert", "2", 1, "unfinished")]
    steps = (StepTime("identify", "1"), StepTime("convert", "2"))
    assert steps_of(attempt=2, steps=steps) == first
    assert steps_of(attempt=2, steps=(*steps, *again)) == [
        *first,
        ("identify", "4", 2, "succeeded"),
        ("convert", "5", 2, "running"),
    ]


def test_a_step_in_which_an_earlier_attempt_ended_says_how():
    failed, cancelled = StepTime("convert", "2", 1, "failed"), StepTime("convert", "3", 2, "cancelled")
    ended = (failed, cancelled, StepTime("convert", "4", 3))
    assert [one[-1] for one in steps_of(attempt=3, steps=ended)] == ["failed", "cancelled", "running"]


class Artifacts:
    def uri(self, tenant, sha256):
        return f"s3://bucket/{tenant}/{sha256}"

    def download_url(self, tenant, file, seconds):
        return f"https://bucket/{tenant}/{file.path}"


def assert_is(view, kind):
    msgspec.convert(view, kind)
    assert view.keys() <= kind.__annotations__.keys()
    assert kind.__required_keys__ <= view.keys()


@pytest.mark.parametrize("version", [IMPORTING, READY, CONVERTED, STORED, FAILED, DELETED])
def test_a_version(version):
    assert_is(control.version_view("t", version, Artifacts()), records.VersionRecord)


def test_a_ready_version_has_every_field_but_an_error():
    view = control.version_view("t", READY, Artifacts())
    assert view.keys() == records.VersionRecord.__annotations__.keys() - {"error", "deleted"}
    assert_is(view["variants"][0], records.VariantRecord)
    assert_is(view["source"], records.FilesRecord)
    assert_is(view["description"], records.DescriptionRecord)
    assert_is(control.description_view(replace(READY, description=None)), records.DescriptionRecord)
    assert_is(view["files"][0], records.FileRecord)


def test_a_packed_variant_shows_what_it_takes_in_storage_and_where():
    packed = ModelFiles("m.onnx", (replace(FILES.files[0], packed=Packed("cd" * 32, 4)),))
    small = replace(READY.variants[0], name="int8", compressed="int8", files=packed)
    version = replace(READY, variants=(*READY.variants, small), serving_variant="int8")
    view = control.version_view("t", version, Artifacts())
    assert_is(view, records.VersionRecord)
    assert (view["serving_variant"], view["compressed"], view["path"]) == ("int8", None, f"s3://bucket/t/{'ab' * 32}")
    original, told = view["variants"]
    assert_is(told, records.VariantRecord)
    assert (original["packed"], original["stored_size"]) == (None, 10)
    assert (told["packed"], told["size"], told["stored_size"]) == ("zstd", 10, 4)
    assert (told["sha256"], told["path"]) == ("ab" * 32, f"s3://bucket/t/{'cd' * 32}")
    (file,) = told["files"]
    assert_is(file, records.FileRecord)
    assert (file["packed"], file["stored_size"], file["stored_sha256"]) == ("zstd", 4, "cd" * 32)
    assert original["files"][0].keys() == {"path", "size", "sha256", "uri"}


def test_a_converted_version_shows_how_near_its_answers_are_and_that_its_owner_took_them():
    conversion = control.version_view("t", CONVERTED, Artifacts())["conversion"]
    assert conversion["drift_accepted"] is True
    (difference,) = conversion["replay"]["differences"]
    assert (difference["output"], difference["largest_absolute"], difference["within"]) == ("y", 1e-7, True)


def test_what_is_not_known_of_a_models_parameters_is_null_and_not_0():
    view = control.version_view("t", replace(READY, format="ort", parameter_count=None), Artifacts())
    assert view["parameter_count"] is None
    assert_is(view, records.VersionRecord)


def test_a_stored_version_shows_its_files_and_what_they_say_and_nothing_that_was_measured():
    view = control.version_view("t", STORED, Artifacts())
    assert (view["state"], view["size"], view["facts"]) == ("stored", 10, {"architecture": "llama"})
    assert (view["variants"], view["timestamp"]) == ([], "now")
    assert not {"measurements", "inputs", "opset"} & view.keys()


def test_a_job_an_alias_and_a_model():
    assert_is(control.job_view(JOB), records.JobRecord)
    assert_is(control.job_view(replace(JOB, error=FAILED.failure)), records.JobRecord)
    assert_is(control.alias_view(Alias("m", "prod", 1, 1, "now")), records.AliasRecord)
    assert_is(control.model_view(Model("m", "then", 1)), records.ModelSummary)


def compression_job(**asked):
    candidates = {"int8": Candidate("evaluated", 3.9, 2.5, 0.001)}
    return replace(JOB, kind="compression", compression=CompressionCall(**asked), candidates=candidates)


@pytest.mark.parametrize(
    ("asked", "data"),
    [
        ({}, None),
        ({"examples": "digits/2026"}, {"prefix": "digits/2026"}),
        ({"examples": "digits/2026", "files": 3}, {"prefix": "digits/2026", "files": 3}),
        ({"examples": "job", "filename": "rows.csv", "size": 4}, {"size": 4, "filename": "rows.csv"}),
    ],
)
def test_a_compression_shows_what_was_asked_and_its_candidates(asked, data):
    view = control.job_view(compression_job(methods=("int8",), budget={"agreement": 0.99}, **asked))
    assert_is(view, records.JobRecord)
    assert_is(view["compression"], records.CompressionAsked)
    assert view["compression"]["data"] == data
    assert view["candidates"]["int8"]["smaller"] == 3.9


@pytest.mark.parametrize(("ended", "shown"), [("cancelled", "cancelled"), ("failed", "not finished")])
def test_candidates_of_a_job_that_ended_before_its_verdicts_go_on_no_longer(ended, shown):
    states = ("waiting", "compressing", "evaluating", "evaluated", "rejected")
    candidates = {state: Candidate(state, 3.9) for state in states}
    running = replace(compression_job(), state="running", finished_at=None, candidates=candidates)
    job = replace(running, state=ended, finished_at="then")
    assert [one["state"] for one in control.job_view(running)["candidates"].values()] == [*states]
    view = control.job_view(job)
    assert_is(view, records.JobRecord)
    assert [one["state"] for one in view["candidates"].values()] == [shown] * 4 + ["rejected"]
    assert view["candidates"]["evaluated"]["smaller"] == 3.9


def test_what_a_compression_came_to():
    report, page = FILES.files[0], replace(FILES.files[0], path="report.html")
    done = Compression("job", "then", {"agreement": 0.99}, "size", None, "best left alone", (), report, page)
    assert_is(control.compression_view("t", done, Artifacts()), records.CompressionRecord)
    result = control.compression_result("t", done, Artifacts())
    assert_is(result, records.CompressionResult)
    assert_is(control.job_view(compression_job()) | {"result": result}, records.JobRecord)
    assert (result["chosen"], result["report"]["html"]) == (None, "https://bucket/t/report.html")


def test_what_lists_show():
    deleted = VersionSummary("m", 1, "deleted", "then", failure=FAILED.failure, deleted=DELETED.deleted)
    for summary in (VersionSummary("m", 1, "ready", "then", size=1, variant_names=("original",)), deleted):
        assert_is(control.version_summary(summary), records.VersionSummary)
    assert_is(control.move_view(AliasMove("m", "prod", None, 2, "now")), records.MoveRecord)
    assert_is(control.limits_view(Limits(1, 1, 1), Usage()), records.LimitsRecord)
    assert_is({"lines": [control.log_view(LogLine("now", 1, "verify", "text"))], "next_token": None}, records.LogRecord)


def test_an_upload(registry, uploads):
    job = start_upload(registry, uploads, "t", NewVersion("m", "a.onnx", size=4), Limits(10, 1, 1))
    view = describe_upload(registry, uploads, "t", job.id)
    assert_is(view, records.UploadRecord)
    assert_is(view["parts"][0], records.PartRecord)
