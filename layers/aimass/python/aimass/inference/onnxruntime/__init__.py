"""ONNX Runtime on the CPU, as predictions and the sandbox use it alike."""

import os

# Since 1.31 the Linux wheel reports usage to Microsoft: a database under the home folder, a thread that sends it. The
# runtime reads this when it is imported, so it is set before any module here does that.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
