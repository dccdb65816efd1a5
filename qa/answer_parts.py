"""The answers to the parts of a question as one answer: a sentence for each, and which of two alternatives it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from qa.answer_form import Answer
from qa.articles import Quote
from qa.extract import Pick, Reading
from qa.figures import Figure, find_figures, same_figure
from qa.ground import Citation, Statement
from qa.parts import Split
from qa.split import Span

# Which way a comparative points: the greater amount wins, or the lesser. Not here are those that may mean either, as
# "faster" does of a train's minutes and of a growth in percent.
_GREATER = "more higher larger bigger greater longer taller hotter warmer heavier deeper wider older elder dearer most"
_LESSER = "less fewer lower smaller shorter younger cheaper colder cooler lighter least"
_DIRECTIONS = dict.fromkeys(_GREATER.split(), 1) | dict.fromkeys(_LESSER.split(), -1)
_OF_AGE = frozenset({"older", "elder", "younger"})
_BEFORE_NAME = re.compile(r"^(?:(?:in|on|at|for|with|the|that|those|one|of)\s)+", re.IGNORECASE)


def settle_readings(readings: Sequence[Reading]) -> list[Reading]:
    """The readings of several parts, so that no two have the same figure as their answer.

    What something was meant to cost is not what it cost in the end: of two parts that were answered by one figure, the
    one whose score is lower takes the next of its answers that has another figure of that kind, if there is one.
    """
    settled = list(readings)
    for place in sorted(range(len(settled)), key=lambda place: settled[place].score):
        mine = _figure_of(settled[place].answer)
        others = [_figure_of(reading.answer) for reading in [*settled[:place], *settled[place + 1 :]]]
        taken = [figure for figure in others if figure]
        if mine is None or not any(same_figure(mine, figure) for figure in taken):
            continue
        for pick in settled[place].answers:
            figure = _figure_of(pick)
            if figure and _is_comparable(figure, mine) and not any(same_figure(figure, other) for other in taken):
                settled[place] = replace(settled[place], answer=pick)
                break
    return settled


def _figure_of(pick: Pick | None) -> Figure | None:
    """The amount that is the short answer of a sentence, or None where that is no amount."""
    if pick is None or pick.span is None:
        return None
    found = [figure for figure in find_figures(pick.quote.text[slice(*pick.span)]) if figure.kind != "date"]
    return found[0] if len(found) == 1 else None


def join_answers(question: str, split: Split, answers: Sequence[Answer]) -> Answer | None:
    """One answer without a model from those to the parts of a question, or None where they do not make one.

    Where each part asks something of its own, every part that is answered has its sentence with its own quote, in the
    order of the question, and a notice names the others; the short answer is that of the first, the score the lowest.
    Of alternatives, and of times held against each other, there must be two sentences with an amount that can be
    compared; the short answer is then the alternative of which the question asks, if its words tell which, and None if
    not.
    """
    if split.kind != "asks":
        return _compare(question, split, answers)
    answered = [answer for answer in answers if answer.status == "answered"]
    if not answered:
        return None
    open_parts = [part for part, answer in zip(split.parts, answers, strict=True) if answer not in answered]
    missing = [f"Nothing that was found answers: {part}" for part in open_parts]
    return _put_together(question, answered, notices=missing)


def _put_together(question: str, answers: Sequence[Answer], *, notices: Sequence[str] = ()) -> Answer:
    """Answers of one sentence each, one after the other, each quote once."""
    first = answers[0]
    said = {answer.citations[0].quote: answer.statements[0] for answer in answers}
    citations = tuple(Citation(number, quote) for number, quote in enumerate(said, start=1))
    statements = tuple(_number_statements(citations, list(said.values())))
    apart = [answer for answer in answers if any(near.quote not in said for near in answer.nearest)]
    against = dict.fromkeys(near.quote for answer in apart for near in answer.nearest if near.quote not in said)
    told = [notice for answer in answers for notice in answer.notices if answer in apart or not answer.nearest]
    return replace(
        first,
        question=question,
        text=" ".join(statement.text for statement in statements),
        statements=statements,
        citations=citations,
        nearest=tuple(Citation(number, quote) for number, quote in enumerate(against, start=len(said) + 1)),
        notices=tuple(dict.fromkeys([*told, *notices])),
        score=min(answer.score or 0.0 for answer in answers),
    )


def _number_statements(citations: Sequence[Citation], statements: Sequence[Statement]) -> Iterator[Statement]:
    start = 0
    for place, (citation, statement) in enumerate(zip(citations, statements, strict=True)):
        text = f"{' '.join(citation.quote.text.split())} [{citation.number}]"
        end = start + len(text)
        yield replace(statement, text=text, start=start, end=end, citations=(citation.number,), quotes=(place,))
        start = end + 1


def _compare(question: str, split: Split, answers: Sequence[Answer]) -> Answer | None:
    """Two sentences whose amounts can be compared, that of the alternative that is asked for first."""
    if len(answers) != 2 or any(answer.status != "answered" for answer in answers):
        return None
    quotes = [answer.citations[0].quote for answer in answers]
    names = [_BEFORE_NAME.sub("", name).removesuffix("'s").removesuffix("’s") for name in split.named]
    one, other = (_sure_amount(answer) for answer in answers)
    if one is None or other is None or not _is_comparable(one, other):
        return None
    if _column(answers[0]) != _column(answers[1]):
        return None
    if not (_speaks_only_of(quotes[0], names[0], names[1]) and _speaks_only_of(quotes[1], names[1], names[0])):
        return None
    winner = _find_winner(question, one, other) if split.kind == "alternatives" else None
    order = [answers[winner], answers[1 - winner]] if winner is not None else list(answers)
    span = _find_name(quotes[winner], names[winner]) if winner is not None else None
    short = quotes[winner].text[slice(*span)] if winner is not None and span else None
    return replace(_put_together(question, order), short=short, short_span=span)


def _sure_amount(answer: Answer) -> Figure | None:
    """The amount that is an answer's short answer, if its sentence has no other of that kind or is a row of a table."""
    quote = answer.citations[0].quote
    amount = _figure_of(Pick(quote, answer.short_span, 0.0))
    if amount is None:
        return None
    rivals = [figure for figure in find_figures(quote.text) if figure.kind != "date" and _is_comparable(figure, amount)]
    return amount if len(rivals) == 1 or _column(answer) is not None else None


