"""NumPy's files: the rows that are used, and nothing that lies about itself."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aimass.compression.data.arrays import read_npy, read_npz
from aimass.compression.data.limits import Limits
from aimass.compression.data.sampling import chosen
from aimass.domain.errors import InvalidArguments


def _npz(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez_compressed(folder / "data.npz", **arrays)
    return folder / "data.npz"


@given(hnp.arrays(np.float32, hnp.array_shapes(max_dims=4, max_side=9)), st.integers(1, 12), st.booleans())
def test_a_sample_of_rows_is_those_rows(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, most: int, fortran: bool
) -> None:
    path = _npz(tmp_path_factory.mktemp("npz"), x=np.asarray(array, order="F" if fortran else "C"))
    arrays, seen = read_npz(path, Limits(rows=most))
    assert seen == len(array)
    np.testing.assert_array_equal(arrays["x"], array[chosen(len(array), most)])


def test_rows_that_go_together_stay_together(tmp_path: Path) -> None:
    rows = np.arange(5_000)
    arrays, seen = read_npz(_npz(tmp_path, x=np.repeat(rows[:, None], 3, 1), labels=rows), Limits(rows=100))
    assert (seen, len(arrays["x"])) == (5_000, 100)
    np.testing.assert_array_equal(arrays["x"][:, 1], arrays["labels"])


def test_no_more_rows_are_read_than_may_be_held(tmp_path: Path) -> None:
    arrays, seen = read_npz(_npz(tmp_path, x=np.zeros((100, 1_000), np.float32)), Limits(encoded=40_000))
    assert (seen, arrays["x"].shape) == (100, (10, 1_000))


def test_what_is_the_same_for_all_rows_is_read_whole(tmp_path: Path) -> None:
    arrays, _ = read_npz(_npz(tmp_path, x=np.zeros((50, 2)), state=np.ones((1, 7))), Limits(rows=5))
    assert {name: array.shape for name, array in arrays.items()} == {"x": (5, 2), "state": (1, 7)}


def test_several_npy_files_are_arrays_by_their_names(tmp_path: Path) -> None:
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", np.full((3, 2), name == "b"))
    arrays, seen = read_npy({name: tmp_path / f"{name}.npy" for name in ("a", "b")}, Limits())
    assert (seen, arrays["b"].all(), arrays["a"].any()) == (3, True, False)


def test_a_pickle_is_refused_and_never_opened(tmp_path: Path) -> None:
    opened = tmp_path / "opened"

    class Opens:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (opened,)  # type: ignore[return-value]

    np.savez(tmp_path / "data.npz", x=np.array([Opens()], object))
    with pytest.raises(InvalidArguments, match="pickled Python objects, which are never opened"):
        read_npz(tmp_path / "data.npz", Limits())
    assert not opened.exists()
    pickle.loads(pickle.dumps(Opens()))
    assert opened.exists()  # it would have


def test_a_header_that_claims_more_than_follows_is_refused_before_memory_is_spent(tmp_path: Path) -> None:
    raw = io.BytesIO()
    np.lib.format.write_array_header_1_0(raw, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)})
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("x.npy", raw.getvalue() + b"\0" * 64)
    with pytest.raises(InvalidArguments, match=r"data.npz, array 'x': its header says .* and 64 follow"):
        read_npz(tmp_path / "data.npz", Limits())


def test_a_member_that_inflates_beyond_its_size_is_refused(tmp_path: Path) -> None:
    """The directory says how many bytes a member has; the zip reader hands out no more."""
    path = _npz(tmp_path, x=np.zeros((4, 4)))
    raw = bytearray(path.read_bytes())
    at = raw.rindex(b"PK\x01\x02") + 24
    raw[at : at + 4] = (200).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(InvalidArguments, match=r"data\.npz"):
        read_npz(path, Limits())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK\x03\x04" + b"\xff" * 200])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.npz").write_bytes(content)
    with pytest.raises(InvalidArguments, match=r"data\.npz: the \.npz file cannot be read"):
        read_npz(tmp_path / "data.npz", Limits())


@given(st.binary(max_size=40), st.integers(0, 400))
def test_a_changed_file_gives_arrays_or_the_error_that_names_it(
    tmp_path_factory: pytest.TempPathFactory, change: bytes, at: int
) -> None:
    path = _npz(tmp_path_factory.mktemp("npz"), x=np.arange(12.0).reshape(3, 4), label=np.arange(3))
    raw = bytearray(path.read_bytes())
    raw[at : at + len(change)] = change
    path.write_bytes(raw)
    try:
        arrays, _ = read_npz(path, Limits())
    except InvalidArguments as error:
        arrays, told = {}, error.message
    else:
        told = "data.npz"
    assert "data.npz" in told
    assert all(array.nbytes < 1_000 for array in arrays.values())
