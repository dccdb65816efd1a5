"""What speaks for a sentence as the answer to a question: its words, times, names and figures, and its meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from qa.articles import Quote
from qa.figures import Figure, find_figures, same_figure
from qa.keywords import analyze
from qa.names import speaks_of
from qa.orders import cut_out, find_orders, gives_orders
from qa.periods import Period, find_periods
from qa.question import Question, find_counted_noun
from qa.retrieve import Hit
from qa.scope import MET, Scope, meets_said, meets_times, read_scope
from qa.span import Found, Sentence, find_answer, read_sentence
from qa.split import Span
from qa.synonyms import same_sense
from qa.tables import Cell, is_row, read_row

# What these questions ask for has a form; a sentence without a span of that form is no answer.
_SHORT = 31  # days
_ASKS = re.compile(r"\?[\s\"'”’)]*$")  # a question says nothing
_STRICT_KINDS = frozenset({"count", "amount", "share", "measure", "date", "person", "place"})


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for a sentence, each from 0 to 1.

    `covered`: weight of the question's terms in the sentence; `context`: the same with its passage and title.
    `similarity`: cosine of question and sentence. `near`: how close the span stands to the question's words.
    `fit`: how well the span has the kind asked for. `timed`, `figured`, `named`: how well the question's times, figures
    and names are met in the sentence or, counting less, around it (the worst of them). `plain` is 0 for an average that
    was not asked for. `eligible` is whether it may be the answer at all.
    """

    covered: float = 0.0
    context: float = 0.0
    similarity: float = 0.0
    near: float = 0.0
    fit: float = 0.0
    timed: float = 1.0
    figured: float = 1.0
    named: float = 1.0
    plain: float = 1.0
    eligible: bool = True


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a sentence, no orders: passage and title with their terms and figures, lead, article."""

    text: str
    terms: frozenset[str]
    figures: tuple[Figure, ...]
    lead: str
    article: str

    @classmethod
    def of(cls, hit: Hit) -> Surroundings:
        """Read the surroundings that all sentences of a hit share."""
        title = "" if gives_orders(hit.article.title) else hit.article.title
        orders = find_orders_in(hit)
        first = hit.passage.start
        near = f"{title}\n{cut_out(hit.passage.text, [(start - first, end - first) for start, end in orders])}"
        whole = f"{title}\n{cut_out(hit.article.text, orders)}"
        return cls(
            text=near,
            terms=frozenset(analyze(near)),
            figures=tuple(find_figures(near)),
            lead=whole[: whole.find("\n", len(title) + 2) + 1] or whole,
            article=whole,
        )


def find_orders_in(hit: Hit) -> tuple[Span, ...]:
    """The sentences of a passage that give orders, as offsets into the article."""
    return find_orders(hit.article.text, (hit.passage.start, hit.passage.end), language=hit.article.language)


def read_features(
    asked: Question, quote: Quote, around: Surroundings, weights: Mapping[str, float]
) -> tuple[Features, Span | None]:
    """What speaks for a sentence but its meaning, and the part of it that answers, offsets into the sentence.

    `weights` says how much each term of the question counts.
    """
    sentence, scope = read_sentence(quote.text), read_scope(quote)
    if cells := read_row(quote):
        terms = sentence.terms.union(*(analyze(cell.heading) for cell in cells))
        found, timed = _find_cell(asked, cells, scope)
        features = _weigh_sentence(asked, replace(sentence, terms=terms), around, weights, found)
    else:
        found = find_answer(asked, sentence, weights, timing=lambda figure: meets_times(asked.periods, scope, figure))
        timed = _meets_times(asked, sentence, scope, around, found)
        features = _weigh_sentence(asked, sentence, around, weights, found)
    says_nothing = _ASKS.search(quote.text) or (not cells and is_row(quote.text))
    features = replace(features, timed=timed)
    features = replace(features, eligible=not says_nothing and _is_eligible(asked, features))
    return features, found.span if found else None


def _find_cell(asked: Question, cells: Sequence[Cell], scope: Scope) -> tuple[Found | None, float]:
    """The cell of a row that answers, by its heading and its kind, and how well the question's times are met."""
    wanted = asked.term_set
    of_row = find_periods(cells[0].text, scope.published)
    is_asked = of_row or any(not wanted.isdisjoint(same_sense(term)) for term in analyze(cells[0].text))
    options = []
    for cell in cells[1:]:
        fit = _cell_fit(asked, cell.text) * (1.0 if is_asked else 0.2)  # a row that the question does not name
        if fit:
            said = find_periods(cell.heading, scope.published) or of_row
            timed = meets_said(asked.periods, said, scope)
            heading = analyze(cell.heading)
            near = sum(not wanted.isdisjoint(same_sense(term)) for term in heading) / len(heading) if heading else 0.0
            options.append((Found(cell.span, near, fit), timed))
    return max(options, key=lambda option: option[0].fit + option[0].near + option[1], default=(None, 1.0))


