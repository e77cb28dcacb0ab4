from __future__ import annotations

from aimass.compression.report.layers import MOST_LAYERS, stages_of
from tests.unit.compression.report.written import candidate


def test_a_layer_has_what_was_said_of_it_and_its_share() -> None:
    stage = stages_of(candidate("a", layers=["conv: one", "fc"])["compressed"])[1]
    assert stage["layers"][0] == {"name": "conv: one", "got": "8 bits", "share": 0.5}
    assert (stage["pass"], stage["options"]) == ("int8_static", {"per_channel": True})


def test_layers_that_were_left_or_repaired_are_told_though_they_are_no_units() -> None:
    notes = ["conv: 8 bits", "last: left in 32 bits", "next: error 0.2 -> 0.1", "Divergence: 0.3 bare.", "5% removed"]
    stage = stages_of(candidate("a", layers=["conv"], notes=notes)["compressed"])[1]
    told = {layer["name"]: layer["got"] for layer in stage["layers"]}
    assert told == {"conv": "8 bits", "last": "left in 32 bits", "next": "repaired, error 0.2 -> 0.1"}
    assert stage["notes"] == ["Divergence: 0.3 bare.", "5% removed"]


def test_a_layer_that_the_repair_spared_says_so() -> None:
    made = candidate("a", layers=["conv"], options={"spare": ["fc", "own"]})["compressed"]
    stage = stages_of(made, ["fc"])[1]
    told = {layer["name"]: layer["got"] for layer in stage["layers"]}
    assert told["fc"] == "spared by the repair: it cost the most"
    assert told["own"] == "spared by its options"
    assert "spare" not in stage["options"]


def test_there_are_only_so_many_layers_and_the_rest_is_counted() -> None:
    made = candidate("a", layers=[f"layer{at}" for at in range(MOST_LAYERS + 7)])["compressed"]
    stage = stages_of(made)[1]
    assert (len(stage["layers"]), stage["layers_left_out"]) == (MOST_LAYERS, 7)