def _is_comparable(one: Figure, other: Figure) -> bool:
    return (one.kind, one.unit) == (other.kind, other.unit)


def _column(answer: Answer) -> tuple[str, int] | None:
    """In which column of the tables of which article a short answer stands; None where its sentence is no row."""
    quote, span = answer.citations[0].quote, answer.short_span
    if span is None or not quote.text.lstrip().startswith("|"):
        return None
    return quote.article.id, quote.text.count("|", 0, span[0])


def _speaks_only_of(quote: Quote, name: str, other: str) -> bool:
    return _find_name(quote, name) is not None and _find_name(quote, other) is None


def _find_name(quote: Quote, name: str) -> Span | None:
    found = re.search(rf"\b{re.escape(name)}\b", quote.text) if name else None
    return found.span() if found else None


def _find_winner(question: str, one: Figure, other: Figure) -> int | None:
    """Which of two amounts of one unit the question asks for, 0 or 1, or None where that is not sure."""
    words = [word for word in re.findall(r"[a-z]+", question) if word in _DIRECTIONS]
    if len(words) != 1 or one.value is None or other.value is None or (words[0] in _OF_AGE and one.unit != "year"):
        return None
    greater, lesser = (one, other) if one.value > other.value else (other, one)
    if one.value == other.value or greater.bound == "under" or lesser.bound == "over":
        return None
    apart = one.value - other.value
    if (one.approximate or other.approximate) and abs(apart) <= max(abs(one.value), abs(other.value)) / 10:
        return None
    return 0 if (greater is one) == (_DIRECTIONS[words[0]] > 0) else 1
