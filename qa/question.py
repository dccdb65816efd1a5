"""What a question asks for, read by rule: the kind of answer, its subject, and the names and figures it names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from qa.figures import Figure, find_figures
from qa.keywords import analyze, is_stop_word, question_terms

Kind = Literal["count", "amount", "share", "measure", "date", "person", "place", "reason", "thing"]

_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("thing", r"\b(meant by|mean by|mean\?|the (title|name|names) of|called)"),
        (
            "share",
            r"\b(percent|percentage|per cent|what (share|proportion|fraction)|by how much|how (fast|strong(ly)?))\b",
        ),
        ("count", r"\b(how many|what number of|(what|which) (is|was|were|are) the number of)\b"),
        (
            "measure",
            r"\bhow (big|large|long|high|tall|far|old|heavy|hot|cold|deep|wide)\b|\bhow much (\w+ )?(space|time)\b",
        ),
        (
            "measure",
            r"\b(what|which) (temperature|population|size|area|distance)\b|\bwhat (is|was) the (population|size)\b",
        ),
        (
            "amount",
            r"\bhow much\b|\bworth\b|\b(highest|lowest|total|average|combined|what|in) [\w -]*?\b(value|price|cost)\b",
        ),
        (
            "amount",
            r"\bwhat (is|was|were|are|did) .*\b(turnover|revenue|sum|total|amount|budget|salary|profits?|price)\b",
        ),
        ("amount", r"\bwhat (is|was|were|are) (the )?(average|combined|total|mean|median)\b"),
        ("amount", r"\bwhat (do|does|did) .*\b(come to|amount to|cost|earn|pay|add up to)\b"),
        (
            "date",
            r"^(since |until |by |from )?when\b|\b(what|which) (\w+ )?(year|month|months|day|date|century|decade)\b",
        ),
        ("person", r"\b(who|whom|whose)\b|\bwhat (is|was) the name of the (man|woman|person|president|minister)\b"),
        (
            "place",
            r"^where\b|\b(what|which) (\w+ )?(country|countries|city|cities|town|state|region|place|capital|continent)\b",
        ),
        (
            "reason",
            r"\bwhy\b|\bwhat .*\bfor\?*$|\b(for )?what (is|was) the (purpose|reason|aim|goal)\b|\bfor what (purpose|reason)\b",
        ),
    )
)
_FIGURE_KINDS = frozenset({"count", "amount", "share", "measure"})
_FOCUS = re.compile(r"\b(how many(?: of the| of)?|what|which|whose)\s+((?:[\w'’-]+\s+){0,3}[\w'’-]+)", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_AUXILIARY = frozenset(
    """is are was were be been being do does did has have had can could will would shall should may might must there it
    they he she we you""".split()
)
_QUESTION_WORDS = frozenset("who whom whose what which when where why how in on at by of for to from under".split())


@dataclass(frozen=True)
class Question:
    """A question and what it asks for.

    `focus` is the term of the noun that is asked for ("projects" in "how many joint projects are …"), or
    None. `names` are words written with a capital. `dates` and `figures` are those the question names.
    """

    text: str
    kind: Kind
    focus: str | None
    terms: tuple[str, ...]
    names: tuple[str, ...]
    dates: tuple[Figure, ...]
    figures: tuple[Figure, ...]

    @property
    def wants_figure(self) -> bool:
        """Whether the answer is a number of some sort."""
        return self.kind in _FIGURE_KINDS

    @cached_property
    def term_set(self) -> frozenset[str]:
        """The terms, for look-up."""
        return frozenset(self.terms)


def read_question(text: str) -> Question:
    """Read a question by rule; nothing is looked up."""
    found = find_figures(text)
    kind = next((kind for kind, pattern in _KINDS if pattern.search(text)), "thing")
    return Question(
        text=text,
        kind=kind,
        focus=_find_focus(text),
        terms=tuple(dict.fromkeys(question_terms(text))),
        names=tuple(_find_names(text, found)),
        dates=tuple(figure for figure in found if figure.kind == "date"),
        figures=tuple(figure for figure in found if figure.kind != "date"),
    )


def _find_focus(text: str) -> str | None:
    match = _FOCUS.search(text)
    if match is None:
        return None
    words: list[str] = []
    for word in match.group(2).split():
        if word.casefold() in _AUXILIARY or is_stop_word(word) or word.endswith("ed"):
            break
        words.append(word)
        if match.group(1).casefold().startswith("how many") and word.endswith("s"):
            break
    terms = analyze(words[-1]) if words else []
    return terms[-1] if terms else None


def _find_names(text: str, found: Sequence[Figure]) -> list[str]:
    names = []
    covered = [(figure.start, figure.end) for figure in found]
    for place, match in enumerate(_WORD.finditer(text)):
        if any(start <= match.start() < end for start, end in covered):
            continue
        word = re.sub(r"['’]s$", "", match.group())
        opens = place == 0 and word.casefold() in _QUESTION_WORDS | _AUXILIARY
        if word[0].isupper() and not opens and not is_stop_word(word):
            names.append(word)
    return list(dict.fromkeys(names))
