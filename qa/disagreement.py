"""Which articles answer a question otherwise than its answer does, with both quotes.

Another answer is one that cannot be right if the answer given is (`qa.rivals`), in a sentence of another article that
has much of what the question asks; or a figure or date that another article says was put in the place of the answer's
own. The notice has both sentences with their articles and dates.

Of answers that were written on different days the newest is given, where its sentence fits the question nearly as well
as the other does; the notice says as of when. Else the sentence that fits best stays the answer.

The notice counts sources, not articles: those of one publisher are one source, so are copies of one story, and all
articles without a publisher together are one. The count decides nothing, however many copies another answer has. A vote
was tried and let an attacker with five invented publishers turn right answers into wrong ones, while it mended hardly
any (`eval/bench/planted.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from qa.articles import Article, Quote, make_quote
from qa.extract import Candidate, Pick
from qa.keywords import analyze
from qa.orders import find_orders, gives_orders, meets_order
from qa.question import Question, read_question
from qa.retrieve import Hit
from qa.rivals import CHANGES, Claim, differ, find_correction, is_of_kind, read_claim, same_answer
from qa.split import Span, find_sentences
from qa.synonyms import same_sense
from qa.text import fold, format_date, one_line, shorten

_LEAST_COVERED = 0.35  # share of the question's weight that a sentence with a name or date must have
# Share of it that a sentence must have together with its passage and title: on real news 2 of 65 answers get a notice
# with 0.6; when it was chosen 5 of 77 did, 4 with 0.7, 8 with 0.5 (`eval/bench/disagreement.py --news …`).
_LEAST_CONTEXT = 0.6
_LEAST_ABOUT = 0.4  # share of the question's terms that a passage must have which corrects the answer's very figure
_MOST_NAMED = 2  # other answers that are named
_QUOTED = 300  # characters of a quote that the notice repeats; the whole one stands beside the answer
_COPIED = 0.5  # share of the shorter text's runs of five words from which on two texts are copies of one
_RUN = 5
_APART_DAYS = 365
_LEAST_AS_NEWEST = 0.5  # share of the answer's score that a newer sentence must have to be the answer in its place


@dataclass(frozen=True, slots=True)
class Side:
    """One answer: the sentence that fits the question best, and how many independent sources give it."""

    claim: Claim
    sources: int


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An answer and the others that articles give, best first."""

    answer: Side
    rivals: tuple[Side, ...]

    @property
    def quotes(self) -> tuple[Quote, ...]:
        """The sentences that speak against the answer."""
        return tuple(side.claim.quote for side in self.rivals)

    def describe(self) -> str:
        """The notice: every answer with its quote, title, publisher and date, and how many sources give it."""
        said = [_describe_quote(side.claim.quote) for side in (self.answer, *self.rivals)]
        counts = [f"{_count(side.sources)} “{one_line(side.claim.text)}”" for side in (self.answer, *self.rivals)]
        apart = "; they were written over a year apart" if self._is_far_apart() else ""
        newest = f" The answer is the newest, as of {format_date(day)}." if (day := self._newest_day()) else ""
        return f"Sources disagree: {' but '.join(said)}. {_capitalise(', '.join(counts))}{apart}.{newest}"

    def _newest_day(self) -> date | None:
        """The day of the answer's article, where every other was published before."""
        day, others = self.answer.claim.quote.article.published, [q.article.published for q in self.quotes]
        return day if day and all(other and other < day for other in others) else None

    def _is_far_apart(self) -> bool:
        days = [quote.article.published for quote in (self.answer.claim.quote, *self.quotes)]
        known = [day for day in days if day]
        return bool(known) and (max(known) - min(known)).days > _APART_DAYS


def find_disagreement(
    question: str,
    quotes: Sequence[Quote],
    candidates: Sequence[Candidate],
    hits: Sequence[Hit],
    *,
    span: Span | None = None,
    group_of: Callable[[Sequence[str]], Mapping[str, str]] = lambda _ids: {},
) -> Disagreement | None:
    """The other answers that the hits give to a question, or None where all agree or none can be compared.

    Args:
        question: as it was asked.
        quotes: what the answer rests on; the first that disagrees with another article counts.
        candidates: the sentences of the hits that were read for the question, best first.
        hits: the passages, which are looked through for corrections of the answer's own figure.
        span: the short answer, offsets into the first quote's text: what the answer says, however little of the
            question stands beside it.
        group_of: tells the groups of copies of articles, by id, of those that have any.
    """
    asked = read_question(question)
    claims = list(_read_claims(asked, candidates))
    answers = [claim for quote in quotes for claim in claims if _holds(quote, claim.quote)]
    if span and (short := read_claim(asked, quotes[0], span)):
        answers.insert(0, short)
    groups = group_of([hit.article.id for hit in hits])
    found = (_compare(asked, answer, claims, hits, groups) for answer in answers)
    return next((disagreement for disagreement in found if disagreement), None)


