"""A version knows what its model calls its classes, so that the names that a description gives them are right."""

import numpy as np
import pytest

from aimass.domain.tenants import Limits as TenantLimits
from aimass.inference.classes import classify
from aimass.inference.dataplane import Prediction
from aimass.inference.onnxruntime.model import OpenModel, run_options, session_options
from aimass.sandbox.limits import Limits
from aimass.usecases.import_model import Import, identify, verify
from aimass.usecases.import_results import ConvertedModel
from aimass.usecases.register_model import register
from aimass.usecases.start_import import ArrivedObject, start_import
from aimass.usecases.uploads import NewVersion, upload_whole
from tests.unit.sandbox.graphs import INT64, model, node, value, weight

LIMITS = Limits(seconds=60, memory_bytes=4 << 30, file_bytes=1 << 30)
TENANT = TenantLimits(bytes=10**9, models=10, jobs=10)
ROWS = np.array([[0.6, 0.4], [0.2, 0.8], [0.7, 0.3]], np.float32)


def watchful(*label):
    """Takes the second class from a score of 0.35 on, not from the highest."""
    return model(
        [
            node("Gather", ["x", "second"], ["score"], axis=1),
            node("GreaterOrEqual", ["score", "threshold"], ["above"]),
            *label,
            node("Identity", ["x"], ["scores"]),
        ],
        [value("x", ["n", 2])],
        [value("label", ["n"], INT64), value("scores", ["n", 2])],
        [
            weight("second", np.array(1)),
            weight("threshold", np.float32(0.35)),
            weight("classes", np.array([1, 2])),
            weight("one", np.array(1)),
        ],
    ).SerializeToString()


FROM_0 = watchful(node("Cast", ["above"], ["label"], to=INT64))
NUMBERED = node("Cast", ["above"], ["number"], to=INT64)
FROM_1 = watchful(NUMBERED, node("Gather", ["classes", "number"], ["label"]))
UNSHOWN = watchful(NUMBERED, node("Add", ["number", "one"], ["label"]))


@pytest.fixture
def imported(registry, artifacts, index, uploads, at):
    def run(body, converted):
        new = NewVersion("m", "m.onnx", labels=("no", "yes"))
        job = upload_whole(registry, uploads, "t", new, TENANT, body)
        head = uploads._client.head_object(Bucket="uploads", Key="uploads/t/m/m.onnx")
        start_import(
            at, ArrivedObject("uploads", "uploads/t/m/m.onnx", head["VersionId"], len(body), "2026-05-01T10:00:00Z")
        )
        work = Import(registry, artifacts, index)
        identified = identify(work, uploads, "t", job.id, LIMITS)
        verified = verify(work, "t", job.id, identified, converted, LIMITS, 5)
        register(registry, index, "t", job.id, identified, converted, verified)
        return registry.get_version("t", "m", 1)

    return run


@pytest.mark.parametrize(
    ("body", "labels", "own"),
    [(FROM_0, (), ()), (FROM_1, (), ("1", "2")), (UNSHOWN, ("1", "2"), ("1", "2"))],
    ids=["from 0", "from 1", "as the converter says"],
)
def test_a_model_that_does_not_take_its_highest_column_keeps_its_answer_by_its_new_name(
    imported, tmp_path, body, labels, own
):
    version = imported(body, ConvertedModel(None, labels=labels))
    assert version.own_classes == own
    assert _answered(version, body, tmp_path).labels == ["yes", "yes", "no"]


def test_the_highest_column_is_named_where_nothing_shows_the_models_own_classes(imported, tmp_path):
    version = imported(UNSHOWN, ConvertedModel(None))
    assert version.own_classes is None
    assert _answered(version, UNSHOWN, tmp_path).labels == ["no", "yes", "no"]


def _answered(version, body, folder):
    path = folder / "model.onnx"
    path.write_bytes(body)
    values = OpenModel(path, session_options(1)).run({"x": ROWS}, run_options())
    return classify(Prediction(version, None, tuple(zip(version.outputs, values, strict=True))))
