"""What a question asks for, read by rule: the kind of answer, its subject, and the names and figures it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Literal

from qa.figures import Figure, find_figures
from qa.keywords import analyze, is_stop_word, question_terms

Kind = Literal["count", "amount", "share", "measure", "date", "person", "place", "reason", "thing"]

_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("thing", r"\b(meant by|mean by|mean\?|the (title|name|names) of|called\?)"),
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
# "In millions of dollars" says how the answer is to be written, not what it is about.
_UNIT_TERMS = frozenset({"thousand", "million", "billion", "trillion", "dollar", "euro"})
_FIGURE_KINDS = frozenset({"count", "amount", "share", "measure"})
_FOCUS = re.compile(r"\b(how many(?: of the| of)?|what|which|whose)\s+((?:[\w'’-]+\s+){0,3}[\w'’-]+)", re.IGNORECASE)
_AVERAGE = re.compile(r"\b(?:average|mean|each|per|every)\b", re.IGNORECASE)
_WHOLE = re.compile(r"\b(?:whole|entire|full[ -]year|all of|year as a whole)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
# Someone's office is as good as a name: who is "the president" is not answered by a minister.
_OFFICES = frozenset("president minister king queen chancellor governor mayor secretary pope emperor".split())
_AUXILIARY = frozenset(
    """is are was were be been being do does did has have had can could will would shall should may might must there it
    they he she we you""".split()
)


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
    focus_names: tuple[str, ...] = ()
    counted: tuple[tuple[Figure, str], ...] = ()

    @property
    def wants_figure(self) -> bool:
        """Whether the answer is a number of some sort."""
        return self.kind in _FIGURE_KINDS

    @cached_property
    def wants_average(self) -> bool:
        """Whether an average is asked for."""
        return bool(_AVERAGE.search(self.text))

    @cached_property
    def wants_whole_year(self) -> bool:
        """Whether part of a year is no answer: "for the whole of 2022"."""
        return bool(self.dates) and bool(_WHOLE.search(self.text))

    @cached_property
    def term_set(self) -> frozenset[str]:
        """The terms, for look-up."""
        return frozenset(self.terms)


def read_question(text: str) -> Question:
    """Read a question by rule; nothing is looked up."""
    found = find_figures(text)
    focus = _find_focus(text)
    names = tuple(_find_names(text, found))
    return Question(
        text=text,
        kind=next((kind for kind, pattern in _KINDS if pattern.search(text)), "thing"),
        focus=analyze(focus[-1])[-1] if focus else None,
        terms=tuple(term for term in dict.fromkeys(question_terms(text)) if term not in _UNIT_TERMS),
        names=names,
        dates=tuple(figure for figure in found if figure.kind == "date"),
        figures=tuple(figure for figure in found if figure.kind != "date" and figure.value != 1),
        focus_names=tuple(word for word in focus if word in names),
        counted=tuple(_find_counted(text, found)),
    )


def find_counted_noun(text: str, figure: Figure) -> str | None:
    """The term of the last of the (at most three) content words right after a number, or None: what it counts."""
    nouns: list[str] = []
    last = figure.end
    for match in islice(_WORD.finditer(text, figure.end), 3):
        if text[last : match.start()].strip() or is_stop_word(match.group()):
            break
        last = match.end()
        nouns.append(match.group())
        if match.group().endswith("s"):
            break
    terms = analyze(nouns[-1]) if nouns else []
    return terms[-1] if terms else None


def _find_counted(text: str, found: Sequence[Figure]) -> Iterator[tuple[Figure, str]]:
    for figure in found:
        noun = find_counted_noun(text, figure) if figure.kind == "number" and figure.unit is None else None
        if noun:
            yield figure, noun


def _find_focus(text: str) -> list[str]:
    """The words of the noun phrase asked for, the noun last."""
    match = _FOCUS.search(text)
    words: list[str] = []
    for word in match.group(2).split() if match else ():
        if word.casefold() in _AUXILIARY or is_stop_word(word) or word.endswith("ed"):
            break
        words.append(word)
        if match and match.group(1).casefold().startswith("how many") and word.endswith("s"):
            break
    return words if words and analyze(words[-1]) else []


def _find_names(text: str, found: Sequence[Figure]) -> list[str]:
    names = []
    covered = [(figure.start, figure.end) for figure in found]
    for place, match in enumerate(_WORD.finditer(text)):
        if any(start <= match.start() < end for start, end in covered):
            continue
        word = re.sub(r"['’]s$", "", match.group())
        # The first word has its capital for being first, unless it is a name's: "Smailov's speech", "Mona Lisa".
        opens = place == 0 and not (word != match.group() or text[match.end() + 1 : match.end() + 2].isupper())
        if (word[0].isupper() and not opens and not is_stop_word(word)) or word.casefold() in _OFFICES:
            names.append(word)
    return list(dict.fromkeys(names))
