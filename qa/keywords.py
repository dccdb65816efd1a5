"""The keyword index: BM25 over titles and passages, by tantivy. Derived from the catalog, never the only copy."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.articles import Article, Filters, Passage, day_number
from qa.errors import StoreError
from qa.text import fold, format_date

if TYPE_CHECKING:
    import tantivy

_ANALYZER = "english"
_TITLE_BOOST = 0.5  # a title finds the article; it does not order its passages
_STOP_WORDS = frozenset(
    """a about an and any are as at be been but by can could did do does for from had has have he her his how i if in
    into is it its me more most much many no not of on or our out over she should so some than that the their them then
    there these they this to under up was we were what when where which who whom whose why will with would you
    your""".split()
)
_HEAP_BYTES = 128_000_000

ScoredId = tuple[str, float]


class KeywordIndex:
    """One folder of tantivy files. Readers see what was committed when they last called `refresh`."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        """Open the index in `folder`, creating it when asked.

        Raises:
            StoreError: there is none, or it cannot be read.
        """
        import tantivy

        self._folder = folder
        self._mirror: Path | None = None
        try:
            if create:
                folder.mkdir(parents=True, exist_ok=True)
            self._index = tantivy.Index(_schema(), str(folder)) if create else self._open()
        except (ValueError, OSError) as error:
            raise StoreError(f"The keyword index {folder} cannot be opened: {error}. {_REMEDY}") from error
        self._index.register_tokenizer(_ANALYZER, _analyzer())

    def add(self, articles: Iterable[tuple[Article, Sequence[Passage]]], *, removed: Sequence[str] = ()) -> None:
        """Index articles in place of those with the same ids, drop the `removed`, and commit.

        Raises:
            StoreError: tantivy could not write; nothing of this call is then visible.
        """
        import tantivy

        try:
            writer = self._index.writer(_HEAP_BYTES, 1)
            try:
                for article_id in removed:
                    writer.delete_documents_by_term("article", article_id)
                for article, passages in articles:
                    writer.delete_documents_by_term("article", article.id)
                    for passage in passages:
                        writer.add_document(tantivy.Document.from_dict(_fields(article, passage), _schema()))
                writer.commit()
            except BaseException:
                writer.rollback()
                raise
            finally:
                writer.wait_merging_threads()  # gives up tantivy's own lock, whoever still holds the exception
            self._index.reload()
        except (ValueError, OSError) as error:
            raise StoreError(f"The keyword index could not be written: {error}. {_REMEDY}") from error

    def search(self, question: str, *, limit: int, filters: Filters) -> list[ScoredId]:
        """Ids of passages with their BM25 scores, best first; ties by id.

        Each word of the question counts in the passage and, at half the weight, in the title.
        """
        import tantivy

        terms = list(dict.fromkeys(question_terms(question)))
        if not terms:
            return []
        words = tantivy.Query.boolean_query([(tantivy.Occur.Should, _term_query(term)) for term in terms])
        query = _restrict(words, filters)
        searcher = self._index.searcher()
        hits = searcher.search(query, limit=limit, count=False).hits
        scored = [(str(searcher.doc(address).get_first("id")), float(score)) for score, address in hits]
        return sorted(scored, key=lambda pair: (-pair[1], pair[0]))

    def refresh(self) -> None:
        """See what has been committed since."""
        if self._mirror:
            _link_files(self._folder, self._mirror)
        self._index.reload()

    def count(self) -> int:
        """The number of passages indexed."""
        return int(self._index.searcher().num_docs)

    def document_frequency(self, term: str) -> int:
        """In how many passages a term (as `analyze` gives it) occurs."""
        return int(self._index.searcher().doc_freq("text", term))

    def _open(self) -> tantivy.Index:
        """Open the index in place or, since even a reader of tantivy writes a lock, where it is linked to."""
        import tantivy

        try:
            return tantivy.Index.open(str(self._folder))
        except ValueError:
            self._mirror = Path(tempfile.mkdtemp(prefix="onrecord-"))
            weakref.finalize(self, shutil.rmtree, self._mirror, ignore_errors=True)
            _link_files(self._folder, self._mirror)
            return tantivy.Index.open(str(self._mirror))


def _link_files(folder: Path, mirror: Path) -> None:
    for file in folder.iterdir():
        if file.suffix != ".lock" and not (mirror / file.name).is_symlink():
            (mirror / file.name).symlink_to(file.absolute())


_REMEDY = "Nothing of the archive is lost; make it again with: qa sync"


def analyze(text: str) -> list[str]:
    """The terms of a text as the index sees them: words, lower case, accents folded, stemmed (Snowball English)."""
    terms: list[str] = _analyzer().analyze(text)
    return terms


def question_terms(question: str) -> list[str]:
    """The terms of a question without its function words, in order; all its terms where nothing else is left."""
    words = [word for word in _plain_analyzer().analyze(question) if word not in _STOP_WORDS]
    return analyze(" ".join(words)) if words else analyze(question)


def is_stop_word(word: str) -> bool:
    """Whether a word is one of the function words that say nothing about a subject."""
    return word.casefold() in _STOP_WORDS


@cache
def _analyzer() -> tantivy.TextAnalyzer:
    import tantivy

    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for step in (tantivy.Filter.lowercase(), tantivy.Filter.ascii_fold(), tantivy.Filter.stemmer("english")):
        builder = builder.filter(step)
    return builder.build()


@cache
def _plain_analyzer() -> tantivy.TextAnalyzer:
    import tantivy

    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase()).build()


@cache
def _schema() -> tantivy.Schema:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("article", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("publisher", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("title", tokenizer_name=_ANALYZER, index_option="freq")
    builder.add_text_field("text", tokenizer_name=_ANALYZER, index_option="freq")
    builder.add_integer_field("day", indexed=True, fast=True)
    return builder.build()


def _fields(article: Article, passage: Passage) -> dict[str, Any]:
    title = f"{article.title} {format_date(article.published)}" if article.published else article.title
    return {
        "id": passage.id,
        "article": article.id,
        "publisher": fold(article.publisher or ""),
        "title": title,
        "text": passage.text,
        "day": day_number(article.published),
    }


def _term_query(term: str) -> tantivy.Query:
    import tantivy

    text = tantivy.Query.term_query(_schema(), "text", term, "freq")
    title = tantivy.Query.term_query(_schema(), "title", term, "freq")
    boosted = tantivy.Query.boost_query(title, _TITLE_BOOST)
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, text), (tantivy.Occur.Should, boosted)])


def _restrict(query: tantivy.Query, filters: Filters) -> tantivy.Query:
    import tantivy

    if filters.admit_all:
        return query
    days = _day_range(filters.first_day, filters.last_day)
    if not filters.needs_date:
        undated = tantivy.Query.term_query(_schema(), "day", 0)
        days = tantivy.Query.boolean_query([(tantivy.Occur.Should, days), (tantivy.Occur.Should, undated)])
    parts = [(tantivy.Occur.Must, query), (tantivy.Occur.Must, tantivy.Query.const_score_query(days, 0.0))]
    if filters.publisher_key:
        publisher = tantivy.Query.term_query(_schema(), "publisher", filters.publisher_key)
        parts.append((tantivy.Occur.Must, tantivy.Query.const_score_query(publisher, 0.0)))
    return tantivy.Query.boolean_query(parts)


def _day_range(first: int, last: int) -> tantivy.Query:
    import tantivy

    return tantivy.Query.range_query(_schema(), "day", tantivy.FieldType.Integer, max(first, 1), last)
