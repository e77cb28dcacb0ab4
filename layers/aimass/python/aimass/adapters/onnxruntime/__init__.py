"""ONNX Runtime behind the data plane."""
