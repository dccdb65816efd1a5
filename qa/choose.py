"""Which words of a sentence are the short answer: the span found by rule or the one that was read, trimmed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.question import Question
from qa.span import Sentence, find_names, trim, with_whole_figures
from qa.split import Span

_ASKS_SEVERAL = re.compile(r"\b(?:which|what|who)\b[\w ]*?\b(?:two|three|four|five)\b", re.IGNORECASE)
_GOES_ON = re.compile(r",? (?:and|or) |, ")
_LIST = re.compile(r", .*\band\b")
_JOINS_NAMES = re.compile(r",? (?:and|or|&) |, ")


def choose_span(asked: Question, sentence: Sentence, by_rule: Span | None, read: Span | None) -> Span | None:
    """The span of a sentence that answers: by rule where a figure or a date is asked for, else what was read, trimmed.

    Trimmed: whole words, figures and names, several of a list where several are asked for, no marks around.
    """
    wants_figure = asked.wants_figure or asked.kind == "date"
    if read is None or (by_rule and (wants_figure or _is_fuller(asked, sentence.text, by_rule, read))):
        return by_rule
    start, end = with_whole_figures(sentence, _with_whole_words(sentence, read))
    names = [span for span, _ in find_names(sentence)]
    for left, right in names:
        if left < end and start < right:
            start, end = min(start, left), max(end, right)
    if _ASKS_SEVERAL.search(asked.text):
        start, end = _with_whole_list(sentence.text, names, (start, end))
    return trim(sentence.text, start, end) or by_rule


def _is_fuller(asked: Question, text: str, by_rule: Span, read: Span) -> bool:
    """Whether the span by rule is a list that what was read begins, or the name in what was read."""
    if by_rule[0] <= read[0] and read[1] <= by_rule[1]:
        rest = text[read[1] : by_rule[1]]
        return bool(_GOES_ON.match(rest) or _LIST.search(rest))
    is_name = asked.kind in ("person", "place") and not _ASKS_SEVERAL.search(asked.text)
    return is_name and read[0] <= by_rule[0] and by_rule[1] <= read[1]


def _with_whole_list(text: str, names: Sequence[Span], span: Span) -> Span:
    """The span with the names beside it that a comma or "and" joins to it."""
    start, end = span
    for left, right in names:
        if left >= end and _JOINS_NAMES.fullmatch(text[end:left]):
            end = right
    for left, right in reversed(names):
        if right <= start and _JOINS_NAMES.fullmatch(text[right:start]):
            start = left
    return start, end


def _with_whole_words(sentence: Sentence, span: Span) -> Span:
    cut = [word for word in sentence.words if word.start < span[1] and span[0] < word.end]
    return min([span[0], *(word.start for word in cut)]), max([span[1], *(word.end for word in cut)])
