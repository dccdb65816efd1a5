"""The part of a sentence that answers a question: a figure, a date, a name, a reason, or what is new in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qa.figures import Figure, find_figures
from qa.keywords import analyze, is_stop_word
from qa.question import Question
from qa.split import Span
from qa.synonyms import same_sense

_WORD = re.compile(r"[^\W_]+(?:['’.,-](?=[^\W_])[^\W_]+)*")
_CLAUSE = re.compile(r"[,;:–—]|\b(?:while|whereas|but|and|although|which|who)\b")
_DATE_WEIGHT = 2.5  # the date of a question says which of several figures is meant
_CLAUSE_WORDS = 3  # how many words a clause boundary counts for
_APPROXIMATE = re.compile(
    r"\b(?:about|around|approximately|roughly|nearly|almost|close to|over|more than|less than|fewer than|at least"
    r"|at most|up to|just under|just below|just over|as many as|as much as)\s+$",
    re.IGNORECASE,
)
_FROM_TO = re.compile(r"\bfrom\s+\S+(?:\s\S+){0,3}?\s+to\s+$")
_JOINS_DATES = re.compile(r"\s*(?:to|and|-|–|until|through)?\s*")
_PLACE_BEFORE = re.compile(r"\b(?:in|from|at|to|near|city of|town of|capital)\s+$")
_NOT_PERSON_BEFORE = re.compile(r"\b(?:in|of|from|at|to|near)\s+$")
_ASKS_WHERE = re.compile(r"^(?:where|in|at|from|to)\b", re.IGNORECASE)
_NOUN_AFTER = re.compile(r"\s[a-z]+(?:s|ion|y)\b(?<!says)(?<!was)(?<!is)(?<!has)")
_POSSESSIVE = re.compile(r"['’]s$")
_REST = r"(?:[^.;]|\.(?!\s+[A-Z]|\W*$))"  # a full stop inside "$24.2 billion" or "the U.S. economy" ends nothing
_REASONS = (
    re.compile(rf"\b(?:because|due to|owing to|thanks to)\s+(?:of\s+)?(?P<why>{_REST}+)"),
    re.compile(r"(?P<why>[^.;,]+?), so (?:that )?(?:it|they|he|she|the|we)\b"),
    re.compile(rf"\b(?:purpose|aim|goal|reason)s? (?:is|was|are|were) (?P<why>{_REST}+)"),
    re.compile(rf"\b(?P<why>(?:in order )?to (?!the\b|a\b|an\b|be\b|its\b|their\b|his\b|her\b)[a-z]+\b{_REST}*)"),
)
_TITLES = frozenset(
    """president minister prime premier chancellor king queen prince princess secretary governor mayor senator general
    mr mrs ms dr sir lord lady judge justice professor chairman chairwoman chief director executive officer ceo
    foreign former coach captain""".split()
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence: its place, its term as the index sees it, whether it is a function word."""

    start: int
    end: int
    text: str
    term: str
    is_function: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence cut into words and figures; `terms` holds what its words mean to the index."""

    text: str
    words: tuple[Word, ...]
    terms: frozenset[str]
    figures: tuple[Figure, ...]

    def holds(self, term: str) -> bool:
        """Whether the sentence has the term or one that may stand for it."""
        return not self.terms.isdisjoint(same_sense(term))


@dataclass(frozen=True, slots=True)
class Found:
    """A span with how close it stands to the question's words, from 0 to 1, and how well its kind fits.

    `fit` is from 0 to 1 too, and above 1 for what names the very noun asked for. `figure` is the amount that it is.
    """

    span: Span
    near: float
    fit: float
    figure: Figure | None = None


def read_sentence(text: str) -> Sentence:
    """Cut a sentence into words and find its figures."""
    words = []
    terms: set[str] = set()
    for match in _WORD.finditer(text):
        found = analyze(match.group())
        terms.update(found)
        term = found[-1] if found else match.group().casefold()
        words.append(Word(match.start(), match.end(), match.group(), term, is_stop_word(match.group())))
    return Sentence(text, tuple(words), frozenset(terms), tuple(find_figures(text)))


def find_answer(
    asked: Question,
    sentence: Sentence,
    weights: Mapping[str, float],
    *,
    timing: Callable[[Figure], float] | None = None,
) -> Found | None:
    """The span of a sentence that best has the kind the question asks for, or None when none has.

    `weights` says how much each term of the question counts when spans of the sentence compete, `timing` how well an
    amount is of the time that is asked for.
    """
    found = []
    for span, fit in _options(asked, sentence):
        figure = _figure_at(sentence, span) if asked.wants_figure else None
        time = timing(figure) if figure and timing else 0.0
        found.append((Found(span, _nearness(asked, sentence, weights, span), fit, figure), time))
    return max(found, key=lambda f: (f[0].fit + f[0].near + f[1], -f[0].span[0]), default=(None,))[0]


def _figure_at(sentence: Sentence, span: Span) -> Figure | None:
    return next((figure for figure in sentence.figures if span[0] <= figure.start and figure.end <= span[1]), None)


def _options(asked: Question, sentence: Sentence) -> Iterable[tuple[Span, float]]:
    if asked.wants_figure:
        return _figure_options(asked, sentence)
    if asked.kind == "date":
        return _date_options(asked, sentence)
    if asked.kind in ("person", "place"):
        return _name_options(asked, sentence)
    options = _reason_options(asked, sentence) if asked.kind == "reason" else _new_options(asked, sentence)
    return [(with_whole_figures(sentence, span), fit) for span, fit in options]


def with_whole_figures(sentence: Sentence, span: Span) -> Span:
    """The span with all of each figure that it has a part of: never "24.2 billion" without its "$"."""
    cut = [figure for figure in sentence.figures if figure.start < span[1] and span[0] < figure.end]
    return min([span[0], *(figure.start for figure in cut)]), max([span[1], *(figure.end for figure in cut)])


def _nearness(asked: Question, sentence: Sentence, weights: Mapping[str, float], span: Span) -> float:
    """The weighted mean over the question's terms of 3 / (3 + words between), 0 for a term that is not there."""
    dates = {term for date in asked.dates for term in analyze(date.text)}
    total = near = 0.0
    for term in asked.terms:
        weight = weights.get(term, 1.0) * (_DATE_WEIGHT if term in dates else 1.0)
        forms = same_sense(term)
        distances = [_distance(sentence.text, word, span) for word in sentence.words if word.term in forms]
        total += weight
        near += weight * 3 / (3 + min(distances)) if distances else 0.0
    return near / total if total else 0.0


