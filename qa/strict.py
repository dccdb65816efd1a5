"""An answer without what is not supported: the rest numbered anew, and a line on each sentence that was withheld."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from qa.answer_form import ABSTAINED, Answer
from qa.ground import Citation, Statement, cited_numbers
from qa.text import shorten

_MARKER = re.compile(r"\s*\[\d{1,4}(?:\s*,\s*\d{1,4})*\]")
_MOST_LINES = 5  # on what was withheld
_SHOWN = 80  # characters of a sentence that was withheld


def withhold_unsupported(answer: Answer) -> Answer:
    """The answer with its supported sentences alone, as `qa ask --strict` gives it.

    Passages are numbered from 1 in the order in which they are cited. A notice says what was withheld and why. Where
    nothing is left it is an abstention, and the quotes that did not bear it out are the nearest. Who wrote it, and what
    that cost, stays.
    """
    kept = [statement for statement in answer.statements if statement.verdict == "supported"]
    if len(kept) == len(answer.statements):
        return answer
    notices = (*answer.notices, *describe_unsupported(answer.statements))
    if not kept:
        return replace(
            answer,
            status="abstained",
            text=ABSTAINED,
            short=None,
            short_span=None,
            statements=(),
            citations=(),
            nearest=_number_anew(answer.citations, _new_numbers(c.number for c in answer.citations)),
            notices=notices,
        )
    return replace(_keep(answer, kept), notices=notices)


def describe_unsupported(statements: Iterable[Statement]) -> list[str]:
    """A line on each sentence that is not supported, at most five, and one on how many more there are."""
    refused = [statement for statement in statements if statement.verdict != "supported"]
    lines = [
        f"Withheld: “{shorten(_MARKER.sub('', s.text), limit=_SHOWN)}” ({'; '.join(p.detail for p in s.problems)})"
        for s in refused[:_MOST_LINES]
    ]
    more = len(refused) - _MOST_LINES
    return [*lines, f"Withheld: {more} more"] if more > 0 else lines


def _keep(answer: Answer, kept: Sequence[Statement]) -> Answer:
    """The answer with some of its sentences, their markers and citations numbered anew."""
    used = {place for statement in kept for place in statement.quotes}
    places = {old: new for new, old in enumerate(sorted(used))}
    numbers = _new_numbers(n for statement in kept for n in cited_numbers(statement.text) if n in statement.citations)
    text, statements, end = "", [], 0
    for statement in kept:
        said = _MARKER.sub(lambda match: _rewrite(match[0], numbers), statement.text)
        text += (_gap(answer.text, end, statement.start) if text else "") + said
        statements.append(
            replace(
                statement,
                text=said,
                start=len(text) - len(said),
                end=len(text),
                citations=tuple(numbers[number] for number in statement.citations),
                quotes=tuple(places[place] for place in statement.quotes),
            )
        )
        end = statement.end
    citations = _number_anew([answer.citations[place] for place in sorted(used)], numbers)
    is_first = 0 in used
    return replace(
        answer,
        text=text,
        short=answer.short if is_first else None,
        short_span=answer.short_span if is_first else None,
        statements=tuple(statements),
        citations=citations,
    )


def _new_numbers(numbers: Iterable[int]) -> dict[int, int]:
    return {old: new for new, old in enumerate(dict.fromkeys(numbers), start=1)}


def _number_anew(citations: Iterable[Citation], numbers: Mapping[int, int]) -> tuple[Citation, ...]:
    return tuple(replace(citation, number=numbers[citation.number]) for citation in citations)


def _rewrite(marker: str, numbers: Mapping[int, int]) -> str:
    """A marker with the new numbers, those that are known no more left out."""
    blank = marker[: len(marker) - len(marker.lstrip())]
    new = [str(numbers[number]) for number in cited_numbers(marker) if number in numbers]
    return f"{blank}[{', '.join(new)}]" if new else ""


def _gap(text: str, start: int, end: int) -> str:
    """What parts two sentences: a line break where one did, else a space."""
    return "\n" if "\n" in text[start:end] else " "
