"""What was converted, or kept as it is, becomes a version."""

import hashlib
import io
from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper

from aimass.domain.errors import ConversionFailed, SampleNeeded
from aimass.formats.converters._table import table
from aimass.sandbox.limits import Limits
from aimass.usecases.import_model import Import, verify
from aimass.usecases.import_results import ConvertedModel
from aimass.usecases.register_model import register
from tests.unit.sandbox.graphs import model, value
from tests.unit.usecases.converting import FAR


def test_a_converted_version_has_its_conversion_and_what_the_onnx_file_says(place, index):
    at = place(accept_drift=True)
    pixels = [f"pixel {number}" for number in range(64)]
    at.leave_model([FAR], labels=[f"class {number}" for number in range(10)], describes=table(pixels))
    converted = at.collect()
    work = Import(at.registry, at.artifacts, index)
    limits = Limits(seconds=60, memory_bytes=4 << 30, file_bytes=1 << 30)
    verified = verify(work, "t", at.job.id, at.identified, converted, limits, 5)
    version = register(at.registry, index, "t", at.job.id, at.identified, converted, verified)
    assert version == at.registry.get_version("t", "m", 1)
    assert (version.state, version.format, version.framework) == ("ready", "xgboost-json", "XGBoost 3.1")
    assert (version.opset["ai.onnx.ml"], version.parameter_count) == (1, 3621)
    assert version.variant().files == converted.model
    assert version.source == at.identified.source
    assert version.conversion == converted.conversion
    assert [column.name for column in version.description.table.columns] == pixels
    assert version.class_names == tuple(f"class {number}" for number in range(10))
    assert converted.model.files[0].sha256 in version.digests


def encoder():
    """Takes three words and refuses any other, as OneHotEncoder() of scikit-learn does."""
    words = ["Oslo", "Rome", "New York"]
    one = helper.make_node("OneHotEncoder", ["town"], ["hot"], domain="ai.onnx.ml", cats_strings=words, zeros=0)
    flat = helper.make_node("Flatten", ["hot"], ["y"])
    inputs, outputs = value("town", ["n", 1], TensorProto.STRING), value("y", ["n", 3])
    return model([one, flat], [inputs], [outputs], opset={"": 17, "ai.onnx.ml": 1}).SerializeToString()


def left(at, name, body):
    at.leave(name, body)
    return {"path": name, "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}


def verified_with(at, index, beside):
    at.leave_model(files=[left(at, "model.onnx", encoder())], labels=[], describes={}, beside=beside)
    at.leave("model.onnx", encoder())
    converted = at.collect()
    work = Import(at.registry, at.artifacts, index)
    limits = Limits(seconds=60, memory_bytes=4 << 30, file_bytes=1 << 30)
    return converted, verify(work, "t", at.job.id, at.identified, converted, limits, 5)


def test_words_that_nobody_else_knows_are_measured_on_a_sample_that_the_conversion_left(place, index):
    at = place()
    rows = io.BytesIO()
    np.savez(rows, town=np.array([["Rome"]]))
    converted, verified = verified_with(at, index, [left(at, "sample.npz", rows.getvalue())])
    assert verified.outputs[0].shape == (-1, 3)
    version = register(at.registry, index, "t", at.job.id, at.identified, converted, verified)
    assert version.sample == converted.sample  # verified again it needs it too
    assert version.sample.sha256 in version.digests


def test_a_job_of_an_order_without_a_place_for_a_sample_left_none(place, index):
    at = place()
    with pytest.raises(SampleNeeded):
        verified_with(at, index, [])


def test_what_is_no_onnx_model_is_no_conversion(place, index):
    at = place()
    at.leave_model()
    converted = replace(at.collect(), model=at.identified.model)
    work = Import(at.registry, at.artifacts, index)
    limits = Limits(seconds=60, memory_bytes=4 << 30, file_bytes=1 << 30)
    with pytest.raises(ConversionFailed, match="wrote no ONNX model: no model found"):
        verify(work, "t", at.job.id, at.identified, converted, limits, 5)


def test_what_is_kept_as_it_is_becomes_a_stored_version(place, index):
    at = place()
    identified = replace(at.identified, format="gguf", environment=None, stored=True, parameter_count=7)
    version = register(at.registry, index, "t", at.job.id, identified, ConvertedModel(None), None)
    assert version == at.registry.get_version("t", "m", 1)
    assert (version.state, version.kept, version.variants) == ("stored", identified.model, ())
    assert (version.format, version.parameter_count, version.facts) == ("gguf", 7, {"trees": 5})
    assert at.registry.get_job("t", at.job.id).state == "succeeded"
    for sha256 in version.digests:
        assert index.references("t", sha256) == [("m", 1)]
