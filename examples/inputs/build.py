"""Makes the files that docs/predict.md sends: four small models and an input of every kind.

Run it with the tests' environment: `.venv/bin/python examples/inputs/build.py`. Prints the accuracy on held-out rows of
the models that have some.
"""

from __future__ import annotations

import base64
import io
import json
import tarfile
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from skl2onnx import to_onnx
from skl2onnx.common.data_types import StringTensorType
from sklearn.datasets import load_digits, load_iris
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

HERE = Path(__file__).parent
GOOD = ["meeting at noon", "see you at lunch", "the report is ready", "thanks for the notes"]
BAD = ["win money now", "cheap pills now", "you win a prize", "claim your money prize"]
DIGITS = """\
aimass: 1
labels: [zero, one, two, three, four, five, six, seven, eight, nine]
input:
  image:
    color: gray
    resize: {height: 8, width: 8, interpolation: box}
    scale: 0.06274509803921569   # 16 / 255: the model was trained on 0 to 16
output:
  activation: softmax
  top_k: 3
"""
FLOWERS = """\
aimass: 1
labels: [setosa, versicolor, virginica]
input:
  table:
    columns:
      - {name: sepal length}
      - {name: sepal width}
      - {name: petal length}
      - {name: petal width, missing: 1.2}
output:
  output: probabilities
"""


def main() -> None:
    digits()
    flowers()
    spam()
    people()


def digits() -> None:
    """Handwritten digits as pictures: a linear classifier of 8 x 8 gray pixels, and a picture to send."""
    pixels, classes = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(pixels, classes, random_state=0, test_size=0.3)
    fitted = LogisticRegression(max_iter=2000, C=0.05).fit(train_x, train_y)
    print(f"digits: {fitted.score(test_x, test_y):.4f} of {len(test_y)}")
    weights = [
        numpy_helper.from_array(fitted.coef_.T.astype(np.float32), "weights"),
        numpy_helper.from_array(fitted.intercept_.astype(np.float32), "bias"),
    ]
    nodes = [
        helper.make_node("Flatten", ["picture"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["scores"]),
    ]
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 1, 8, 8])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 10])
    graph = helper.make_graph(nodes, "digits", [picture], [scores], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    bundle("digits.tar.gz", model.SerializeToString(), DIGITS)
    eight, two = (next(row for row, digit in zip(test_x, test_y, strict=True) if digit == wanted) for wanted in (8, 2))
    for name, row in (("eight.png", eight), ("two.png", two)):
        small = Image.fromarray((row.reshape(8, 8) * 15.9375).astype(np.uint8))
        small.resize((64, 64), Image.Resampling.NEAREST).save(HERE / name)
    np.save(HERE / "digits.npy", np.stack([eight, two]).reshape(2, 1, 8, 8).astype(np.float32))
    encoded = base64.b64encode((HERE / "eight.png").read_bytes()).decode()
    request = {"model_name": "digits", "version": None, "input_format": "image", "compress": None, "data": encoded}
    (HERE / "eight.json").write_text(json.dumps(request) + "\n")


def flowers() -> None:
    """Iris, with named columns."""
    features, classes = load_iris(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(features, classes, random_state=0, test_size=0.3)
    fitted = LogisticRegression(max_iter=500).fit(train_x, train_y)
    print(f"flowers: {fitted.score(test_x, test_y):.4f} of {len(test_y)}")
    model = to_onnx(fitted, train_x[:1].astype(np.float32), options={"zipmap": False}, target_opset=17)
    bundle("flowers.tar.gz", model.SerializeToString(), FLOWERS)
    (HERE / "flowers.csv").write_text(
        "sepal length,sepal width,petal length,petal width\n5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n"
    )


def spam() -> None:
    """Texts, as strings into the model. Nothing describes it."""
    words = CountVectorizer(lowercase=False, token_pattern="[a-zA-Z]+")  # noqa: S106  # no password
    pipeline = make_pipeline(words, LogisticRegression()).fit(GOOD + BAD, ["ham"] * 4 + ["spam"] * 4)
    model = to_onnx(pipeline, initial_types=[("text", StringTensorType([None]))], options={"zipmap": False})
    (HERE / "spam.onnx").write_bytes(model.SerializeToString())
    (HERE / "mail.txt").write_text("win a prize now")


def people() -> None:
    """Two inputs of one column each: their sum."""
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1]) for name in ("age", "visits")]
    total = helper.make_tensor_value_info("total", TensorProto.FLOAT, ["n", 1])
    graph = helper.make_graph([helper.make_node("Add", ["age", "visits"], ["total"])], "people", inputs, [total])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (HERE / "people.onnx").write_bytes(model.SerializeToString())
    (HERE / "people.csv").write_text("visits,age\n2,30\n3,40.5\n")
    np.savez(HERE / "people.npz", age=np.float32([[30], [40.5]]), visits=np.float32([[2], [3]]))


def bundle(name: str, model: bytes, description: str) -> None:
    """A model with its description, as one archive."""
    with tarfile.open(HERE / name, "w:gz") as archive:
        for path, data in (("model.onnx", model), ("aimass.yaml", description.encode())):
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    main()
