"""What is wrong with a suite's gold questions: doubles, leaks between splits, labels and quotes that cannot be right.

Two questions are doubles when they are asked on the same day after the same turns, in the same words but for
function words. They are near doubles when the order of the words differs too, though not that of their names and
figures: "exports of Marovia to Seln" is not "exports of Seln to Marovia". Whether "is" or "was" is asked makes a
difference, and so does every question word.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from qa.articles import Article, Quote, hash_text
from qa.figures import Figure, find_figures, missing_figures
from qa.gold import Case, check_evidence, find_evidence
from qa.hashing import hash_file, hash_files
from qa.metrics import Gold, Number, normalise_answer, numeric_match
from qa.suite import Suite
from qa.text import fold, shorten

Kind = Literal[
    "duplicate",
    "contradiction",
    "leakage",
    "wrong_number",
    "evidence",
    "hidden_evidence",
    "near_duplicate",
    "other_scale",
    "answer_not_in_evidence",
]

_DOUBTFUL = ("near_duplicate", "other_scale", "answer_not_in_evidence")  # kinds that only warn
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_POSSESSIVE = re.compile(r"['’]s?$")
_QUESTION_WORDS = frozenset("who whom whose what which when where why how".split())
# Of the words that say nothing about a subject, those that can be left out without asking something else: not
# "from", "before", "more" or "not".
_FUNCTION_WORDS = frozenset(
    """a an the of in on at for and as is are am be been being was were do does did has have had will would can could
    there it its this that these those""".split()
)
_TENSES = {"was": "past", "were": "past", "did": "past", "had": "past", "will": "future", "would": "future"}
_SAME = {"which": "what"}
_CURRENCY = re.compile(r"[A-Z]{3}")  # an ISO 4217 code
_PERCENTS = ("percent", "percentage points")
_SCALES = (10**3, 10**6, 10**9)
_SPELT_DECIMAL = re.compile(r"\w\spoint\s\w")  # "two point six", which `qa.figures` does not read as one
_RECKONED = ("comparison", "multi_hop", "temporal")  # kinds with figures that follow from evidence: sums, "on Monday"


class Finding(NamedTuple):
    """One thing that is wrong or doubtful, on one line with the file and line of each case it is about."""

    kind: Kind
    message: str


@dataclass(frozen=True, slots=True)
class GoldReport:
    """What a suite's gold holds and what is wrong with it; only `problems` fail it.

    `kinds` and `splits` count cases; those of no split are in none. `sha256` is `data_hash` of the suite.
    """

    suite: str
    cases: int
    answerable: int
    kinds: Mapping[str, int]
    splits: Mapping[str, int]
    problems: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    sha256: str

    @property
    def passed(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "suite": self.suite,
            "passed": self.passed,
            "cases": self.cases,
            "answerable": self.answerable,
            "kinds": dict(self.kinds),
            "splits": dict(self.splits),
            "problems": [finding._asdict() for finding in self.problems],
            "warnings": [finding._asdict() for finding in self.warnings],
            "sha256": self.sha256,
        }


def check_gold(suite: Suite, articles: Sequence[Article] | None) -> GoldReport:
    """Look for what is wrong in a suite's gold questions, in the order of the file for each kind of fault.

    Without `articles` quotes are not looked up: then two splits share evidence where they name the same article
    and quote. Of many cases that are the same, each is told once, with the first that it is the same as.

    Raises:
        ContentError: the gold file or the archive cannot be read to be hashed.
    """
    found = [
        *_check_doubles(suite),
        *(_check_shared_quotes(suite) if articles is None else _check_evidence(suite, articles)),
        *_check_numbers(suite),
        *_check_answers(suite),
    ]
    return GoldReport(
        suite=suite.name,
        cases=len(suite.cases),
        answerable=sum(case.answerable for case in suite.cases),
        kinds=dict(Counter(case.kind for case in suite.cases)),
        splits=dict(Counter(case.split for case in suite.cases if case.split)),
        problems=tuple(finding for finding in found if finding.kind not in _DOUBTFUL),
        warnings=tuple(finding for finding in found if finding.kind in _DOUBTFUL),
        sha256=data_hash(suite),
    )


def data_hash(suite: Suite) -> str:
    """A SHA-256 of the gold file's bytes and of the archive's files, where the suite names one.

    Raises:
        ContentError: one of them cannot be read.
    """
    return hash_text(json.dumps([hash_file(suite.gold), hash_files(suite.archive) if suite.archive else None]))


def _place(suite: Suite, case: Case) -> str:
    return f"{suite.gold}:{case.line}: case {shorten(case.id, limit=40)}"


def _other(suite: Suite, case: Case) -> str:
    split = f" of split '{shorten(case.split, limit=40)}'" if case.split else ""
    return f"case {shorten(case.id, limit=40)}{split} ({suite.gold}:{case.line})"


# questions


class _Asked(NamedTuple):
    """What a question asks: its words and figures in order, and what remains when the order of words is free."""

    sequence: tuple[Hashable, ...]
    free: Hashable


def _check_doubles(suite: Suite) -> Iterator[Finding]:
    names = _find_names(case.question for case in suite.cases)
    groups: dict[Hashable, list[tuple[Case, _Asked]]] = defaultdict(list)
    for case in suite.cases:
        asked = _read_question(case.question, names)
        groups[asked.free, case.as_of, tuple(map(fold, case.turns))].append((case, asked))
    for group in groups.values():
        for place, (case, asked) in enumerate(group):
            yield from _compare(suite, case, asked, group[:place])


def _compare(suite: Suite, case: Case, asked: _Asked, earlier: Sequence[tuple[Case, _Asked]]) -> Iterator[Finding]:
    """What a double has against the first of its split and the first of another."""
    outside = next((pair for pair in earlier if case.split and pair[0].split not in (None, case.split)), None)
    inside = [pair for pair in earlier if pair[0].split in (None, case.split) or not case.split]
    if outside:
        yield Finding("leakage", f"{_place(suite, case)}: its question is also that of {_other(suite, outside[0])}.")
    if inside:
        same = [pair for pair in inside if pair[1].sequence == asked.sequence]
        other = (same or inside)[0][0]
        differs = _say_difference(case, other)
        kind: Kind = "contradiction" if differs else "duplicate" if same else "near_duplicate"
        words = "its question is also" if same else "its question, in other order, is"
        yield Finding(kind, f"{_place(suite, case)}: {words} that of {_other(suite, other)}{differs}.")


def _read_question(text: str, names: frozenset[str]) -> _Asked:
    figures = find_figures(text)
    parts = list(_parts(text, figures))
    words = [part for part in parts if isinstance(part, str)]
    kept = [_SAME.get(word, word) for word in words if word not in _FUNCTION_WORDS]
    tenses = frozenset(_TENSES[word] for word in words if word in _TENSES)
    if not kept and not figures:  # "Was there?": nothing to compare but all of it
        return _Asked(tuple(words), tuple(words))
    sequence = [
        _SAME.get(part, part) if isinstance(part, str) else part for part in parts if part not in _FUNCTION_WORDS
    ]
    named = tuple(word for word in kept if word in names)
    free = (tuple(sorted(kept)), named, tuple(_meaning(figure) for figure in figures), tenses)
    return _Asked((*sequence, tenses), free)


def _parts(text: str, figures: Sequence[Figure]) -> Iterator[Hashable]:
    """The words of a text, folded, and in their place the meanings of its figures."""
    last = 0
    for figure in figures:
        yield from map(_fold_word, _WORD.findall(text[last : figure.start]))
        yield _meaning(figure)
        last = figure.end
    yield from map(_fold_word, _WORD.findall(text[last:]))


def _fold_word(word: str) -> str:
    return fold(_POSSESSIVE.sub("", word))


def _meaning(figure: Figure) -> Hashable:
    return figure.kind, figure.value, figure.unit, figure.year, figure.part, figure.month, figure.day


def _find_names(questions: Iterable[str]) -> frozenset[str]:
    """The words, folded, that any question writes with a capital where no sentence begins."""
    words = (word for question in questions for word in _WORD.findall(question)[1:] if word[0].isupper())
    return frozenset(map(_fold_word, words)) - _QUESTION_WORDS - _FUNCTION_WORDS


# labels


def _say_difference(case: Case, other: Case) -> str:
    """How the labels of two cases that ask the same contradict one another; nothing where they do not."""
    if case.answerable != other.answerable:
        return ", but one is answerable and the other is not"
    if not case.answerable or case.retrieval_only or other.retrieval_only or _agree(case.gold, other.gold):
        return ""
    return ", but their answers have nothing in common"


def _agree(gold: Gold, other: Gold) -> bool:
    """Whether two gold answers may both be right: the same number, or else a common alternative of each part."""
    one, two = gold.number, other.number
    if one and two:
        apart = abs(one.value - two.value) > max(one.tolerance, two.tolerance)
        return not apart and all(
            None in pair or pair[0] == pair[1] for pair in ((one.unit, two.unit), (one.period, two.period))
        )
    number, answers = one or two, other.answers if one else gold.answers
    if number and any(numeric_match(answer, number) for answer in answers):
        return True
    ours, theirs = _normalised_parts(gold), _normalised_parts(other)
    return all(any(part & own for own in ours) for part in theirs) and all(
        any(part & own for own in theirs) for part in ours
    )


def _parts_of(gold: Gold) -> tuple[tuple[str, ...], ...]:
    return gold.all_of or ((gold.answers,) if gold.answers else ())


def _normalised_parts(gold: Gold) -> list[frozenset[str]]:
    return [frozenset(map(normalise_answer, part)) for part in _parts_of(gold)]


def _check_numbers(suite: Suite) -> Iterator[Finding]:
    """Answers none of whose figures, of the kind of the case's number, is that number."""
    for case in suite.cases:
        for answer in case.gold.answers if case.gold.number else ():
            number, figures = case.gold.number, _figures_like(answer, case.gold.number)
            if not number or not figures or any(numeric_match(figure.text, number, answer) for figure in figures):
                continue
            given = " ".join(str(part) for part in (number.value, number.unit, number.period) if part is not None)
            kind: Kind = "other_scale" if _is_scaled(figures, number) else "wrong_number"
            message = f"the answer “{shorten(answer, limit=60)}” does not state its number, {given}."
            yield Finding(kind, f"{_place(suite, case)}: {message}")


