from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx.external_data_helper import set_external_data

from aimass.adapters.aws.workspaces import S3WorkspaceFiles
from aimass.compression.recipe import digest_of
from aimass.domain.compression import Compression
from aimass.domain.errors import Conflict, InternalError, LimitExceeded, VersionNotReady
from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.tenants import Usage
from aimass.usecases.compressed_variants import MOST_CONFIG_BYTES, MOST_VARIANTS
from aimass.usecases.publish_compression import MOST_COMPRESSIONS, Published, publish, published
from tests.unit.aws.test_registry import running
from tests.unit.compression.report.written import candidate, documents, refused
from tests.unit.usecases.publishing import MEASURED, WORKSPACE, Place, model_of, version

Document = dict[str, Any]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def run(place: Place) -> Published:
    return publish(place.publishing, "t", "job", WORKSPACE)


def report_of(place: Place) -> Document:
    return dict(json.loads(place.artifacts.kept[place.registry.version.compressions[0].report.sha256]))


def found(**verdicts: str) -> Document:
    return documents({name: candidate(name) for name in verdicts}, verdicts)


@pytest.fixture
def usual() -> Document:
    told = {"int8": candidate("int8"), "safe": candidate("safe"), "bad": candidate("bad", lost=0.2)}
    told["pruned30"] = refused("pruned30", "too few channels")
    verdicts = {"int8": "chosen", "safe": "passed", "bad": "rejected", "pruned30": "rejected"}
    return documents(told, verdicts, reason="because of int8")


def test_what_keeps_the_budget_becomes_variants_that_were_run(place: Place, usual: Document) -> None:
    place.left(usual, {})

    assert run(place) == Published("small", 1, "int8", ("int8", "safe"))

    done = place.registry.version
    assert [one.name for one in done.variants] == ["original", "int8", "safe"]
    variant = done.variant("int8")
    assert (variant.compressed, variant.pruned, variant.files.main) == ("int8", False, "model.onnx")
    assert variant.measurements.runs > 0
    assert variant.measurements.onnxruntime != MEASURED.onnxruntime
    assert variant.optimized
    assert variant.optimized.files[0].sha256 in place.artifacts.kept
    assert variant.files.files[0].packed, "a model is stored packed"
    assert variant.files.files[0].artifact in place.artifacts.kept
    assert done.serving_variant == "original", "its owner alone says what answers"


def test_a_variant_says_how_it_was_made_and_what_is_proven_of_it(place: Place, usual: Document) -> None:
    place.left(usual, {})
    run(place)
    config = place.registry.version.variant("safe").config
    held = config["held_out"]["lost"]["accuracy"]
    assert config["recipe"][1] == {"pass": "int8_static", "options": {"per_channel": True}}
    assert (config["job_id"], config["verdict"], config["budget"]) == ("job", "passed", {"accuracy_drop": 0.005})
    assert (config["smaller"], config["packed_smaller"], config["faster"]) == (4.0, 7.0, 2.5)
    assert (config["held_out"]["rows"], held["estimate"], held["upper"], held["confidence"]) == (
        *(7000, 0.001, 0.003),
        0.975,
    )
    assert config["choosing"]["rows"] == 2000


def test_the_version_keeps_the_report_and_the_job_its_candidates(place: Place, usual: Document) -> None:
    place.left(usual, {})
    run(place)
    (done,) = place.registry.version.compressions
    assert (done.job_id, done.chosen, done.reason, done.variants) == (
        "job",
        "int8",
        "because of int8",
        ("int8", "safe"),
    )
    assert (done.budget, done.objective) == ({"accuracy_drop": 0.005}, "balanced")
    assert place.registry.version.compressing is None
    assert report_of(place)["verdict"]["chosen"] == "int8"
    assert place.artifacts.kept[done.page.sha256].startswith(b"<!doctype html>")
    told = place.registry.job.candidates
    assert {name: one.state for name, one in told.items()} == {
        **{"int8": "chosen", "safe": "passed"},
        **{"bad": "rejected", "pruned30": "rejected"},
    }
    assert (told["int8"].smaller, told["int8"].faster, told["int8"].lost) == (4.0, 2.5, 0.001)
    assert told["pruned30"].reason == "because of pruned30"


