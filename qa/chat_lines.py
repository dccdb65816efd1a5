"""How a chat reads: its sources, a quote in its context, why an answer is as it is, its footer, the list of chats.

Nothing here is safe to display, as in `layout`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from qa.answer_form import Answer
from qa.articles import Filters, Quote
from qa.conversation import Turn
from qa.errors import UsageError
from qa.ground import bare_statement
from qa.layout import BLANK, Line, Piece, count, describe_article, describe_filters, line
from qa.models import Usage
from qa.retrieve import Hit
from qa.sessions import Summary
from qa.split import find_sentences
from qa.text import format_date, shorten

_INDENT = 4
_CONTEXT_CHARACTERS = 500  # before and after a quote
_SIGNS = {"supported": "✓ ", "unsupported": "✗ ", "uncited": "? "}


def list_sources(answer: Answer) -> Iterator[Line]:
    """The sources of an answer by number, each with the beginning of its quotes."""
    for heading, citations in (("", answer.citations), (_nearest_heading(answer), answer.nearest)):
        if heading and citations:
            yield line(heading)
        for number in dict.fromkeys(citation.number for citation in citations):
            quotes = [citation.quote for citation in citations if citation.number == number]
            yield Line((Piece(f"[{number}] ", "strong"), Piece(describe_article(quotes[0].article))))
            for quote in quotes:
                yield line(f"“{shorten(quote.text, limit=200)}”", "quiet", indent=_INDENT)
    if not (answer.citations or answer.nearest):
        yield line("The last answer has no sources.")


def find_source(answer: Answer, number: str) -> list[Quote]:
    """The quotes of the source of this number.

    Raises:
        UsageError: there is none.
    """
    numbers = source_numbers(answer)
    if not numbers:
        raise UsageError("The last answer has no sources.")
    known = f"Its sources are {', '.join(map(str, numbers))}."
    if not number.isascii() or not number.isdigit() or int(number[:9]) not in numbers:
        raise UsageError(f"No source '{shorten(number, limit=20)}' in the last answer. {known}")
    cited = [*answer.citations, *answer.nearest]
    return [citation.quote for citation in cited if citation.number == int(number)]


def source_numbers(answer: Answer) -> list[int]:
    """The numbers of an answer's sources, in order."""
    return sorted({citation.number for citation in (*answer.citations, *answer.nearest)})


def show_in_context(quote: Quote) -> Iterator[Line]:
    """A quote, marked, between the sentences before and after it; by itself where its article has changed."""
    if not quote.stands():
        yield line(f"“{quote.text}”", indent=_INDENT)
        yield line("The article is gone, or its text has changed since: this is the quote as it was.", "bad")
        return
    before, after = _context(quote)
    pieces = (Piece(f"{before}▶"), Piece(quote.text, "mark"), Piece(after))
    yield from split_paragraphs(pieces)


def explain_answer(turn: Turn, hits: Sequence[Hit]) -> Iterator[Line]:
    """What was asked and searched, each sentence with its verdict and reasons, the score, and the best passages now."""
    answer = turn.answer
    filters = ", ".join(describe_filters(answer.searched.filters)) or "none"
    yield from (_fact("asked as", turn.standalone), _fact("filters", filters))
    yield _fact("searched", f"{count(answer.searched.articles, 'article')}, {answer.searched.passages:,} passages")
    if answer.searched.window:
        yield _fact("days", answer.searched.window.describe())
    if answer.searched.parts:
        yield _fact("parts", " · ".join(answer.searched.parts))
    words = f"{answer.model}'s words" if answer.mode == "model" else "the articles' own words"
    yield _fact("answer", f"{answer.status}, {words}" + ("" if turn.is_whole else ", stopped: nothing was checked"))
    if answer.score is not None:
        yield _fact("score", f"{answer.score:.3f} of 1")
    if answer.prompt:
        yield _fact("prompt", f"{answer.prompt.name} {answer.prompt.sha256[:12]}")
    for notice in answer.notices:
        yield _fact("notice", notice)
    for statement in answer.statements:
        yield BLANK
        numbers = ", ".join(map(str, statement.citations)) or "none"
        yield Line((Piece(_SIGNS[statement.verdict]), Piece(bare_statement(statement.text).strip())))
        yield line(f"{statement.verdict}; sources: {numbers}", "quiet", indent=_INDENT)
        for problem in statement.problems:
            yield line(f"{problem.kind}: {problem.detail}", "bad", indent=_INDENT)
    if hits:
        yield from (BLANK, line("Passages found for this question now, by score:"))
    for hit in hits:
        yield Line((Piece(f"{hit.score:.4f}  "), Piece(describe_article(hit.article))), _INDENT)


