"""What a user sends becomes what a prediction would make of it, or an error that says where it is wrong."""

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from aimass.compression.data.limits import Limits
from aimass.compression.rows import Data, form_of, read_rows
from aimass.domain.description import ClassOutput, Column, Description, ImageInput, Resize, TableInput, TextInput
from aimass.domain.errors import AimassError, InvalidArguments
from aimass.domain.model import Version
from aimass.inference.dataplane import Pictures, Rows, Texts
from aimass.inference.described.inputs import described_inputs
from tests.unit.compression.data.versions import open_nothing, spec, version_of

SCORES = [spec("scores", "FP32", -1, 3)]
MATRIX = version_of([spec("x", "FP32", -1, 2)], SCORES)
NAMED = version_of([spec("x", "FP32", -1, 2)], SCORES, labels=("cat", "dog", "fish"))
TABLE = version_of(
    [spec("age", "FP32", -1, 1), spec("town", "INT64", -1, 1)],
    SCORES,
    Description(table=TableInput((Column("age", "age", missing=40.0), Column("town", "town", values=("Bonn", "Ulm"))))),
)
TEXT = version_of([spec("t", "BYTES", -1)], SCORES, Description(labels=("bad", "good"), text=TextInput(input="t")))
PICTURE = version_of(
    [spec("p", "FP32", -1, 3, 4, 4)],
    SCORES,
    Description(labels=("cat", "dog"), image=ImageInput("p", resize=Resize(4, 4), mean=(0.5,) * 3, std=(0.2,) * 3)),
)


def _read(folder: Path, version: Version, content: str | bytes, name: str = "rows.csv", **limits: int) -> Data:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_rows(folder / name, version, open_nothing, Limits(**limits))


def _npz(**arrays: Any) -> bytes:
    raw = io.BytesIO()
    np.savez(raw, **arrays)
    return raw.getvalue()


def _picture(seed: int, size: int = 9) -> bytes:
    raw = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)
    Image.fromarray(pixels).save(raw, "PNG")
    return raw.getvalue()


def _zip(files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return raw.getvalue()


def _labels(data: Data) -> list[Any]:
    assert data.labels is not None
    return data.labels.values.tolist()


@pytest.mark.parametrize("name", ["labels", "label", "y", "Target"])
def test_arrays_by_input_name_with_labels_beside_them(tmp_path: Path, name: str) -> None:
    data = _read(tmp_path, MATRIX, _npz(x=np.arange(6).reshape(3, 2), **{name: [2, 0, 1]}), "d.npz")
    assert (data.inputs["x"].dtype, data.inputs["x"].tolist()) == (np.float32, [[0, 1], [2, 3], [4, 5]])
    assert _labels(data) == [2, 0, 1]


def test_an_input_called_y_is_no_label(tmp_path: Path) -> None:
    version = version_of([spec("x", "FP32", -1, 2), spec("y", "FP32", -1, 2)], SCORES)
    data = _read(tmp_path, version, _npz(x=np.ones((2, 2)), y=np.zeros((2, 2)), label=[1, 1]), "d.npz")
    assert (set(data.inputs), _labels(data)) == ({"x", "y"}, [1, 1])


def test_the_only_array_is_the_only_input(tmp_path: Path) -> None:
    assert _read(tmp_path, MATRIX, _npz(arr_0=np.ones((4, 2))), "d.npz").inputs["x"].shape == (4, 2)
    np.save(tmp_path / "rows.npy", np.ones((5, 2)))
    assert len(read_rows(tmp_path / "rows.npy", MATRIX, open_nothing)) == 5


def test_a_folder_of_npy_files_is_inputs_and_labels(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data/x.npy", np.ones((4, 2)))
    np.save(tmp_path / "data/labels.npy", np.array([0, 1, 2, 0]))
    assert _labels(read_rows(tmp_path / "data", MATRIX, open_nothing)) == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": np.ones((3, 2)), "z": np.ones(3)}, "has the arrays 'x', 'z'; the model takes 'x'"),
        ({"x": np.ones((3, 5))}, r"'x' \[3, 5\], and the model takes 'x' FP32 of shape \[-1, 2\]"),
        ({"x": np.ones((3, 2)), "y": [1, 2]}, "has 2 labels and 3 rows"),
        ({"x": np.ones((2, 2)), "y": [0, 1], "label": [1, 0]}, "which of its arrays are the labels, 'y' or 'label'?"),
        ({"x": np.full((3, 2), 1e300)}, r"wants FP32 .* cannot hold 1e\+300"),
        ({"x": np.full((3, 2), "a")}, "wants FP32 .* got str"),
        ({"x": np.ones((0, 2))}, "holds no row"),
        ({"x": np.ones((2, 2)), "y": [0, 9]}, "row 1: class 9 is none of the version's, 0 to 2"),
        ({"x": np.ones((2, 2)), "y": ["cat", "cow"]}, "row 1: no class \"cow\"; there are 'cat', 'dog', 'fish'"),
    ],
)
def test_arrays_that_do_not_fit_are_told_apart(tmp_path: Path, arrays: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidArguments, match=told):
        _read(tmp_path, NAMED, _npz(**arrays), "d.npz")


