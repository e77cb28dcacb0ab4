import json

import numpy as np

from benchmarks.imports.tensors import decoded, encoded

FEED = {
    "numbers": np.array([[1.5, np.nan], [np.inf, -0.0]], np.float32),
    "texts": np.array([["äpple"], [""]], object),
    "flags": np.array([True, False]),
}


def test_numbers_strings_and_infinities_come_back_as_they_went():
    body, size = encoded(FEED)
    head = json.loads(body[:size])
    answer = json.dumps({"outputs": head["inputs"]}).encode()
    back = decoded(answer + body[size:], len(answer))
    np.testing.assert_array_equal(back["numbers"], FEED["numbers"])
    assert back["numbers"].dtype == np.float32
    assert back["texts"].tolist() == [["äpple"], [""]]
    assert back["flags"].tolist() == [True, False]


def test_a_request_says_what_each_tensor_is_and_that_the_answer_be_binary():
    body, size = encoded(FEED)
    head = json.loads(body[:size])
    assert [(one["datatype"], one["shape"]) for one in head["inputs"]] == [
        ("FP32", [2, 2]),
        ("BYTES", [2, 1]),
        ("BOOL", [2]),
    ]
    assert head["parameters"] == {"binary_data_output": True}
