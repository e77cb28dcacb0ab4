"""PyTorch programs and Hugging Face folders become ONNX models that answer as they do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.converters
Convert = Callable[..., dict[str, Any]]

_IDS = [[name, "tensor(int64)", ["batch", "sequence"]] for name in ("input_ids", "attention_mask", "token_type_ids")]
_CLASSES = [["logits", "tensor(float)", ["batch", 2]]]
_PICTURES = [["pixel_values", "tensor(float)", ["batch", 3, 224, 224]]]
#: Inputs and outputs of the ONNX model, by the model.
SHAPES: dict[str, tuple[list[Any], list[Any]]] = {
    "digits_pt2": ([["image", "tensor(float)", ["batch", 1, 8, 8]]], [["output", "tensor(float)", ["batch", 10]]]),
    "digits_pt2_of_a_gpu": (
        [["image", "tensor(float)", ["batch", 1, 8, 8]]],
        [["output", "tensor(float)", ["batch", 10]]],
    ),
    "digits_pt2_of_one": ([["image", "tensor(float)", [1, 1, 8, 8]]], [["output", "tensor(float)", [1, 10]]]),
    "digits_traced": ([["image", "tensor(float)", ["batch", 1, 8, 8]]], [["output", "tensor(float)", ["batch", 10]]]),
    "pooled_scripted": (
        [["image", "tensor(float)", ["batch", 3, "image_2", "image_2"]]],
        [["output", "tensor(float)", ["batch", 4]]],
    ),
    "texts_pt2": (
        [["ids", "tensor(int64)", ["batch", "ids_1"]], ["mask", "tensor(int64)", ["batch", "ids_1"]]],
        [
            ["logits", "tensor(float)", ["batch", 3]],
            ["tokens_0", "tensor(float)", ["batch", "ids_1", 8]],
            ["tokens_1", "tensor(float)", ["batch", 8]],
        ],
    ),
    "texts_traced": (
        [["ids", "tensor(int64)", ["batch", "ids_1"]], ["mask", "tensor(int64)", ["batch", "ids_1"]]],
        [["output_0", "tensor(float)", ["batch", 3]], ["output_1", "tensor(float)", ["batch", "ids_1", 8]]],
    ),
    "keyed_traced": (
        [["row", "tensor(float)", ["batch", "row_1"]]],
        [["double", "tensor(float)", ["batch", "row_1"]], ["sum", "tensor(float)", ["batch"]]],
    ),
    "chosen_pt2": (
        [["rows", "tensor(float)", [5, 3]]],
        [["output", "tensor(float)", ["output_0", 3]]],
    ),
    "attention_traced": (
        [["ids", "tensor(int64)", ["batch", "ids_1"]], ["mask", "tensor(int64)", ["batch", "ids_1"]]],
        [["output", "tensor(float)", ["batch", 3]]],
    ),
    "guarded_pt2": (
        [["row", "tensor(float)", ["batch", 4]], ["scale", "tensor(float)", ["batch", 1]]],
        [["output", "tensor(float)", ["batch", 2]]],
    ),
    "ccexam_pt2": ([["input", "tensor(float)", ["batch", 1, 28, 28]]], [["output", "tensor(float)", ["batch", 10]]]),
    "minilm": (_IDS, [["sentence_embedding", "tensor(float)", ["batch", 384]]]),
    "bert_classifier": (_IDS, _CLASSES),
    "bert_checkpoint": (_IDS, _CLASSES),
    "bert_tagger": (_IDS, [["logits", "tensor(float)", ["batch", "sequence", 5]]]),
    "bert_encoder": (_IDS, [["last_hidden_state", "tensor(float)", ["batch", "sequence", 32]]]),
    "bert_pickled": (_IDS, _CLASSES),
    "bert_bfloat16": (_IDS, _CLASSES),
    "roberta_classifier": (_IDS, _CLASSES),
    "electra_classifier": (_IDS, _CLASSES),
    "deberta_classifier": (_IDS[:2], _CLASSES),
    "distilbert_classifier": (_IDS[:2], _CLASSES),
    "mpnet_encoder": (_IDS[:2], [["last_hidden_state", "tensor(float)", ["batch", "sequence", 32]]]),
    "t5": (_IDS[:2], [["last_hidden_state", "tensor(float)", ["batch", "sequence", 32]]]),
    "vit_digits": (
        [["pixel_values", "tensor(float)", ["batch", 1, 8, 8]]],
        [["logits", "tensor(float)", ["batch", 10]]],
    ),
    "resnet_classifier": (_PICTURES, _CLASSES),
    "convnext_classifier": (_PICTURES, _CLASSES),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_onnx_model_answers_as_the_original_in_all_its_sizes(torch: Convert, name: str) -> None:
    answer = torch(family="torch", model=name)

    assert "error" not in answer, answer["error"]
    assert (answer["inputs"], answer["outputs"]) == SHAPES[name]
    differences = answer["replay"]["differences"]
    assert len(differences) == len(answer["outputs"])
    assert all(one["within"] for one in differences), differences
    assert answer["replay"]["rows"] >= 10


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("digits_pt2", 0.9),
        ("digits_traced", 0.9),
        ("bert_classifier", 0.95),
        ("bert_checkpoint", 0.95),
        ("vit_digits", 0.7),
    ],
)
def test_a_trained_model_is_as_accurate_as_before(torch: Convert, name: str, least: float) -> None:
    before, after = torch(family="torch", model=name)["accuracy"]

    assert before >= least
    assert after == before


def test_class_names_come_from_the_configuration(torch: Convert) -> None:
    assert torch(family="torch", model="bert_classifier")["labels"] == ["fewer", "more"]


@pytest.mark.parametrize(
    ("name", "changes", "activation"),
    [
        ("bert_classifier", {}, "softmax"),
        ("bert_classifier", {"problem_type": "single_label_classification"}, "softmax"),
        ("bert_classifier", {"problem_type": "multi_label_classification"}, "sigmoid"),
        ("bert_classifier", {"problem_type": "regression"}, "none"),
        ("vit_digits", {}, "softmax"),
    ],
)
def test_what_makes_probabilities_of_scores_comes_from_the_configuration(
    torch: Convert, name: str, changes: dict[str, Any], activation: str
) -> None:
    answer = torch(family="torch", model=name, **changes)

    assert answer["describes"] == {"output": {"output": "logits", "activation": activation}}


@pytest.mark.parametrize("name", ["bert_number", "bert_tagger", "bert_encoder"])
def test_what_answers_no_classes_for_a_row_is_not_described_as_if_it_did(torch: Convert, name: str) -> None:
    answer = torch(family="torch", model=name)

    assert answer["describes"] == {}


def test_sentence_transformers_cuts_texts_and_so_does_the_description(torch: Convert) -> None:
    assert torch(family="torch", model="minilm")["describes"] == {"input": {"text": {"max_length": 256}}}


def test_a_tokenizer_is_made_of_a_vocabulary(torch: Convert) -> None:
    answer = torch(family="torch", model="bert_words")

    assert answer["beside"] == ["tokenizer.json"]
    assert answer["notes"] == ["tokenizer.json was made of vocab.txt, so that texts can be sent as they are"]


@pytest.mark.parametrize(
    ("vocabulary", "told"),
    [
        ("spiece.model", "of spiece.model alone none is made here: where sentencepiece is installed, AutoTokenizer"),
        ("vocab.json", "none can be made of vocab.json ("),
    ],
)
def test_a_vocabulary_that_no_tokenizer_is_made_of_says_what_to_do(torch: Convert, vocabulary: str, told: str) -> None:
    answer = torch(family="torch", model="bert_words", vocabulary=vocabulary)

    assert answer["beside"] == []
    (note,) = answer["notes"]
    assert note.startswith("it has no tokenizer.json, so texts can't be sent to it as they are")
    assert told in note


def test_quantized_modules_and_models_of_texts_and_pictures_say_what_to_send(torch: Convert) -> None:
    quantized = torch(family="torch", model="quantized_traced")["error"]
    both = torch(family="torch", model="clip")["error"]

    assert "quantized by torch.ao, which torch.onnx can't write" in quantized["message"]
    assert "takes texts and pictures together is not converted here" in both["message"]


@pytest.mark.parametrize(
    ("name", "framework"),
    [("digits_pt2", "PyTorch 2."), ("minilm", "transformers 4."), ("bert_tagger", "transformers 5")],
)
def test_the_library_that_saved_a_model_is_named_with_its_version(torch: Convert, name: str, framework: str) -> None:
    assert torch(family="torch", model=name)["framework"].startswith(framework)


def test_sentence_transformers_pooling_is_part_of_the_model(torch: Convert) -> None:
    notes = torch(family="torch", model="minilm")["notes"]

    assert notes == ["sentence_embedding is what sentence-transformers answers: mean pooling, normalisation"]


def test_half_precision_weights_are_told(torch: Convert) -> None:
    notes = torch(family="torch", model="bert_bfloat16")["notes"]

    assert notes == ["its weights are bfloat16; original and ONNX model compute in float32"]


def test_a_program_for_one_row_is_told(torch: Convert) -> None:
    (note,) = torch(family="torch", model="digits_pt2_of_one")["notes"]

    assert note.startswith("exported for batches of 1 alone")


@pytest.mark.parametrize("name", ["digits_pt2", "digits_traced"])
def test_a_module_in_training_is_refused(torch: Convert, name: str) -> None:
    error = torch(family="torch", model=name, training=True)["error"]

    assert error["code"] == "conversion_failed"
    assert "call model.eval() before torch" in error["message"]


def test_a_scripted_module_in_training_answers_as_eval_makes_it_and_says_so(torch: Convert) -> None:
    answer, evaluated = (
        torch(family="torch", model="digits_scripted", sample="given", training=training) for training in (True, False)
    )

    assert "error" not in answer, answer["error"]
    assert all(one["within"] for one in answer["replay"]["differences"])
    note = "it was saved in training mode; original and ONNX model answer as model.eval() makes them"
    assert note in answer["notes"]
    assert note not in evaluated["notes"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bfloat16_pt2", "computes in bfloat16, which the runtime does on no CPU; call model.float() before"),
        ("numbers_pt2", "answers [3] beside its tensors: answer tensors alone"),
    ],
)
def test_a_program_that_no_onnx_model_can_be_says_what_to_change(torch: Convert, name: str, words: str) -> None:
    error = torch(family="torch", model=name)["error"]

    assert error["code"] == "conversion_failed"
    assert words in error["message"]


def test_a_scripted_module_of_unusual_shapes_wants_a_sample(torch: Convert) -> None:
    error = torch(family="torch", model="digits_scripted")["error"]

    assert (error["code"], error["details"]) == ("sample_needed", {"inputs": ["image"]})


def test_a_sample_tells_the_shapes_of_a_scripted_module(torch: Convert) -> None:
    answer = torch(family="torch", model="digits_scripted", sample="given")

    assert "error" not in answer, answer["error"]
    assert answer["inputs"] == [["image", "tensor(float)", ["batch", 1, 8, 8]]]
    assert answer["replay"]["samples"] == "given"
    assert answer["replay"]["rows"] > 50
    assert all(one["within"] for one in answer["replay"]["differences"])


@pytest.mark.parametrize(
    ("name", "tensor"), [("ccexam_weights", "features.0.weight [32, 1, 3, 3]"), ("minilm_weights", "[384]")]
)
def test_weights_alone_are_refused_with_the_way_to_export_them(torch: Convert, name: str, tensor: str) -> None:
    error = torch(family="torch", model=name)["error"]

    assert error["code"] == "architecture_unknown"
    assert tensor in error["message"]
    assert "torch.export.save(program, 'model.pt2')" in error["message"]


def test_weights_of_a_known_family_are_told_of_their_configuration(torch: Convert) -> None:
    message = torch(family="torch", model="minilm_weights")["error"]["message"]

    assert "send its config.json and tokenizer beside them" in message


def test_a_pickled_module_is_refused_with_the_way_to_export_it(torch: Convert) -> None:
    error = torch(family="torch", model="whole_module")["error"]

    assert error["code"] == "unsafe_pickle"
    assert "a module's class is not in its file; send torch.export.save" in error["message"]