def _distance(text: str, word: Word, span: Span) -> int:
    between = text[word.end : span[0]] if word.end <= span[0] else text[span[1] : word.start]
    return len(between.split()) + _CLAUSE_WORDS * len(_CLAUSE.findall(between))


# figures


def _figure_options(asked: Question, sentence: Sentence) -> Iterable[tuple[Span, float]]:
    for figure in sentence.figures:
        fit = _figure_fit(asked, figure, sentence)
        if fit and not any(figure.value == known.value and figure.unit == known.unit for known in asked.figures):
            start = _with_approximator(sentence.text, figure.start)
            end = _with_times(sentence.text, figure.end)
            bonus = 0.2 if _FROM_TO.search(sentence.text[: figure.start]) else 0.0
            yield (start, end), fit + bonus


def _figure_fit(asked: Question, figure: Figure, sentence: Sentence) -> float:
    if figure.kind == "date" or figure.value is None:
        return 0.0
    if asked.kind == "amount":
        return 1.0 if figure.kind == "money" else 0.3 if figure.unit in _GOODS else 0.0
    if asked.kind == "share":
        return 1.0 if figure.kind == "percent" or figure.unit == "fraction" else 0.0
    if asked.kind == "measure":
        return _measure_fit(asked, figure)
    return _count_fit(asked, figure, sentence)


