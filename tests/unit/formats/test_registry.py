from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from aimass.formats.converter import Converter
from aimass.formats.recognise import unsupported
from aimass.formats.registry import CONVERTERS, by_format, converter_of


def test_every_module_of_the_package_is_found_and_answers_for_its_formats() -> None:
    assert {"xgboost-json", "pt2", "savedmodel", "gguf", "huggingface", "coreml"} <= by_format(CONVERTERS).keys()
    assert all(converter_of(name) is converter for converter in CONVERTERS for name in converter.titles)
    assert converter_of("onnx") is None


def test_two_converters_cannot_claim_one_format() -> None:
    one = Converter({"a": "an a"})
    with pytest.raises(ValueError, match="two converters claim the format 'a'"):
        by_format((one, replace(one, remedy="another")))


def test_a_format_without_a_title_is_noticed() -> None:
    with pytest.raises(ValueError, match=r"without a title: \['b'\]"):
        by_format((Converter({"a": "an a"}, members=(("b", ("x",)),)),))


def test_what_is_neither_converted_nor_kept_is_refused_with_the_way_to_what_is() -> None:
    """A family without an environment keeps its models: of those only language models are."""
    kept = {name for one in CONVERTERS if one.environment is None for name in one.titles if name not in one.refused}
    assert kept == {"gguf", "causal-lm"}
    for converter in CONVERTERS:
        for name, remedy in converter.refused.items():
            assert f": {remedy}. Accepted: " in unsupported(name).message
            assert remedy[-1] not in ".;:"


def test_what_is_converted_says_what_to_do_where_that_fails() -> None:
    assert all(converter.remedy for converter in CONVERTERS if converter.environment)


def test_recognising_imports_no_library() -> None:
    """It runs in a function that has none of them, and in a child that opens what nobody vouches for."""
    code = "import sys, aimass.formats.recognise; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "onnx", "torch", "sklearn", "xgboost", "tensorflow", "pickle"} & {*ran.stdout.split()}
