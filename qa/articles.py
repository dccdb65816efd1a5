"""Articles, the passages they are cut into, and the quotes taken from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from qa.text import fold, format_date


@dataclass(frozen=True, slots=True)
class Article:
    """One article as it is stored.

    `text` is NFC with `\\n` newlines; every offset in the package counts its code points.
    `id` follows from `source` alone, so that a changed text keeps its id; `sha256` is the hash of
    `text` in UTF-8. `first_line` is the line of the source file on which `text` begins (1 where
    the text was extracted and has no line of its own). `language` is an ISO 639-1 code.
    """

    id: str
    source: str
    text: str
    sha256: str
    title: str
    publisher: str | None = None
    author: str | None = None
    published: date | None = None
    url: str | None = None
    language: str | None = None
    first_line: int = 1

    def line_at(self, offset: int) -> int:
        """The 1-based line of the source on which code point `offset` of the text stands."""
        return self.first_line + self.text.count("\n", 0, offset)


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole sentences of one article: `article.text[start:end] == text`."""

    id: str
    article_id: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of an article at their place: `article.text[start:end] == text`."""

    article: Article
    start: int
    end: int
    text: str

    @property
    def line(self) -> int:
        """The 1-based line of the article's source on which the quote begins."""
        return self.article.line_at(self.start)

    def stands(self) -> bool:
        """Whether the article's text has these very words at these offsets."""
        return self.text != "" and self.article.text[self.start : self.end] == self.text


def make_article_id(source: str) -> str:
    """The id of the article that comes from `source`: 12 hexadecimal digits, the same on any machine."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def hash_text(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def index_text(article: Article, passage: Passage) -> str:
    """What the indexes see of a passage: title and date in front, which are no part of its offsets."""
    heading = f"{article.title} ({format_date(article.published)})" if article.published else article.title
    return f"{heading}\n{passage.text.strip()}"


def make_quote(article: Article, start: int, end: int) -> Quote:
    """Quote `article.text[start:end]`.

    Raises:
        ValueError: the offsets are empty, inverted or outside the text.
    """
    if not 0 <= start < end <= len(article.text):
        raise ValueError(f"offsets {start}:{end} are not in article {article.id} ({len(article.text)} characters)")
    return Quote(article=article, start=start, end=end, text=article.text[start:end])


@dataclass(frozen=True, slots=True)
class Filters:
    """Which articles may be used; applied before ranking.

    All bounds are inclusive. `as_of` hides what was published later and whatever has no date;
    `since` and `until` keep articles without a date unless `dated` is set. `publisher` is compared
    without regard to case and accents.
    """

    since: date | None = None
    until: date | None = None
    as_of: date | None = None
    publisher: str | None = None
    dated: bool = False

    @property
    def first_day(self) -> int:
        """The earliest day admitted as YYYYMMDD; 0 for no bound."""
        return day_number(self.since)

    @property
    def last_day(self) -> int:
        """The latest day admitted as YYYYMMDD; 99991231 for no bound."""
        return min(day_number(bound) for bound in (self.until, self.as_of, date.max) if bound is not None)

    @property
    def needs_date(self) -> bool:
        """Whether articles without a date are left out."""
        return self.dated or self.as_of is not None

    @property
    def publisher_key(self) -> str | None:
        """The publisher folded for comparison, or None for any."""
        return fold(self.publisher or "") or None

    def admit(self, article: Article) -> bool:
        """Whether an article may be used."""
        day, key = day_number(article.published), self.publisher_key
        in_time = self.first_day <= day <= self.last_day if day else not self.needs_date
        return in_time and key in (None, fold(article.publisher or ""))

    @property
    def admit_all(self) -> bool:
        """Whether nothing is left out."""
        return self == Filters()


def day_number(day: date | None) -> int:
    """A date as the integer YYYYMMDD, which sorts and compares like the date; 0 for no date."""
    return day.year * 10000 + day.month * 100 + day.day if day else 0
