from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from shelf import FILTERS, GRID, admits, cut, make

from qa.articles import Article, Filters, day_number, index_text
from qa.catalog import Catalog, Counts
from qa.errors import ArchiveReadOnly, ArchiveTooNew, StoreError

EMBEDDER = "test"


def put(catalog: Catalog, *articles: Article) -> None:
    with catalog.transaction():
        for article in articles:
            catalog.put_article(article, cut(article))


def embed(catalog: Catalog, value: float = 1.0) -> list[str]:
    """Give every passage without a vector one; the ids that were asked for."""
    missing = catalog.missing_vectors(EMBEDDER)
    with catalog.transaction():
        catalog.put_vectors(EMBEDDER, missing, np.full((len(missing), 4), value, dtype=np.float32))
    return missing


def count_rows(catalog: Catalog, table: str) -> int:
    with sqlite3.connect(catalog.path) as connection:
        rows = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    connection.close()
    return rows


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.sqlite", writable=True)
    yield catalog
    catalog.close()


# articles and passages


@pytest.mark.parametrize(
    "article",
    [
        make("plain"),
        make(
            "full",
            publisher="The Timés",
            author="A. Lee",
            published=date(2022, 7, 5),
            url="https://e.org/",
            language="en",
        ),
        make("early", published=date.min),
        make("late", published=date.max),
        replace(make("line"), first_line=9),
        make("scripts", text="貿易は過去最高。\n👩‍👩‍👧 تجارة\t\x1b[31m"),
        make("blank", text=""),
        replace(make("sql"), title="'); DROP TABLE articles; --", source="x'y\"z"),
    ],
    ids=lambda article: article.id,
)
def test_an_article_comes_back_as_it_was_put(catalog, article):
    put(catalog, article)
    assert catalog.article(article.id) == article
    assert list(catalog.articles()) == [article]
    assert catalog.article_passages(article.id) == cut(article)


def test_articles_come_by_source_and_ids_by_prefix(catalog):
    put(catalog, make("b1"), make("a2"), make("a1"))
    assert [article.id for article in catalog.articles()] == ["a1", "a2", "b1"]
    assert catalog.find_ids("a") == ["a1", "a2"]
    assert catalog.find_ids("") == ["a1", "a2", "b1"]
    assert catalog.find_ids("%") == catalog.find_ids("_1") == []


@given(FILTERS)
def test_filters_admit_an_article_as_they_promise(filters):
    assert [filters.admit(article) for article in GRID] == [admits(filters, article) for article in GRID]


def test_an_unknown_id_gives_nothing(catalog):
    assert catalog.article("none") is None
    assert catalog.article_passages("none") == []
    assert catalog.passages(["none"]) == {}


def test_passages_come_with_their_articles_however_many_are_asked_for(catalog):
    article = make("long", text="Trade rose again and again. " * 25_000)
    put(catalog, article, make("other"))
    passages = cut(article)
    assert len(passages) > 1000
    found = catalog.passages([passage.id for passage in passages] + ["none"])
    assert found == {passage.id: (passage, article) for passage in passages}


def test_a_changed_article_replaces_the_one_with_its_id(catalog):
    put(catalog, make("a", text="Trade rose. " * 50), make("b"))
    put(catalog, make("a", text="It fell."))
    assert catalog.article("a").text == "It fell."
    assert [passage.text for passage in catalog.article_passages("a")] == ["It fell."]
    assert catalog.counts(EMBEDDER) == Counts(articles=2, passages=2, vectors=0)


def test_two_articles_of_one_source_are_refused_and_nothing_is_kept(catalog):
    with pytest.raises(StoreError, match="UNIQUE"):
        put(catalog, make("a"), replace(make("b"), source="a.md"))
    assert catalog.counts(EMBEDDER).articles == 0


def test_a_removed_article_takes_its_passages_along(catalog):
    put(catalog, make("a"), make("b"))
    with catalog.transaction():
        catalog.remove_articles(["a", "none"])
    assert [article.id for article in catalog.articles()] == ["b"]
    assert count_rows(catalog, "passages") == 1
    assert catalog.removed_articles() == ["a", "none"]


