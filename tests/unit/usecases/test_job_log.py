from dataclasses import replace

import pytest

from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.model import Measurements, TensorSpec
from aimass.usecases.import_results import IdentifiedModel, VerifiedModel
from aimass.usecases.job_log import MAX_MESSAGE, JobLog, described_identified, described_verified

FILES = ModelFiles("m.onnx", (StoredFile("m.onnx", "ab" * 32, 10), StoredFile("w.bin", "cd" * 32, 30)))
MEASURED = Measurements(load_ms=1.5, memory_bytes=17 << 20, p50_ms=0.25, p99_ms=2.0, runs=50, onnxruntime="1.31.1")
X = TensorSpec("x", "FP32", (-1, 2), "tensor(float)")
VERIFIED = VerifiedModel((X,), (X,), MEASURED, FILES, None)


class Registry:
    def __init__(self):
        self.lines = []

    def log(self, *line):
        self.lines.append(line)


@pytest.mark.parametrize("length", [0, MAX_MESSAGE, MAX_MESSAGE + 1, 10**6])
def test_a_line_is_never_longer_than_its_limit_and_says_that_it_was_cut(length):
    registry = Registry()
    JobLog(registry, "t", "j", 2, "verify").write("x" * length)
    ((*names, message),) = registry.lines
    assert names == ["t", "j", 2, "verify"]
    assert len(message) <= MAX_MESSAGE
    assert message.endswith("…") == (length > MAX_MESSAGE)


def test_files_that_were_left_out_are_named_up_to_a_few():
    found = IdentifiedModel("onnx", "pytorch 2", {}, 7, FILES, FILES)
    assert "2 files with 40 bytes, the model is m.onnx" in described_identified(found, ())
    assert "left out" not in described_identified(found, ())
    text = described_identified(found, tuple(f"f{number}" for number in range(10)))
    assert text.endswith("left out: f0, f1, f2, f3, f4, f5, f6, f7 and 2 more")


def test_what_was_measured_is_told_with_its_units_and_what_it_ran_on():
    _, measured, kept = described_verified(VERIFIED, on_sample=False)
    assert measured == (
        "ran 50 times on generated inputs with onnxruntime 1.31.1: loading took 1.5 ms, a prediction 0.25 ms (p50)"
        " and 2 ms (p99), memory 17 MB"
    )
    assert kept == "the optimised graph is kept: 40 bytes"


def test_why_no_optimised_graph_is_kept_is_told():
    found = replace(VERIFIED, optimized=None, optimized_note="it answers otherwise")
    assert described_verified(found, on_sample=True)[2] == "no optimised graph is kept: it answers otherwise"