def _figures_like(answer: str, number: Number | None) -> list[Figure]:
    """The figures of an answer of a number's kind: sums of money, percentages, or any other number or bare year."""
    unit = number.unit if number else None
    if _SPELT_DECIMAL.search(answer):
        return []
    found = find_figures(answer)
    if unit in _PERCENTS or (unit and _CURRENCY.fullmatch(unit)):
        return [figure for figure in found if figure.kind == ("percent" if unit in _PERCENTS else "money")]
    return [
        figure for figure in found if figure.kind == "number" or (figure.kind == "date" and figure.text.isdecimal())
    ]


def _is_scaled(figures: Sequence[Figure], number: Number) -> bool:
    """Whether a figure is the number in thousands, millions or billions, as a cell of a table is."""
    return any(figure.value and figure.value * scale == number.value for figure in figures for scale in _SCALES)


def _check_answers(suite: Suite) -> Iterator[Finding]:
    for case in suite.cases:
        quotes = [evidence.quote for evidence in case.evidence if evidence.quote]
        for part in _parts_of(case.gold) if quotes else ():
            if not any(_stands(answer, quotes) for answer in part) and not _may_be_computed(case, part):
                message = f"no sentence of its evidence has the answer “{shorten(part[0], limit=60)}”."
                yield Finding("answer_not_in_evidence", f"{_place(suite, case)}: {message}")


