"""Two sentences that answer one question, each with a span of the kind asked for: whether they can both be right.

They cannot be where the spans hold
- amounts of one kind and unit, and where something is counted of the same things, which no rounding makes one
  (`qa.contradiction.agree`), said of no different times, under the same limits ("expected", "average", "first") and of
  no name in that place which the other's article does not have; each sentence has one such amount only, and says
  itself what the question asks, its names apart;
- dates without a day in common;
- names, none of which may be a part or the people of the other. A full name is compared with full names only where a
  person is asked for, and "the minister of Marovia" never with that of Tolvania.
A sentence that has the other's answer too contradicts it only where it says so ("revised from … to", "not A but B").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from qa.articles import Article, Quote
from qa.clauses import Clause, Reading, Unit, read_sentence
from qa.contradiction import agree, find_limits
from qa.figures import Figure
from qa.keywords import analyze
from qa.names import same_name
from qa.periods import Period, overlap
from qa.question import Question, find_counted_noun
from qa.span import has_name
from qa.split import Span
from qa.synonyms import same_sense
from qa.text import fold

_LEAST_SAID = 0.8  # of a question's terms that are no names: all of up to four, all but one of five to nine
_STANDS_IN = re.compile(r"\b(?:it|its|this|he|she|his|her)\b", re.IGNORECASE)
_WHERE = frozenset("in at of for from near across within".split())
_OF_NAME = re.compile(r"\b(\w+) (?:of|in|at|for|from) (?:the )?([A-Z]\w+)")
_PLACE_BEFORE = re.compile(r"\b(?:in|at|from|to|near|of)\s(?:the\s)?$", re.IGNORECASE)
_ASKS_CHOICE = re.compile(r"\bor\b", re.IGNORECASE)
# What tells that a sentence puts one figure or name in the place of another.
CHANGES = re.compile(
    r"""\b(?:revis|correct|lower|rais|cut|mov|chang|reduc|extend|shorten)\w*\b[^.;]*\bfrom\b|\b(?:rather\sthan|instead\sof|has\sbecome)\b
    |\b(?:correct|right|revised|corrected)\s(?:figure|number|total|date|name)\b|\bcorrection:""",
    re.IGNORECASE | re.VERBOSE,
)
_DENIES = re.compile(
    r"\b(?:not|rather\sthan|instead\sof|unlike|nor|contrary\sto|wrongly|mistakenly)\s(?:[\w'’“\"]+\s){0,3}$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence on record with the span that answers, `quote.text[span[0]:span[1]]`, and what stands in the span."""

    quote: Quote
    span: Span
    reading: Reading
    amount: Figure | None = None
    period: Period | None = None
    names: tuple[Unit, ...] = ()

    @property
    def text(self) -> str:
        """The words of the span."""
        return self.quote.text[slice(*self.span)]

    @property
    def amounts(self) -> list[Figure]:
        """Every amount of the sentence that is of the kind and unit of the one in the span."""
        mine = self.amount
        known = (*self.reading.amounts, *self.reading.lengths)
        return [f for f in known if mine and (f.kind, f.unit) == (mine.kind, mine.unit)]

    @property
    def clause(self) -> Clause | None:
        """The clause in which the span begins."""
        return next((c for c in self.reading.clauses if any(self.covers(unit) for unit in c.units)), None)

    def covers(self, part: Unit | Figure | Period) -> bool:
        """Whether a part of the sentence is, at least partly, in the span."""
        return part.start < self.span[1] and self.span[0] < part.end


def read_claim(asked: Question, quote: Quote, span: Span) -> Claim | None:
    """What a sentence claims, or None where its span has nothing that can be compared or only repeats a choice."""
    reading = read_sentence(quote.text, quote.article.published)
    claim = Claim(quote, span, reading)
    if asked.wants_figure:
        amount = next((f for f in (*reading.amounts, *reading.lengths) if claim.covers(f)), None)
        return Claim(quote, span, reading, amount=amount) if amount and _says_what_is_asked(asked, quote) else None
    if asked.kind == "date":
        period = next((p for p in reading.periods if claim.covers(p) and p.days), None)
        return Claim(quote, span, reading, period=period) if period else None
    amounts = [figure for figure in reading.amounts if claim.covers(figure)]
    if asked.kind == "thing" and len(amounts) == 1 and _says_what_is_asked(asked, quote):
        return Claim(quote, span, reading, amount=amounts[0])
    inside = [unit for unit in reading.units if claim.covers(unit)]
    names = tuple(unit for unit in inside if unit.kind == "name" and _is_name(unit, quote.article))
    words = sum(unit.kind != "name" for unit in inside)
    if not names or _ASKS_CHOICE.search(asked.text) or (asked.kind in ("thing", "reason") and words > 1):
        return None
    return Claim(quote, span, reading, names=names)


