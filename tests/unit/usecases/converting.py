"""A job at its conversion, over a registry and stores in process."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from aimass.adapters.aws.conversions import S3ConversionFiles
from aimass.domain.conversion import Difference
from aimass.domain.files import ModelFiles
from aimass.domain.ports import PageRequest
from aimass.domain.tenants import Limits as TenantLimits
from aimass.usecases.collect_conversion import Collected, collect_conversion
from aimass.usecases.import_results import IdentifiedModel, OrderedConversion
from aimass.usecases.order_conversion import Conversions, JobLimits, order_conversion
from aimass.usecases.uploads import NewVersion, reserve

DIGITS = Path("examples/digits/digits.onnx").read_bytes()
CLOSE = Difference("probabilities", "FP32", 1e-7, 2e-7, 1.0, 1e-5, 1e-4, True)
FAR = replace(CLOSE, largest_absolute=0.25, largest_relative=0.5, agreement=0.9, within=False)
LIMITS = JobLimits(seconds=60, memory_mb=1000, disk_mb=2000)


class Place:
    """A job at its conversion, of a model of two files with a tokenizer beside it."""

    def __init__(self, registry, artifacts, tmp_path, client, **asked):
        self.registry, self.artifacts, self.client, self.tmp_path = registry, artifacts, client, tmp_path
        bounds = TenantLimits(bytes=10**9, models=10, jobs=10)
        waiting = reserve(registry, "t", NewVersion("m", "model.json", **asked), bounds)
        self.job = replace(waiting, state="running", attempt=2)
        registry.requeue("t", self.job, was=waiting)
        model = ModelFiles("model.json", (self.kept("vocabulary.txt", b"words"), self.kept("model.json", b"{}")))
        self.identified = IdentifiedModel(
            "xgboost-json",
            "XGBoost",
            {},
            0,
            model,
            model,
            (self.kept("tokenizer.json", b"{}"),),
            "trees",
            facts={"trees": 5},
        )
        self.folder = f"conversions/t/{self.job.id}/2"
        self.files = S3ConversionFiles(client, "uploads")

    def kept(self, path, body):
        source = self.tmp_path / "given"
        source.write_bytes(body)
        return self.artifacts.put_file("t", path, source)

    def order(self, environments=("trees",)):
        at = Conversions(
            self.registry, self.artifacts, self.files, frozenset(environments), lambda one: f"make {one}", LIMITS
        )
        return order_conversion(at, "t", self.job.id, self.identified)

    def leave(self, name, body):
        self.client.put_object(Bucket="uploads", Key=f"{self.folder}/{name}", Body=body)

    def leave_model(self, differences=(CLOSE,), announced=None, rows=256, seconds=1.5, **changes):
        self.leave("model.onnx", DIGITS)
        digest = announced or hashlib.sha256(DIGITS).hexdigest()
        replay = {"samples": "generated", "rows": rows, "expected": False}
        replay["differences"] = [vars(one) for one in differences]
        result = {
            "converted": {
                "main": "model.onnx",
                "files": [{"path": "model.onnx", "sha256": digest, "size": len(DIGITS)}],
                "framework": "XGBoost 3.1",
                "labels": ["none", "some"],
                "describes": {"input": {"table": {"columns": [{"name": "age"}]}}},
                "notes": ["a note"],
            }
            | changes,
            "conversion": {
                "seconds": seconds,
                "memory_bytes": 300 << 20,
                "tools": {"onnxmltools": "1.14"},
                "scan": "nothing found",
                "isolation": "shut off by seccomp",
                "replay": replay,
                "examples": [{"row": 3}],
            },
        }
        self.leave("result.json", json.dumps(result).encode())

    def collect(self):
        at = Collected(self.registry, self.artifacts, self.files)
        return collect_conversion(
            at, "t", self.job.id, self.identified, OrderedConversion({"status": "SUCCEEDED"}, self.folder)
        )

    def log(self):
        return [line.message for line in self.registry.read_log("t", self.job.id, PageRequest()).items]
