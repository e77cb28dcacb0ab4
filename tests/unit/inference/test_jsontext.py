import pytest

from aimass.domain.errors import InvalidArguments
from aimass.inference.jsontext import dumps, loads, number_json


@pytest.mark.parametrize("text", [b"", b"{", b"[1,]", b'"\\ud800"', b"\xff", b"[" * 5000, b"[NaN", b"[Infinity" * 3000])
def test_what_is_not_json_is_refused(text):
    with pytest.raises(InvalidArguments, match="the body is not JSON"):
        loads(text)


def test_a_string_that_says_nan_is_a_string():
    assert loads(b'{"a": "NaN"}') == {"a": "NaN"}


def test_a_single_number_may_be_infinite():
    assert dumps([number_json(float("-inf")), number_json(1.5)]) == b"[-Infinity,1.5]"