def is_of_kind(asked: Question, claim: Claim) -> bool:
    """Whether a claim's name is sure to be of the kind asked for: a place where a preposition says that it is one."""
    if asked.kind != "place" or not claim.names:
        return True
    return _PLACE_BEFORE.search(claim.quote.text[: claim.names[0].start]) is not None


def differ(asked: Question, one: Claim, other: Claim) -> bool:
    """Whether two claims of one question's answer exclude each other."""
    if one.amount and other.amount:
        return _amounts_differ(asked, one, other)
    if one.period and other.period:
        return _dates_differ(one, other)
    return bool(one.names and other.names) and _names_differ(asked, one, other)


def same_answer(one: Claim, other: Claim) -> bool:
    """Whether two claims give one answer: amounts or dates that agree, or names of which one is part of the other."""
    if one.amount and other.amount:
        return (one.amount.kind, one.amount.unit) == (other.amount.kind, other.amount.unit) and agree(
            one.amount, other.amount
        )
    if one.period and other.period:
        return overlap(one.period, other.period)
    return any(same_name(a, b) for a in one.names for b in other.names)


def find_correction(answer: Claim, quote: Quote) -> Claim | None:
    """What a sentence puts in the place of the answer's own figure or date: "revised from 8.4 to 8.1 percent"."""
    if not CHANGES.search(quote.text):
        return None
    reading = read_sentence(quote.text, quote.article.published)
    if answer.period:
        return _corrected_date(answer.period, Claim(quote, (0, 0), reading))
    mine = answer.amount
    if mine is None:
        return None
    known = [f for f in (*reading.amounts, *reading.lengths) if _may_be_of(mine, f)]
    same = [f for f in known if f.value == mine.value]
    new = next((f for f in known if f.value != mine.value and f.kind != "date"), None)
    return Claim(quote, (new.start, new.end), reading, amount=new) if same and new else None


def _corrected_date(mine: Period, claim: Claim) -> Claim | None:
    same = [p for p in claim.reading.periods if p.days and set(p.days) & set(mine.days)]
    new = next((p for p in claim.reading.periods if p.days and not overlap(p, mine) and p.figures), None)
    return Claim(claim.quote, (new.start, new.end), claim.reading, period=new) if same and new else None


def _may_be_of(mine: Figure, known: Figure) -> bool:
    """Whether a figure is of the kind and unit of another, or leaves its unit out: "from 25 years to fifteen"."""
    return (known.kind, known.unit) == (mine.kind, mine.unit) or (known.kind == "number" and known.unit is None)


# What is asked


def _says_what_is_asked(asked: Question, quote: Quote) -> bool:
    """Whether a sentence says what a question asks, names and figures apart.

    Where it has a pronoun, what that may stand for may stand around it.
    """
    terms = _terms_of(quote.article)
    figures = {term for figure in (*asked.dates, *asked.figures) for term in analyze(figure.text)}
    known = [term for term in asked.terms if any(has_name(form, terms.names) for form in same_sense(term))]
    wanted = [term for term in asked.terms if term not in (figures | _kind_terms()) and term not in known]
    here = frozenset(analyze(quote.text))
    held = [not here.isdisjoint(same_sense(term)) for term in wanted]
    if _STANDS_IN.search(quote.text):
        pairs = zip(held, wanted, strict=True)
        held = [is_held or not terms.every.isdisjoint(same_sense(term)) for is_held, term in pairs]
    return sum(held) >= _LEAST_SAID * len(held)


@cache
def _kind_terms() -> frozenset[str]:
    """The terms of a question that name the kind of its answer."""
    return frozenset(analyze("percentage percent proportion share number long"))


@dataclass(frozen=True, slots=True)
class _Terms:
    """The terms of an article: all, and those of words that have a capital inside a sentence; and its words, folded."""

    every: frozenset[str]
    names: frozenset[str]
    words: frozenset[str]


