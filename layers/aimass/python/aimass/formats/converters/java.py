"""What programs on the Java machine save: Weka, H2O, Spark."""

from __future__ import annotations

from aimass.formats.content import Content
from aimass.formats.converter import Converter


def _recognise(content: Content) -> str | None:
    return "java" if content[:4] == b"\xac\xed\x00\x05" else None


CONVERTER = Converter(
    titles={"java": "a serialized Java object, such as a Weka model", "h2o-mojo": "an H2O model (MOJO)"},
    recognise=_recognise,
    members=(("h2o-mojo", ("model.ini", "domains/*")), ("h2o-mojo", ("model.ini", "experimental/*"))),
    refused={
        "java": "train it again in a library that ONNX is written from, such as scikit-learn or XGBoost",
        "h2o-mojo": "export it with onnxmltools.convert_h2o, where its kind of model is known to it",
    },
)
