import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.inference.raw import read_raw


def spec(shape, datatype="FP32"):
    return TensorSpec("x", datatype, shape, "tensor(string)" if datatype == "BYTES" else "tensor(float)")


@given(st.integers(0, 9), st.sampled_from([(-1, 3), (3, -1), (1, 3), (3, 3)]))
def test_the_bytes_of_so_many_rows_are_those_rows(count, shape):
    array = np.arange(count * 3, dtype=np.float32)
    found = read_raw([spec(shape)], memoryview(array.tobytes()))["x"]
    assert found.size == array.size
    np.testing.assert_array_equal(found.reshape(-1), array)


@pytest.mark.parametrize(("count", "shape"), [(1, ()), (2, (2,)), (0, (0,))])
def test_of_an_unknown_rank_one_value_is_a_scalar_and_several_a_vector(count, shape):
    assert read_raw([spec(())], memoryview(bytes(4 * count)))["x"].shape == shape


@pytest.mark.parametrize(("shape", "wanted"), [((), (1,)), ((-1,), (1,)), ((-1, 1), (1, 1))])
def test_bytes_are_one_element_of_the_inputs_rank(shape, wanted):
    found = read_raw([spec(shape, "BYTES")], memoryview("é\0".encode()))["x"]
    assert (found.shape, found.reshape(-1).tolist()) == (wanted, ["é\0"])


@pytest.mark.parametrize(
    ("specs", "size", "what"),
    [
        ([spec((-1, -1))], 4, "varies in several dimensions"),
        ([spec((-1, 3))], 5, "input 'x'"),
        ([spec((-1,)), spec((-1,))], 4, "models of one tensor input"),
    ],
)
def test_bytes_that_say_too_little_are_refused(specs, size, what):
    with pytest.raises(InvalidArguments, match=what):
        read_raw(specs, memoryview(bytes(size)))
