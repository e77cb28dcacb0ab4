from __future__ import annotations

import unicodedata
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from aimass.compression.report.markup import Html, cut, element, joined, name, shown

ANY = st.text(alphabet=st.characters(codec=None))


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


@given(ANY)
def test_whatever_a_text_holds_it_stays_text(text: str) -> None:
    html = element("p", text, title=shown(text, 50))
    html.encode()
    assert read(html).tags == ["p"]
    assert read(html).text == shown(text, 400)


def test_markup_in_a_name_is_shown_and_not_run() -> None:
    html = name("</script><script>alert(1)</script>\"'")
    assert read(html).tags == ["bdi"]
    assert "<script" not in html


def test_markup_made_here_is_kept() -> None:
    assert joined(Html("<b>1</b>"), "<", None) == "<b>1</b>&lt;"


@given(ANY)
def test_nothing_invisible_and_nothing_that_turns_text_round_is_left(text: str) -> None:
    kinds = {unicodedata.category(letter) for letter in shown(text, 100)}
    assert not kinds & {"Cc", "Cf", "Cs", "Co", "Cn"}


def test_a_mark_that_turns_text_round_is_shown_by_its_number() -> None:
    assert shown("a\u202eb", 10) == "a\\u202eb"


def test_marks_do_not_pile_up() -> None:
    assert len(shown("e" + "\u0301" * 50, 80)) == 4


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    found = cut("begin" + "x" * 10_000 + "end", 30)
    assert len(found) == 30
    assert found.startswith("begin")
    assert found.endswith("end")


def test_attributes_are_escaped_and_spelt_as_html_has_them() -> None:
    found = element("line", stroke_width=2, class_='a"b', x=None)
    assert found == '<line stroke-width="2" class="a&quot;b"></line>'