def test_a_model_without_rows_gets_a_call_a_row(tmp_path: Path) -> None:
    """A recurrent one: frames, a state, a scalar that is the same for all calls."""
    inputs = [spec("frames", "FP32", -1, 4), spec("state", "FP32", 2, 1, 3), spec("rate", "INT64")]
    version = version_of(inputs, [spec("speech", "FP32", -1)])
    arrays = {"frames": np.ones((5, 7, 4)), "state": np.zeros((2, 1, 3)), "rate": np.int64(16)}
    data = _read(tmp_path, version, _npz(**arrays, labels=np.zeros((5, 7), int)), "d.npz")
    assert data.whole
    assert {name: array.shape for name, array in data.inputs.items()} == {
        "frames": (5, 7, 4),
        "state": (5, 2, 1, 3),
        "rate": (5,),
    }
    assert np.shape(_labels(data)) == (5, 7)


@pytest.mark.parametrize("version", [MATRIX, NAMED])
def test_csv_columns_in_their_order_are_the_matrix(tmp_path: Path, version: Version) -> None:
    data = _read(tmp_path, version, "a,b,label\n1,2.5,0\n-1e3,nan,2\n")
    np.testing.assert_array_equal(data.inputs["x"], np.array([[1, 2.5], [-1000, np.nan]], np.float32))
    assert _labels(data) == [0, 2]


def test_csv_columns_by_the_names_of_inputs(tmp_path: Path) -> None:
    version = version_of([spec("n", "INT64", -1), spec("s", "BYTES", -1, 1), spec("f", "FP64", -1, 1)], SCORES)
    data = _read(tmp_path, version, "s,f,n\na,0.5,3\n7,2,9007199254740993\n")
    assert data.inputs["s"].tolist() == [["a"], ["7"]]
    assert (data.inputs["n"].tolist(), data.inputs["f"].tolist()) == ([3, 9007199254740993], [[0.5], [2.0]])
    assert data.labels is None


def test_table_rows_are_what_a_prediction_makes_of_them(tmp_path: Path) -> None:
    rows = [{"age": "31", "town": "Ulm"}, {"age": "", "town": "Bonn"}]
    csv = "town,label,age\nUlm,1,31\nBonn,0,\n"
    data = _read(tmp_path, TABLE, csv)
    for name, array in described_inputs(TABLE, Rows(tuple(rows)), open_nothing).items():
        np.testing.assert_array_equal(data.inputs[name], array)
        assert data.inputs[name].dtype == array.dtype
    lines = "".join(json.dumps({**row, "target": 1}) + "\n" for row in rows)
    assert _read(tmp_path, TABLE, lines, "rows.jsonl").inputs["age"].tolist() == [[31.0], [40.0]]


