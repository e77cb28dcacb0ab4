"""Runs untrusted model files in a confined child process: what the states identify, convert and verify do.

`identify.identify_folder`, `convert.convert_folder` and `verify.verify_folder` are the way in. Everything under `tasks`
runs in the child only, and is the only place here that imports onnx, onnxruntime or numpy.
"""
