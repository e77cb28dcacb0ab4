"""NumPy's files as inputs: exact, bounded, and never unpickled."""

import io
import struct
import zipfile

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from aimass.domain.model import TensorSpec
from aimass.protocols.native.casts import cast
from tests.unit.protocols.native_caller import prediction, refusal

NPY = "application/x-npy"
SCALED = np.arange(8, dtype=np.float32).reshape(2, 4)


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, np.asarray(array), **options)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def header(text, version=b"\x01\x00"):
    length = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return b"\x93NUMPY" + version + length + text


def claiming(shape, descr="<f4", data=b""):
    return header(f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}".encode()) + data


def post(native, model, body):
    return native.body(model, body, NPY)


def test_an_array_is_the_only_input(native):
    assert prediction(post(native, "scaled", npy(SCALED))) == (SCALED * 2).tolist()


@pytest.mark.parametrize(
    "array", [np.asfortranarray(SCALED), SCALED.astype(">f4"), np.asfortranarray(SCALED.astype(">f8")), SCALED[::1]]
)
def test_orders_of_elements_and_of_bytes_are_read_as_they_are(native, array):
    assert prediction(post(native, "scaled", npy(array))) == (SCALED * 2).tolist()


def test_version_two_of_the_format_is_read_too(native):
    file = io.BytesIO()
    np.lib.format.write_array(file, SCALED, version=(2, 0))
    assert prediction(post(native, "scaled", file.getvalue())) == (SCALED * 2).tolist()


@pytest.mark.parametrize(
    ("model", "array"),
    [
        ("echo-fp32", np.float64([0.1, 1e30, np.nan, np.inf, -np.inf])),
        ("echo-fp16", np.float32([0.1, 65504])),
        ("echo-fp32", np.int64([0, -5, 1 << 24, 1 << 40])),
        ("echo-fp64", np.uint64([0, 1 << 63])),
        ("echo-fp32", np.uint8([0, 255])),
        ("echo-int64", np.int8([-128, 127])),
        ("echo-int64", np.float64([-3, 2.0**62])),
        ("echo-uint8", np.int64([0, 255])),
        ("echo-uint64", np.uint64([(1 << 64) - 1])),
        ("echo-int64", np.int64([-(1 << 63), (1 << 63) - 1])),
        ("echo-bool", np.array([True, False])),
        ("echo-fp32", np.zeros((0, 3), np.float32)),
        ("echo-int8", np.int8(7)),
    ],
)
def test_another_type_is_converted_where_values_stay(native, model, array):
    dtype = {"fp32": np.float32, "fp16": np.float16, "fp64": np.float64}.get(model.removeprefix("echo-"))
    wanted = array if dtype is None else array.astype(dtype)
    got = np.array(prediction(post(native, model, npy(array))), wanted.dtype)
    np.testing.assert_array_equal(got.reshape(wanted.shape), wanted)


@pytest.mark.parametrize(
    ("model", "array", "told"),
    [
        ("echo-fp32", np.int64([1, (1 << 24) + 1]), "wants FP32 of shape [], got int64 of shape [2], whose 16777217"),
        ("echo-fp64", np.uint64([(1 << 64) - 1]), "got uint64 of shape [1], whose 18446744073709551615"),
        ("echo-fp64", np.int64([(1 << 63) - 1]), "got int64"),
        ("echo-fp32", np.float64([1e39]), "got float64 of shape [1], whose 1e+39"),
        ("echo-fp16", np.float32([70000]), "whose 70000.0"),
        ("echo-fp16", np.int64([70000]), "whose 70000"),
        ("echo-bf16", np.float64([1e300]), "whose 1e+300"),
        ("echo-int64", np.float64([0.5]), "wants INT64 of shape [], got float64 of shape [1], whose 0.5"),
        ("echo-int64", np.float64([2.0**63]), "got float64"),
        ("echo-int64", np.float64([np.nan]), "whose nan"),
        ("echo-uint8", np.int64([-1]), "whose -1"),
        ("echo-uint8", np.int64([256]), "whose 256"),
        ("echo-uint64", np.int64([-1]), "whose -1"),
        ("echo-int64", np.uint64([1 << 63]), "whose 9223372036854775808"),
        ("echo-bool", np.int8([1]), "wants BOOL of shape [], got int8"),
        ("echo-int8", np.array([True]), "wants INT8 of shape [], got bool"),
        ("echo-fp32", np.array([1j]), "got complex128"),
        ("echo-fp32", np.array(["a"]), "wants FP32 of shape [], got str"),
        ("echo-bytes", np.int8([1]), "wants BYTES of shape [], got int8"),
    ],
)
def test_values_that_would_change_are_refused_with_both_types(native, model, array, told):
    (what,) = refusal(post(native, model, npy(array))).values()
    assert told in what


def test_bfloat16_as_numpy_writes_it(native):
    array = np.array([0.5, -2, 1e30], ml_dtypes.bfloat16)
    assert prediction(post(native, "echo-bf16", npy(array))) == pytest.approx([0.5, -2, 1e30], rel=1e-2)


@pytest.mark.parametrize("array", [np.array(["ünï", ""]), np.array(["ünï".encode(), b""])])
def test_strings(native, array):
    assert prediction(post(native, "echo-bytes", npy(array))) == ["ünï", ""]