def test_what_indexes_lack_is_remembered_until_they_have_it(catalog):
    put(catalog, make("a"), make("b"))
    assert catalog.articles_not_in_keywords() == ["a", "b"]
    with catalog.transaction():
        catalog.mark_in_keywords(["a", "b"])
    put(catalog, make("a", text="It fell."))
    assert catalog.articles_not_in_keywords() == ["a"]
    with catalog.transaction():
        catalog.forget_keywords()
        catalog.remove_articles(["b"])
    assert catalog.articles_not_in_keywords() == ["a"]
    put(catalog, make("b"))
    assert catalog.removed_articles() == []
    with catalog.transaction():
        catalog.remove_articles(["a", "b"])
        catalog.forget_removed(["a"])
    assert catalog.removed_articles() == ["b"]


def test_languages_are_counted_the_most_frequent_first(catalog):
    put(catalog, make("a", language="en"), make("b", language="en"), make("c", language="ru"), make("d"))
    assert list(catalog.count_languages().items()) == [("en", 2), ("", 1), ("ru", 1)]


def test_files_and_values_are_kept_and_replaced(catalog):
    with catalog.transaction():
        catalog.put_files({"a.md": (10, 1_700_000_000_123_456_789), "b.md": (0, 0)})
        catalog.put_files({"b.md": (2, 3)})
        catalog.set_meta("embedder", "one")
        catalog.set_meta("embedder", "two")
    assert catalog.files() == {"a.md": (10, 1_700_000_000_123_456_789), "b.md": (2, 3)}
    assert catalog.get_meta("embedder") == "two"
    assert catalog.get_meta("none") is None


def test_the_indexes_see_title_and_date_in_front_of_the_text():
    article = make("a", text="\n Trade rose. \n", published=date(2022, 7, 5))
    (passage,) = cut(article)
    assert index_text(article, passage) == "News (5 July 2022)\nTrade rose."
    assert index_text(replace(article, published=None), passage) == "News\nTrade rose."


# vectors


def test_a_text_that_two_passages_share_is_embedded_once(catalog):
    put(catalog, make("a"), make("b"), make("c", text="It fell."))
    assert len(catalog.missing_vectors(EMBEDDER)) == 2
    assert len(embed(catalog)) == 2
    assert catalog.counts(EMBEDDER) == Counts(articles=3, passages=3, vectors=3)
    assert count_rows(catalog, "vectors") == 2
    assert catalog.missing_vectors(EMBEDDER) == []
    put(catalog, make("d"))
    assert catalog.missing_vectors(EMBEDDER) == []


def test_a_vector_stays_as_long_as_any_passage_has_its_text(catalog):
    put(catalog, make("a"), make("b"))
    embed(catalog)
    with catalog.transaction():
        catalog.remove_articles(["a"])
    assert catalog.counts(EMBEDDER) == Counts(articles=1, passages=1, vectors=1)
    with catalog.transaction():
        catalog.remove_articles(["b"])
    assert count_rows(catalog, "vectors") == 0


def test_the_vector_of_a_changed_text_is_dropped_when_asked_for(catalog):
    put(catalog, make("a"))
    embed(catalog)
    put(catalog, make("a", text="It fell."))
    assert count_rows(catalog, "vectors") == 1
    with catalog.transaction():
        catalog.drop_unused_vectors()
    assert count_rows(catalog, "vectors") == 0


def test_vectors_of_different_embedders_are_kept_apart(catalog):
    put(catalog, make("a"))
    embed(catalog)
    assert len(catalog.missing_vectors("other")) == 1
    assert catalog.vector_rows("other").ids == []
    assert catalog.counts("other").vectors == 0


