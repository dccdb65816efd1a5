"""Statements and quotes for the tests of what checks them."""

from __future__ import annotations

from datetime import date

from qa.articles import Article, Quote, hash_text, make_quote
from qa.clauses import Reading, read_sentence
from qa.evidence import Evidence, read_evidence

PUBLISHED = date(2032, 2, 11)


def quote(text: str, *, before: str = "", after: str = "", published: date | None = PUBLISHED) -> Quote:
    """A quote in an article that has `before` and `after` around it."""
    whole = f"{before}{text}{after}"
    article = Article("a", "a.md", whole, hash_text(whole), "News", "The Gazette", published=published, language="en")
    return make_quote(article, len(before), len(before) + len(text))


def pair(statement: str, text: str, **around: str) -> tuple[Reading, Evidence]:
    """A statement and its evidence, read."""
    evidence = read_evidence([quote(text, **around)])  # type: ignore[arg-type]
    return read_sentence(statement, evidence.published), evidence