_GOODS = frozenset({"tonne", "barrel", "kg", "litre", "m3", "MWh", "GWh", "kWh"})
_TIMES = frozenset({"year", "month", "week", "day", "hour", "minute", "second", "decade"})


def _measure_fit(asked: Question, figure: Figure) -> float:
    wants_time = bool(re.search(r"\bhow (long|old)\b|\btime\b", asked.text, re.IGNORECASE))
    if wants_time:
        return 1.0 if figure.unit in _TIMES else 0.0
    if figure.kind == "percent" or figure.unit == "fraction" or figure.unit in _TIMES:
        return 0.0
    return 0.3 if figure.unit is None else 0.8 if figure.kind == "money" else 1.0


def _count_fit(asked: Question, figure: Figure, sentence: Sentence) -> float:
    if figure.kind != "number" or not _holds_focus_names(asked, sentence):
        return 0.0
    if asked.unit and figure.unit == asked.unit:
        return 1.0
    if figure.unit not in (None, asked.focus):
        return 0.0
    if asked.focus is None:
        return 0.5
    forms = same_sense(asked.focus)
    following = [word for word in sentence.words if word.start >= figure.end][:4]
    if any(word.term in forms for word in following):
        return 1.0
    if figure.value == 1:  # "one branch" and "one of them" count nothing
        return 0.0
    return 0.5 if not sentence.terms.isdisjoint(forms) else 0.3


def _holds_focus_names(asked: Question, sentence: Sentence) -> bool:
    return all(has_name(term, sentence.terms) for name in asked.focus_names for term in analyze(name))


def has_name(term: str, terms: frozenset[str]) -> bool:
    """Whether a name stands among terms, a country for its people too: "russia", "russian"."""
    if term in terms:
        return True
    return len(term) >= 5 and any(
        len(other) >= 5 and (other.startswith(term) or term.startswith(other)) for other in terms
    )


def _with_approximator(text: str, start: int) -> int:
    match = _APPROXIMATE.search(text[:start])
    return match.start() if match else start


def _with_times(text: str, end: int) -> int:
    return end + len(" times") if text.startswith(" times", end) else end


# dates


def _date_options(asked: Question, sentence: Sentence) -> Iterable[tuple[Span, float]]:
    dates = [figure for figure in sentence.figures if figure.kind == "date"]
    fresh = [date for date in dates if not any(_is_same_day(date, known) for known in asked.dates)]
    if asked.focus == "year":
        return [(_year_span(sentence.text, date), 1.0) for date in fresh if date.year is not None]
    return [(span, 1.0) for span in _join_dates(sentence.text, fresh)]


def _is_same_day(one: Figure, other: Figure) -> bool:
    return (one.year, one.part, one.month, one.day) == (other.year, other.part, other.month, other.day)


def _year_span(text: str, date: Figure) -> Span:
    at = text.find(str(date.year), date.start, date.end)
    return (at, at + 4) if at >= 0 else (date.start, date.end)


def _join_dates(text: str, dates: Sequence[Figure]) -> list[Span]:
    joined: list[Span] = []
    for date in dates:
        if joined and _JOINS_DATES.fullmatch(text[joined[-1][1] : date.start]):
            joined[-1] = (joined[-1][0], date.end)
        else:
            joined.append((date.start, date.end))
    return joined


# names


def _name_options(asked: Question, sentence: Sentence) -> Iterable[tuple[Span, float]]:
    for span, words in find_names(sentence):
        if any(not asked.term_set.isdisjoint(same_sense(word.term)) for word in words):
            continue
        before, after = sentence.text[: span[0]], sentence.text[span[1] :]
        if asked.kind == "place":
            yield span, 1.0 if not _ASKS_WHERE.search(asked.text) or _PLACE_BEFORE.search(before) else 0.7
        elif len(words) == 1 and _NOUN_AFTER.match(after):
            yield span, 0.1  # "Kazakh companies": no person
        else:
            fit = 0.7 + 0.3 * (len(words) in (2, 3)) - 0.3 * any(word.text.isupper() for word in words)
            yield span, fit - 0.3 * bool(_NOT_PERSON_BEFORE.search(before))


