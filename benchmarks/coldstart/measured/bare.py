"""What a person would run by hand: import, open the model, run it once. Prints when each was done, then CPU time."""

import sys
import time

began = time.time()

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402

imported = time.time()
session = onnxruntime.InferenceSession(sys.argv[1])
opened = time.time()
session.run(None, {"x": np.zeros((1, 1, 28, 28), np.float32)})
print(began, imported, opened, time.time(), time.process_time())
