from dataclasses import replace

import numpy as np
import pytest

from tests.conformance.cases import node_tests_of, passes_raw
from tests.conformance.platform import model_name
from tests.conformance.wire import value_of


@pytest.fixture(scope="module")
def add():
    return next(one for one in node_tests_of(["add"]) if one.name == "test_add")


def test_raw_onnxruntime_passes_a_test_of_its_own_operators(add):
    passed = passes_raw(add)
    assert passed is not None
    assert passed.inputs == [("x", "tensor(float)"), ("y", "tensor(float)")]
    assert passed.outputs == [("sum", "tensor(float)")]


@pytest.mark.parametrize(
    "wrong", [lambda sum_: sum_ + 0.01, lambda sum_: sum_.astype(np.float64), lambda sum_: sum_[0]]
)
def test_an_answer_of_another_value_type_or_shape_does_not_pass(add, wrong):
    ((inputs, (expected,)),) = add.data_sets
    add.check([expected], [expected])
    with pytest.raises(AssertionError):
        add.check([expected], [wrong(expected)])
    assert passes_raw(replace(add, data_sets=[(inputs, [wrong(expected)])])) is None


def test_models_of_tests_that_differ_by_case_alone_have_names_of_their_own():
    names = {model_name("test_PReLU_" + "x" * 60), model_name("test_prelu_" + "x" * 60)}
    assert len(names) == 2
    assert all(len(name) <= 63 for name in names)


def test_structured_answers_are_read_from_their_texts():
    first, second = value_of("seq(tensor(int64))", ["[1, 2]", "3"], [2])
    assert (first.tolist(), second.tolist(), second.shape) == ([1, 2], 3, ())
    assert value_of("optional(seq(tensor(float)))", ["null"], [1]) is None
    assert value_of("tensor(float)", [1, 2], [2, 1]).tolist() == [[1.0], [2.0]]
