"""TensorFlow.js: a `model.json` with its weights in shards."""

from __future__ import annotations

import re

from aimass.formats.content import Content
from aimass.formats.converter import Converter

_HEAD = re.compile(rb'\s*\{\s*("format"\s*:\s*"(graph|layers)-model"|"modelTopology"\s*:)')


def _recognise(content: Content) -> str | None:
    return "tensorflowjs" if _HEAD.match(content[:512]) else None


CONVERTER = Converter(
    titles={"tensorflowjs": "a TensorFlow.js model (model.json)"},
    recognise=_recognise,
    refused={
        "tensorflowjs": "send the SavedModel or Keras model that it was made from, or convert it back with"
        " `tensorflowjs_converter --input_format=tfjs_layers_model --output_format=keras`"
    },
)