@lru_cache(maxsize=256)
def _terms_of(article: Article) -> _Terms:
    inner = re.findall(r"(?<=[a-z0-9,;’'] )[“\"]?[A-Z][\w'’-]*", article.text)
    runs = re.findall(r"[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)+", article.text)
    whole = f"{article.title} {article.text}"
    return _Terms(frozenset(analyze(whole)), frozenset(analyze(" ".join((*inner, *runs)))), _words(whole))


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", re.sub(r"['’]s\b", "", fold(text))))


# Amounts


def _amounts_differ(asked: Question, one: Claim, other: Claim) -> bool:
    a, b = one.amount, other.amount
    if not (a and b) or (a.kind, a.unit) != (b.kind, b.unit) or agree(a, b):
        return False
    if a.unit is None and not _count_the_same(asked, one, other):
        return False
    if _limits(one) != _limits(other) or _are_of_other_times(one, other):
        return False
    if any(_is_unclear(x, y) for x, y in ((one, other), (other, one))):
        return False
    return not any(_has_name_of_its_own(asked, x, y) for x, y in ((one, other), (other, one)))


def _is_unclear(claim: Claim, other: Claim) -> bool:
    """Whether a sentence has several amounts that may be meant, or the other's too, and does not tell them apart."""
    if CHANGES.search(claim.quote.text):
        return False
    noun = claim.amount and find_counted_noun(claim.quote.text, claim.amount)
    rest = [f for f in claim.amounts if f is not claim.amount]
    if other.amount and any(agree(f, other.amount) for f in rest):
        return not any(_is_denied(claim.quote.text, f.text) for f in rest)
    same = [f for f in rest if f.unit is not None or (noun and find_counted_noun(claim.quote.text, f) == noun)]
    return bool(same)


def _count_the_same(asked: Question, one: Claim, other: Claim) -> bool:
    nouns = [find_counted_noun(claim.quote.text, claim.amount) for claim in (one, other) if claim.amount]
    known = [noun for noun in (asked.focus, *nouns) if noun]
    return all(first in same_sense(second) for first, second in pairwise(known))


def _limits(claim: Claim) -> dict[str, int]:
    clause = claim.clause
    return find_limits(claim.quote.text[clause.units[0].start : clause.units[-1].end]) if clause else {}


def _are_of_other_times(one: Claim, other: Claim) -> bool:
    ours, theirs = _times(one), _times(other)
    return bool(ours and theirs) and not any(overlap(a, b) for a in ours for b in theirs)


def _times(claim: Claim) -> list[Period]:
    """The times of the clause, or where it has none of the sentence."""
    near = [period for period in (claim.clause.periods if claim.clause else ()) if period.days]
    return near or [period for period in claim.reading.periods if period.days]


def _has_name_of_its_own(asked: Question, claim: Claim, other: Claim) -> bool:
    """Whether a name before the amount, or in a place after it, is neither in the question nor the other's article."""
    if claim.clause is None:
        return False
    known = _terms_of(other.quote.article).words | _words(asked.text)
    units = claim.clause.units
    for before, unit in zip((None, *units), units, strict=False):
        is_telling = unit.end <= claim.span[0] or (before is not None and before.text in _WHERE)
        if unit.kind == "name" and is_telling and not unit.opens and not unit.names <= known:
            return True
    return False


# Dates


def _dates_differ(one: Claim, other: Claim) -> bool:
    a, b = one.period, other.period
    if not (a and b) or overlap(a, b):
        return False
    return not any(
        any(overlap(period, known) for known in claim.reading.periods) and not CHANGES.search(claim.quote.text)
        for period, claim in ((a, other), (b, one))
    )


# Names


def _names_differ(asked: Question, one: Claim, other: Claim) -> bool:
    pairs = ((one, other), (other, one))
    if any(_is_denied(claim.quote.text, name.text) for claim, theirs in pairs for name in theirs.names):
        return True
    if same_answer(one, other) or any(_has(claim, name) for claim, theirs in pairs for name in theirs.names):
        return False
    if asked.kind == "person" and _is_full(one) != _is_full(other):
        return False
    return not any(_speaks_of_another(asked, claim) for claim in (one, other))


def _has(claim: Claim, name: Unit) -> bool:
    return name.key.split()[-1] in _words(claim.quote.text)


def _is_full(claim: Claim) -> bool:
    return any(" " in name.key for name in claim.names)


def _speaks_of_another(asked: Question, claim: Claim) -> bool:
    """Whether a sentence speaks of the same of another name: "minister of Marovia" for "minister of Tolvania"."""
    wanted, said = list(_holders(asked.text)), list(_holders(claim.quote.text))
    return any(
        {name for known, name in said if known == head} and not any(_is_kin(name, n) for h, n in said if h == head)
        for head, name in wanted
    )


def _holders(text: str) -> Iterator[tuple[str, str]]:
    for word, name in _OF_NAME.findall(text):
        for term in analyze(word)[-1:]:
            yield term, name


def _is_kin(one: str, other: str) -> bool:
    return any(has_name(term, frozenset(analyze(other))) for term in analyze(one))


def _is_name(unit: Unit, article: Article) -> bool:
    """Whether a word that opens a sentence is a name: the article has it with a capital elsewhere."""
    if not unit.opens or " " in unit.key:
        return True
    return not _terms_of(article).names.isdisjoint(analyze(unit.text))


def _is_denied(text: str, words: str) -> bool:
    """Whether "not", "rather than" or the like stand before words of a text, or the last of them."""
    at = text.find(words)
    at = text.find(words.split()[-1]) if at < 0 else at
    return at >= 0 and _DENIES.search(text[:at]) is not None
