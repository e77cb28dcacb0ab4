"""The gate before pickles: what models name passes in every wrapper, everything else is refused and nothing is run."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import os
import pickle
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import compose, ensemble, linear_model, neighbors, pipeline, preprocessing

from aimass.domain.errors import ImportRefused, TruncatedModel, UnsafePickle
from aimass.formats.pickle_allowed import TORCH, TREES
from aimass.formats.pickle_gate import check

COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}


def called(module: str, name: str, *arguments: object) -> bytes:
    """A pickle that calls a global, written without it."""
    given = b"".join(pickle.dumps(one, 2)[2:-1] for one in arguments)
    return b"\x80\x02c" + module.encode() + b"\n" + name.encode() + b"\n(" + given + b"tR."


def word(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


EVIL = called("posix", "system", "id")
GLOBALS = [
    *[("posix", "system"), ("nt", "system"), ("os", "system"), ("subprocess", "Popen"), ("builtins", "eval")],
    *[("builtins", "getattr"), ("builtins", "__import__"), ("builtins", "open"), ("operator", "attrgetter")],
    *[("functools", "partial"), ("importlib", "import_module"), ("pkgutil", "resolve_name"), ("runpy", "run_path")],
    *[("pip", "main"), ("ensurepip", "_run_pip"), ("cProfile", "run"), ("timeit", "timeit"), ("pty", "spawn")],
    *[("doctest", "debug_script"), ("idlelib.pyshell", "ModifiedInterpreter"), ("lib2to3.pgen2.grammar", "Grammar")],
    *[("numpy.testing._private.utils", "runstring"), ("numpy.f2py.crackfortran", "myeval"), ("numpy", "load")],
    *[("numpy", "memmap"), ("joblib.numpy_pickle", "load"), ("joblib", "Memory"), ("dill._dill", "_create_function")],
    *[("cloudpickle.cloudpickle", "_make_function"), ("ctypes", "CDLL"), ("marshal", "loads"), ("types", "CodeType")],
    *[("torch.serialization", "load"), ("torch.utils.bottleneck.__main__", "run_prof")],
    *[("torch.storage", "_load_from_bytes"), ("pathlib", "Path"), ("shutil", "rmtree"), ("pickle", "loads")],
    *[("urllib.request", "urlopen"), ("socket", "socket"), ("pandas", "read_pickle")],
    *[("sklearn.utils._testing", "assert_run_python_script_without_output"), ("sklearn.datasets", "fetch_openml")],
    *[("sklearn.ensemble.tests.test_forest", "Popen"), ("sklearn.externals.array_api_extra", "Anything")],
    *[("xgboost.core", "ctypes"), ("catboost.core", "os"), ("copyreg", "add_extension")],
]  # fmt: skip


@pytest.mark.parametrize(("module", "name"), GLOBALS, ids=[f"{module}.{name}" for module, name in GLOBALS])
def test_what_no_model_needs_is_named_and_refused(tmp_path: Path, module: str, name: str) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(called(module, name, "x"))
    for allowed in (TREES, TORCH):
        with pytest.raises(UnsafePickle, match=r"no model needs|no library") as caught:
            check(path, allowed)
        assert caught.value.details == {"name": f"{module}.{name}", "file": "model.pkl"}


def test_the_refusal_names_the_file_what_it_asks_for_what_that_means_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "forest.pkl"
    for body, told in (
        (
            EVIL,
            "the pickle in forest.pkl names posix.system, which no model needs, and opening the file would run it; it "
            "was not opened: save the model alone with skops (skops.io.dump), or send it as ONNX",
        ),
        (
            called("my_code", "Scaler"),
            "the pickle in forest.pkl names my_code.Scaler, code of no library that is taken: a pickle has its name "
            "alone, and opening the file runs it; it was not opened: build the model of its library's own classes, or "
            "send it as ONNX",
        ),
    ):
        path.write_bytes(body)
        with pytest.raises(UnsafePickle) as caught:
            check(path)
        assert caught.value.message == told


def _with_categories() -> object:
    rows = np.stack([np.arange(60) % 4, np.arange(60.0)], 1)
    return ensemble.HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]).fit(rows, np.arange(60) % 2)


def _in_logarithms() -> object:
    rows = np.arange(60.0)[:, None]
    return compose.TransformedTargetRegressor(linear_model.Ridge(), func=np.log1p, inverse_func=np.expm1).fit(
        rows, rows[:, 0]
    )


def _of_logarithms() -> object:
    rows = np.arange(60.0)[:, None]
    return pipeline.make_pipeline(preprocessing.FunctionTransformer(np.log1p), linear_model.Ridge()).fit(rows, rows)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (
            _with_categories,
            "names functools.partial, a function that HistGradientBoosting with categorical_features keeps, and "
            "opening the file could run it; it was not opened: encode the categories as numbers in a step before it",
        ),
        (
            _in_logarithms,
            "names numpy.log1p, a function that TransformedTargetRegressor keeps, and opening the file could run it; "
            "it was not opened: send its regressor_, and turn its answers back where you use them",
        ),
        (_of_logarithms, "it was not opened: do to the rows what it does before you send them"),
    ],
)
def test_a_function_that_the_model_keeps_is_told_with_what_to_train_and_not_another_way_to_save_it(
    tmp_path: Path, model: Callable[[], object], told: str
) -> None:
    path = tmp_path / "model.joblib"
    joblib.dump(model(), path)
    with pytest.raises(UnsafePickle) as caught:
        check(path)
    assert told in caught.value.message
    assert "skops" not in caught.value.message


def test_a_program_beside_such_a_model_is_told_as_a_program(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    kept = b"csklearn.compose._target\nTransformedTargetRegressor\n0"
    path.write_bytes(EVIL[:2] + kept + EVIL[2:])
    with pytest.raises(
        UnsafePickle, match=r"names posix\.system, which no model needs, and opening the file would run"
    ):
        check(path)


@pytest.mark.parametrize("shape", [(1 << 62,) * 1000, (1 << 200,), [4], 4, (-1,), (1.0,)], ids=repr)
def test_an_array_that_cannot_be_is_refused_before_its_size_is_reckoned(tmp_path: Path, shape: object) -> None:
    state = {"subclass": np.ndarray, "shape": shape, "order": "C", "dtype": np.dtype("f4"), "allow_mmap": True}
    body = pickle.dumps(state, 2)[2:-1]
    wrapper = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81"
    path = tmp_path / "model.joblib"
    path.write_bytes(b"\x80\x02" + wrapper + body + b"b" + bytes(64) + b".")
    with pytest.raises(UnsafePickle, match="describes an array that can't be"):
        check(path)


HIDDEN = {
    "a dotted name": b"\x80\x04" + word("sklearn.svm") + word("SVC.fit") + b"\x93.",
    "names of the memo": b"\x80\x04" + word("posix") + b"q\x05" + word("system") + b"q\x0600h\x05h\x06\x93.",
    "a memo overwritten": b"\x80\x04" + word("collections") + b"q\x05" + word("OrderedDict") + b"q\x0600"
    + word("posix") + b"q\x050" + word("system") + b"q\x060h\x05h\x06\x93.",
    "doubled and popped": b"\x80\x04" + word("posix") + word("system") + b"20\x93.",
    "an instance of protocol 0": b"(S'id'\niposix\nsystem\n.",
    "an object of a mark": b"\x80\x02(cposix\nsystem\nX\x02\x00\x00\x00ido.",
    "escaped letters": b"\x80\x04V\\u0070osix\nVsystem\n\x93.",
    "a name of Python 2": b"\x80\x02c__builtin__\neval\n(X\x01\x00\x00\x001tR.",
    "an extension's number": b"\x80\x02\x82\x01.",
    "no end": EVIL[:-1],
    "another after it": pickle.dumps([1]) + EVIL,
    "bytes after it": pickle.dumps([1]) + b"\x00",
    "a reference outside": b"\x80\x02X\x01\x00\x00\x001Q.",
    "a buffer outside": b"\x80\x05\x97.",
    "a call of what was made": b"\x80\x02ccollections\nOrderedDict\n)R)R.",
    "attributes of a class": b"\x80\x02ccollections\nOrderedDict\n}b.",
    "text by an odd codec": called("_codecs", "encode", "x", "rot13"),
    "a class rebuilt of a number": called("copyreg", "_reconstructor", 1, 2, None),
    "more bytes than there are": b"\x80\x04\x8e" + (1 << 60).to_bytes(8, "little") + b".",
    "a frame without end": b"\x80\x04\x95" + (1 << 60).to_bytes(8, "little") + b".",
    "no pickle": b"\x80\x04hello",
}  # fmt: skip


@pytest.mark.parametrize("contents", HIDDEN.values(), ids=HIDDEN)
def test_what_is_hidden_is_found(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(contents)
    with pytest.raises((UnsafePickle, TruncatedModel)):
        check(path)


@pytest.mark.parametrize("wrapper", COMPRESSED)
def test_every_wrapper_is_opened(tmp_path: Path, wrapper: str) -> None:
    path = tmp_path / "model.joblib"
    path.write_bytes(COMPRESSED[wrapper](EVIL))
    with pytest.raises(UnsafePickle, match=r"posix\.system"):
        check(path)


def _joblib_with(nested: bytes) -> bytes:
    """What joblib writes for an array of objects, with another pickle in the array's place."""
    file = io.BytesIO()
    joblib.dump({"a": np.array([None, 1], object)}, file)
    start = file.getvalue().rindex(b"\x80\x05")
    return file.getvalue()[:start] + nested


