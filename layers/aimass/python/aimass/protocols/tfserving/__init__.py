"""TensorFlow Serving's REST API, version 1: predict and model status."""