def find_names(sentence: Sentence) -> list[tuple[Span, list[Word]]]:
    """Runs of words written with a capital, without titles before them and without a possessive ending."""
    names = []
    for run in _capital_runs(sentence):
        titles = [place for place, word in enumerate(run) if word.text.casefold() in _TITLES]
        rest = run[titles[-1] + 1 :] if titles else run
        if rest:
            text = sentence.text[rest[0].start : rest[-1].end]
            names.append(((rest[0].start, rest[0].start + len(_POSSESSIVE.sub("", text))), rest))
    return names


def _capital_runs(sentence: Sentence) -> list[list[Word]]:
    runs: list[list[Word]] = []
    previous: Word | None = None
    for word in sentence.words:
        if not word.text[0].isupper() or word.is_function or _is_in_figure(word, sentence.figures):
            previous = None
            continue
        joins = previous and sentence.text[previous.end : word.start] == " " and not _POSSESSIVE.search(previous.text)
        if joins:
            runs[-1].append(word)
        else:
            runs.append([word])
        previous = word
    return runs


def _is_in_figure(word: Word, figures: Sequence[Figure]) -> bool:
    return any(figure.start < word.end and word.start < figure.end for figure in figures)


# reasons and the rest


def _reason_options(asked: Question, sentence: Sentence) -> Iterable[tuple[Span, float]]:
    for place, pattern in enumerate(_REASONS):
        for match in pattern.finditer(sentence.text):
            span = trim(sentence.text, *match.span("why"))
            if span:
                yield span, 1.0 - 0.1 * place
    for span, fit in _new_options(asked, sentence):
        yield span, 0.2 * fit


def _new_options(asked: Question, sentence: Sentence) -> Iterable[tuple[Span, float]]:
    """Runs of words that the question does not have, better after its last word than between or before."""
    if asked.focus:
        yield from _focus_names(asked, sentence)
    known = [place for place, word in enumerate(sentence.words) if _is_known(asked, word)]
    if not known:
        return
    longest = max(1, len(sentence.words) - len(known))
    bounds = [-1, *known, len(sentence.words)]
    for left, right in pairwise(bounds):
        run = _without_edges(sentence.words[left + 1 : right])
        if run:
            place = 1.0 if right == len(sentence.words) else 0.3 if left == -1 else 0.6
            yield (run[0].start, run[-1].end), place * min(1.0, 0.5 + len(run) / longest)


def _focus_names(asked: Question, sentence: Sentence) -> Iterable[tuple[Span, float]]:
    """Names that hold the noun asked for: "which program" in "the Program of Joint Actions"."""
    for match in re.finditer(r"[A-Z][\w'’-]*(?:\s(?:(?:of|for|and|the|on)\s)*[A-Z][\w'’-]*)+", sentence.text):
        if asked.focus in analyze(match.group()):
            yield match.span(), 1.5


def _is_known(asked: Question, word: Word) -> bool:
    return not word.is_function and not asked.term_set.isdisjoint(same_sense(word.term))


def _without_edges(words: Sequence[Word]) -> Sequence[Word]:
    content = [place for place, word in enumerate(words) if not word.is_function]
    return words[content[0] : content[-1] + 1] if content else ()


def trim(text: str, start: int, end: int) -> Span | None:
    """The span without blanks and marks at its ends; None where nothing is left."""
    part = text[start:end]
    left = len(part) - len(part.lstrip(' ,;:“"'))
    right = len(part.rstrip(' ,;:.!?”"'))
    return (start + left, start + right) if right > left else None