def test_a_pickle_within_an_array_of_joblib_is_found(tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    path.write_bytes(_joblib_with(EVIL))
    with pytest.raises(UnsafePickle, match=r"posix\.system"):
        check(path)


def test_a_pickle_behind_the_bytes_of_an_array_is_found(tmp_path: Path) -> None:
    file = io.BytesIO()
    joblib.dump([np.arange(1000.0)], file)
    path = tmp_path / "model.joblib"
    path.write_bytes(file.getvalue()[:-2] + b"0" + EVIL[2:])
    with pytest.raises(UnsafePickle, match=r"posix\.system"):
        check(path)


def _given(value: object) -> bytes:
    """What pushes a value onto the stack."""
    return pickle.dumps(value, 2)[2:-1]


_WRAPPER = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n"
_OLD = {"subclass": np.ndarray, "shape": (2,), "order": "C", "dtype": np.dtype("u1"), "allow_mmap": False}
_NEW = _OLD | {"numpy_array_alignment_bytes": 16}
_MADE = _WRAPPER + b")\x81"
_RECONSTRUCTED = b"ccopyreg\n_reconstructor\n(" + _WRAPPER + b"c__builtin__\nobject\nNtR"


@pytest.mark.parametrize(("state", "after"), [(_OLD, b"\0\0"), (_NEW, b"\x03\xff\xff\xff\0\0")])
def test_arrays_of_joblib_before_and_since_its_alignment_pass(
    tmp_path: Path, state: dict[str, object], after: bytes
) -> None:
    path = tmp_path / "model.joblib"
    path.write_bytes(b"\x80\x02" + _MADE + _given(state) + b"b" + after + b".")

    check(path)
    assert joblib.load(path).tolist() == [0, 0]


# Each is read on from another place by joblib than where one would think that its array ends.
@pytest.mark.parametrize(
    "stream",
    [
        _WRAPPER + _given(tuple(_OLD.values())) + b"R" + _given(_OLD) + b"b",
        _WRAPPER + _given(tuple(_OLD.values())) + b"\x81" + _given(_OLD) + b"b",
        _WRAPPER + b")" + _given({}) + b"\x92" + _given(_OLD) + b"b",
        _RECONSTRUCTED + _given(_OLD) + b"b",
        _MADE + b"q\x630h\x63" + _given(_NEW) + b"b\0\0\x000h\x63" + _given(_OLD) + b"b",
        _MADE + _given((None, _NEW)) + b"b",
        _MADE + _given(_NEW | {"safe_get_numpy_array_alignment_bytes": int}) + b"b",
        _MADE + _given(_NEW | {"numpy_array_alignment_bytes": None}) + b"b",
        _MADE + _given({key: _OLD[key] for key in ("shape", "dtype")}) + b"b",
    ],
)
def test_an_array_that_joblib_never_writes_is_refused(tmp_path: Path, stream: bytes) -> None:
    path = tmp_path / "model.joblib"
    path.write_bytes(b"\x80\x02" + stream + b"\0\0\0" + b".")

    with pytest.raises(UnsafePickle, match="joblib never writes"):
        check(path)


def test_an_array_described_within_an_array_of_objects_is_refused(tmp_path: Path) -> None:
    """joblib opens such a stream with a plain unpickler, which takes the array's bytes for steps."""
    path = tmp_path / "model.joblib"
    path.write_bytes(_joblib_with(b"\x80\x02" + _MADE + _given(_OLD) + b"b\0\0."))

    with pytest.raises(UnsafePickle, match="joblib never writes"):
        check(path)


def test_an_array_larger_than_its_file_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    joblib.dump(np.arange(1000.0), file)
    path = tmp_path / "model.joblib"
    path.write_bytes(file.getvalue().replace(b"M\xe8\x03", b"M\xff\xff"))
    with pytest.raises(TruncatedModel):
        check(path)


def _zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return file.getvalue()


def _with_wrong_sum() -> bytes:
    content = bytearray(_zipped(archive__data_dot_pkl=EVIL))
    at = content.index(b"PK\x01\x02")
    content[at + 16 : at + 20] = b"\0\0\0\0"
    return bytes(content)


ZIPS = {
    "by its name": _zipped(archive__data_dot_pkl=EVIL),
    "by its bytes": _zipped(archive__data__0=EVIL),
    "in a zip file within": _zipped(archive__inner_dot_pt=_zipped(archive__data_dot_pkl=EVIL)),
    "with a wrong sum": _with_wrong_sum(),
    "with bytes in front": b"MZ" + _zipped(archive__data_dot_pkl=EVIL),
    "with another name in front of its bytes": _zipped(archive__data_dot_pkl=EVIL).replace(b"data.pkl", b"data.txt", 1),
}


@pytest.mark.parametrize("contents", ZIPS.values(), ids=ZIPS)
def test_a_pickle_in_a_zip_file_is_found(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(contents)
    with pytest.raises((UnsafePickle, TruncatedModel)):
        check(path, TORCH)


def test_numbers_in_a_zip_file_are_no_pickles(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(_zipped(archive__data_dot_pkl=pickle.dumps(OrderedDict(a=1)), archive__data__0=b"\x80\x02" * 64))
    assert check(path, TORCH).pickles == 1


def test_references_to_tensors_are_for_torch_alone(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(
        b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ."
    )
    assert check(path, TORCH).names == {"torch:FloatStorage"}
    with pytest.raises(UnsafePickle):
        check(path, TREES)


def test_several_streams_and_what_follows_them_pass_where_they_are_expected(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(pickle.dumps(1) + pickle.dumps({"a": 2}) + bytes(64))
    assert check(path, TORCH, streams=2, trailer=True).pickles == 2


@functools.cache
def _fitted() -> dict[str, object]:
    random = np.random.default_rng(0)
    rows, truth = random.random((60, 4)), random.integers(0, 2, 60)
    named = np.array(["no", "yes"])[truth]
    return {
        "forest": ensemble.RandomForestClassifier(3).fit(rows, named),
        "histogram": ensemble.HistGradientBoostingClassifier(max_iter=3).fit(rows, truth),
        "boosting": ensemble.GradientBoostingRegressor(n_estimators=3).fit(rows, rows[:, 0]),
        "scaled": pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge()).fit(rows, truth),
        "neighbours": neighbors.KNeighborsClassifier(algorithm="kd_tree").fit(rows, truth),
        "encoder": preprocessing.OneHotEncoder().fit(np.array([["a"], ["b"]], object)),
    }  # fmt: skip


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_models_pass_in_every_protocol(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "model.pkl"
    for name, model in _fitted().items():
        path.write_bytes(pickle.dumps(model, protocol))
        assert any(one.startswith("sklearn.") for one in check(path).names), name


@pytest.mark.parametrize("compress", [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)])
def test_models_pass_however_joblib_compresses_them(tmp_path: Path, compress: object) -> None:
    path = tmp_path / "model.joblib"
    for model in _fitted().values():
        joblib.dump(model, path, compress=compress)
        assert "joblib.numpy_pickle:NumpyArrayWrapper" in check(path).names


@pytest.mark.parametrize("wrapper", COMPRESSED)
def test_a_file_cut_short_is_told_from_a_hostile_one(tmp_path: Path, wrapper: str) -> None:
    path = tmp_path / "model.joblib"
    content = COMPRESSED[wrapper](pickle.dumps(_fitted()["forest"]))
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(TruncatedModel):
        check(path)


def test_nothing_of_it_is_run(tmp_path: Path) -> None:
    made = tmp_path / "made"

    class Touch:
        def __reduce__(self) -> tuple[object, tuple[str, int]]:
            return os.mkdir, (str(made), 0o700)

    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(Touch()))
    with pytest.raises(UnsafePickle):
        check(path)
    assert not made.exists()
    pickle.loads(path.read_bytes())
    assert made.exists()


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"\x80\x04" + tail))
def test_any_bytes_pass_or_are_refused(tmp_path_factory: pytest.TempPathFactory, contents: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.pkl"
    path.write_bytes(contents)
    try:
        names = check(path).names
    except ImportRefused as error:
        message = error.message
    else:
        message = ""
        assert all(TREES.allows(*name.split(":")) for name in names)
    assert len(message) < 400