def _cell_fit(asked: Question, text: str) -> float:
    """How well a cell has the kind of what is asked for: its unit may stand in the heading."""
    figures = [figure for figure in find_figures(text) if figure.kind != "date"]
    if asked.wants_figure:
        return 0.9 if figures else 0.0
    if asked.kind in ("person", "place"):
        return 0.9 if text[:1].isupper() and not figures else 0.0
    return 0.5 if text else 0.0


def _weigh_sentence(
    asked: Question, sentence: Sentence, around: Surroundings, weights: Mapping[str, float], found: Found | None
) -> Features:
    total = sum(weights.values()) or 1.0
    absent = {term: weight for term, weight in weights.items() if not sentence.holds(term)}
    far = {term: weight for term, weight in absent.items() if around.terms.isdisjoint(same_sense(term))}
    return Features(
        covered=1 - sum(absent.values()) / total if weights else 0.0,
        context=1 - sum(far.values()) / total if weights else 0.0,
        near=found.near if found else 0.0,
        fit=_fit(asked, found, sentence, around),
        plain=float(asked.wants_average or not any(sentence.holds(term) for term in _average_terms())),
        figured=_least(_figure_met(asked, figure, sentence, around) for figure in asked.figures),
        named=_least(_name_met(name, quote_text=sentence.text, around=around) for name in asked.full_names),
    )


def _meets_times(asked: Question, sentence: Sentence, scope: Scope, around: Surroundings, found: Found | None) -> float:
    if asked.wants_whole_year and any(known.month or known.part or known.unit == "month" for known in sentence.figures):
        return 0.0  # it speaks of a part of the year
    met = meets_times(asked.periods, scope, found.figure if found else None)
    is_lately = any(period.relative and _is_short(period) for period in asked.periods)
    if asked.kind in _STRICT_KINDS or is_lately or not all(_is_near(day, around) for day in asked.dates):
        return met
    return max(met, 0.5)  # a reason need not be of the time of what it explains


def _is_short(period: Period) -> bool:
    return bool(period.days) and all((last - first).days <= _SHORT for first, last in period.days)


def _is_near(figure: Figure, around: Surroundings) -> bool:
    return any(same_figure(figure, known) for known in around.figures)


@cache
def _average_terms() -> list[str]:
    return analyze("average evenly each")


def _fit(asked: Question, found: Found | None, sentence: Sentence, around: Surroundings) -> float:
    if found is None:
        return 0.0
    if asked.kind == "count" and asked.focus and not asked.unit and not sentence.holds(asked.focus):
        return min(1.0, found.fit) if not around.terms.isdisjoint(same_sense(asked.focus)) else 0.0
    return min(1.0, found.fit)


def _is_eligible(asked: Question, features: Features) -> bool:
    if asked.kind in _STRICT_KINDS and features.fit < 0.25:
        return False
    return features.timed >= MET and features.named >= 0.7 and features.figured > 0


def _figure_met(asked: Question, figure: Figure, sentence: Sentence, around: Surroundings) -> float:
    if any(same_figure(figure, known) for known in sentence.figures):
        return 1.0
    noun = next((noun for counted, noun in asked.counted if counted == figure), None)
    if noun and any(find_counted_noun(sentence.text, known) == noun for known in sentence.figures):
        return 0.0  # the sentence counts the same things differently
    return 0.5 if _is_near(figure, around) else 0.0


def _name_met(name: str, quote_text: str, around: Surroundings) -> float:
    if speaks_of(name, quote_text):
        return 1.0
    if speaks_of(name, around.text):
        return 0.85
    if speaks_of(name, around.lead):
        return 0.75
    return 0.5 if speaks_of(name, around.article) else 0.0


def _least(values: Iterable[float]) -> float:
    return min(values, default=1.0)
