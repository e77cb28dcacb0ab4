"""A row that the original itself does not answer is told before any work is done."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from aimass.compression.rows import Data
from aimass.compression.splits import Splits, split
from aimass.domain.compression import CompressionCall
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from tests.unit.usecases.compressing import House

WORDS, ROWS = 50, 1_200


def embedding() -> bytes:
    """Words' numbers, [rows, 4], to scores, [rows, 3]; it has no word beyond 50."""
    random = np.random.default_rng(0)
    weights = {"table": random.standard_normal((WORDS, 8)), "w": random.standard_normal((8, 3))}
    nodes = [
        helper.make_node("Gather", ["table", "x"], ["e"]),
        helper.make_node("ReduceMean", ["e"], ["m"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["m", "w"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "words",
        [helper.make_tensor_value_info("x", TensorProto.INT64, ["N", 4])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    body: bytes = model.SerializeToString()
    return body


def words_with_an_unknown_one(part: str) -> tuple[np.ndarray, Splits, int]:
    """Rows of which one, that comes late in the part, has a word that the model does not know."""
    known = np.random.default_rng(0).integers(0, WORDS, (ROWS, 4))
    for row in range(ROWS):
        words = known.copy()
        words[row, 0] = 999
        parts = split(Data({"x": words}, seen=ROWS))
        if row in getattr(parts, part)[100:]:
            return words, parts, row
    raise AssertionError(part)


@pytest.mark.parametrize(("part", "called"), [("choosing", "rows that choose"), ("held_out", "rows that are held out")])
def test_a_row_that_the_original_does_not_answer_is_named_with_the_reason(
    tmp_path: Path, part: str, called: str
) -> None:
    words, parts, row = words_with_an_unknown_one(part)
    house = House(
        tmp_path,
        model=embedding(),
        inputs=(TensorSpec("x", "INT64", (-1, 4), "tensor(int64)"),),
        outputs=(TensorSpec("scores", "FP32", (-1, 3), "tensor(float)"),),
    )
    np.savez(house.data / "rows.npz", x=words)
    house.ask(CompressionCall(budget={"agreement": 0.9}, examples="job"))
    place = getattr(parts, part).tolist().index(row)
    told = rf"the model does not answer row {place} of the {called} \(row {row} of those that were read\): .*999"
    with pytest.raises(InvalidArguments, match=told):
        house.prepare()
    assert house.workspaces.stored == []