def test_the_log_tells_what_was_measured_and_what_was_promised(place: Place, usual: Document) -> None:
    place.left(usual, {})
    run(place)
    log = "\n".join(place.registry.lines)
    assert "2 of 4 candidates keep the budget: int8, safe" in log
    assert "packed into" in log
    assert "(p50)" in log
    assert "int8 keeps the promise" in log
    assert "it answers with original until its owner says otherwise" in log


def test_that_the_original_is_best_left_alone_is_a_success(place: Place) -> None:
    place.left(found(int8="rejected", pruned="rejected"), {})
    assert run(place) == Published("small", 1, None, ())
    done = place.registry.version
    assert [one.name for one in done.variants] == ["original"]
    assert (done.compressions[0].chosen, done.compressions[0].variants) == (None, ())
    assert "best left alone" in done.compressions[0].reason
    assert place.registry.job.state == "succeeded"


@pytest.mark.parametrize(
    ("model", "reason"),
    [(b"no model at all", "is not published"), (model_of("int8", output="other"), "takes or gives other tensors")],
)
def test_where_the_chosen_one_does_not_run_the_best_that_passed_takes_its_place(
    place: Place, usual: Document, model: bytes, reason: str
) -> None:
    place.left(usual, {"int8": model})
    assert run(place) == Published("small", 1, "safe", ("safe",))
    done = place.registry.version.compressions[0]
    assert "because of safe int8 came first, and was not published: " in done.reason
    assert any(reason in line for line in place.registry.lines)
    verdicts = {one["name"]: (one["verdict"], one["reason"]) for one in report_of(place)["candidates"]}
    assert verdicts["safe"][0] == "chosen"
    assert verdicts["int8"][0] == "rejected"
    assert verdicts["int8"][1].startswith("It was not published: ")
    assert place.registry.job.candidates["int8"].state == "rejected"


def test_where_nothing_that_keeps_the_budget_runs_the_original_is_left_alone(place: Place) -> None:
    place.left(found(int8="chosen"), {"int8": b"no model"})
    assert run(place).chosen is None
    assert "what keeps the budget was not published. int8: " in place.registry.version.compressions[0].reason


def test_a_variant_keeps_its_bytes_and_what_it_was_proven_by(place: Place, usual: Document) -> None:
    place.left(usual, {})
    run(place)
    first = place.registry.version
    config = {"of": "another job"}
    known = replace(first.variant("int8"), config=config, measurements=MEASURED)
    place.registry.version = replace(version(known), compressions=first.compressions)
    place.registry.job = replace(place.registry.job, state="running")

    assert run(place).variants == ("int8", "safe")

    again = place.registry.version.variant("int8")
    assert (again.config, again.files) == (config, known.files)
    assert again.measurements.onnxruntime != MEASURED.onnxruntime
    assert len(place.registry.version.compressions) == 2


def test_other_bytes_get_a_number(place: Place, usual: Document) -> None:
    files = ModelFiles("model.onnx", (StoredFile("model.onnx", "cd" * 32, 10),))
    others = [replace(version().variant(), name=name, files=files) for name in ("int8", "int8.2")]
    place.registry.version = version(*others)
    place.left(usual, {})

    assert run(place) == Published("small", 1, "int8.3", ("int8.3", "safe"))

    assert place.registry.version.variant("int8").files == files
    assert place.registry.version.compressions[0].chosen == "int8.3"
    told = {one["name"]: one["variant"] for one in report_of(place)["candidates"]}
    assert told == {"int8": "int8.3", "safe": "safe", "bad": None, "pruned30": None}
    assert report_of(place)["verdict"]["sentence"].endswith(
        "The variant is called int8.3: other bytes have its name already."
    )


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(model_of("other")), lambda path: path.unlink()])
def test_a_model_that_is_not_the_measured_one_is_not_published_and_is_made_anew_by_the_next_job(
    place: Place, usual: Document, damage: Any
) -> None:
    place.left(usual, {})
    damage(place.folder / "candidates/int8/model.onnx")
    assert run(place) == Published("small", 1, "safe", ("safe",))
    assert "not there as it was measured" in place.registry.version.compressions[0].reason
    assert json.loads((place.folder / "candidates/int8/compressed.json").read_text())["key"] == ""


