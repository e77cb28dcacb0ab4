from __future__ import annotations

from pathlib import Path

from aimass.formats.registry import CONVERTERS

PAGE = (Path(__file__).parents[3] / "docs/import.md").read_text()


def test_the_page_names_every_format_that_is_refused_with_what_to_do() -> None:
    for converter in CONVERTERS:
        for name, remedy in converter.refused.items():
            assert f"| {converter.titles[name]} | {remedy} |" in PAGE
