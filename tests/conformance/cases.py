"""ONNX's own backend tests: those that ship inside the onnx package, and which of them raw onnxruntime passes."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from onnx.backend.test import runner
from onnx.backend.test.case import node
from onnx.backend.test.loader import load_model_tests

SHIPPED = Path(onnx.__file__).parent / "backend" / "test" / "data"
FOLDERS = ("simple", "pytorch-converted", "pytorch-operator")

# What a value is: an array, a list of values, or None for an optional that is empty.
Value = Any


@dataclass(frozen=True)
class BackendTest:
    """A model, inputs by position with the answers they must give, and how close those must be."""

    name: str
    model: bytes
    data_sets: Sequence[tuple[Sequence[Value], Sequence[Value]]]
    rtol: float
    atol: float

    def check(self, expected: Sequence[Value], got: Sequence[Value]) -> None:
        """Raises AssertionError, as onnx's own runner does."""
        runner.Runner.assert_similar_outputs(expected, got, self.rtol, self.atol)


@dataclass(frozen=True)
class Passed:
    """A test that raw onnxruntime passes, with the (name, type) of each input and output as the runtime has them."""

    test: BackendTest
    inputs: Sequence[tuple[str, str]]
    outputs: Sequence[tuple[str, str]]


def shipped_tests() -> Iterator[BackendTest]:
    """All of them, the node tests made in memory."""
    yield from _node_tests()
    for kind in FOLDERS:
        for case in sorted(load_model_tests(kind=kind), key=lambda one: one.name):
            yield _from_folder(Path(case.model_dir), case)
    for path in sorted((SHIPPED / "light").glob("*.onnx")):
        yield _light(path)


def node_tests_of(modules: Iterable[str]) -> Iterator[BackendTest]:
    """The tests that these modules of `onnx.backend.test.case.node` make; making all of them takes seconds."""
    with _quiet():
        for module in modules:
            import_module(f"{node.__name__}.{module}")
    yield from map(_from_memory, list(node._NodeTestCases))


def _node_tests() -> Iterator[BackendTest]:
    with _quiet():
        cases = node.collect_testcases(None)
    yield from map(_from_memory, cases)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _from_memory(case: Any) -> BackendTest:
    data_sets = [(_plain(inputs), _plain(outputs)) for inputs, outputs in case.data_sets]
    return BackendTest(case.name, case.model.SerializeToString(), data_sets, case.rtol, case.atol)


def _plain(values: Sequence[Any]) -> list[Value]:
    return [_value(one) for one in values]


def _value(value: Any) -> Value:
    if value is None or isinstance(value, list | tuple):
        return value if value is None else _plain(value)
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def _from_folder(folder: Path, case: Any) -> BackendTest:
    raw = (folder / "model.onnx").read_bytes()
    graph = onnx.load_from_string(raw).graph
    data_sets = [
        (_stored(one, "input", graph.input), _stored(one, "output", graph.output))
        for one in sorted(folder.glob("test_data_set*"))
    ]
    return BackendTest(case.name, raw, data_sets, case.rtol, case.atol)


def _stored(folder: Path, what: str, declared: Sequence[onnx.ValueInfoProto]) -> list[Value]:
    count = len(list(folder.glob(f"{what}_*.pb")))
    return [_proto(folder / f"{what}_{at}.pb", declared[at].type) for at in range(count)]


def _proto(path: Path, kind: onnx.TypeProto) -> Value:
    raw = path.read_bytes()
    if kind.HasField("sequence_type"):
        return numpy_helper.to_list(onnx.SequenceProto.FromString(raw))
    if kind.HasField("optional_type"):
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(raw))
    return numpy_helper.to_array(onnx.TensorProto.FromString(raw))


def _light(path: Path) -> BackendTest:
    """A well-known network whose weights are made by its graph; the inputs are those that onnx's runner makes up."""
    raw = path.read_bytes()
    graph = onnx.load_from_string(raw).graph
    weights = {one.name for one in graph.initializer}
    given = [runner.Runner.generate_dummy_data(one) for one in graph.input if one.name not in weights]
    answers = [
        numpy_helper.to_array(onnx.load_tensor(path.with_name(f"{path.stem}_output_{at}.pb")))
        for at in range(len(graph.output))
    ]
    return BackendTest(f"test_{path.stem}", raw, [(given, answers)], 1e-3, 1e-7)


def run_raw(test: BackendTest) -> Passed:
    """Runs the test in this process. Raises whatever the runtime or the comparison does."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    session = onnxruntime.InferenceSession(test.model, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    for inputs, expected in test.data_sets:
        test.check(expected, session.run(None, dict(zip(names, inputs, strict=True))))
    described = [[(one.name, one.type) for one in side] for side in (session.get_inputs(), session.get_outputs())]
    return Passed(test, *described)


def passes_raw(test: BackendTest) -> Passed | None:
    """None where raw onnxruntime cannot load the model, cannot run it, or answers differently."""
    try:
        return run_raw(test)
    except Exception:
        return None


@cache
def all_passed() -> tuple[int, dict[str, Passed]]:
    """How many tests ship, and by name those that raw onnxruntime passes. Takes about ten seconds."""
    tests = list(shipped_tests())
    found = [one for one in map(passes_raw, tests) if one]
    return len(tests), {one.test.name: one for one in found}