def test_what_another_job_chose_is_not_published(place: Place, usual: Document) -> None:
    place.left(usual, {})
    place.own.rename(place.folder / "jobs/other")
    with pytest.raises(InternalError, match="has no"):
        run(place)


def test_a_version_that_was_deleted_meanwhile_is_refused_at_once(place: Place, usual: Document) -> None:
    place.left(usual, {})
    place.registry.version = replace(place.registry.version, state="deleted")
    with pytest.raises(VersionNotReady, match="is deleted"):
        run(place)


@pytest.mark.parametrize("name", ["../../x", "A", "", "/etc", "a/b"])
def test_a_name_that_is_a_path_is_not_followed(place: Place, name: str) -> None:
    place.left(found(int8="chosen"), {})
    chosen = json.loads((place.own / "chosen.json").read_text())
    chosen["verdicts"] = {name: chosen["verdicts"]["int8"]}
    (place.own / "chosen.json").write_text(json.dumps(chosen))
    with pytest.raises(InternalError, match="a candidate is called"):
        run(place)


def test_a_name_as_long_as_one_may_be_is_published_and_numbered(place: Place) -> None:
    name = "a" * 74 + "-mixed"
    place.left(documents({name: candidate(name)}, {name: "chosen"}), {})
    files = ModelFiles("model.onnx", (StoredFile("model.onnx", "cd" * 32, 10),))
    place.registry.version = version(replace(version().variant(), name=name, files=files))
    assert run(place) == Published("small", 1, f"{name}.2", (f"{name}.2",))
    assert {name: one.state for name, one in place.registry.job.candidates.items()} == {name: "chosen"}


def test_a_workspace_that_is_not_whole_is_no_verdict(place: Place, usual: Document) -> None:
    place.left(usual, {})
    (place.own / "planned.json").unlink()
    with pytest.raises(InternalError, match=r"has no planned\.json"):
        run(place)


def test_a_version_that_changed_meanwhile_keeps_its_change(place: Place, usual: Document) -> None:
    def described() -> None:
        place.registry.version = replace(place.registry.version, notes="mine")

    place.left(usual, {})
    place.registry.in_the_way = [described]
    run(place)
    assert place.registry.version.notes == "mine"
    assert len(place.registry.version.variants) == 3


def test_a_job_that_was_cancelled_meanwhile_publishes_nothing(place: Place, usual: Document) -> None:
    def cancelled() -> None:
        place.registry.job = replace(place.registry.job, state="cancelled")

    place.left(usual, {})
    place.registry.in_the_way = [cancelled]
    with pytest.raises(Conflict):
        run(place)
    assert len(place.registry.version.variants) == 1


def test_a_run_after_a_lost_answer_answers_the_same(place: Place, usual: Document) -> None:
    place.left(usual, {})
    assert published(place.registry, "t", "job") is None
    assert published(place.registry, "t", "job") is None
    done = run(place)
    assert published(place.registry, "t", "job") == done


def test_what_there_is_no_time_for_is_left_out_and_says_so(place: Place, usual: Document) -> None:
    place.left(usual, {})
    done = publish(replace(place.publishing, seconds=1.0), "t", "job", WORKSPACE)
    assert done.chosen is None
    assert "no time left" in place.registry.version.compressions[0].reason


def test_a_record_stays_small_whatever_the_recipe_spares(place: Place) -> None:
    told = candidate("int8", options={"spare": [f"layer{at}" * 40 for at in range(500)]})
    place.left(documents({"int8": told}, {"int8": "chosen"}, reason="x" * 2000), {})
    run(place)
    config = place.registry.version.variant("int8").config
    assert config["recipe"][1]["options"]["spare_count"] == 500
    assert len(json.dumps(config)) <= MOST_CONFIG_BYTES
    assert len(place.registry.version.compressions[0].reason) == 400


