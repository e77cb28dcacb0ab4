from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.compression.contract import Applied, Ask, Options, Pass, Profile
from aimass.compression.names import MOST_RECIPES
from aimass.compression.plan import Wish, plan
from aimass.compression.recipe import Recipe
from aimass.compression.registry import PASSES
from aimass.domain.names import MODEL_NAME

NET = Profile("convolution", {"Conv": 3, "Gemm": 1}, {"Conv": 90_000, "Gemm": 90_000}, 720_000, 17, floats=True)


def one(name: str, stage: str, options: Sequence[Options], rows: int = 0, real: bool = False) -> Pass:
    return Pass(
        name=name,
        stage=stage,  # type: ignore[arg-type]
        methods=(name,) if stage != "clean" else (),
        propose=lambda profile, ask: options,
        apply=lambda work, options: Applied(),
        rows=rows,
        real_rows=real,
    )


def passes(*given: Pass) -> Mapping[str, Pass]:
    return {each.name: each for each in (one("tidy", "clean", [{"name": "tidy"}]), *given)}


CUT = one("cut", "prune", [{"name": "cut30", "share": 0.3}, {"name": "cut50", "share": 0.5}], rows=128, real=True)
FAST = one("fast", "quantize", [{"name": "int8", "gain": [3.9, 3.0]}, {"name": "int8-tensor", "gain": [3.9, 3.0]}])
SMALL = one("small", "quantize", [{"name": "weights", "gain": [4.0, 1.0]}])


def names(profile: Profile, ask: Ask, wish: Wish, known: Mapping[str, Pass]) -> list[str]:
    return [recipe.name for recipe in plan(profile, ask, wish, known).recipes]


def test_every_recipe_cleans_first_then_prunes_at_most_once_and_quantizes_at_most_once() -> None:
    found = plan(NET, Ask(rows=500), Wish(), passes(CUT, FAST, SMALL)).recipes

    assert {tuple(stage.name for stage in recipe.stages) for recipe in found} == {
        ("tidy",),
        ("tidy", "cut"),
        ("tidy", "fast"),
        ("tidy", "small"),
        ("tidy", "cut", "fast"),
        ("tidy", "cut", "small"),
    }
    assert "cut50-int8" in {recipe.name for recipe in found}


def test_what_the_objective_asks_for_comes_first() -> None:
    known = passes(CUT, FAST, SMALL)

    assert names(NET, Ask(rows=500), Wish("size"), known)[0] == "weights"
    assert names(NET, Ask(rows=500), Wish("latency"), known)[0] == "int8"


def test_hints_for_the_planner_do_not_reach_the_pass() -> None:
    found = plan(NET, Ask(rows=500), Wish(), passes(CUT, FAST)).recipes
    options = {recipe.name: recipe.stages[-1].options for recipe in found}

    assert options["int8"] == {}
    assert options["cut50"] == {"share": 0.5}


def test_a_pass_that_has_too_few_rows_is_left_out_with_the_number_needed() -> None:
    made = plan(NET, Ask(rows=60), Wish(), passes(CUT, FAST))

    assert all("cut" not in recipe.name for recipe in made.recipes)
    assert made.left_out["cut"] == "It needs 128 rows for calibration, and there are 60."


def test_made_up_rows_do_not_count_where_real_ones_are_needed() -> None:
    made = plan(NET, Ask(rows=500, made_up=True), Wish(), passes(CUT))

    assert [recipe.name for recipe in made.recipes] == ["tidy"]
    assert made.left_out["cut"] == "It needs 128 real rows, and there are none."


def test_only_methods_that_are_asked_for_are_tried() -> None:
    made = plan(NET, Ask(rows=500), Wish(methods=("fast",)), passes(CUT, FAST, SMALL))

    assert [recipe.name for recipe in made.recipes] == ["int8", "int8-tensor"]
    assert set(made.left_out) == {"cut", "small"}


