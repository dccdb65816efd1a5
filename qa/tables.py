"""A row of a Markdown table, its cells under the headings of their columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from qa.articles import Quote
from qa.split import Span

_RULE = re.compile(r"[\s|:-]+")
_MOST_ROWS = 200  # a heading is looked for so far above


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a row: its text without the blanks around it, its place in the row, and the heading above it."""

    text: str
    span: Span
    heading: str


def read_row(quote: Quote) -> tuple[Cell, ...]:
    """The cells of a quote that is one row of a table below its heading; none where it is not."""
    if not is_row(quote.text) or _RULE.fullmatch(quote.text):
        return ()
    headings = _find_headings(quote.article.text, quote.start)
    cells = _cells(quote.text)
    if len(headings) != len(cells):
        return ()
    return tuple(Cell(quote.text[slice(*span)], span, text) for span, text in zip(cells, headings, strict=True))


def _find_headings(text: str, start: int) -> list[str]:
    """The headings of the table in which a row begins at `start`, in order; none where there are none."""
    at = text.rfind("\n", 0, start) + 1
    lines: list[str] = []
    while at > 0 and len(lines) < _MOST_ROWS:
        before = text.rfind("\n", 0, at - 1) + 1
        line = text[before : at - 1]
        if not is_row(line):
            break
        lines.append(line)
        at = before
    if len(lines) < 2 or not _RULE.fullmatch(lines[-2]):
        return []
    return [lines[-1][slice(*span)] for span in _cells(lines[-1])]


def is_row(line: str) -> bool:
    """Whether a line is one of a table, its heading or the rule below that included."""
    stripped = line.strip()
    return "\n" not in stripped and stripped.startswith("|") and stripped.endswith("|") and stripped.count("|") > 2


def _cells(row: str) -> list[Span]:
    """Where the cells of a row stand, without the blanks around them; an empty cell is the blank that it has."""
    first, last = row.index("|") + 1, row.rindex("|")
    bounds = [first - 1, *(first + match.start() for match in re.finditer(r"\|", row[first:last])), last]
    return [_strip(row, left + 1, right) for left, right in pairwise(bounds)]


def _strip(row: str, start: int, end: int) -> Span:
    part = row[start:end]
    left = start + len(part) - len(part.lstrip())
    return (left, left + len(part.strip())) if part.strip() else (start, start)