def test_old_compressions_give_way_and_their_reports_are_read_a_while_longer(place: Place, usual: Document) -> None:
    reports = [StoredFile("report.json", f"{at:064}", 1) for at in range(MOST_COMPRESSIONS)]
    old = tuple(Compression(f"job{at}", "", {}, "size", None, "", (), one, one) for at, one in enumerate(reports))
    place.registry.version = replace(version(), compressions=old)
    place.left(usual, {})
    run(place)
    kept = place.registry.version.compressions
    assert [one.job_id for one in kept] == ["job", *(one.job_id for one in old[:-1])]
    assert place.index.touched == {reports[-1].sha256}


def test_more_variants_than_a_record_holds_are_refused_with_what_to_do(place: Place, usual: Document) -> None:
    others = [
        replace(version().variant(), name=f"v{at}", files=ModelFiles("m", (StoredFile("m", f"{at:064}", 1),)))
        for at in range(MOST_VARIANTS)
    ]
    place.registry.version = version(*others)
    place.left(usual, {})
    with pytest.raises(LimitExceeded, match="DELETE /api/v1/models/small/versions/1/variants") as told:
        run(place)
    assert told.value.details == {"limit": MOST_VARIANTS, "asked": MOST_VARIANTS + 2}


def test_a_variant_of_the_real_stores_reads_back_unpacked(
    registry: Any, artifacts: Any, index: Any, uploads: Any, limits: Any, tmp_path: Path, usual: Document
) -> None:
    place = Place(tmp_path / "here")
    place.left(usual, {})
    _, imported = running(registry, model="small")
    registry.register("t", replace(version(), job_id=imported.id, compressing=None), imported)
    job = replace(place.registry.job, reserved_bytes=100)
    registry.start_compression("t", job, limits.limits_of("t"))
    workspaces = S3WorkspaceFiles(uploads._client, "uploads")
    names = [str(path.relative_to(place.folder)) for path in place.folder.rglob("*") if path.is_file()]
    workspaces.store(WORKSPACE, names, place.folder)
    stores = {"registry": registry, "artifacts": artifacts, "index": index, "workspaces": workspaces}

    done = publish(replace(place.publishing, **stores), "t", "job", WORKSPACE)

    assert published(registry, "t", "job") == done
    kept = registry.get_version("t", "small", 1)
    assert (kept.compressing, [one.name for one in kept.variants]) == (None, ["original", "int8", "safe"])
    assert registry.get_job("t", "job").candidates["int8"].state == "chosen"
    assert limits.usage_of("t") == Usage(bytes=kept.stored_bytes, models=1, jobs=0)
    for file in kept.stored_files[1:]:
        artifacts.fetch("t", file, tmp_path / "back")
        assert sha256((tmp_path / "back").read_bytes()).hexdigest() == file.sha256
        assert index.references("t", file.artifact) == [("small", 1)]


def beside(place: Place, location: str) -> None:
    """Has the chosen candidate keep its weights in a file of that name."""
    folder = place.folder / "candidates/int8"
    model = onnx.load(folder / "model.onnx")
    for tensor in model.graph.initializer:
        set_external_data(tensor, "model.onnx.data")
    onnx.save(model, folder / "model.onnx")
    for tensor in model.graph.initializer:
        tensor.external_data[0].value = location
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    record = json.loads((folder / "compressed.json").read_text())
    (folder / "compressed.json").write_text(json.dumps(record | {"sha256": digest_of(folder / "model.onnx")}))


def test_weights_beside_the_model_are_part_of_the_variant(place: Place, usual: Document) -> None:
    place.left(usual, {})
    beside(place, "model.onnx.data")
    assert run(place).chosen == "int8"
    files = place.registry.version.variant("int8").files
    assert [one.path for one in files.files] == ["model.onnx", "model.onnx.data"]


def test_a_model_that_reads_files_of_others_is_not_published(place: Place, usual: Document) -> None:
    place.left(usual, {})
    beside(place, "../../../told/chosen.json")
    assert run(place).variants == ("safe",)