def test_a_cell_at_fault_is_named_with_file_line_and_column(tmp_path: Path) -> None:
    lines = ["age,town"] + ["5,Ulm"] * 1_500 + ["5,Rom"] + ["x,Ulm"]
    with pytest.raises(InvalidArguments, match=r"rows.csv: line 1502: column 'town': no category \"Rom\"; there are"):
        _read(tmp_path, TABLE, "\n".join(lines))
    with pytest.raises(InvalidArguments, match=r"rows.csv: line 3: input 'x': .*"):
        _read(tmp_path, version_of([spec("x", "INT64", -1)], SCORES), "x\n1\n1.5\n")
    with pytest.raises(InvalidArguments, match=r"rows.csv: line 3: wants a number, got \"abc\""):
        _read(tmp_path, MATRIX, "a,b\n1,2\n1,abc\n")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("text,label\nfine,good\nawful,bad\n", "rows.csv"),
        ('{"text": "fine", "label": "good"}\n{"text": "awful", "label": "bad"}\n', "rows.jsonl"),
        ('{"review": "fine", "y": 1}\n{"review": "awful", "y": 0}\n', "any.txt"),
    ],
)
def test_texts_with_labels_by_name_or_number(tmp_path: Path, content: str, name: str) -> None:
    data = _read(tmp_path, TEXT, content, name)
    wanted = described_inputs(TEXT, Texts(("fine", "awful")), open_nothing)
    assert (data.inputs["t"].tolist(), _labels(data)) == (wanted["t"].tolist(), [1, 0])


def test_json_lines_of_tensors(tmp_path: Path) -> None:
    assert _read(tmp_path, MATRIX, "[1, 2]\n[3, 4]\n", "r.jsonl").inputs["x"].tolist() == [[1, 2], [3, 4]]
    rows = '{"x": [1, 2], "label": 2}\n{"x": [3, 4], "label": 0}\n'
    data = _read(tmp_path, MATRIX, rows, "r.jsonl")
    assert (data.inputs["x"].tolist(), _labels(data)) == ([[1, 2], [3, 4]], [2, 0])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"x": [1, 2], "label": 2}\n{"x": [3, 4]}\n', "line 2: give a label in each row or in none"),
        ('{"x": [1, 2]}\n{"x": [3, 4], "label": 2}\n', "line 2: give a label in each row or in none"),
        ('{"x": [1, 2], "label": null}\n', "line 1: the label is null; want text or a number"),
        ('{"x": [1, 2], "label": 1, "y": 0}\n', "line 1: which is the label, 'label' or 'y'?"),
        ('{"x": [1, 2]}\n{"x": [1]}\n', "line 2: input 'x': wants FP32 of shape"),
        ('{"x": [1, 2]}\n{"x": [1, 2}\n', "line 2 is no JSON"),
    ],
)
def test_rows_that_are_wrong_are_named(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(InvalidArguments, match=rf"rows.jsonl: {told}"):
        _read(tmp_path, MATRIX, content, "rows.jsonl")


def test_pictures_are_what_a_prediction_makes_of_them(tmp_path: Path) -> None:
    files = {"dog/1.png": _picture(1), "cat/1.png": _picture(2, 30), "cat/2.png": _picture(3)}
    data = _read(tmp_path, PICTURE, _zip(files), "d.zip")
    in_order = tuple(files[name] for name in sorted(files))
    np.testing.assert_array_equal(
        data.inputs["p"], described_inputs(PICTURE, Pictures(in_order), open_nothing)["p"], strict=True
    )
    assert _labels(data) == [0, 0, 1]


def test_pictures_without_folders_are_unlabelled_and_that_is_said(tmp_path: Path) -> None:
    data = _read(tmp_path, PICTURE, _zip({"1.png": _picture(1), "2.png": _picture(2)}), "d.zip")
    assert data.labels is None
    assert data.notes == ("all pictures lie in one folder: they have no labels",)


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArguments, match=r"cat/2\.png: cannot be read, it is truncated or corrupt"):
        _read(tmp_path, PICTURE, _zip({"cat/1.png": _picture(1), "cat/2.png": _picture(2)[:60]}), "d.zip")


@pytest.mark.parametrize("form", ["npz", "csv", "zip"])
def test_of_more_rows_a_sample_is_used_and_that_is_said(tmp_path: Path, form: str) -> None:
    if form == "npz":
        data = _read(tmp_path, MATRIX, _npz(x=np.ones((50, 2)), y=np.zeros(50, int)), "d.npz", rows=7)
    elif form == "csv":
        data = _read(tmp_path, MATRIX, "a,b\n" + "1,2\n" * 50, rows=7)
    else:
        files = {f"{'cat' if at % 2 else 'dog'}/{at}.png": _picture(at) for at in range(50)}
        data = _read(tmp_path, PICTURE, _zip(files), "d.zip", encoded=7 * 48 * 4)
    assert (len(data), data.seen) == (7, 50)
    assert data.notes == ("of 50 rows, 7 are used, drawn at random",)


