"""What docs/compression.md says in numbers is what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from aimass.compression.budget import CONFIDENCE, parse_budget, rows_needed
from aimass.compression.choose import FASTER, MOST_FINALISTS, NOISE, SMALLER, confidence_each
from aimass.compression.data.limits import LABELS, Limits
from aimass.compression.names import MOST_RECIPES
from aimass.compression.registry import PASSES
from aimass.compression.splits import rows_for_held_out
from aimass.domain.compression import BUDGETS, METHODS
from aimass.protocols.status import STATUS
from aimass.usecases.compressed_variants import MOST_VARIANTS
from aimass.usecases.examples import MAX_BYTES, MAX_FILES
from aimass.usecases.publish_compression import MOST_COMPRESSIONS
from infra.settings import Stage

PAGE = Path("docs/compression.md").read_text()
SHOWN = [
    *({"accuracy_drop": drop} for drop in (0.05, 0.02, 0.01, 0.005, 0.002)),
    *({"agreement": share} for share in (0.95, 0.98, 0.99, 0.995)),
    *({"r2_drop": 0.01}, {"divergence": 0.02}),
]


def rows_table() -> str:
    """How many rows a budget takes, in all: `python -m tests.unit.test_compression_docs` prints it for the page."""
    lines = []
    for document in SHOWN:
        budget, (key, value) = parse_budget(document), next(iter(document.items()))
        counts = [rows_needed(budget), rows_needed(budget, confidence_each(MOST_FINALISTS))]
        changing = rows_needed(budget, CONFIDENCE, 0.01)
        cells = [f"{rows_for_held_out(count):,}" for count in (*counts, changing)]
        if not key.endswith("_drop") or key == "r2_drop":
            cells[2] = "-"
        lines.append(f"| `{key}` {value:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def test_the_rows_that_a_budget_takes_are_those_of_the_code() -> None:
    assert f"| --- | --- | --- | --- |\n{rows_table()}\n" in PAGE, f"the table is\n{rows_table()}"


@pytest.mark.parametrize("word", [*BUDGETS, *METHODS, *LABELS])
def test_every_word_that_may_be_asked_for_is_there(word: str) -> None:
    assert f"`{word}`" in PAGE or f'"{word}"' in PAGE


def test_its_limits_are_those_of_the_code() -> None:
    told = [
        f"{MAX_BYTES >> 30} GiB, {MAX_FILES:,} files",
        f"{Limits().rows:,} rows",
        f"{Limits().encoded >> 30} GiB",
        f"{MOST_RECIPES} recipes",
        f"{MOST_FINALISTS} finalists",
        f"{MOST_VARIANTS} compressed variants, {MOST_COMPRESSIONS} reports",
        f"above {Stage.compress_large_mb} MB",
        f"less than {FASTER} times faster without being {SMALLER} times smaller",
        f"slower (by {NOISE:.0%}".replace("%", " %"),
        f"{max(one.rows for one in PASSES.values())} rows of your own",
    ]
    assert [one for one in told if one not in PAGE] == []


@pytest.mark.parametrize("code", ["version_not_ready", "not_servable", "compression_running", "variant_serving"])
def test_its_statuses_are_those_of_the_table(code: str) -> None:
    (line,) = [line for line in PAGE.splitlines() if line.startswith("|") and f"`{code}`" in line]
    assert f"| {STATUS[code]} |" in line


if __name__ == "__main__":
    print(rows_table())
