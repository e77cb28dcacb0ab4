"""ONNX graphs: what reads what, which dimensions belong together, how weights are cut."""