def test_labels_of_a_regression_are_numbers(tmp_path: Path) -> None:
    version = version_of([spec("x", "FP32", -1, 2)], [spec("price", "FP32", -1, 1)])
    data = _read(tmp_path, version, "a,b,y\n1,2,300\n1,2,4\n")
    assert data.labels is not None
    assert (data.labels.kind, _labels(data)) == ("numbers", [300.0, 4.0])


def test_digits_as_names_of_classes_are_names_first(tmp_path: Path) -> None:
    version = version_of([spec("x", "FP32", -1, 2)], SCORES, labels=("1", "2", "3"))
    assert _labels(_read(tmp_path, version, "a,b,y\n1,2,3\n1,2,1\n")) == [2, 0]


def test_a_name_of_several_classes_is_refused(tmp_path: Path) -> None:
    version = version_of([spec("x", "FP32", -1, 2)], SCORES, labels=("crane", "dog", "crane"))
    assert _labels(_read(tmp_path, version, "a,b,y\n1,2,dog\n")) == [1]
    with pytest.raises(InvalidArguments, match="'crane' is the name of several classes; give the classes' numbers"):
        _read(tmp_path, version, "a,b,y\n1,2,crane\n")


def test_described_classes_want_whole_labels(tmp_path: Path) -> None:
    version = version_of([spec("x", "FP32", -1, 2)], SCORES, Description(classes=ClassOutput("scores")))
    with pytest.raises(InvalidArguments, match="row 0: the label is no whole number"):
        _read(tmp_path, version, _npz(x=np.ones((2, 2)), y=[0.5, 1.0]), "d.npz")


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"\x93NUMPY\x01", "npy"),
        (_npz(x=np.ones(1)), "npz"),
        (_zip({"a.png": b""}), "archive"),
        (b"PAR1", "parquet"),
        (b'  {"a": 1}', "jsonl"),
        (b"a,b\n", "csv"),
    ],
)
def test_a_form_is_told_by_content(tmp_path: Path, content: bytes, form: str) -> None:
    (tmp_path / "upload").write_bytes(content)
    assert form_of(tmp_path / "upload") == form


@pytest.mark.parametrize(
    ("content", "told"), [(b"\x7fELF\0\0", "a file of another form"), (b"7z\xbc\xaf\x27\x1c", "a 7z archive")]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(InvalidArguments, match=f"data: upload: is {told}.*; send npz"):
        _read(tmp_path, MATRIX, content, "upload")


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArguments, match="no file is there"):
        read_rows(tmp_path, MATRIX, open_nothing)


def _tar(files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return raw.getvalue()


UPLOADS = [
    (PICTURE, _zip({"cat/1.png": _picture(1), "dog/2.png": _picture(2)})),
    (PICTURE, _tar({"cat/1.png": _picture(1), "dog/2.png": _picture(2)})),
    (MATRIX, _npz(x=np.ones((3, 2)), y=np.arange(3))),
    (MATRIX, b'a,b,label\n1,2,0\n"3",4,1\n'),
    (TABLE, b"age,town,label\n1,Ulm,0\n,Bonn,1\n"),
    (TEXT, b'{"text": "fine", "label": "good"}\n{"text": "awful", "label": "bad"}\n'),
    (NAMED, b'{"x": [1, 2], "label": 2}\n{"x": [3, 4], "label": "1"}\n'),
]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(UPLOADS), st.floats(0, 1, exclude_max=True), st.binary(max_size=6), st.integers(0, 9))
def test_changed_bytes_give_rows_or_an_error_that_can_be_told(
    tmp_path_factory: pytest.TempPathFactory, upload: tuple[Version, bytes], place: float, put: bytes, cut: int
) -> None:
    version, content = upload
    at = int(place * len(content))
    path = tmp_path_factory.mktemp("changed") / "upload"
    path.write_bytes(content[:at] + put + content[at + cut :])
    try:
        data = read_rows(path, version, open_nothing)
    except AimassError as error:
        assert error.message  # noqa: PT017  # any of them may be right
    else:
        assert 0 < len(data) < 10
