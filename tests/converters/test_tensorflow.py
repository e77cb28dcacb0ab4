"""TensorFlow, Keras and TensorFlow Lite models, converted as a job does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Convert = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.converters


def converted(tensorflow: Convert, model: str, **arguments: Any) -> dict[str, Any]:
    """The answer, which has to be a model that agrees with its original."""
    answer = tensorflow(family="tensorflow", model=model, **arguments)
    assert "replay" in answer, answer
    for difference in answer["replay"]["differences"]:
        assert difference["within"], difference
    return answer


def refusal(tensorflow: Convert, model: str, **arguments: Any) -> dict[str, Any]:
    answer = tensorflow(family="tensorflow", model=model, **arguments)
    assert "error" in answer, answer
    return answer["error"]


def names(answer: dict[str, Any], side: str) -> list[str]:
    return [name for name, _, _ in answer[side]]


@pytest.mark.parametrize(
    ("model", "arguments", "framework"),
    [
        ("digits", {"suffix": "keras"}, "Keras 3."),
        ("digits", {"suffix": "h5"}, "Keras 3."),
        ("digits_savedmodel", {}, "TensorFlow 2."),
        ("digits_tflite", {}, "TensorFlow Lite 2."),
    ],
)
def test_a_digits_model_keeps_its_accuracy_its_names_and_its_batch(
    tensorflow: Convert, model: str, arguments: dict[str, Any], framework: str
) -> None:
    answer = converted(tensorflow, model, **arguments)

    before, after = answer["accuracy"]
    assert before == after > 0.9
    assert answer["inputs"] == [["image", "tensor(float)", ["batch", 8, 8, 1]]]
    assert answer["outputs"] == [["digit", "tensor(float)", ["batch", 10]]]
    assert answer["opset"] == {"ai.onnx": 17}
    assert answer["framework"].startswith(framework)


def test_a_file_of_keras_2_is_converted(tensorflow: Convert) -> None:
    answer = converted(tensorflow, "old_digits")

    before, after = answer["accuracy"]
    assert before == after > 0.85
    assert answer["framework"] == "Keras 2.11.0"


def test_a_quantized_tflite_model_keeps_its_whole_numbers(tensorflow: Convert) -> None:
    answer = converted(tensorflow, "digits_tflite", quantized="all")

    before, after = answer["accuracy"]
    assert before == after > 0.8
    assert [answer["inputs"][0][1], answer["outputs"][0][1]] == ["tensor(int8)", "tensor(int8)"]


def test_a_tflite_model_with_quantized_weights_says_why_it_drifts(tensorflow: Convert) -> None:
    answer = tensorflow(family="tensorflow", model="digits_tflite", quantized="weights")

    (difference,) = answer["replay"]["differences"]
    assert not difference["within"]
    assert difference["largest_absolute"] < 0.1
    before, after = answer["accuracy"]
    assert abs(before - after) < 0.01
    assert any("rounds the values between its layers" in note for note in answer["notes"])


@pytest.mark.parametrize("saved", ["keras", "h5", "savedmodel"])
def test_inputs_and_outputs_have_the_names_that_the_model_gives_them(tensorflow: Convert, saved: str) -> None:
    answer = converted(tensorflow, "two_by_two", saved=saved)

    assert sorted(names(answer, "inputs")) == ["table", "tokens"]
    assert sorted(names(answer, "outputs")) == ["kind", "score"]


@pytest.mark.parametrize("saved", ["keras", "savedmodel", "tflite"])
def test_outputs_without_names_are_called_after_their_layers(tensorflow: Convert, saved: str) -> None:
    answer = converted(tensorflow, "without_names", saved=saved)

    assert sorted(names(answer, "outputs")) == ["dense_1", "kind"]


def test_columns_of_very_different_sizes_are_tried_in_their_own_range(tensorflow: Convert) -> None:
    answer = converted(tensorflow, "standardised")

    before, after = answer["accuracy"]
    assert before > 0.95
    assert after == pytest.approx(before, abs=1e-6)


@pytest.mark.parametrize("saved", ["keras", "savedmodel"])
def test_a_recurrent_model_takes_any_number_of_steps(tensorflow: Convert, saved: str) -> None:
    answer = converted(tensorflow, "recurrent", saved=saved)

    ((_, _, shape),) = answer["inputs"]
    assert shape[0] == "batch"
    assert shape[1:] == [f"{names(answer, 'inputs')[0]}_1", 4]


def test_a_model_that_keeps_a_state_between_calls_is_refused(tensorflow: Convert) -> None:
    for model, arguments in (
        ("recurrent", {"stateful": True}),
        ("functions", {"signatures": {"serving_default": "counts"}}),
    ):
        error = refusal(tensorflow, model, **arguments)

        assert error["code"] == "conversion_failed"
        assert "changes the model's variables" in error["message"]
        assert "export it with its state as inputs and outputs" in error["message"]


@pytest.mark.parametrize("saved", ["keras", "savedmodel"])
def test_a_table_of_words_answers_words_that_it_has_and_those_that_it_lacks(tensorflow: Convert, saved: str) -> None:
    answer = converted(tensorflow, "words", saved=saved)

    assert answer["inputs"][0][1] == "tensor(string)"
    assert answer["replay"]["differences"][0]["agreement"] == 1.0


@pytest.mark.parametrize("model", ["picture_layers", "step_layers"])
def test_layers_of_keras_answer_as_they_did(tensorflow: Convert, model: str) -> None:
    answer = converted(tensorflow, model)

    assert len(answer["replay"]["differences"]) == len(answer["outputs"]) >= 12


@pytest.mark.parametrize("saved", ["keras", "savedmodel"])
def test_numbers_are_told_by_their_interval(tensorflow: Convert, saved: str) -> None:
    converted(tensorflow, "intervals", saved=saved)


def test_an_input_without_a_name_has_not_the_number_that_a_process_gave_it(tensorflow: Convert) -> None:
    answer = converted(tensorflow, "of_own_class", saved="savedmodel")
    turned = converted(tensorflow, "varied", saved="tflite")

    assert (names(answer, "inputs"), names(answer, "outputs")) == (["args_0"], ["last"])
    assert names(turned, "inputs") == ["input"]


def test_layers_that_vary_pictures_in_training_are_named_as_what_keeps_a_saved_model_out(tensorflow: Convert) -> None:
    assert "leave out the layers that vary its inputs in training" in refusal(tensorflow, "varied")["message"]
    converted(tensorflow, "varied", saved="keras")


@pytest.mark.parametrize(
    ("saved", "told"),
    [("h5", "a Keras file in HDF5 does not keep them"), ("keras", "such as the layers after TextVectorization")],
)
def test_a_model_of_whole_texts_is_refused_with_a_way_out(tensorflow: Convert, saved: str, told: str) -> None:
    assert told in refusal(tensorflow, "cut_to_words", saved=saved)["message"]


@pytest.mark.parametrize("saved", ["keras", "h5"])
def test_a_class_of_its_owner_is_named_with_the_way_to_a_saved_model(tensorflow: Convert, saved: str) -> None:
    error = refusal(tensorflow, "of_own_class", saved=saved)

    assert "Own" in error["message"]
    assert "write model.export('folder')" in error["message"]


def test_numbers_of_classes_are_answered_with_their_names(tensorflow: Convert) -> None:
    answer = converted(tensorflow, "named_classes")

    assert answer["outputs"] == [["name", "tensor(string)", ["batch"]]]
    assert answer["replay"]["differences"][0]["agreement"] == 1.0


def test_attention_over_tokens_is_tried_with_tokens_that_it_knows(tensorflow: Convert) -> None:
    answer = converted(tensorflow, "attention")

    assert answer["outputs"] == [["tags", "tensor(float)", ["batch", 12, 3]]]


def test_two_outputs_of_one_layer_and_an_unused_input_all_stay(tensorflow: Convert) -> None:
    answer = converted(tensorflow, "shared_output")

    assert names(answer, "inputs") == ["one", "other", "a_spare_one"]
    assert names(answer, "outputs") == ["shared", "shared_out"]


def test_a_model_of_tensorflow_1_is_converted(tensorflow: Convert) -> None:
    answer = converted(tensorflow, "of_tensorflow_1")

    assert answer["inputs"] == [["features", "tensor(float)", ["batch", 4]]]
    assert answer["outputs"] == [["class", "tensor(int64)", ["batch"]], ["scores", "tensor(float)", ["batch", 3]]]


def test_loops_and_branches_are_converted(tensorflow: Convert) -> None:
    converted(tensorflow, "functions", signatures={"serving_default": "branches"})


def test_the_default_signature_is_taken_and_an_output_called_as_its_input_gets_another_name(
    tensorflow: Convert,
) -> None:
    answer = converted(tensorflow, "functions", signatures={"serving_default": "plain", "other": "branches"})

    assert names(answer, "inputs") == ["x"]
    assert sorted(names(answer, "outputs")) == ["same", "x_out"]


def test_random_answers_are_refused_as_what_they_are(tensorflow: Convert) -> None:
    error = refusal(tensorflow, "functions", signatures={"serving_default": "guesses"})

    assert "draws no random numbers" in error["message"]


@pytest.mark.parametrize(
    ("signatures", "told"),
    [
        ({}, "it has no signature"),
        ({"one": "plain", "two": "branches"}, "its signatures are one, two"),
    ],
)
def test_a_saved_model_without_one_signature_is_refused_by_their_names(
    tensorflow: Convert, signatures: dict[str, str], told: str
) -> None:
    error = refusal(tensorflow, "functions", signatures=signatures)

    assert told in error["message"]
    assert "serving_default" in error["message"]


@pytest.mark.parametrize(
    ("model", "arguments", "operator"),
    [
        ("functions", {"signatures": {"serving_default": "reads"}}, "ReadFile"),
        ("functions", {"signatures": {"serving_default": "plain", "other": "reads"}}, "ReadFile"),
        ("functions", {"signatures": {"serving_default": "runs"}}, "PyFunc"),
        ("functions", {"signatures": {"serving_default": "saves"}}, "SaveV2"),
        ("hidden_graph", {}, "DatasetFromGraph"),
        ("tflite_of", {"function": "reads"}, "ReadFile"),
        ("tflite_under_another_name", {}, "ReadFile"),
    ],
)
def test_operators_that_reach_out_of_the_graph_are_refused_by_name(
    tensorflow: Convert, model: str, arguments: dict[str, Any], operator: str
) -> None:
    error = refusal(tensorflow, model, **arguments)

    assert error["code"] == "conversion_failed"
    assert operator in error["message"]
    assert operator in error["details"]["operators"]


def test_operators_that_onnx_lacks_are_refused_by_name_with_a_way_out(tensorflow: Convert) -> None:
    error = refusal(tensorflow, "functions", signatures={"serving_default": "cuts"})

    assert "StringSplitV2" in error["details"]["operators"]
    assert "export the part that takes tensors" in error["message"]


@pytest.mark.parametrize(
    ("model", "arguments", "told"),
    [
        ("with_code", {"suffix": "keras"}, "it holds Lambda, which is code"),
        ("with_code", {"suffix": "h5"}, "it holds Lambda, which is code"),
        ("with_own_class", {}, "shop>Doubled is no class of Keras itself"),
        ("with_download", {}, "keras.utils.get_file is no part of a Keras model"),
    ],
)
def test_a_keras_file_with_code_or_foreign_classes_is_refused_with_the_way_to_a_saved_model(
    tensorflow: Convert, model: str, arguments: dict[str, Any], told: str
) -> None:
    error = refusal(tensorflow, model, **arguments)

    assert told in error["message"]
    assert "model.export('folder')" in error["message"]


def test_an_hdf5_file_that_points_to_another_is_refused(tensorflow: Convert) -> None:
    assert "/model_weights/elsewhere is kept in another file" in refusal(tensorflow, "outside_weights")["message"]


def test_a_saved_model_without_its_variables_is_told_what_is_missing(tensorflow: Convert) -> None:
    assert "its folder variables/ is missing" in refusal(tensorflow, "without_variables")["message"]


def test_sparse_and_stateful_tflite_models_are_refused_by_name(tensorflow: Convert) -> None:
    sparse = refusal(tensorflow, "sparse_tflite")
    stateful = refusal(tensorflow, "tflite_of", function="counts")

    assert "stored sparse" in sparse["message"]
    assert "keeps variables from call to call" in stateful["message"]
    assert all("send the SavedModel or Keras model" in one["message"] for one in (sparse, stateful))


def test_a_recurrent_tflite_model_begins_anew_with_each_call(tensorflow: Convert) -> None:
    converted(tensorflow, "recurrent_tflite")


@pytest.mark.parametrize("approximate", [False, True])
def test_a_tflite_model_may_use_gelu(tensorflow: Convert, approximate: bool) -> None:
    converted(tensorflow, "gelu_tflite", approximate=approximate)


def test_labels_packed_behind_a_tflite_model_are_handed_on(tensorflow: Convert) -> None:
    assert converted(tensorflow, "labelled_tflite")["labels"] == ["hot", "cold"]


@pytest.mark.parametrize("saved", ["savedmodel", "tflite"])
def test_a_packaged_model_is_converted_with_the_names_of_its_signature(tensorflow: Convert, saved: str) -> None:
    answer = tensorflow(family="tensorflow", model="packaged", saved=saved)

    assert answer["inputs"] == [["input_2", "tensor(float)", ["batch", 43844, 1]]]
    assert sorted(names(answer, "outputs")) == ["contour", "note", "onset"]
    # Of silence it makes anything: TensorFlow itself answers otherwise for two rows than for one, by 0.02.
    assert all(one["largest_absolute"] < 0.1 for one in answer["replay"]["differences"])