def test_vector_rows_come_by_passage_with_day_and_publisher(catalog):
    put(catalog, make("a", published=date(2022, 7, 5), publisher="Le Mondé"), make("b", text="It fell."))
    missing = catalog.missing_vectors(EMBEDDER)
    vectors = np.arange(8, dtype=np.float32).reshape(2, 4)
    with catalog.transaction():
        catalog.put_vectors(EMBEDDER, missing, vectors)
    rows = catalog.vector_rows(EMBEDDER)
    assert rows.ids == sorted(missing)
    found = dict(zip(rows.ids, zip(rows.days.tolist(), rows.publishers, strict=True), strict=True))
    dated, undated = (cut(catalog.article(name))[0].id for name in "ab")
    assert found == {dated: (20220705, "le monde"), undated: (0, None)}
    assert np.array_equal(rows.matrix, vectors[[missing.index(id_) for id_ in rows.ids]])


def test_an_archive_without_vectors_has_no_rows(catalog):
    rows = catalog.vector_rows(EMBEDDER)
    assert (rows.ids, rows.publishers, rows.matrix.shape, len(rows.days)) == ([], [], (0, 0), 0)


def test_vectors_take_little_more_of_the_disk_than_their_numbers(catalog):
    put(catalog, *(make(f"a{i:03d}", text=f"Trade rose by {i} percent.") for i in range(300)))
    catalog.flush()
    before = catalog.path.stat().st_size
    missing = catalog.missing_vectors(EMBEDDER)
    vectors = np.random.default_rng(0).normal(size=(300, 384)).astype(np.float32)
    with catalog.transaction():
        catalog.put_vectors(EMBEDDER, missing, vectors)
    catalog.flush()
    assert vectors.nbytes < catalog.path.stat().st_size - before < 1.6 * vectors.nbytes


# filters


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path_factory.mktemp("grid") / "catalog.sqlite", writable=True)
    put(catalog, *GRID)
    yield catalog
    catalog.close()


@given(FILTERS)
def test_the_filters_count_what_a_plain_predicate_admits(grid, filters):
    admitted = [article for article in GRID if admits(filters, article)]
    assert grid.count_admitted(filters) == (len(admitted), len(admitted))
    days = [day_number(article.published) for article in admitted if article.published]
    assert grid.find_days(filters) == ((min(days), max(days)) if days else None)


def test_every_publisher_is_named_once(grid):
    assert grid.publishers() == sorted({article.publisher for article in GRID if article.publisher})


def test_a_reader_counts_anew_what_others_have_changed(catalog):
    put(catalog, make("a", published=date(2022, 7, 5)), make("b"))
    dated = Filters(dated=True)
    with closing(Catalog(catalog.path)) as reader:
        assert [reader.count_admitted(filters) for filters in (Filters(), dated, Filters())] == [(2, 2), (1, 1), (2, 2)]
        put(catalog, make("c", published=date(2022, 7, 6)))
        assert [reader.count_admitted(filters) for filters in (Filters(), dated)] == [(3, 3), (2, 2)]
        with catalog.transaction():
            catalog.remove_articles(["a", "b"])
        assert [reader.count_admitted(filters) for filters in (Filters(), dated)] == [(1, 1), (1, 1)]


# transactions and threads


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, sqlite3.IntegrityError])
def test_a_transaction_that_fails_leaves_nothing_behind(catalog, error):
    put(catalog, make("a"))
    before = (catalog.revision(), catalog.content_revision())

    def fail() -> None:
        with catalog.transaction():
            catalog.put_article(make("b"), cut(make("b")))
            catalog.remove_articles(["a"])
            catalog.set_meta("embedder", "other")
            raise error

    with pytest.raises((error, StoreError)):
        fail()
    assert [article.id for article in catalog.articles()] == ["a"]
    assert (catalog.revision(), catalog.content_revision()) == before
    assert catalog.get_meta("embedder") is None
    put(catalog, make("b"))


def test_the_revision_grows_with_every_commit_and_the_content_with_every_change_of_it(catalog):
    revision, content = catalog.revision(), catalog.content_revision()
    with catalog.transaction():
        catalog.set_meta("embedder", "x")
    assert (catalog.revision(), catalog.content_revision()) == (revision + 1, content)
    for change in (
        lambda: catalog.put_article(make("a"), cut(make("a"))),
        lambda: catalog.put_vectors(EMBEDDER, ["none"], np.zeros((1, 4), dtype=np.float32)),
        lambda: catalog.remove_articles(["a"]),
    ):
        with catalog.transaction():
            change()
        assert catalog.content_revision() == catalog.revision()


