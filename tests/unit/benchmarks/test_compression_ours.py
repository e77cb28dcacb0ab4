from pathlib import Path

from aimass.compression.result import loss_to_json
from aimass.compression.statistics import Loss
from aimass.compression.steps.folder import Folder
from benchmarks.compression.ours import published

LOSS, OTHER = Loss(0.002, 0.004, 0.0, 0.9875, 700), Loss(0.1, 0.2, 0.0, 0.9875, 700)
CHOSEN = {
    "verdicts": {
        "int8": {"verdict": "chosen", "reason": "It is proven."},
        "clean": {"verdict": "rejected", "reason": "It is not faster."},
        "fp16": {"verdict": "not asked", "reason": "Others promise more."},
    },
    "held_out": {"int8": {"metrics": {"accuracy": {"loss": loss_to_json(OTHER)}, "auc": {"loss": loss_to_json(LOSS)}}}},
}


def test_only_what_is_proven_is_published_with_its_loss_of_the_budgets_metric():
    (one,) = published(Folder(Path("job")), CHOSEN, {"auc_drop": 0.005})
    assert (one.name, one.verdict, one.held_out) == ("int8", "chosen", LOSS)
    assert one.path == Path("job/candidates/int8/model.onnx")
