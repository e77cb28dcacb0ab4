"""Trains the example model: handwritten digits of scikit-learn (8x8 pixels, 0 to 16) to digit and probabilities.

Run it with the tests' environment: `.venv/bin/python examples/digits/build.py`. Prints the accuracy on held-out rows.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

HERE = Path(__file__).parent


def main() -> None:
    pixels, digits = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        pixels.astype(np.float32), digits, random_state=0, test_size=0.3
    )
    network = MLPClassifier(hidden_layer_sizes=(48,), alpha=1.0, max_iter=600, random_state=0).fit(train_x, train_y)
    model = to_onnx(network, train_x[:1], options={"zipmap": False}, target_opset=17)
    model.graph.input[0].name = model.graph.node[0].input[0] = "pixels"
    (HERE / "digits.onnx").write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(HERE / "digits.onnx")
    answers = session.run(["label"], {"pixels": test_x})[0]
    print(f"accuracy on {len(test_y)} held-out digits: {(answers == test_y).mean():.4f}")
    request = {"model_name": "digits", "input_format": "numpy array", "data": [test_x[0].astype(int).tolist()]}
    (HERE / "request.json").write_text(json.dumps(request) + "\n")
    print(f"request.json shows a {test_y[0]}")


if __name__ == "__main__":
    main()
