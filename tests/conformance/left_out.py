"""Backend tests that raw onnxruntime passes and the platform does not, by name, with the reason.

Each is run all the same: one that begins to pass fails the run, until it is taken off this list.
"""

from __future__ import annotations

LEFT_OUT: dict[str, str] = {}
