"""The entries of the steps around a conversion, as the state machine calls them, over the real registry in process."""

import importlib.util
import json
from pathlib import Path

import msgspec
import pytest

from aimass.adapters.aws.conversions import S3ConversionFiles
from aimass.bootstrap import stores
from aimass.domain.conversion import PHASES
from aimass.domain.errors import Busy, ConverterMissing
from aimass.domain.files import ModelFiles
from aimass.domain.ports import PageRequest
from aimass.protocols.states import StepRefused
from aimass.usecases.import_results import IdentifiedModel
from tests.unit.aws.test_registry import running

ROOT = Path(__file__).parents[3]
LIMITS = {"seconds": 60, "memory_mb": 1000, "disk_mb": 2000}


def handler(name):
    spec = importlib.util.spec_from_file_location(f"{name}_handler", ROOT / f"functions/{name}/handler.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda event: module.handler(event, None)


@pytest.fixture
def event(registry, artifacts, index, uploads, tmp_path, monkeypatch):
    """What `identify` hands on, of a model that XGBoost made; the environment is a function's."""
    monkeypatch.setattr(stores, "registry", lambda: registry)
    monkeypatch.setattr(stores, "artifacts", lambda: artifacts)
    monkeypatch.setattr(stores, "artifact_index", lambda: index)
    files = S3ConversionFiles(uploads._client, "uploads")
    monkeypatch.setattr(stores, "conversion_files", lambda: files)
    monkeypatch.setenv("CONVERSION_LIMITS", json.dumps(LIMITS))
    monkeypatch.setenv("CONVERTERS", "trees torch")
    monkeypatch.delenv("MACHINE_CORES", raising=False)
    _, job = running(registry)
    (tmp_path / "model.json").write_bytes(b"{}")
    model = ModelFiles("model.json", (artifacts.put_file("t", "model.json", tmp_path / "model.json"),))
    identified = IdentifiedModel("xgboost-json", "XGBoost", {}, 0, model, model, (), "trees")
    names = {"tenant": "t", "model": "m", "version": 1, "job_id": job.id, "attempt": job.attempt}
    return names | {"identified": msgspec.to_builtins(identified)}


def refusal(step, event):
    with pytest.raises(StepRefused) as refused:
        handler(step)(event)
    return json.loads(str(refused.value))


def test_an_order_is_written_within_the_limits_of_the_environment(event, uploads):
    ordered = handler("order_conversion")(event)
    assert ordered["folder"] == f"conversions/t/{event['job_id']}/1"
    body = uploads._client.get_object(Bucket="uploads", Key=f"{ordered['folder']}/order.json")["Body"].read()
    assert json.loads(body)["limits"] == LIMITS


@pytest.mark.parametrize(
    ("machine", "remedy"), [("2", "run `make convert-trees`"), (None, "the setting `cpu_jobs` on")]
)
def test_what_has_no_converter_here_is_refused_as_a_step_of_converting(event, monkeypatch, machine, remedy):
    monkeypatch.setenv("CONVERTERS", "")
    if machine:
        monkeypatch.setenv("MACHINE_CORES", machine)
    told = refusal("order_conversion", event)
    assert (told["step"], told["code"]) == ("convert", ConverterMissing.code)
    assert remedy in told["message"]


def test_what_the_job_refused_ends_the_step(event, uploads):
    event["ordered"] = handler("order_conversion")(event)
    result = {"error": {"code": "unsafe_pickle", "message": "it calls os.system", "details": {"global": "os.system"}}}
    key = f"{event['ordered']['folder']}/result.json"
    uploads._client.put_object(Bucket="uploads", Key=key, Body=json.dumps(result).encode())
    told = refusal("collect_conversion", event)
    assert (told["step"], told["code"], told["message"]) == ("convert", "unsafe_pickle", "it calls os.system")


def test_what_is_kept_as_it_is_is_registered_without_a_conversion_or_a_measurement(event, registry):
    event["identified"] |= {"stored": True, "environment": None, "format": "gguf"}
    for _ in range(2):
        assert handler("register")(event) == {"model": "m", "version": 1}
    assert registry.get_version("t", "m", 1).state == "stored"


def put(key, moment="2026-05-01T10:00:00Z"):
    return {"time": moment, "detail": {"object": {"key": key}}}


def told(event, phase, *moment):
    return handler("note_progress")(put(f"conversions/t/{event['job_id']}/1/{phase}.progress", *moment))


@pytest.mark.parametrize(("phase", "noted"), [("started", True), ("boasting", False)])
def test_what_a_job_puts_to_say_how_far_it_is_is_a_line_of_its_log(event, registry, phase, noted):
    assert told(event, phase) is noted
    lines = registry.read_log("t", event["job_id"], PageRequest()).items
    line = ("convert", 1, "the job has its place and started: it fetches the model", "2026-05-01T10:00:00.000Z")
    assert [(one.step, one.attempt, one.message, one.at) for one in lines] == ([line] if noted else [])


def test_what_is_told_late_and_twice_is_told_once_and_in_order(event, registry):
    for phase, moment in (
        ("opening", "2026-05-01T10:00:00Z"),
        ("storing", "2026-05-01T10:00:09.5Z"),
        ("started", "2026-05-01T10:00:00Z"),
        ("converting", "2026-05-01T10:00:01Z"),
        ("started", "2026-05-01T10:00:00Z"),
    ):
        told(event, phase, moment)
    lines = registry.read_log("t", event["job_id"], PageRequest()).items
    assert [one.message for one in lines] == [PHASES[one] for one in ("started", "opening", "converting", "storing")]


def test_a_phase_that_cannot_be_noted_fails_the_call_so_that_it_comes_again(event, registry, monkeypatch):
    def full(*line, **options):
        raise Busy("other changes were under way")

    monkeypatch.setattr(registry, "log", full)
    with pytest.raises(Busy):
        told(event, "started")


@pytest.mark.parametrize(
    "key",
    ["uploads/t/m/started.progress", "conversions/t/a/b/1/started.progress", "conversions/t/job/0/started.progress"],
)
def test_other_objects_are_no_lines(event, key):
    assert handler("note_progress")(put(key)) is False
