from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from markup_reader import pick, read_markup

from qa.html_page import (
    breakable,
    definitions,
    format_moment,
    read_style,
    render_page,
    rows_under,
    section,
    table,
)
from qa.markup import tag

SCHEMES = re.findall(r":root \{(.*?)\}", read_style(), re.DOTALL)
ON_PAPER = ("ink", "soft", "accent", "good", "bad")
PAIRS = [(front, "paper") for front in ON_PAPER] + [
    ("good", "good-paper"),
    ("bad", "bad-paper"),
    ("ink", "bad-paper"),
    ("ink", "mark"),
    ("ink", "raised"),
    ("soft", "raised"),
]


def colours(scheme: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#\w+);", scheme))


def luminance(colour: str) -> float:
    """Relative luminance, 0..1, of a colour as #rgb or #rrggbb (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(front: str, back: str) -> float:
    low, high = sorted(luminance(colour) for colour in (front, back))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("front", "back"), PAIRS)
@pytest.mark.parametrize("scheme", range(3))
def test_every_text_has_contrast_enough_in_light_dark_and_print(scheme: int, front: str, back: str) -> None:
    light, _, _ = SCHEMES
    named = colours(light) | colours(SCHEMES[scheme])
    assert contrast(named[front], named[back]) >= 4.5


def test_the_dark_scheme_is_dark_and_sets_every_colour() -> None:
    light, dark, paper = (colours(scheme) for scheme in SCHEMES)
    assert luminance(light["paper"]) > 0.8 > 0.1 > luminance(dark["paper"])
    assert luminance(paper["paper"]) == 1
    assert [name for name in light if name not in dark] == []


def test_the_style_asks_for_nothing_and_cannot_end_early() -> None:
    style = read_style()
    for word in ("url(", "@import", "@font-face", "</", "http", "expression", "\\", "\r"):
        assert word not in style


def test_the_policy_allows_this_style_and_nothing_else() -> None:
    elements = read_markup(render_page("a page", [tag("p", "x")]))
    (style,) = pick(elements, "style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    (policy,) = [e for e in pick(elements, "meta") if e.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy.attributes["content"].split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    names = [element.name for element in elements]
    assert names.index("style") > names.index("meta") + 1, "the policy comes before what it rules"


def test_a_page_says_its_encoding_first_its_language_and_its_title() -> None:
    page = render_page("a <b>", [])
    assert page.startswith('<!doctype html>\n<html lang="en"><head><meta charset="utf-8">')
    assert page.endswith("</html>\n")
    assert pick(read_markup(page), "title")[0].text == "a <b>"


def test_a_table_scrolls_within_itself_and_can_be_reached_by_keyboard() -> None:
    row = tag("tr", tag("th", "a"), tag("td", "b"))
    scroll, whole, *_ = read_markup(
        table("Measures <1>", [tag("th", "x")], [rows_under("g", "n", 2, [row])], "measures")
    )
    assert (scroll.css, scroll.attributes["tabindex"]) == (["scroll"], "0")
    assert (scroll.attributes["role"], scroll.attributes["aria-label"]) == ("region", "Measures <1>")
    assert whole.name == "table"


def test_definitions_leave_out_what_is_empty() -> None:
    elements = read_markup(definitions([("a", "1"), ("b", ""), ("c", "<3>")], "facts"))
    assert [element.text for element in elements if element.name in ("dt", "dd")] == ["a", "1", "c", "<3>"]


def test_a_section_can_be_linked_to() -> None:
    part, head = read_markup(section("cases", "All cases"))
    assert (part.name, part.attributes["id"], head.name, head.text) == ("section", "cases", "h2", "All cases")


def test_a_name_breaks_after_its_underscores_only() -> None:
    assert breakable("not_attempted ↓") == "not_<wbr>attempted\u00a0↓"
    assert breakable("<b>_x") == "&lt;b&gt;_<wbr>x"


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2031, 7, 5, 9, 30, tzinfo=UTC), "5 July 2031, 09:30 UTC"),
        (datetime(2031, 7, 5, 1, 30, tzinfo=timezone(timedelta(hours=5))), "4 July 2031, 20:30 UTC"),
        (datetime(2031, 7, 5, 9, 30), "5 July 2031, 09:30"),
    ],
)
def test_a_moment_is_said_the_same_on_every_machine(moment: datetime, said: str) -> None:
    assert format_moment(moment) == said
