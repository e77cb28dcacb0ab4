"""Examples become a workspace: what is read, refused and left there, with real children."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image
from tokenizers import Tokenizer as Library
from tokenizers import models, pre_tokenizers

from aimass.compression.part_file import read_part
from aimass.domain.compression import CompressionCall
from aimass.domain.description import Column, Description, ImageInput, TableInput, TextInput, Tokenizer
from aimass.domain.errors import Conflict, InvalidArguments, ModelOutOfMemory, VersionNotReady
from aimass.domain.model import TensorSpec
from tests.unit.compression.folders import FEATURES
from tests.unit.usecases.compressing import LIMITS, House, leave_npz, rows, with_data_beside

EASY = CompressionCall(budget={"agreement": 0.5}, examples="job")
SCORES = (TensorSpec("scores", "FP32", (-1, 3), "tensor(float)"),)


def prepared(house: House) -> dict[str, Any]:
    """What `prepared.json` says, after the step ran."""
    workspace = house.prepare().workspace
    told: dict[str, Any] = json.loads((house.workspaces.root / workspace / "prepared.json").read_bytes())
    return told


def part(house: House, name: str = "calibration") -> Any:
    (path,) = house.workspaces.root.rglob(f"{name}.npz")
    return read_part(path)


def floats(name: str, *shape: int) -> TensorSpec:
    return TensorSpec(name, "FP32", shape, "tensor(float)")


def test_the_workspace_holds_the_model_as_it_is_and_rows_in_three_parts(tmp_path: Path) -> None:
    house = House(tmp_path)
    leave_npz(house)
    of = house.prepare()
    names = house.workspaces.names(of.workspace)
    assert names == sorted([
        "jobs/job/asked.json", "calibration.npz", "choosing.npz", "held_out.npz", "model.onnx", "prepared.json"
    ])  # fmt: skip
    assert house.workspaces.stored[-2:] == ["prepared.json", "asked.json"]
    told = json.loads((house.workspaces.root / of.workspace / "prepared.json").read_bytes())
    assert told["model"]["sha256"] == house.registry.version.variant().files.sha256
    assert {name: one["rows"] for name, one in told["parts"].items()} == {
        "calibration": 300, "choosing": 300, "held_out": 600
    }  # fmt: skip
    body = (house.workspaces.root / of.workspace / "held_out.npz").read_bytes()
    assert told["parts"]["held_out"]["sha256"] == hashlib.sha256(body).hexdigest()
    assert (
        "prepare: read 1200 rows, 1200 used, labels: classes: 300 for calibration, 300 for choosing, 600 held out"
        in (house.registry.lines)
    )


def test_the_same_examples_find_the_same_workspace_and_others_another(tmp_path: Path) -> None:
    house = House(tmp_path)
    leave_npz(house)
    first, before = house.prepare(), house.files()
    house.workspaces.stored.clear()
    house.ask(replace(house.registry.job.compression, budget={"accuracy_drop": 0.1}))  # type: ignore[type-var]
    assert house.prepare().workspace == first.workspace
    assert house.workspaces.stored == ["prepared.json", "asked.json"]
    changed = {name for name, body in house.files().items() if before[name] != body}
    assert {name.rpartition("/")[2] for name in changed} == {"prepared.json", "asked.json"}
    leave_npz(house, 1_300)
    assert house.prepare().workspace != first.workspace
    house.registry.version = replace(house.registry.version, labels=("a", "b", "c", "d"))
    assert house.prepare().workspace != first.workspace


def test_rows_that_are_gone_are_put_again_and_what_stays_begins_its_week_anew(tmp_path: Path) -> None:
    house = House(tmp_path)
    leave_npz(house)
    workspace = house.prepare().workspace
    for name in ("model.onnx", "choosing.npz"):
        (house.workspaces.root / workspace / name).unlink()
    house.workspaces.stored.clear()
    house.prepare()
    assert house.workspaces.stored == ["model.onnx", "choosing.npz", "prepared.json", "asked.json"]
    assert house.workspaces.renewed == [workspace, workspace]


def test_a_job_that_was_cancelled_meanwhile_leaves_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    leave_npz(house)
    house.registry.job = replace(house.registry.job, state="cancelled")
    with pytest.raises(Conflict, match="is not running"):
        house.prepare()
    assert house.workspaces.stored == []


def test_a_version_that_was_deleted_meanwhile_is_refused_at_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.registry.version = replace(house.registry.version, state="deleted", variants=())
    with pytest.raises(VersionNotReady, match="is deleted"):
        house.prepare()


def test_too_few_rows_are_refused_with_how_many_it_takes_before_anything_is_kept(tmp_path: Path) -> None:
    house = House(tmp_path)
    leave_npz(house, 100)
    with pytest.raises(InvalidArguments, match=r"for accuracy_drop 0\.02: 50 are held out") as refused:
        house.prepare()
    assert refused.value.details["held_out"] == 50
    assert refused.value.details["needed"] > 100
    assert house.workspaces.stored == []


def test_what_is_wrong_with_an_example_is_told_with_its_file(tmp_path: Path) -> None:
    house = House(tmp_path)
    inputs, _ = rows(50)
    np.savez(house.data / "mine.npz", x=inputs[:, :7])
    with pytest.raises(InvalidArguments, match=r"mine\.npz"):
        house.prepare()


def test_nothing_is_downloaded_of_more_than_is_read(tmp_path: Path) -> None:
    house = House(tmp_path)
    with pytest.raises(InvalidArguments, match="nothing lies under data/t/job/"):
        house.prepare()
    for number in range(1_001):
        (house.data / f"{number}.npy").touch()
    with pytest.raises(InvalidArguments, match="more than 1000 files"):
        house.prepare()
    assert house.examples.downloaded == 0


@pytest.mark.parametrize("names", [("../x",), ("/x",), ("a", "a/b"), ("x" * 300,)])
def test_names_that_are_no_files_beside_each_other_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    house = House(tmp_path)
    leave_npz(house)
    (found,) = house.examples.list_folder("t", "job", 1)
    house.examples.list_folder = lambda *_: [replace(found, path=name) for name in names]  # type: ignore[method-assign]
    with pytest.raises(InvalidArguments, match=r"path inside the folder|can't be kept"):
        house.prepare()


def test_a_child_that_runs_out_of_memory_is_the_jobs_failure(tmp_path: Path) -> None:
    house = House(tmp_path)
    leave_npz(house)
    with pytest.raises(ModelOutOfMemory):
        house.prepare(replace(LIMITS, memory_bytes=48 << 20))


def test_without_examples_rows_are_made_up_and_said_to_be(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.ask(CompressionCall())
    told = prepared(house)
    assert (told["made_up"], told["used"], told["labels"]) == (True, 384, None)
    assert any("made-up rows prove nothing" in line for line in house.registry.lines)
    assert part(house).inputs["x"].shape == (128, FEATURES)


def test_made_up_rows_that_are_all_alike_are_in_every_part(tmp_path: Path) -> None:
    inputs = (TensorSpec("text", "BYTES", (-1,), "tensor(string)"),)
    outputs = (TensorSpec("label", "BYTES", (-1,), "tensor(string)"), floats("probabilities", -1, 2))
    house = House(tmp_path, Path("examples/inputs/spam.onnx").read_bytes(), inputs=inputs, outputs=outputs)
    house.ask(CompressionCall())
    house.prepare()
    assert [len(part(house, name)) for name in ("calibration", "choosing", "held_out")] == [128, 85, 171]


def test_examples_that_are_one_and_the_same_are_refused(tmp_path: Path) -> None:
    house = House(tmp_path)
    np.savez(house.data / "rows.npz", x=np.zeros((1_000, FEATURES), np.float32))
    house.ask(EASY)
    with pytest.raises(InvalidArguments, match=r"too few different rows for agreement 0\.5: 1 are held out"):
        house.prepare()


def test_made_up_rows_are_like_the_sample_where_there_is_one(tmp_path: Path) -> None:
    house = House(tmp_path)
    sample = house.artifacts.keep("sample.json", json.dumps({"x": [[1_000.0 + at for at in range(FEATURES)]]}).encode())
    house.registry.version = replace(house.registry.version, sample=sample)
    house.ask(CompressionCall())
    house.prepare()
    assert part(house).inputs["x"].mean() > 900


def test_weights_in_another_file_come_to_lie_beside_the_model_under_one_name(tmp_path: Path) -> None:
    given = with_data_beside(tmp_path)
    house = House(tmp_path / "house", given["model.onnx"], beside={"weights.bin": given["weights.bin"]})
    leave_npz(house)
    root = house.workspaces.root / house.prepare().workspace
    assert (root / "model.onnx.data").read_bytes() == given["weights.bin"]
    found = [one.float_data or one.raw_data for one in onnx.load(root / "model.onnx").graph.initializer]
    assert found == [one.float_data or one.raw_data for one in onnx.load(tmp_path / "m.onnx").graph.initializer]


def test_csv_lines_become_rows_of_the_versions_columns(tmp_path: Path) -> None:
    columns = TableInput((Column("a", "a"), Column("b", "b")))
    inputs = (floats("a", -1, 1), floats("b", -1, 1))
    house = House(tmp_path, inputs=inputs, outputs=SCORES, description=Description(table=columns))
    lines = [f"{at},{at / 2},{at % 3}" for at in range(60)]
    (house.data / "rows.csv").write_text("\n".join(["a,b,label", *lines]))
    house.ask(EASY)
    told = prepared(house)
    assert (told["used"], told["labels"]) == (60, "classes")
    assert part(house).inputs["a"].shape == (15, 1)


def test_parquet_is_read_in_the_child(tmp_path: Path) -> None:
    core, arrow = pytest.importorskip("arro3.core"), pytest.importorskip("arro3.io")
    columns = TableInput((Column("a", "a"), Column("b", "b")))
    inputs = (floats("a", -1, 1), floats("b", -1, 1))
    house = House(tmp_path, inputs=inputs, outputs=SCORES, description=Description(table=columns))
    numbers = core.Array(np.arange(60, dtype=np.float64))
    table = core.Table.from_pydict({"a": numbers, "b": numbers})
    arrow.write_parquet(table, str(house.data / "rows.parquet"))
    house.ask(EASY)
    assert prepared(house)["used"] == 60


def test_pictures_in_class_folders_become_rows_with_labels(tmp_path: Path) -> None:
    how = Description(image=ImageInput("p"), labels=("cat", "dog", "fox"))
    house = House(tmp_path, inputs=(floats("p", -1, 3, 8, 8),), outputs=SCORES, description=how)
    random = np.random.default_rng(0)
    with zipfile.ZipFile(house.data / "pictures.zip", "w") as archive:
        for at in range(60):
            raw = io.BytesIO()
            Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).save(raw, "PNG")
            archive.writestr(f"{how.labels[at % 3]}/{at}.png", raw.getvalue())
    house.ask(EASY)
    assert prepared(house)["labels"] == "classes"
    found = part(house)
    assert found.inputs["p"].shape[1:] == (3, 8, 8)
    assert set(found.labels.values) == {0, 1, 2}


def test_texts_go_through_the_versions_tokenizer(tmp_path: Path) -> None:
    made = Library(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "good": 2, "bad": 3}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    how = Description(text=TextInput(tokenizer=Tokenizer("tokenizer.json", "ids")))
    inputs = (TensorSpec("ids", "INT64", (-1, -1), "tensor(int64)"),)
    house = House(tmp_path, inputs=inputs, outputs=SCORES, description=how)
    file = house.artifacts.keep("tokenizer.json", made.to_str().encode())
    house.registry.version = replace(house.registry.version, assets=(file,))
    texts = [("good" if at % 2 else "bad") + " film" * at for at in range(60)]
    (house.data / "texts.jsonl").write_text(
        "\n".join(json.dumps({"text": text, "label": at % 2}) for at, text in enumerate(texts))
    )
    house.ask(EASY)
    assert prepared(house)["used"] == 60
    assert set(part(house).inputs["ids"][:, 0]) == {2, 3}


def test_without_a_budget_fewer_rows_get_what_they_can_show_and_say_so(tmp_path: Path) -> None:
    house = House(tmp_path)
    leave_npz(house, 400)
    house.ask(CompressionCall(examples="job"))
    told = prepared(house)
    assert told["budget"] == {"accuracy_drop": 0.027}
    assert told["notes"][0] == (
        "no budget was given, and 182 examples held out tell of accuracy_drop 0.027, which was taken; with enough of "
        "them it is 0.01"
    )
    assert "prepare: budget: accuracy_drop 0.027, as none was given" in house.registry.lines
    asked = json.loads(next(house.workspaces.root.rglob("asked.json")).read_bytes())
    assert asked["budget"] == {"metric": "accuracy", "loss": 0.027}


def test_a_budget_that_was_asked_for_is_not_changed(tmp_path: Path) -> None:
    house = House(tmp_path)
    leave_npz(house, 400)
    house.ask(CompressionCall(examples="job", budget={"accuracy_drop": 0.01}))
    with pytest.raises(InvalidArguments, match=r"accuracy_drop 0\.01: 182 are held out"):
        house.prepare()


def test_rows_that_show_no_budget_of_use_are_too_few_for_a_twentieth(tmp_path: Path) -> None:
    house = House(tmp_path)
    leave_npz(house, 80)
    house.ask(CompressionCall(examples="job"))
    with pytest.raises(InvalidArguments, match=r"accuracy_drop 0\.05: 40 are held out, and 59 are needed"):
        house.prepare()