def _stands(answer: str, quotes: Sequence[str]) -> bool:
    """Whether an answer stands in a quote: whole words as written or normalised, or all its figures."""
    words, written = f" {normalise_answer(answer)} ", re.compile(rf"(?<!\w){re.escape(fold(answer))}(?!\w)")
    if any(words in f" {normalise_answer(quote)} " or written.search(fold(quote)) for quote in quotes):
        return True
    return bool(find_figures(answer)) and any(not missing_figures(answer, quote) for quote in quotes)


def _may_be_computed(case: Case, part: Sequence[str]) -> bool:
    """Whether the answer is one that evidence need not spell out: yes or no, what compares, a figure or date."""
    if case.kind == "comparison" or not {"yes", "no"}.isdisjoint(map(normalise_answer, part)):
        return True
    return case.kind in _RECKONED and any(find_figures(answer) for answer in part)


# evidence


def _check_evidence(suite: Suite, articles: Sequence[Article]) -> Iterator[Finding]:
    found = _find_all_evidence(suite.cases, articles)
    yield from (Finding("evidence", line) for line in check_evidence(suite.cases, articles, suite.gold))
    yield from _check_hidden(suite, found)
    yield from _check_shared_places(suite, found)


class _Found(NamedTuple):
    """A place where a sentence of a case's evidence stands."""

    case: Case
    quote: Quote