def test_bytes_that_are_no_text_stay_bytes():
    """The runtime takes such bytes and never gives them out."""
    spec = TensorSpec("s", "BYTES", (-1,), "tensor(string)")
    assert cast(spec, np.array([b"\xff\xfe", b"a"])).tolist() == [b"\xff\xfe", "a"]


def test_a_wrong_shape_is_told(native):
    fields = refusal(post(native, "scaled", npy(SCALED[:, :3])))
    assert fields == {"x": "wants FP32 of shape [-1, 4], got shape [2, 3]"}


def test_several_inputs_come_as_npz(native):
    x, k = np.float32([1.5]), np.int64([1 << 60])
    for body in (npz(x_FP32=x, x_INT64=k), uncompressed(x_FP32=x, x_INT64=k)):
        assert prediction(post(native, "pair", body)) == {"y_FP32": [1.5], "y_INT64": [1 << 60]}


def uncompressed(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_an_array_without_a_name_alone_is_the_only_input(native):
    file = io.BytesIO()
    np.savez(file, SCALED)
    assert prediction(post(native, "scaled", file.getvalue())) == (SCALED * 2).tolist()
    assert refusal(post(native, "pair", file.getvalue()))["arr_0"] == "unknown input"


def test_an_npz_of_other_names_is_refused(native):
    assert refusal(post(native, "pair", npz(x_FP32=SCALED, y=SCALED))) == {
        "y": "unknown input",
        "x_INT64": "missing: INT64 of shape []",
    }


def test_one_array_for_several_inputs_is_refused(native):
    assert "'x_FP32', 'x_INT64'" in refusal(post(native, "pair", npy(SCALED)))["data"]


class Opened:
    """Pickled: opening it would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_pickled_objects_are_refused_unopened(native, tmp_path):
    body = npy(np.array([Opened(tmp_path / "made")], dtype=object), allow_pickle=True)
    assert "never opened" in refusal(post(native, "echo-fp32", body))["x_FP32"]
    assert "never opened" in refusal(post(native, "echo-fp32", npz_of({"x_FP32.npy": body})))["x_FP32"]
    assert not (tmp_path / "made").exists()


def npz_of(members, compression=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00",
        b"not numpy",
        claiming("(1000000000000,)"),
        claiming("(1000000, 1000000, 1000000)"),
        claiming("(2,)", data=b"1234"),
        claiming("(1,)", data=b"12345678"),
        claiming("(-1,)"),
        claiming("(True,)", data=b"1234"),
        claiming("(0, 10000000000000000000000)"),
        claiming("(1," * 20_000),
        claiming("(1,)", descr="nonsense"),
        claiming("(1,)", descr="(1000000000,)f4"),
        claiming("(1,)", descr="V1000000000"),
        claiming("(1,)", descr="<M8[s]", data=bytes(8)),
        claiming(f"({'1,' * 200})", data=bytes(4)),
        header(b"(" * 9000),
        header(b"[" * 60_000),
        header(b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}") + bytes(4),
        header(b"{'descr': [1, 2], 'fortran_order': False, 'shape': (1,)}") + bytes(4),
        header(b"__import__('os').abort()"),
        header(b"9" * 9000),
        header(b"\xff" * 100),
        header(b"{}", version=b"\x03\x00"),
        header(b" " * 20_000_000, version=b"\x02\x00"),
    ],
)
def test_lying_and_broken_headers_are_refused(native, body):
    assert refusal(post(native, "echo-fp32", body)).keys() == {"x_FP32"}


def test_an_npz_that_inflates_too_far_is_refused(native):
    body = npz_of({"x_FP32.npy": bytes(70 * 1024 * 1024)})
    assert len(body) < 100_000
    assert post(native, "echo-fp32", body)[0] == 413
    halves = npz_of({"x_FP32.npy": bytes(40 * 1024 * 1024), "x_INT64.npy": bytes(40 * 1024 * 1024)})
    assert post(native, "pair", halves)[0] == 413


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"PK\x03\x04" + bytes(100), "cannot be read"),
        (npz_of({"x_FP32.npy": npy(SCALED)})[:-30], "cannot be read"),
        (npz_of({str(at): b"" for at in range(1001)}, zipfile.ZIP_STORED), "more than 1000 members"),
        (npz_of({"x_FP32.npy": npy(SCALED)}, zipfile.ZIP_BZIP2), "as numpy does not write"),
        (npz_of({"x_FP32.npy": npy(SCALED), "x_FP32": npy(SCALED)}), "twice"),
    ],
)
def test_broken_and_crowded_archives_are_refused(native, body, told):
    assert told in refusal(post(native, "echo-fp32", body))["data"]


@given(
    st_numpy.arrays(
        st.sampled_from([np.dtype(code) for code in ("<f4", ">f4", "<f8")]),
        st_numpy.array_shapes(max_dims=4, min_side=0),
    )
)
def test_every_float_array_comes_back_as_it_was_rounded_to_the_input(native, array):
    with np.errstate(over="ignore"):
        wanted = array.astype(np.float32)
    status, body = post(native, "echo-fp32", npy(array))
    if (np.isinf(wanted) & np.isfinite(array)).any():
        assert status == 400
    else:
        np.testing.assert_array_equal(np.array(body["prediction"], np.float32).reshape(wanted.shape), wanted)


@given(st.binary(max_size=300))
def test_no_bytes_behind_numpys_first_are_a_fault(native, noise):
    for start in (b"\x93NUMPY\x01\x00", b"PK\x03\x04"):
        assert post(native, "echo-fp32", start + noise)[0] in {200, 400}
