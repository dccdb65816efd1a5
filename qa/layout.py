"""How results read: answers, passages and articles as lines of styled text, for `terminal` to write.

Nothing here is safe to display: texts stand as they came, and are made safe where they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, Literal, NamedTuple

from qa.answer_form import Answer, Searched, article_dict
from qa.archive_reports import AddReport, Status
from qa.articles import Article, Filters, Quote
from qa.check import Check, DraftVerdict
from qa.errors import UsageError
from qa.ground import Citation, Statement, bare_statement
from qa.retrieve import Hit
from qa.split import Span, find_sentences
from qa.text import format_date, shorten
from qa.verify import Finding
from qa.workspace import Workspace

Style = Literal["", "strong", "mark", "quiet", "bad"]

_INDENT = 4
_SIGNS: Mapping[str, tuple[str, Style]] = {
    "supported": ("", ""),
    "unsupported": ("✗ ", "bad"),
    "uncited": ("? ", "bad"),
}
_DRAFT_SIGNS: Mapping[DraftVerdict, tuple[str, Style]] = {
    "supported": ("✓ ", ""),
    "contradicted": ("✗ ", "bad"),
    "not_found": ("? ", ""),
}
_DRAFT_WORDS: Mapping[DraftVerdict, str] = {
    "supported": "supported",
    "contradicted": "contradicted",
    "not_found": "not found",
}
_FAILED = {
    "figure_not_in_quote": "a figure is not in the quote",
    "other_scale": "a figure is of another scale",
    "other_sign": "a figure or word is the opposite of the quote's",
    "other_period": "the quote speaks of another time",
    "name_not_in_article": "a name is not in the article, or stands in another's place",
    "negated": "the quote says the opposite",
    "quotation_not_in_article": "a quotation is not in the article",
    "words_not_in_quote": "the quote does not say this",
    "quote_not_in_article": "the quote is not in the article",
    "order_in_quote": "the quote gives orders",
    "gives_orders": "it gives orders",
    "unknown_citation": "a source is unknown",
    "no_citation": "no source is named",
    "unfinished": "the sentence is unfinished",
}


class Piece(NamedTuple):
    """Some text as it came, and how it looks."""

    text: str
    style: Style = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph: its pieces, one after the other, and by how many columns all of it is indented."""

    pieces: tuple[Piece, ...] = ()
    indent: int = 0


BLANK = Line()


def line(text: str, style: Style = "", *, indent: int = 0) -> Line:
    """A paragraph of one piece."""
    return Line((Piece(text, style),), indent)


def lay_out_answer(answer: Answer, *, footer: str | None = None) -> Iterator[Line]:
    """The short answer, its sentences, what is wrong with them, their quotes, and what was done, or another footer."""
    if answer.short:
        yield from (line(answer.short, "strong"), BLANK)
    yield from _lay_out_text(answer)
    yield from chain.from_iterable(_explain(s, alone=len(answer.statements) == 1) for s in answer.statements)
    yield from (line(notice) for notice in answer.notices)
    yield from _lay_out_citations(answer, answer.citations)
    if answer.nearest:
        yield from (BLANK, line("Against it:" if answer.status == "answered" else "Closest:"))
        yield from islice(_lay_out_citations(answer, answer.nearest), 1, None)
    yield BLANK
    if answer.searched.parts:
        yield line(f"read as: {' · '.join(answer.searched.parts)}", "quiet")
    if footer and answer.searched.window:
        yield line(answer.searched.window.describe(), "quiet")
    yield line(footer or _footer(answer), "quiet")


def lay_out_check(check: Check) -> Iterator[Line]:
    """Each sentence of a draft with its mark, what is wrong with it, and the quote it was judged by."""
    for statement in check.statements:
        sign, style = _DRAFT_SIGNS[statement.verdict]
        yield Line((Piece(sign, style), Piece(statement.text.replace("\n", " "), style)))
        for problem in statement.problems:
            yield line(problem.detail, style, indent=_INDENT)
        for citation in statement.citations:
            nearest = "nearest: " if statement.verdict == "not_found" else ""
            yield Line((Piece(f"{nearest}“"), Piece(citation.quote.text), Piece("”")), _INDENT)
            place = f"{describe_article(citation.quote.article)} · {_place(citation.quote)}{_also(citation.copies)}"
            yield line(place, "quiet", indent=_INDENT)
        yield BLANK
    parts = [f"{check.count(verdict):,} {_DRAFT_WORDS[verdict]}" for verdict in _DRAFT_SIGNS]
    yield line(f"{count(len(check.statements), 'statement')}: {', '.join(parts)}", "quiet")


def lay_out_findings(findings: Sequence[Finding]) -> Iterator[Line]:
    """A line on each part of a saved answer, and how many do not hold."""
    for finding in findings:
        sign, style = _DRAFT_SIGNS["supported" if finding.holds else "contradicted"]
        yield Line((Piece(sign, style), Piece(f"{finding.name} {finding.detail}")))
    failed = sum(not finding.holds for finding in findings)
    said = f"{failed:,} of {len(findings):,} do not hold." if failed else f"All holds: {len(findings):,} checked."
    yield from (BLANK, line(said, "bad" if failed else "quiet"))


