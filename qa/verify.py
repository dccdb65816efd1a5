"""A saved answer held against its articles: what stands, what has changed since, what was never so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from qa.answer_form import ABSTAINED
from qa.articles import Article, Quote, hash_text, make_quote
from qa.ground import bare_statement, check_statement, cited_numbers
from qa.html_answer import ShownQuote, ShownStatement, render_answer
from qa.saved import SavedAnswer
from qa.text import shorten

Status = Literal[
    "holds",
    "article_missing",
    "article_changed",
    "quote_not_there",
    "attribution_differs",
    "verdict_differs",
    "not_checked",
    "answer_differs",
    "page_differs",
]
_SHOWN = 60  # characters of a quote or a statement


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one part of a saved answer; `detail` is a line for people, `status` is for programs."""

    about: Literal["citation", "nearest", "statement", "answer", "page"]
    name: str
    status: Status
    detail: str

    @property
    def holds(self) -> bool:
        """Whether this part is as the file says."""
        return self.status == "holds"

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain data."""
        return {"about": self.about, "name": self.name, "status": self.status, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Shelf:
    """The articles that an answer is held against: by id, and all of them for those whose id is another here."""

    get: Callable[[str], Article | None]
    all: Callable[[], Iterable[Article]]

    @classmethod
    def of(cls, articles: Sequence[Article]) -> Shelf:
        """A shelf of these articles."""
        return cls({article.id: article for article in articles}.get, lambda: articles)

    def find(self, quote: ShownQuote) -> Article | None:
        """The article of a quote: the one with its text, else the one that was it once, else None."""
        named = self.get(quote.article_id)
        if named is not None and hash_text(named.text) == quote.sha256:
            return named
        everything = list(self.all())
        same = next((article for article in everything if hash_text(article.text) == quote.sha256), None)
        return same or named or next((article for article in everything if _was(article, quote)), None)


def verify_answer(saved: SavedAnswer, shelf: Shelf, *, version: str) -> list[Finding]:
    """What came of each quote, each statement and the whole; `version` is that of the program now."""
    answer = saved.shown
    articles = [shelf.find(citation) for citation in answer.citations]
    findings = [
        _judge_quote("citation", citation, article)
        for citation, article in zip(answer.citations, articles, strict=True)
    ]
    stands = [found if finding.holds else None for found, finding in zip(articles, findings, strict=True)]
    findings += [_judge_quote("nearest", citation, shelf.find(citation)) for citation in saved.nearest]
    findings += [_judge_statement(saved, statement, stands) for statement in answer.statements]
    wrong = [Finding("answer", "the text", "answer_differs", detail) for detail in _judge_whole(saved)]
    findings += wrong or [Finding("answer", "the text", "holds", "says what its statements and quotes say")]
    if saved.page is not None and answer.program_version == version:
        same = saved.page == render_answer(answer, saved.data)
        detail = "shows what is kept in it" if same else "does not show what is kept in it"
        findings.append(Finding("page", "the page", "holds" if same else "page_differs", detail))
    return findings


def _judge_quote(about: Literal["citation", "nearest"], citation: ShownQuote, article: Article | None) -> Finding:
    name = f"[{citation.number}] “{shorten(citation.quote, limit=_SHOWN)}”"
    status, detail = _compare(citation, article)
    return Finding(about, name, status, detail)


def _compare(citation: ShownQuote, article: Article | None) -> tuple[Status, str]:
    start, end, words = citation.start, citation.end, citation.quote
    if article is None:
        return "article_missing", f"its article is not here ({citation.source}, sha256 {citation.sha256[:12]}…)"
    there = words != "" and 0 <= start < end and article.text[start:end] == words
    elsewhere = article.text.find(words) if words else -1
    if hash_text(article.text) != citation.sha256:
        now = (
            "still stands there" if there else f"now stands at {elsewhere}" if elsewhere >= 0 else "is no longer in it"
        )
        return "article_changed", f"{article.source} has changed since the answer was saved; the quote {now}"
    if not there:
        other = f"; they stand at {elsewhere}" if elsewhere >= 0 else ""
        return "quote_not_there", f"{article.source} does not have these words at {start}:{end}{other}"
    if differing := list(_differing(citation, article)):
        return "attribution_differs", "; ".join(differing)
    return "holds", f"stands at {start}:{end} of {article.source}, sha256 {citation.sha256[:12]}…"


def _differing(citation: ShownQuote, article: Article) -> Iterator[str]:
    """What the file says of an article that the article, as far as it says anything, does not."""
    published = article.published.isoformat() if article.published else None
    for name, said, known in (
        ("title", citation.title, article.title),
        ("publisher", citation.publisher, article.publisher),
        ("date", citation.published, published),
        ("url", citation.url, article.url),
    ):
        if known is not None and said != known:
            yield f"its {name} is '{shorten(known, limit=_SHOWN)}', not '{shorten(said or '', limit=_SHOWN)}'"


def _judge_statement(saved: SavedAnswer, statement: ShownStatement, stands: Sequence[Article | None]) -> Finding:
    name = f"“{shorten(bare_statement(statement.text), limit=_SHOWN)}”"
    citations = saved.shown.citations
    if any(not 0 <= place < len(citations) for place in statement.quotes):
        return Finding("statement", name, "not_checked", "names a quote that the file does not have")
    quotes: list[Quote] = []
    for place in statement.quotes:
        article = stands[place]
        if article is None:
            return Finding(
                "statement", name, "not_checked", f"not checked: a quote of [{citations[place].number}] fails"
            )
        quotes.append(make_quote(article, citations[place].start, citations[place].end))
    numbers = {citations[place].number for place in statement.quotes}
    if numbers != set(statement.citations):
        return Finding("statement", name, "answer_differs", "does not rest on the quotes under its numbers")
    verdict, reasons = _check_again(saved, statement, quotes)
    if verdict == statement.verdict:
        return Finding("statement", name, "holds", f"{verdict}, as saved")
    return Finding(
        "statement", name, "verdict_differs", f"{verdict}, not {statement.verdict} as saved" + _because(reasons)
    )


def _check_again(saved: SavedAnswer, statement: ShownStatement, quotes: Sequence[Quote]) -> tuple[str, list[str]]:
    """The verdict on a statement as it is now, and why."""
    if not quotes:
        return "uncited", []
    if saved.mode != "model":
        said = [
            f"{' '.join(quote.text.split())} [{number}]"
            for quote, number in zip(quotes, statement.citations, strict=False)
        ]
        if said != [statement.text]:
            return "unsupported", ["it is not the sentence on record"]
        bare = bare_statement(quotes[0].text)
        unknown: list[str] = []
    else:
        bare = bare_statement(statement.text)
        unknown = [f"[{n}] is no source" for n in cited_numbers(statement.text) if n not in statement.citations]
    reasons = unknown + [problem.detail for problem in check_statement(bare, quotes)]
    return ("unsupported" if reasons else "supported"), reasons


def _judge_whole(saved: SavedAnswer) -> Iterator[str]:
    """What in the text and in the short answer does not follow from statements and quotes."""
    answer = saved.shown
    if saved.status == "abstained":
        if answer.text != ABSTAINED or answer.statements or answer.short is not None:
            yield "an abstention says nothing else"
        return
    end, between = 0, ""
    for statement in answer.statements:
        if statement.start < end or answer.text[statement.start : statement.end] != statement.text:
            yield f"the text does not have “{shorten(statement.text, limit=_SHOWN)}” at its place"
            return
        between += answer.text[end : statement.start]
        end = statement.end
    if any(map(str.isalnum, between + answer.text[end:])):
        yield "the text has words that belong to no statement"
    if answer.short is not None:
        quote = answer.citations[0].quote if answer.citations else ""
        if saved.short_span is None or quote[slice(*saved.short_span)] != answer.short:
            yield f"the short answer “{shorten(answer.short, limit=_SHOWN)}” is not the part named of the first quote"


def _was(article: Article, quote: ShownQuote) -> bool:
    """Whether an article with another text may be the one that was quoted."""
    if article.source == quote.source or (article.url is not None and article.url == quote.url):
        return True
    return article.title == quote.title and _file_name(article.source) == _file_name(quote.source)


def _file_name(source: str) -> str:
    return source.replace("\\", "/").rsplit("/", 1)[-1]


def _because(reasons: Sequence[str]) -> str:
    return f": {'; '.join(reasons)}" if reasons else ""
