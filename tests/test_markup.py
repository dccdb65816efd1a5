from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup_reader import read_markup

from qa.markup import Markup, escape, join, tag
from qa.text import safe_text

# A parser makes a newline of a carriage return, and drops or replaces NUL: neither is left by safe_text.
ANY_TEXT = st.text()


@given(ANY_TEXT)
def test_text_in_an_element_reads_back_as_it_was_made_safe(text: str) -> None:
    (element,) = read_markup(tag("p", text))
    assert element.text == safe_text(text)


@given(ANY_TEXT)
def test_text_in_an_attribute_reads_back_as_it_was_made_safe(text: str) -> None:
    (element,) = read_markup(tag("p", attributes={"title": text}))
    assert element.attributes == {"title": safe_text(text)}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("</p><script>alert(1)</script>", "&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('" onclick="x', "&quot; onclick=&quot;x"),
        ("' autofocus='", "&#x27; autofocus=&#x27;"),
        ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
        ("\x1b]0;owned\x07", "\ufffd]0;owned\ufffd"),
        ("a\u202eb", "a\ufffdb"),
    ],
)
def test_escape_leaves_nothing_that_acts(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_markup_within_markup_is_not_escaped_twice() -> None:
    assert tag("p", "a < ", tag("b", "b")) == "<p>a &lt; <b>b</b></p>"
    assert join(["<", tag("i", "x")], ", ") == "&lt;, <i>x</i>"
    assert isinstance(tag("p"), Markup)


@pytest.mark.parametrize(
    ("number", "written"), [(1, "1"), (1.0, "1"), (0.125, "0.12"), (2 / 3, "0.67"), (-0.001, "0"), (100.0, "100")]
)
def test_numbers_of_attributes_are_rounded(number: float, written: str) -> None:
    assert tag("line", attributes={"x1": number}) == f'<line x1="{written}"></line>'


def test_classes_come_first_and_void_elements_have_no_end() -> None:
    assert tag("p", css="a b", attributes={"id": "x"}) == '<p class="a b" id="x"></p>'
    assert tag("br") == "<br>"