def test_threads_share_a_catalog(catalog):
    put(catalog, *(make(f"a{i}") for i in range(20)))
    found: list[int] = []

    def read() -> None:
        found.extend(len(list(catalog.articles())) for _ in range(10))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [20] * 80


def test_threads_that_have_ended_leave_no_files_open(catalog):
    put(catalog, make("a"))

    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def read() -> None:
        thread = threading.Thread(target=catalog.revision)
        thread.start()
        thread.join()

    read()
    before = open_files()
    for _ in range(20):
        read()
    assert open_files() < before + 10


def test_a_reader_sees_what_is_committed_while_a_writer_is_inside_a_transaction(catalog):
    put(catalog, make("a"))
    reader = Catalog(catalog.path)
    with catalog.transaction():
        catalog.put_article(make("b"), cut(make("b")))
        catalog.remove_articles(["a"])
        assert [article.id for article in reader.articles()] == ["a"]
    assert [article.id for article in reader.articles()] == ["b"]
    reader.close()


def test_a_reader_may_not_write(catalog):
    reader = Catalog(catalog.path)
    with pytest.raises(ArchiveReadOnly, match="may not be written"):
        put(reader, make("a"))
    reader.close()


def test_a_closed_catalog_may_be_used_again(catalog):
    put(catalog, make("a"))
    catalog.close()
    assert catalog.article("a") == make("a")


def test_everything_deleted_is_gone_from_the_files_after_a_flush(catalog):
    put(catalog, make("a", text="Kumquats rose."), make("b"))
    with catalog.transaction():
        catalog.remove_articles(["a"])
    catalog.flush()
    assert not [path for path in catalog.path.parent.iterdir() if b"Kumquats" in path.read_bytes()]


# what cannot be opened


@pytest.mark.parametrize("writable", [True, False])
def test_a_catalog_of_a_newer_version_is_refused_and_left_alone(tmp_path, writable):
    path = tmp_path / "catalog.sqlite"
    Catalog(path, writable=True).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ArchiveTooNew, match=r"newer version \(schema 99, this one knows 2\)\. Update onrecord"):
        Catalog(path, writable=writable)


@pytest.mark.parametrize("writable", [True, False])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path, writable):
    path = tmp_path / "catalog.sqlite"
    path.write_text("Trade rose. " * 1000)
    with pytest.raises(StoreError, match="not a database"):
        Catalog(path, writable=writable)
    assert path.read_text() == "Trade rose. " * 1000


@pytest.mark.parametrize("writable", [True, False])
def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path, writable):
    path = tmp_path / "catalog.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="is not an archive's catalog"):
        Catalog(path, writable=writable)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]
    connection.close()


def test_a_missing_catalog_is_made_by_a_writer_only(tmp_path):
    path = tmp_path / "catalog.sqlite"
    with pytest.raises(StoreError):
        Catalog(path)
    assert not path.exists()
    Catalog(path, writable=True).close()
    Catalog(path).close()


@pytest.fixture
def public(catalog: Catalog, public_folder: Path) -> Path:
    """A catalog that was closed properly, in a folder of its own."""
    put(catalog, make("a"))
    catalog.close()
    return Path(shutil.copy(catalog.path, public_folder))


def test_a_folder_that_may_not_be_written_is_read_as_it_is(public, read_only):
    with read_only(public.parent):
        reader = Catalog(public)
        assert [article.id for article in reader.articles()] == ["a"]
        reader.close()
    assert [path.name for path in public.parent.iterdir()] == ["catalog.sqlite"]


def test_writing_to_a_folder_that_may_not_be_written_is_refused(public, read_only):
    with read_only(public.parent), pytest.raises(ArchiveReadOnly, match="may not be written"):
        put(Catalog(public, writable=True), make("b"))