def find_newest(found: Disagreement, candidates: Sequence[Candidate]) -> Pick | None:
    """The sentence of the newest article among those that disagree, where it should be the answer in place of another.

    What speaks for it must be worth at least a share of what speaks for the answer, so that a sentence that merely has
    some figure is not made the answer by being new; one that puts its figure in the place of the answer's own need not.
    """
    answer = found.answer.claim.quote
    day, score = answer.article.published, next((c.score for c in candidates if _holds(answer, c.quote)), None)
    if day is None or score is None:
        return None
    scores = {candidate.quote: candidate.score for candidate in candidates}
    later = [
        (published, -place, Pick(claim.quote, claim.span, scores.get(claim.quote, score)))
        for place, claim in enumerate(side.claim for side in found.rivals)
        if (published := claim.quote.article.published) and published > day
    ]
    fitting = [option for option in later if option[2].score >= _LEAST_AS_NEWEST * score]
    return max(fitting, key=lambda option: option[:2])[2] if fitting else None


def _holds(quote: Quote, sentence: Quote) -> bool:
    is_inside = quote.start <= sentence.start and sentence.end <= quote.end
    return quote.article.id == sentence.article.id and is_inside


def _compare(
    asked: Question, answer: Claim, claims: Sequence[Claim], hits: Sequence[Hit], groups: Mapping[str, str]
) -> Disagreement | None:
    others = [claim for claim in claims if claim.quote.article.id != answer.quote.article.id]
    against = [claim for claim in others if differ(asked, answer, claim)]
    against += _find_corrections(asked, answer, hits)
    if not against:
        return None
    agreeing = [answer, *(claim for claim in others if claim not in against and same_answer(answer, claim))]
    return Disagreement(Side(answer, count_sources(agreeing, groups)), tuple(_sides(against, groups)[:_MOST_NAMED]))


def count_sources(claims: Sequence[Claim], groups: Mapping[str, str]) -> int:
    """How many independent sources stand behind claims; `groups` are the groups of copies by article id."""
    sources: list[Article] = []
    for article in dict.fromkeys(claim.quote.article for claim in claims):
        if not any(_is_one_source(article, known, groups) for known in sources):
            sources.append(article)
    return len(sources)


def _is_one_source(one: Article, other: Article, groups: Mapping[str, str]) -> bool:
    if fold(one.publisher or "") == fold(other.publisher or ""):
        return True
    if one.id in groups and groups[one.id] == groups.get(other.id):
        return True
    first, second = _runs(one.text), _runs(other.text)
    return len(first & second) >= _COPIED * max(1, min(len(first), len(second)))


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", fold(text))
    return {tuple(words[place : place + _RUN]) for place in range(max(1, len(words) - _RUN + 1))}


def _read_claims(asked: Question, candidates: Sequence[Candidate]) -> Iterator[Claim]:
    for candidate in candidates:
        features = candidate.features
        is_covered = asked.wants_figure or features.covered >= _LEAST_COVERED
        if candidate.span and features.eligible and is_covered and features.context >= _LEAST_CONTEXT:
            claim = read_claim(asked, candidate.quote, candidate.span)
            if claim and is_of_kind(asked, claim):
                yield claim


def _sides(against: Sequence[Claim], copies: Mapping[str, str]) -> list[Side]:
    """Claims grouped by the answer that they give, that of most sources first."""
    groups: list[list[Claim]] = []
    for claim in against:
        group = next((group for group in groups if same_answer(group[0], claim)), None)
        if group is None:
            groups.append([claim])
        else:
            group.append(claim)
    return sorted((Side(group[0], count_sources(group, copies)) for group in groups), key=lambda side: -side.sources)


def _find_corrections(asked: Question, answer: Claim, hits: Sequence[Hit]) -> Iterator[Claim]:
    """Sentences of other articles that put something else in the place of the answer's figure or date."""
    for hit in hits:
        if hit.article.id == answer.quote.article.id or not CHANGES.search(hit.passage.text):
            continue
        if not _is_about(asked, hit):
            continue
        for quote in _sentences(hit):
            claim = find_correction(answer, quote) if quote.text != answer.quote.text else None
            if claim:
                yield claim


def _is_about(asked: Question, hit: Hit) -> bool:
    known = frozenset(analyze(f"{hit.article.title}\n{hit.passage.text}"))
    held = sum(not known.isdisjoint(same_sense(term)) for term in asked.terms)
    return held >= _LEAST_ABOUT * len(asked.terms)


def _sentences(hit: Hit) -> Iterator[Quote]:
    first, article = hit.passage.start, hit.article
    orders = find_orders(article.text, (first, hit.passage.end), language=article.language)
    for start, end in find_sentences(hit.passage.text, language=article.language):
        if not meets_order((first + start, first + end), orders):
            yield make_quote(article, first + start, first + end)


def _describe_quote(quote: Quote) -> str:
    article = quote.article
    title = "" if gives_orders(article.title) else one_line(article.title)
    day = format_date(article.published) if article.published else "no date"
    about = ", ".join(part for part in (title, one_line(article.publisher or ""), day) if part)
    return f"“{shorten(quote.text, limit=_QUOTED)}” ({about})"


def _count(sources: int) -> str:
    return "one source says" if sources == 1 else f"{sources} sources say"


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]