def lay_out_hits(hits: Sequence[Hit]) -> Iterator[Line]:
    """Passages found, best first."""
    for number, hit in enumerate(hits, start=1):
        place = f"{hit.article.source}:{hit.article.line_at(hit.passage.start)} · {hit.article.id}{_also(hit.copies)}"
        yield _heading(number, hit.article)
        yield line(hit.passage.text.strip(), indent=_INDENT)
        yield line(place, "quiet", indent=_INDENT)
        yield BLANK
    yield line(count(len(hits), "passage"), "quiet")


def hit_dict(hit: Hit) -> dict[str, Any]:
    """A passage found as plain data, in the form of `qa search --json`."""
    passage = hit.passage
    return {
        "score": hit.score,
        "passage": {"id": passage.id, "start": passage.start, "end": passage.end, "text": passage.text},
        "article": article_dict(hit.article),
        "copies": [article_dict(article) for article in hit.copies],
    }


def find_place(article: Article, offset: int) -> Span:
    """From a code point of an article's text to the end of its sentence.

    Raises:
        UsageError: the text has no such place.
    """
    if not 0 <= offset < len(article.text):
        raise UsageError(f"Article {article.id} has {len(article.text):,} characters: offset {offset} is not in it.")
    return offset, next((end for _, end in find_sentences(article.text) if end > offset), len(article.text))


def lay_out_article(article: Article, mark: Span | None) -> Iterator[Line]:
    """An article's metadata and its text, with `▶` and a colour where `mark` is."""
    published = format_date(article.published) if article.published else None
    yield from (line(article.title, "strong"), BLANK)
    for name, value in (
        ("id", article.id),
        ("publisher", article.publisher),
        ("author", article.author),
        ("published", published),
        ("url", article.url),
        ("source", article.source),
        ("language", article.language),
    ):
        if value:
            yield Line((Piece(f"{name:<11}", "quiet"), Piece(value)))
    yield BLANK
    yield from _split_lines(_mark(article.text, mark, sign="▶"))


def list_rows(articles: Iterable[Article]) -> list[tuple[str, ...]]:
    """One row for each article: id, date, publisher, title."""
    return [(a.id, a.published.isoformat() if a.published else "", a.publisher or "", a.title) for a in articles]


def duplicate_rows(groups: Iterable[Sequence[Article]]) -> list[tuple[str, ...]]:
    """One row for each article of each group, as in `list_rows` behind the group's number."""
    return [(str(n), *row) for n, group in enumerate(groups, start=1) for row in list_rows(group)]


def status_rows(status: Status, workspace: Workspace, variable: str | None) -> list[tuple[str, ...]]:
    """What an archive holds and what is still to be done, as name and value."""
    missing = status.passages - status.vectors
    vectors = f"; {missing:,} still to embed: qa sync" if missing else ""
    ungrouped = f"; {status.ungrouped:,} still to compare for copies: qa sync" if status.ungrouped else ""
    languages = ", ".join(f"{code or 'unknown'} {number:,}" for code, number in status.languages.items())
    return [
        ("workspace", f"{status.workspace} ({explain_choice(workspace, variable)})"),
        ("articles", f"{status.articles:,}{ungrouped}"),
        ("passages", f"{status.passages:,}{vectors}"),
        ("languages", languages or "none"),
        ("embedder", status.embedder),
        ("model", status.model or "none: answers are sentences of the articles"),
        ("store", f"{status.store_bytes / 1_000_000:,.1f} MB"),
    ]


def explain_choice(workspace: Workspace, variable: str | None) -> str:
    """Why this workspace is the one in use; `variable` is the environment's, where that named it."""
    reasons = {
        "named": f"named by {variable}" if variable else "named by --workspace",
        "found": "the nearest from the current folder upwards",
        "user": "your own, since there is none from the current folder upwards",
    }
    return reasons[workspace.chosen]


def summarise_changes(report: AddReport) -> str:
    """How much was added, as one line."""
    parts = [(report.added, "added"), (report.updated, "updated"), (report.unchanged, "unchanged")]
    return ", ".join(f"{len(items):,} {name}" for items, name in [*parts, (report.skipped, "skipped")])


def warn_of_languages(counts: Mapping[str, int]) -> str:
    """What to expect of articles in languages, by code, other than English."""
    total = sum(counts.values())
    articles = f"{count(total, 'article')} {'is' if total == 1 else 'are'}"
    codes = ", ".join(f"{code} {number:,}" for code, number in counts.items())
    return f"{articles} not in English ({codes}): figures and rules of other languages are not covered yet."


