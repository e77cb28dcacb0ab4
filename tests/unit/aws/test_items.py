from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st

from aimass.adapters.aws.items import attribute, plain_of

NUMBERS = st.integers(-(2**63), 2**64) | st.floats(
    allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | NUMBERS.filter(lambda value: value == 0 or abs(value) > 1e-100),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def plainly(value):
    """What boto3 reads, its Decimals as the domain's numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: plainly(inner) for name, inner in value.items()}
    return [plainly(inner) for inner in value] if isinstance(value, list) else value


@given(VALUES)
def test_an_attribute_reads_as_boto3_reads_it(value):
    written = attribute(value)
    assert plain_of(written) == plainly(TypeDeserializer().deserialize(written))


def test_a_string_set_is_a_sorted_list():
    assert plain_of(attribute(frozenset({"b", "a"}))) == ["a", "b"]


def test_a_type_that_this_platform_never_writes_is_refused_by_name():
    with pytest.raises(TypeError, match="type B"):
        plain_of({"B": "AA=="})