def test_of_a_pass_with_several_methods_only_what_is_meant_by_those_asked_for_is_tried() -> None:
    packed = Pass(
        "packed",
        "quantize",
        ("eight", "four"),
        lambda profile, ask: [{"name": "q8", "methods": ["eight"]}, {"name": "q4", "methods": ["four"], "bits": 4}],
        lambda work, options: Applied(),
    )
    known = passes(packed)

    assert names(NET, Ask(), Wish(methods=("eight",)), known) == ["q8"]
    assert names(NET, Ask(), Wish(methods=("four",)), known) == ["q4"]
    assert {"q8", "q4"} <= set(names(NET, Ask(), Wish(), known))
    assert plan(NET, Ask(), Wish(methods=("four",)), known).recipes[0].stages[-1].options == {"bits": 4}


def test_a_pass_is_not_tried_behind_one_that_does_its_work() -> None:
    known = passes(replace(CUT, includes=("small",)), SMALL)

    assert set(names(NET, Ask(rows=500), Wish(), known)) == {"tidy", "weights", "cut30", "cut50"}


def test_nobody_who_asks_for_eight_bits_gets_four() -> None:
    net = Profile("matmul", {"MatMul": 3}, {"MatMul": 166_400}, 670_003, 16, floats=True)

    made = plan(net, Ask(rows=500, labels=True), Wish(methods=("int8",)), PASSES)

    assert made.recipes
    assert not [recipe for recipe in made.recipes if "int4" in recipe.name]
    assert made.left_out["matmul_nbits"] == "It was not asked for."


def test_an_unknown_method_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="methods: magic is not known; there are cut, fast"):
        plan(NET, Ask(), Wish(methods=("fast", "magic")), passes(CUT, FAST))


def test_a_locked_model_is_left_alone_and_the_reason_said() -> None:
    locked = Profile("matmul", {}, {}, 10, 17, floats=True, locked="it is quantized already: MatMulInteger")

    made = plan(locked, Ask(rows=500), Wish(), passes(CUT, FAST))

    assert not made.recipes
    assert made.left_out == {"all": "The model is left as it is: it is quantized already: MatMulInteger."}


def test_no_more_than_the_most_recipes_are_tried_and_the_others_are_named() -> None:
    many = one("many", "quantize", [{"name": f"q{at}"} for at in range(9)])

    made = plan(NET, Ask(rows=500), Wish(), passes(CUT, many))

    assert len(made.recipes) == MOST_RECIPES
    assert len(made.left_out) == 3 * 10 - MOST_RECIPES
    assert all(f"{MOST_RECIPES} recipes are tried at most" in reason for reason in made.left_out.values())


def test_proposals_of_one_name_get_their_passes_names() -> None:
    other = one("other", "quantize", [{"name": "int8"}])

    assert {"int8", "int8.other"} <= set(names(NET, Ask(rows=500), Wish(), passes(FAST, other)))


@given(
    kind=st.sampled_from(["convolution", "matmul", "trees", "recurrent", "other"]),
    rows=st.sampled_from([0, 64, 128, 512]),
    made_up=st.booleans(),
    labels=st.booleans(),
    target=st.sampled_from(["lambda-x86", "gpu"]),
    objective=st.sampled_from(["size", "latency", "balanced"]),
)
def test_the_real_passes_give_recipes_with_names_that_variants_can_have(
    kind: str, rows: int, made_up: bool, labels: bool, target: str, objective: str
) -> None:
    weights = {"Conv": 200_000, "MatMul": 200_000, "Gemm": 200_000, "TreeEnsembleClassifier": 50_000}
    profile = Profile(kind, dict.fromkeys(weights, 2), weights, 2_600_000, 17, floats=True)  # type: ignore[arg-type]
    ask = Ask(target, rows, made_up, labels)  # type: ignore[arg-type]

    found = plan(profile, ask, Wish(objective), PASSES).recipes  # type: ignore[arg-type]

    assert found == plan(profile, ask, Wish(objective), PASSES).recipes  # type: ignore[arg-type]
    assert len({recipe.name for recipe in found}) == len(found) <= MOST_RECIPES
    assert all(re.fullmatch(MODEL_NAME, f"{recipe.name}-mixed") for recipe in found)
    assert all(recipe.stages[0].name == "clean" for recipe in found)
    assert all(Recipe.from_json(recipe.to_json()) == recipe for recipe in found)