def describe_turn(turn: Turn, turns: Iterable[Turn]) -> str:
    """The footer of a turn: seconds, what was searched, tokens, its cost and that of all turns."""
    answer, usage = turn.answer, turn.usage
    parts = [f"{answer.seconds.get('total', 0.0):.1f} s", f"{count(answer.searched.articles, 'article')} searched"]
    if answer.model or usage != Usage():
        parts += [answer.model or "no model's words", _describe_tokens(turn), f"{_cost([turn])} this turn"]
    else:
        parts.append(f"no model, {_cost([turn])}")
    return " · ".join([*parts, f"{_cost(turns)} this chat"])


def list_chats(summaries: Sequence[Summary], current: int | None) -> Iterator[Line]:
    """The chats that are kept: name or number, day, turns, first question."""
    for chat in summaries:
        sign = "▶ " if chat.id == current else "  "
        named = f"{chat.id}" + (f" {chat.name}" if chat.name else "")
        about = f" · {format_date(chat.used)} · {count(chat.turns, 'turn')} · "
        question = shorten(chat.first_question, limit=80)
        yield Line((Piece(sign), Piece(named, "strong"), Piece(about, "quiet"), Piece(question)))
    if not summaries:
        yield line("No chat is kept yet.")


def describe_scope(filters: Filters, *, is_raw: bool = False) -> str:
    """What holds for every question, as it stands in the prompt; empty for nothing."""
    days = (("since", filters.since), ("until", filters.until), ("as of", filters.as_of))
    parts = [f"{name} {day.isoformat()}" for name, day in days if day]
    parts += [filters.publisher] if filters.publisher else []
    return " · ".join([*parts, *(["dated only"] if filters.dated else []), *(["raw"] if is_raw else [])])


def split_paragraphs(pieces: Iterable[Piece]) -> Iterator[Line]:
    """Lines from pieces with newlines in them, indented; no two empty ones after each other."""
    current: list[Piece] = []
    rows = []
    for piece in pieces:
        first, *rest = piece.text.split("\n")
        current.append(Piece(first, piece.style))
        for text in rest:
            rows.append(current)
            current = [Piece(text, piece.style)]
    for row in [*rows, current]:
        if any(piece.text.strip() for piece in row):
            yield Line(tuple(row), _INDENT)


def _context(quote: Quote) -> tuple[str, str]:
    text = quote.article.text
    spans = find_sentences(text)
    least, most = quote.start - _CONTEXT_CHARACTERS, quote.end + _CONTEXT_CHARACTERS
    start = next((start for start, end in spans if start >= least), quote.start)
    end = next((end for start, end in reversed(spans) if end <= most), quote.end)
    start, end = min(start, quote.start), max(end, quote.end)
    before, after = ("… " if start > 0 else ""), (" …" if end < len(text) else "")
    return before + text[start : quote.start], text[quote.end : end] + after


def _fact(name: str, value: str) -> Line:
    return Line((Piece(f"{name:<10}", "quiet"), Piece(value)))


def _nearest_heading(answer: Answer) -> str:
    return "Against it:" if answer.status == "answered" else "Closest:"


def _describe_tokens(turn: Turn) -> str:
    if _is_unknown(turn):
        return "tokens unknown"
    return f"{turn.usage.input_tokens:,} tokens in, {turn.usage.output_tokens:,} out"


def _is_unknown(turn: Turn) -> bool:
    """Whether a model was asked and nobody knows what that took."""
    failed = any(notice.startswith("Answered without the model") for notice in turn.answer.notices)
    return failed or (turn.answer.model is not None and turn.answer.usage == Usage())


def _cost(turns: Iterable[Turn]) -> str:
    """What turns cost together; unknown, or at least so much, where a price or a usage is not known."""
    known, unknown = 0.0, False
    for turn in turns:
        usages = [usage for usage in (turn.rewriting, turn.answer.usage) if usage != Usage()]
        unknown = unknown or _is_unknown(turn) or any(usage.cost_usd is None for usage in usages)
        known += sum(usage.cost_usd or 0.0 for usage in usages)
    amount = f"${known:.4f}" if known else "$0.00"
    return (f"at least {amount}" if known else "cost unknown") if unknown else amount
