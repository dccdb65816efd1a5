"""The frame of a page that is one file and in which nothing can act: its policy, its style, its tables."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from qa.markup import Markup, join, tag
from qa.text import format_date

GROUP_TITLES = {
    "answer": "Answers",
    "citation": "Citations",
    "abstention": "Abstention and confidence",
    "retrieval": "Retrieval",
    "cost": "Cost of a case",
    "other": "Repeats and more",
}

_STYLE_FILE = Path(__file__).parent / "data" / "report.css"
# No script, no font, no image but one written into the page, no address of any kind; this one style.
_POLICY = "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'"


def render_page(title: str, body: Iterable[Markup]) -> str:
    """A page with this title and the content of its `main`, followed by a newline."""
    style = read_style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    head = tag(
        "head",
        tag("meta", attributes={"charset": "utf-8"}),
        tag("meta", attributes={"http-equiv": "Content-Security-Policy", "content": _POLICY.format(digest)}),
        tag("meta", attributes={"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        tag("meta", attributes={"name": "color-scheme", "content": "light dark"}),
        tag("meta", attributes={"name": "referrer", "content": "no-referrer"}),
        tag("title", title),
        tag("style", Markup(style)),
    )
    page = tag("html", head, tag("body", tag("main", join(body, "\n"))), attributes={"lang": "en"})
    return f"<!doctype html>\n{page}\n"


@cache
def read_style() -> str:
    """The stylesheet of every page."""
    return _STYLE_FILE.read_text(encoding="utf-8")


def section(name: str, title: str, *content: Markup) -> Markup:
    """A part of the page under a heading; `name` is where links within the page lead."""
    return tag("section", tag("h2", title), *content, attributes={"id": name})


def table(label: str, head: Sequence[Markup], bodies: Iterable[Markup], css: str) -> Markup:
    """A table that scrolls within itself where it is too wide; `label` is its name for those who cannot see it."""
    rows = tag("table", tag("thead", tag("tr", *head)), *bodies, css=css)
    attributes = {"tabindex": "0", "role": "region", "aria-label": label}
    return tag("div", rows, css="scroll", attributes=attributes)


def column(title: str, css: str = "") -> Markup:
    """The head of a column."""
    return tag("th", title, css=css, attributes={"scope": "col"})


def rows_under(title: str, note: str, columns: int, rows: Iterable[Markup]) -> Markup:
    """Rows of a table under a heading of their own."""
    attributes: dict[str, str | float] = {"scope": "rowgroup", "colspan": columns}
    head = tag("th", title, tag("span", note, css="note") if note else "", attributes=attributes)
    return tag("tbody", tag("tr", head, css="group"), join(rows, "\n"))


def definitions(pairs: Iterable[tuple[str, str]], css: str) -> Markup:
    """Names with what is said of each; empty ones are left out."""
    items = [tag("div", tag("dt", name), tag("dd", said)) for name, said in pairs if said]
    return tag("dl", *items, css=css)


def badge(text: str, css: str) -> Markup:
    """A word that is seen at once: `good`, `bad` or `plain`."""
    return tag("span", text, css=f"badge {css}")


def quoted(text: str, css: str = "") -> Markup:
    """A text of an article or a model, set apart so that its direction changes nothing around it."""
    return tag("bdi", text, css=css)


def breakable(name: str) -> Markup:
    """A name of words with `_` between them, which may go on in another line after each and nowhere else."""
    return join(name.replace(" ", "\u00a0").split("_"), Markup("_<wbr>"))


def format_moment(moment: datetime) -> str:
    """A time as `5 July 2031, 09:30 UTC`."""
    there = moment.astimezone(UTC) if moment.tzinfo else moment
    return f"{format_date(there.date())}, {there:%H:%M}" + (" UTC" if moment.tzinfo else "")