def count(number: int, noun: str) -> str:
    """A number of things in words: `1 article`, `1,200 articles`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _lay_out_text(answer: Answer) -> Iterator[Line]:
    """The answer's text, each sentence that is not supported marked."""
    pieces: list[Piece] = []
    at = 0
    for statement in answer.statements:
        sign, style = _SIGNS[statement.verdict]
        pieces += [
            Piece(answer.text[at : statement.start]),
            Piece(sign + answer.text[statement.start : statement.end], style),
        ]
        at = statement.end
    return _split_lines([*pieces, Piece(answer.text[at:])])


def _explain(statement: Statement, *, alone: bool) -> Iterator[Line]:
    """One line on what is wrong with a sentence; which sentence it is, where there are several."""
    if statement.problems:
        sign, style = _SIGNS[statement.verdict]
        which = "" if alone else f"“{shorten(bare_statement(statement.text), limit=40)}”: "
        details = "; ".join(problem.detail for problem in statement.problems)
        yield Line((Piece(sign, style), Piece(which + details)))


def _lay_out_citations(answer: Answer, citations: Sequence[Citation]) -> Iterator[Line]:
    """Each number with its article once, below it its quotes and their places."""
    previous = None
    for place, citation in enumerate(citations):
        if citation.number != previous:
            yield from (BLANK, _heading(citation.number, citation.quote.article))
        previous = citation.number
        cited = citations is answer.citations
        span = answer.short_span if cited and place == 0 else None
        quoted = _mark(citation.quote.text, span)
        yield Line((Piece("“"), *quoted, Piece("”")), _INDENT)
        checks = _check(answer, place) if cited else ()
        also = Piece(_also(citation.copies), "quiet")
        yield Line((Piece(_place(citation.quote), "quiet"), *checks, also), _INDENT)


def _heading(number: int, article: Article) -> Line:
    return Line((Piece(f"[{number}] "), Piece(describe_article(article))))


def describe_article(article: Article) -> str:
    """An article's title, publisher and date."""
    published = format_date(article.published) if article.published else "no date"
    return " · ".join(part for part in (article.title, article.publisher, published) if part)


def _place(quote: Quote) -> str:
    return f"{quote.article.source}:{quote.line}"


def _also(copies: Sequence[Article]) -> str:
    """In how many other articles the same words stand."""
    return f" · also in {count(len(copies), 'other article')}" if copies else ""


def _check(answer: Answer, place: int) -> tuple[Piece, ...]:
    """What was found about the sentences that rest on a quote."""
    users = [statement for statement in answer.statements if place in statement.quotes]
    kinds = dict.fromkeys(problem.kind for statement in users for problem in statement.problems)
    if kinds:
        return Piece(" · ", "quiet"), Piece("✗ " + ", ".join(_FAILED[kind] for kind in kinds), "bad")
    return (Piece(" · quote and figures checked", "quiet"),) if users else ()


def _footer(answer: Answer) -> str:
    usage = answer.usage
    parts = [f"{answer.seconds.get('total', 0.0):.1f} s", answer.model or "no model"]
    if usage.input_tokens or usage.output_tokens:
        parts.append(f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out")
    if usage.cost_usd is not None:
        parts.append(f"${usage.cost_usd:.4f}")
    return " · ".join([*parts, _describe_searched(answer.searched)])


def _describe_searched(searched: Searched) -> str:
    limits = ", ".join(_describe_limits(searched))
    return f"{count(searched.articles, 'article')} searched" + (f" ({limits})" if limits else "")


def _describe_limits(searched: Searched) -> Iterator[str]:
    """The filters and the window, neither twice: a hard window is part of the filters."""
    filters, window = searched.filters, searched.window
    if window and window.hard:
        since = None if filters.since == window.first else filters.since
        until = None if filters.until == window.last else filters.until
        filters = replace(filters, since=since, until=until, dated=False)
    yield from describe_filters(filters)
    if window:
        yield window.describe()


def describe_filters(filters: Filters) -> Iterator[str]:
    """Each filter in a few words."""
    for name, day in (("since", filters.since), ("until", filters.until), ("as of", filters.as_of)):
        if day:
            yield f"{name} {format_date(day)}"
    if filters.publisher:
        yield f"publisher {filters.publisher}"
    if filters.dated:
        yield "dated only"


def _mark(text: str, span: Span | None, *, sign: str = "") -> list[Piece]:
    """The text with one span of it marked, and a sign before that."""
    if span is None:
        return [Piece(text)]
    start, end = span
    return [Piece(text[:start]), Piece(sign + text[start:end], "mark"), Piece(text[end:])]


def _split_lines(pieces: Iterable[Piece]) -> Iterator[Line]:
    """Paragraphs from pieces with newlines in them."""
    current: list[Piece] = []
    for piece in pieces:
        first, *rest = piece.text.split("\n")
        current.append(Piece(first, piece.style))
        for text in rest:
            yield Line(tuple(current))
            current = [Piece(text, piece.style)]
    yield Line(tuple(current))