def _find_all_evidence(cases: Sequence[Case], articles: Sequence[Article]) -> list[_Found]:
    """Where the evidence of all cases stands, in one pass over the articles: each `part` is its case's number."""
    numbered = [item._replace(part=number) for number, case in enumerate(cases) for item in case.evidence]
    if not numbered:
        return []
    together = replace(cases[0], evidence=tuple(numbered))
    return [_Found(cases[found.part], found.quote) for found in find_evidence(together, articles)]


def _check_shared_places(suite: Suite, found: Sequence[_Found]) -> Iterator[Finding]:
    """Places of one article that overlap, though their cases are of different splits."""
    told: set[frozenset[str]] = set()
    article_id, furthest = "", dict[str, _Found]()  # of each split, the place so far that ends last
    inside = [place for place in found if place.case.split]
    for place in sorted(inside, key=lambda place: (place.quote.article.id, place.quote.start, place.case.line)):
        if place.quote.article.id != article_id:
            article_id, furthest = place.quote.article.id, {}
        split = place.case.split or ""
        for other in [known for name, known in furthest.items() if name != split]:
            pair = frozenset((place.case.id, other.case.id))
            if other.quote.end > place.quote.start and pair not in told:
                told.add(pair)
                yield _shared(suite, place.case, other.case, place.quote.article.source)
        if split not in furthest or furthest[split].quote.end < place.quote.end:
            furthest[split] = place


def _check_shared_quotes(suite: Suite) -> Iterator[Finding]:
    """The same quote of the same article in different splits."""
    first: dict[tuple[str, str], Case] = {}
    for case in suite.cases:
        for evidence in case.evidence if case.split else ():
            other = first.setdefault((evidence.article, evidence.quote), case)
            if other.split != case.split:
                yield _shared(suite, case, other, evidence.article)


def _shared(suite: Suite, case: Case, other: Case, article: str) -> Finding:
    late, early = (case, other) if case.line >= other.line else (other, case)
    message = f"its evidence in {shorten(article, limit=100)} is also that of {_other(suite, early)}."
    return Finding("leakage", f"{_place(suite, late)}: {message}")


def _check_hidden(suite: Suite, found: Sequence[_Found]) -> Iterator[Finding]:
    """Evidence that nobody can see on the day on which the case is asked."""
    told = set()
    for case, quote in found:
        published, source = quote.article.published, shorten(quote.article.source, limit=100)
        if not case.as_of or (published and published <= case.as_of) or (case.id, source) in told:
            continue
        told.add((case.id, source))
        when = f"was published on {published}" if published else "has no date"
        message = f"its evidence is hidden on {case.as_of}, for {source} {when}."
        yield Finding("hidden_evidence", f"{_place(suite, case)}: {message}")
