"""What a question asks for, read by rule: the kind of answer, its subject, and the names and figures it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, cached_property
from itertools import islice
from typing import Literal

from qa.figures import Figure, find_figures, read_figures
from qa.keywords import analyze, is_stop_word, question_terms
from qa.periods import Period, find_periods

Kind = Literal["count", "amount", "share", "measure", "date", "person", "place", "reason", "thing"]

_RATES = "inflation|unemployment|jobless|interest|key|policy|growth|birth|vacancy|mortgage|tax|poverty|literacy"
_SUMS = (
    "turnover|revenue|sum|total|amount|budget|salary|profits?|price|trade|deficit|surplus|debt|sales|income|earnings"
)
_SUMS += "|spending|damage|fine|fare"
# The first kind of which any pattern is found in the question.
_KINDS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("thing", (r"meant by", r"mean by", r"mean\?", r"the (title|name|names) of", r"called\?")),
    ("share", (r"percent", r"percentage", r"per cent", r"what (share|proportion|fraction)", r"by how much")),
    ("share", (r"how (fast|strong|strongly)", r"turnout", r"how (big|large) (a|an|the|was|is)( \w+)? (stake|share)")),
    ("share", (rf"(what|which|where|how high) .*\b({_RATES})( \w+)? rate", rf"({_RATES}) rate\b(?! (cut|rise))")),
    ("share", (r"(what|how high) (is|was|were) [\w '’-]*inflation",)),
    ("count", (r"how many", r"what number of", r"(what|which) (is|was|were|are) the number of")),
    ("measure", (r"how (big|large|long|high|tall|far|old|heavy|hot|cold|deep|wide)", r"how much (\w+ )?(space|time)")),
    ("measure", (r"(what|which) ((is|was) the )?(temperature|population|size|area|distance)",)),
    ("amount", (r"how much", r"worth", r"(highest|lowest|total|average|combined|what|in) [\w -]*?(value|price|cost)")),
    (
        "amount",
        (rf"what (is|was|were|are|did) .*\b({_SUMS})",),
    ),
    ("amount", (r"what (is|was|were|are) (the )?(average|combined|total|mean|median)",)),
    ("amount", (r"what (do|does|did) .*\b(come to|amount to|cost|earn|pay|add up to)",)),
    ("date", (r"^((since|until|by|from) )?when", r"(what|which) (\w+ )?(year|month|months|day|date|century|decade)")),
    ("person", (r"who", r"whom", r"whose")),
    ("place", (r"^where", r"(what|which) (\w+ )?(country|countries|city|cities|town|state|region|place|continent)")),
    ("reason", (r"why", r"what .*\bfor\?*$", r"what (is|was) the (purpose|reason|aim|goal)", r"for what purpose")),
)
# "In millions of dollars" says how the answer is to be written, not what it is about.
_UNIT_TERMS = frozenset({"s", "thousand", "million", "billion", "trillion", "dollar", "euro"})
_FIGURE_KINDS = frozenset({"count", "amount", "share", "measure"})
_FOCUS = re.compile(r"\b(how many(?: of the| of)?|what|which|whose)\s+((?:[\w'’-]+\s+){0,3}[\w'’-]+)", re.IGNORECASE)
_COUNTED = re.compile(r"\b(?:how many|number of) ([\w²³/°-]+)", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s$")
_AVERAGE = re.compile(r"\b(?:average|mean|per|each(?! (?:other|year|month|week|day)))\b", re.IGNORECASE)
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
    None; `focus_names` are the names that narrow it ("how many Russian companies"). `names` are words written
    with a capital, and offices; `full_names` are the runs of such words, "Kessel Bay". `dates` and `figures` are those
    the question names; `counted` are its plain numbers with the term of the noun they count ("the 23 planned
    projects"). `periods` are its times as days. `unit` is the measure that is counted: "tonne" in "how many tonnes".
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
    full_names: tuple[str, ...] = ()
    periods: tuple[Period, ...] = ()
    unit: str | None = None

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


def read_question(text: str, today: date | None = None) -> Question:
    """Read a question by rule; nothing is looked up. Its relative times ("last year") count from `today`."""
    found = find_figures(text)
    focus = _find_focus(text)
    names = tuple(_find_names(text, found))
    return Question(
        text=text,
        kind=_find_kind(text),
        focus=analyze(focus[-1])[-1] if focus else None,
        terms=tuple(term for term in dict.fromkeys(question_terms(text)) if term not in _UNIT_TERMS),
        names=names,
        dates=tuple(figure for figure in found if figure.kind == "date"),
        figures=tuple(figure for figure in found if figure.kind != "date" and figure.value != 1),
        focus_names=tuple(word for word in focus if word in names),
        counted=tuple(_find_counted(text, found)),
        full_names=tuple(_find_full_names(text, found)),
        periods=tuple(_widen(period) for period in find_periods(text, today)),
        unit=_find_unit(text),
    )


def _widen(period: Period) -> Period:
    """A period; "this week" has the six days before it too, as people mean it who ask early in a week."""
    if period.key != "this week" or not period.days:
        return period
    return replace(period, days=tuple((first - timedelta(days=6), last) for first, last in period.days))


def _find_kind(text: str) -> Kind:
    return next((kind for kind, pattern in _kind_patterns() if pattern.search(text)), "thing")


@cache
def _kind_patterns() -> list[tuple[Kind, re.Pattern[str]]]:
    return [(kind, re.compile(rf"\b(?:{'|'.join(forms)})(?!\w)", re.IGNORECASE)) for kind, forms in _KINDS]


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


def _find_unit(text: str) -> str | None:
    """The measure that "how many …" asks for, or None where it counts things."""
    match = _COUNTED.search(text)
    found = read_figures(f"5 {match.group(1)}") if match else ()
    return found[0].unit if found and found[0].kind == "number" else None


def _find_names(text: str, found: Sequence[Figure]) -> list[str]:
    """The words of names, without a possessive ending, and offices, each once."""
    return list(dict.fromkeys(word for run in _name_runs(text, found) for word in run))


def _find_full_names(text: str, found: Sequence[Figure]) -> list[str]:
    """The names and offices as they stand, several words in one."""
    return list(dict.fromkeys(" ".join(run) for run in _name_runs(text, found)))


def _name_runs(text: str, found: Sequence[Figure]) -> Iterator[list[str]]:
    covered = [(figure.start, figure.end) for figure in found]
    run: list[str] = []
    last = -1
    for place, match in enumerate(_WORD.finditer(text)):
        if any(start <= match.start() < end for start, end in covered):
            continue
        word = _POSSESSIVE.sub("", match.group())
        # The first word has its capital for being first, unless it is a name's: "Smailov's speech", "Mona Lisa".
        opens = place == 0 and not (word != match.group() or text[match.end() + 1 : match.end() + 2].isupper())
        if not ((word[0].isupper() and not opens and not is_stop_word(word)) or word.casefold() in _OFFICES):
            continue
        if run and (text[last : match.start()].strip(" ") or run[-1].casefold() in _OFFICES):
            yield run
            run = []
        run.append(word)
        last = match.end() if word == match.group() else -1
        if last < 0:
            yield run
            run = []
    if run:
        yield run
