"""Groups of copies in an archive: the same in whatever order articles come, kept through every change."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from shelf import CountingEmbedder, cut, make
from test_copies import JUNE, MAY, STORY, WHOLE, tell

import qa.copy_groups
from qa.articles import Article, Filters, hash_text, make_quote
from qa.catalog import Catalog
from qa.copy_groups import CopyGroups, count_ungrouped, find_copies, find_groups, find_holders, read_groups
from qa.retrieve import Hit, Retriever
from qa.settings import Recipe
from qa.store import Store
from qa.sync import Writer

ALL = Filters()
UPDATE = " ".join([*STORY[:25], "Later 412 more people came to the harbour of Lanne.", *tell(5, 12)])
SHELF = [
    make("wire", WHOLE),
    make("courier", "LANNE (Agency) — " + WHOLE),
    make("herald", " ".join(STORY[:14])),
    make("update", UPDATE),
    make("may", MAY),
    make("june", JUNE),
    make("other", " ".join(tell(7))),
    make("empty", ""),
    make("one", "Rain."),
]
GROUPS = [["courier", "herald", "update", "wire"]]


def groups(catalog: Catalog) -> list[list[str]]:
    return [sorted(article.id for article in group) for group in read_groups(catalog)]


def put(catalog: Catalog, *articles: Article) -> None:
    """As the writer does: an article in place of the one with its id."""
    kept = CopyGroups(catalog)
    for article in articles:
        with catalog.transaction():
            kept.drop([article.id])
            catalog.put_article(article, cut(article))
            kept.put(article)


def remove(catalog: Catalog, *ids: str) -> None:
    with catalog.transaction():
        CopyGroups(catalog).drop(ids)
        catalog.remove_articles(ids)


def changed(article: Article, text: str) -> Article:
    return replace(article, text=text, sha256=hash_text(text))


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.sqlite", writable=True)
    yield catalog
    catalog.close()


# groups follow from the articles alone


@pytest.mark.parametrize("seed", range(6))
def test_articles_have_the_same_groups_in_whatever_order_they_come(catalog: Catalog, seed: int) -> None:
    articles = random.Random(seed).sample(SHELF, len(SHELF))
    put(catalog, *articles[:4])
    put(catalog, *articles[4:])
    assert groups(catalog) == GROUPS
    assert find_groups(catalog, [article.id for article in SHELF]) == dict.fromkeys(GROUPS[0], "courier")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_an_article_that_two_others_are_parts_of_joins_them_until_it_goes(
    catalog: Catalog, order: Sequence[int]
) -> None:
    articles = [make("a", " ".join(STORY[:12])), make("b", " ".join(STORY[18:])), make("c", WHOLE)]
    put(catalog, *(articles[place] for place in order))
    assert groups(catalog) == [["a", "b", "c"]]
    remove(catalog, "c")
    assert groups(catalog) == []
    put(catalog, articles[2])
    assert groups(catalog) == [["a", "b", "c"]]
    put(catalog, changed(articles[2], " ".join(STORY[:15])))
    assert groups(catalog) == [["a", "c"]]


def test_a_group_whose_name_giver_goes_has_another_name(catalog: Catalog) -> None:
    put(catalog, *SHELF)
    remove(catalog, "courier", "may")
    assert find_groups(catalog, ["herald", "wire", "update", "june"]) == dict.fromkeys(GROUPS[0][1:], "herald")


def test_signatures_are_kept_and_no_other_text_is_read_again(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    put(catalog, *SHELF)
    read: list[str] = []
    real = qa.copy_groups.read_runs
    monkeypatch.setattr(qa.copy_groups, "read_runs", lambda text: read.append(text) or real(text))
    put(catalog, make("new", " ".join(tell(11))))
    assert read == [" ".join(tell(11))]


def test_a_removed_article_leaves_no_signature(catalog: Catalog) -> None:
    put(catalog, *SHELF[:3])
    remove(catalog, "wire")
    assert catalog.query("SELECT article_id FROM copies ORDER BY 1") == [("courier",), ("herald",)]


def test_signatures_of_another_algorithm_are_made_anew(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    put(catalog, *SHELF)
    monkeypatch.setattr(qa.copy_groups, "algorithm", lambda: "another")
    assert count_ungrouped(catalog) == len(SHELF)
    told: list[tuple[int, int]] = []
    CopyGroups(catalog).fill(lambda done, total: told.append((done, total)))
    assert (count_ungrouped(catalog), groups(catalog), told) == (0, GROUPS, [(0, len(SHELF))])


# who holds a quote's words


def test_a_quote_is_held_by_the_copies_in_which_its_words_stand(catalog: Catalog) -> None:
    dated = [replace(a, published=date(2034, 5, 10 - place)) for place, a in enumerate(SHELF[:4])]
    put(catalog, *dated)
    early, late = (make_quote(dated[0], WHOLE.index(s), WHOLE.index(s) + len(s)) for s in (STORY[2], STORY[20]))
    assert [a.id for a in find_holders(catalog, early, ALL)] == ["update", "herald", "courier"]
    assert [a.id for a in find_holders(catalog, late, ALL)] == ["update", "courier"]
    assert [a.id for a in find_holders(catalog, early, Filters(as_of=date(2034, 5, 8)))] == ["update", "herald"]
    assert find_copies(catalog, "empty") == find_copies(catalog, "none") == []


# in a store


def write(store: Store, articles: Iterable[Article]) -> None:
    with store.writing():
        writer = Writer(store, Recipe(), CountingEmbedder())
        try:
            writer.add(articles)
            writer.finish()
        finally:
            writer.close()


def reading(store: Store) -> closing[Catalog]:
    return closing(Catalog(store.catalog))


def search(store: Store, question: str, limit: int, filters: Filters = ALL) -> list[Hit]:
    retriever = Retriever(store, Recipe(), CountingEmbedder())
    try:
        return retriever.search(question, limit=limit, filters=filters)
    finally:
        retriever.close()


def make_old(store: Store) -> None:
    """Make a store what it was before copies were looked for."""
    connection = sqlite3.connect(store.catalog)
    connection.execute("DROP TABLE copies")
    connection.execute("DELETE FROM meta WHERE key = 'copies'")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


FAIR = "The fair in Lanne had 6,100 visitors in 2034. It was held in a field behind the salt works of the town. "
FACTS = [f"{FAIR}{' '.join(tell(seed, 20))}" for seed in (21, 22, 23)]


def test_a_number_of_passages_are_as_many_different_pieces(store: Store) -> None:
    copies = [make(f"c{n}", f"By Reporter {n}\n\n{FACTS[0]}") for n in range(8)]
    write(store, [*copies, make("x", FACTS[1]), make("y", FACTS[2])])
    found = search(store, "How many visitors had the fair in Lanne in 2034?", 3)
    assert sorted(hit.article.id[0] for hit in found) == ["c", "x", "y"]
    [first] = [hit for hit in found if hit.article.id[0] == "c"]
    assert len({article.id for article in first.copies} - {first.article.id}) == 7


def test_a_changed_figure_of_an_update_survives_beside_the_first_version(store: Store) -> None:
    late = FACTS[0].replace("6,100", "6,350")
    write(store, [*(make(f"c{n}", FACTS[0]) for n in range(5)), make("late", late)])
    with reading(store) as catalog:
        assert groups(catalog) == [["c0", "c1", "c2", "c3", "c4", "late"]]
    found = search(store, "How many visitors had the fair in Lanne in 2034?", 10)
    assert [sum(figure in hit.passage.text for hit in found) for figure in ("6,100", "6,350")] == [1, 1]


def test_what_filters_hide_collapses_nothing(store: Store) -> None:
    old, new = make("old", FACTS[0], published=date(2033, 1, 2)), make("new", FACTS[0], published=date(2034, 1, 2))
    write(store, [old, new])
    question = "How many visitors had the fair in Lanne?"
    assert len(search(store, question, 20)) == len(cut(old))
    [early] = {hit.article.id for hit in search(store, question, 10, Filters(as_of=date(2033, 6, 1)))}
    assert early == "old"


def test_an_archive_of_version_1_is_read_as_it_is_and_grouped_at_the_next_writing(
    store: Store,
) -> None:
    write(store, SHELF)
    make_old(store)
    before = store.catalog.read_bytes()
    with reading(store) as catalog:
        assert (read_groups(catalog), find_groups(catalog, ["wire"]), find_copies(catalog, "wire")) == ([], {}, [])
        assert count_ungrouped(catalog) == len(SHELF)
    assert {hit.article.id for hit in search(store, STORY[0], 20)} >= {"wire", "courier", "herald"}
    assert store.catalog.read_bytes() == before
    write(store, [])
    with reading(store) as catalog:
        assert (groups(catalog), count_ungrouped(catalog)) == (GROUPS, 0)
        assert catalog.query("PRAGMA user_version") == [(2,)]


def test_a_version_1_archive_whose_article_is_removed_first_is_grouped_later(store: Store) -> None:
    write(store, SHELF)
    make_old(store)
    with store.writing():
        writer = Writer(store, Recipe(), CountingEmbedder())
        writer.remove(["herald"])
        writer.close()
    write(store, [])
    with reading(store) as catalog:
        assert groups(catalog) == [["courier", "update", "wire"]]


def test_articles_cut_anew_keep_their_groups(store: Store) -> None:
    write(store, SHELF)
    with store.writing():
        writer = Writer(store, Recipe(budget_tokens=64), CountingEmbedder())
        writer.add([make("again", WHOLE)])
        writer.finish()
        writer.close()
    with reading(store) as catalog:
        assert groups(catalog) == [["again", *GROUPS[0]]]


_KILLED = """
import os, signal, sys
from pathlib import Path
import qa.copy_groups
from shelf import CountingEmbedder, make
from test_copies import WHOLE, tell
from qa.settings import Recipe
from qa.store import Store
from qa.sync import Writer

put, count = qa.copy_groups.CopyGroups.put, 0

def dying(self, article):
    global count
    put(self, article)
    count += 1
    if count == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

qa.copy_groups.CopyGroups.put = dying
store = Store(Path(sys.argv[1]))
with store.writing():
    writer = Writer(store, Recipe(), CountingEmbedder())
    for name in "abcdef":
        writer.add([make(name, f"{WHOLE} Edition {name}.")])
"""


@pytest.mark.parametrize("place", [1, 4])
def test_a_kill_leaves_no_article_without_its_group(store: Store, place: int) -> None:
    here = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(store.folder), str(place)],
        env={**os.environ, "PYTHONPATH": here},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    with reading(store) as catalog:
        kept = [article.id for article in catalog.articles()]
        assert len(kept) == place - 1
        assert count_ungrouped(catalog) == 0
        assert groups(catalog) == ([kept] if len(kept) > 1 else [])
    write(store, [make(name, f"{WHOLE} Edition {name}.") for name in "abcdef"])
    with reading(store) as catalog:
        assert groups(catalog) == [list("abcdef")]
