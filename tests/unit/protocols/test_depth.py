"""Values nested deeper than any array: refused on every wire, never a fault."""

import json

import pytest


def nested(depth, inmost="1"):
    """JSON text of that many lists in one another."""
    return "[" * depth + inmost + "]" * depth


NATIVE = '{"model_name": "echo-fp32", "input_format": "%s", "data": %s}'
TENSOR = '{"inputs": [{"name": "x_FP32", "datatype": "FP32", "shape": %s, "data": %s}]}'
WIRES = [
    ("/predict", NATIVE % ("numpy array", "%s")),
    ("/predict", NATIVE % ("json", "[%s]")),
    ("/predict", NATIVE % ("json", '{"x_FP32": %s}')),
    ("/v1/models/echo-fp32:predict", '{"instances": [%s]}'),
    ("/v1/models/echo-fp32:predict", '{"inputs": %s}'),
    ("/v2/models/echo-fp32/infer", TENSOR % ("[1]", "%s")),
]


@pytest.fixture
def refusal(caller):
    def call(path, text, headers=None):
        answer = caller.call("POST", path, text if isinstance(text, bytes) else text.encode(), headers)
        assert not caller.faults
        assert answer.status == 400, answer.body
        return json.loads(answer.body)["error"]

    return call


@pytest.mark.parametrize(("path", "template"), WIRES)
@pytest.mark.parametrize("depth", [70, 900])
def test_data_of_too_many_dimensions_name_the_input(refusal, path, template, depth):
    assert refusal(path, template % nested(depth)) == "input 'x_FP32': more than 64 dimensions"


@pytest.mark.parametrize(("path", "template"), WIRES)
@pytest.mark.parametrize("text", [nested(5000), nested(5000, "NaN"), nested(980, "NaN"), f"[1, {nested(990)}]"])
def test_json_too_deep_for_a_parser_or_a_message_is_refused(refusal, path, template, text):
    refusal(path, template % text)


@pytest.mark.parametrize(
    ("shape", "what"),
    [
        (str([1] * 70), "more than 64 dimensions"),
        ("[0, 549755813888, 549755813888]", "no array can have the shape [0, 549755813888, 549755813888]"),
        (nested(990), "shape must be a list of sizes"),
    ],
)
@pytest.mark.parametrize("binary", [False, True])
def test_a_shape_that_no_array_has_names_the_input(refusal, shape, what, binary):
    text = TENSOR % (shape, "[]")
    headers = None
    if binary:
        text = text.replace('"data": []', '"parameters": {"binary_data_size": 0}')
        headers = {"Inference-Header-Content-Length": str(len(text))}
    error = refusal("/v2/models/echo-fp32/infer", text, headers)
    assert error.startswith("input 'x_FP32': ")
    assert what in error


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("input_format", '{"model_name": "echo-fp32", "input_format": %s, "data": []}'),
        ("compress", '{"model_name": "echo-fp32", "input_format": "json", "compress": %s, "data": []}'),
        ("version", '{"model_name": "echo-fp32", "input_format": "json", "version": %s, "data": []}'),
    ],
)
def test_an_argument_nested_too_deep_to_show_is_refused(refusal, name, text):
    assert refusal("/predict", text % nested(990)).startswith(f"invalid arguments: {name}: must be ")


def test_a_size_nested_deep_is_refused_whether_or_not_this_python_can_show_it(refusal):
    text = (TENSOR % ("[1]", "[1]")).replace('"data": [1]', f'"parameters": {{"binary_data_size": {nested(990)}}}')
    assert "binary_data_size is " in refusal("/v2/models/echo-fp32/infer", text)
