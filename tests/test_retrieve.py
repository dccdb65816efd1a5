from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelf import DAYS, FILTERS, GRID, CountingEmbedder, admits, make

from qa.articles import Article, Filters
from qa.embed import Embedder, MiniLM
from qa.errors import EmbedderMismatch, StoreError
from qa.exact import make_exact
from qa.keywords import KeywordIndex, analyze
from qa.retrieve import Hit, Retriever, fuse_ranks
from qa.settings import Recipe
from qa.store import Current, Store
from qa.sync import Writer

ALL = Filters()
RECIPE = Recipe()
BY_CHROMA = replace(RECIPE, exact_below=0)
QUESTIONS = [
    "What was 2021 trade turnover?",
    "How many projects are planned?",
    "Who spoke at the plenary session?",
    "the value of projects still under way",
    "Ekaterinburg",
    "bread and circuses",
    "?!",
]


def write(store: Store, *articles: Article, embedder: Embedder | None = None, finish: bool = True) -> None:
    with store.writing():
        writer = Writer(store, RECIPE, embedder or CountingEmbedder())
        writer.add(articles)
        if finish:
            writer.finish()
        else:
            writer.index_keywords()
        writer.close()


def ask(retriever: Retriever, question: str, *, limit: int = 10, filters: Filters = ALL) -> list[Hit]:
    return retriever.search(question, limit=limit, filters=filters)


def found(retriever: Retriever, question: str, **options) -> list[str]:
    return [hit.article.id for hit in ask(retriever, question, **options)]


# fusing

RANKING = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


@given(RANKING, RANKING)
def test_everything_ranked_is_fused_once_best_first(one, other):
    fused = fuse_ranks(one, other)
    assert sorted(id_ for id_, _ in fused) == sorted({*one, *other})
    assert [score for _, score in fused] == sorted((score for _, score in fused), reverse=True)


@given(RANKING, RANKING)
def test_the_order_of_the_rankings_decides_ties_only(one, other):
    forwards, backwards = dict(fuse_ranks(one, other)), dict(fuse_ranks(other, one))
    assert forwards == pytest.approx(backwards)


@given(RANKING)
def test_rankings_that_agree_are_kept(ranking):
    assert [id_ for id_, _ in fuse_ranks(ranking, ranking)] == ranking
    assert [id_ for id_, _ in fuse_ranks(ranking)] == ranking
    assert [id_ for id_, _ in fuse_ranks(ranking, [])] == ranking


@given(RANKING, RANKING)
def test_what_is_ranked_better_in_both_is_ranked_better(one, other):
    order = [id_ for id_, _ in fuse_ranks(one, other)]
    shared = [id_ for id_ in order if id_ in one and id_ in other]
    for a in shared:
        for b in shared:
            if one.index(a) < one.index(b) and other.index(a) < other.index(b):
                assert order.index(a) < order.index(b)


@given(RANKING, RANKING, st.data())
def test_rising_in_a_ranking_never_lowers_the_score(one, other, data):
    if len(one) < 2:
        return
    place = data.draw(st.integers(1, len(one) - 1))
    risen = [*one]
    risen[place - 1], risen[place] = risen[place], risen[place - 1]
    assert dict(fuse_ranks(risen, other))[one[place]] > dict(fuse_ranks(one, other))[one[place]]


def test_the_score_is_the_sum_of_reciprocal_ranks():
    assert fuse_ranks(["a", "b"], ["b"]) == [("b", 1 / 62 + 1 / 61), ("a", 1 / 61)]
    assert fuse_ranks(["b"], ["a"]) == [("b", 1 / 61), ("a", 1 / 61)]
    assert fuse_ranks() == fuse_ranks([], []) == []


# the sample archive

Opening = Callable[..., Retriever]


@pytest.fixture
def opened() -> Iterator[Opening]:
    """Opens retrievers, and closes them when the test is over."""
    all_opened: list[Retriever] = []

    def open_one(store: Store, recipe: Recipe = RECIPE, embedder: Embedder | None = None) -> Retriever:
        all_opened.append(Retriever(store, recipe, embedder or CountingEmbedder()))
        return all_opened[-1]

    yield open_one
    for retriever in all_opened:
        retriever.close()


@pytest.fixture(scope="module")
def embedder() -> MiniLM:
    return MiniLM()


@pytest.fixture
def sample(sample_workspace: Path) -> Store:
    return Store(sample_workspace / "index" / "store")


@pytest.fixture
def sample_store(sample_copy: Path) -> Store:
    """A copy that the test may change."""
    return Store(sample_copy / "index" / "store")


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("What was 2021 trade turnover?", "trade-record.md"),
        ("How large is the floor of the exposition?", "national-exposition.md"),
        ("commerce between the neighbours reached its peak", "prime-ministers-meet.md"),
        ("How many more projects does the new program provide for?", "planned-projects.md"),
    ],
)
def test_the_article_that_answers_is_among_the_first_three(opened, sample, embedder, question, source):
    hits = ask(opened(sample, embedder=embedder), question, limit=3)
    assert f"index/articles/{source}" in [hit.article.source for hit in hits]


@pytest.mark.parametrize("recipe", [RECIPE, BY_CHROMA], ids=["exact", "chroma"])
def test_equal_input_gives_equal_output(opened, sample, embedder, recipe):
    one, other = opened(sample, recipe, embedder), opened(sample, recipe, MiniLM())
    for question in QUESTIONS:
        assert ask(one, question) == ask(other, question) == ask(one, question)


def test_chroma_gives_what_the_comparison_of_every_vector_gives(opened, sample, embedder):
    exact, chroma = opened(sample, RECIPE, embedder), opened(sample, BY_CHROMA, embedder)
    for question in QUESTIONS:
        for filters in (ALL, Filters(until=date(2022, 7, 6)), Filters(publisher="Sample Archive")):
            assert ask(exact, question, filters=filters) == ask(chroma, question, filters=filters)
    assert (exact._vectors.compares_all, chroma._vectors.compares_all) == (True, False)


def test_hits_are_best_first_with_their_article_and_within_the_limit(opened, sample, embedder):
    retriever = opened(sample, embedder=embedder)
    hits = ask(retriever, QUESTIONS[0], limit=100)
    assert len(hits) == 24
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(hit.article.text[hit.passage.start : hit.passage.end] == hit.passage.text for hit in hits)
    assert all(hit.passage.article_id == hit.article.id for hit in hits)
    assert ask(retriever, QUESTIONS[0], limit=3) == hits[:3]


def test_words_alone_rank_as_the_keyword_index_and_the_embedder_is_not_asked(opened, sample):
    silent = CountingEmbedder(dimension=384, interrupt_after=0)
    silent.id = RECIPE.embedder
    retriever = opened(sample, embedder=silent)
    index = KeywordIndex(sample.generation("keywords", sample.current().keywords))
    for question in QUESTIONS:
        hits = retriever.search(question, limit=100, filters=ALL, indexes="words")
        assert [hit.passage.id for hit in hits] == [id_ for id_, _ in index.search(question, limit=100, filters=ALL)]
    with pytest.raises(KeyboardInterrupt):
        ask(retriever, QUESTIONS[0])


@pytest.mark.parametrize("recipe", [RECIPE, BY_CHROMA], ids=["exact", "chroma"])
def test_vectors_alone_rank_as_the_comparison_of_every_vector(opened, sample, embedder, recipe):
    retriever = opened(sample, recipe, embedder)
    rows = retriever.catalog.vector_rows(embedder.id)
    for question in QUESTIONS:
        hits = retriever.search(question, limit=100, filters=ALL, indexes="vectors")
        nearest = make_exact(rows).search(embedder.embed([question])[0], limit=100, filters=ALL)
        assert [hit.passage.id for hit in hits] == [id_ for id_, _ in nearest]


def test_both_indexes_together_are_the_two_alone_fused(opened, sample, embedder):
    retriever = opened(sample, embedder=embedder)
    for question in QUESTIONS:
        alone = [
            [hit.passage.id for hit in retriever.search(question, limit=100, filters=ALL, indexes=indexes)]
            for indexes in ("words", "vectors")
        ]
        both = retriever.search(question, limit=100, filters=ALL, indexes="both")
        assert [(hit.passage.id, hit.score) for hit in both] == fuse_ranks(*alone)


@pytest.mark.parametrize("indexes", ["words", "vectors"])
def test_filters_and_limit_hold_in_one_index_alone(opened, sample, embedder, indexes):
    retriever = opened(sample, embedder=embedder)
    day = Filters(as_of=date(2022, 7, 4))
    every = retriever.search(QUESTIONS[0], limit=100, filters=day, indexes=indexes)
    assert {hit.article.published for hit in every} == {date(2022, 7, 4)}
    assert retriever.search(QUESTIONS[0], limit=1, filters=day, indexes=indexes) == every[:1]


def test_threads_share_a_retriever(opened, sample, embedder):
    retriever = opened(sample, BY_CHROMA, embedder)
    expected = ask(retriever, QUESTIONS[0])
    answers: list[list[Hit]] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(retriever, QUESTIONS[0]))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 6


def test_a_closed_retriever_may_be_used_again(opened, sample, embedder):
    retriever = opened(sample, BY_CHROMA, embedder)
    expected = ask(retriever, QUESTIONS[0])
    retriever.close()
    assert ask(retriever, QUESTIONS[0]) == expected


def test_nobody_else_is_asked(opened, sample, embedder, network):
    ask(opened(sample, BY_CHROMA, embedder), QUESTIONS[0])
    assert network == []


def test_a_rare_word_weighs_more_than_a_frequent_one(opened, sample, embedder):
    retriever = opened(sample, embedder=embedder)
    ask(retriever, "trade")
    weights = [retriever.term_weight(analyze(word)[0]) for word in ("Kazakhstan", "tractors", "kumquats")]
    assert 0 <= weights[0] < weights[1] < weights[2]


# filters


@pytest.fixture(scope="module")
def _grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Retriever]]:
    store = Store(tmp_path_factory.mktemp("grid") / "store")
    write(store, *GRID)
    retrievers = [Retriever(store, recipe, CountingEmbedder()) for recipe in (RECIPE, BY_CHROMA)]
    yield retrievers
    for retriever in retrievers:
        retriever.close()


@given(filters=FILTERS)
def test_the_filters_admit_what_a_plain_predicate_admits(grid, filters):
    admitted = sorted(article.id for article in GRID if admits(filters, article))
    for retriever in grid:
        assert sorted(found(retriever, "trade", limit=100, filters=filters)) == admitted
        assert sorted(found(retriever, "kumquats", limit=100, filters=filters)) == admitted  # by vectors alone


@pytest.fixture(scope="module")
def grid(_grid: list[Retriever]) -> list[Retriever]:
    return _grid


def test_filters_apply_before_anything_is_cut_off(opened, tmp_path):
    store = Store(tmp_path / "store")
    crowd = [make(f"c{i:03d}", text="Trade trade trade rose.") for i in range(150)]
    rare = make("rare", text="A trade.", published=DAYS[1])
    write(store, *crowd, rare)
    for recipe in (RECIPE, BY_CHROMA):
        assert found(opened(store, recipe), "trade", limit=1, filters=Filters(dated=True)) == ["rare"]


# what others write


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    write(store, make("a"), make("b", text="The fair opened."))
    return store


@pytest.mark.parametrize("recipe", [RECIPE, BY_CHROMA], ids=["exact", "chroma"])
def test_what_another_writer_does_is_seen_at_the_next_question(opened, store, recipe):
    retriever = opened(store, recipe)
    assert found(retriever, "kumquats")[0] in ("a", "b")
    write(store, make("c", text="Kumquats rose."))
    assert found(retriever, "kumquats")[0] == "c"
    write(store, make("c", text="Plums rose."))
    assert ask(retriever, "kumquats plums")[0].article.text == "Plums rose."
    with store.writing():
        writer = Writer(store, RECIPE, CountingEmbedder())
        writer.remove(["c"])
        writer.close()
    assert sorted(found(retriever, "kumquats plums")) == ["a", "b"]


@pytest.mark.parametrize("recipe", [RECIPE, BY_CHROMA], ids=["exact", "chroma"])
def test_vectors_are_found_as_soon_as_they_are_stored_though_no_index_is_built(opened, store, recipe):
    retriever = opened(store, recipe)
    ask(retriever, "kumquats")
    with store.writing():
        writer = Writer(store, RECIPE, CountingEmbedder())
        writer.add([make("c", text="Kumquats rose.")])
        writer.embed_passages()
        writer.close()
    assert retriever.search("kumquats", limit=1, filters=ALL, indexes="vectors")[0].article.id == "c"


def test_a_large_index_is_used_as_it_is_while_more_is_added(opened, store, monkeypatch):
    monkeypatch.setattr("qa.retrieve._READ_BELOW", 1)
    retriever = opened(store)
    with store.writing():
        writer = Writer(store, RECIPE, CountingEmbedder())
        writer.add([make("c", text="Kumquats rose.")])
        writer.embed_passages()
        search = partial(retriever.search, "kumquats", limit=9, filters=ALL, indexes="vectors")
        assert sorted(hit.article.id for hit in search()) == ["a", "b"]
        writer.finish()
        writer.close()
    assert search()[0].article.id == "c"


def test_an_index_of_another_embedder_that_is_left_over_is_not_searched(opened, store, monkeypatch):
    monkeypatch.setattr("qa.retrieve._READ_BELOW", 0)
    embedder = CountingEmbedder(dimension=32)
    with store.writing():
        writer = Writer(store, RECIPE, embedder)
        writer.embed_passages()
        writer.close()
    hits = opened(store, embedder=embedder).search("fair", limit=9, filters=ALL, indexes="vectors")
    assert [hit.article.id for hit in hits] == ["b", "a"]


def test_words_are_found_as_soon_as_they_are_indexed_though_nothing_is_embedded(opened, store):
    retriever = opened(store)
    ask(retriever, "kumquats")
    with store.writing():
        writer = Writer(store, RECIPE, CountingEmbedder())
        writer.add([make("c", text="Kumquats rose.")])
        ask(retriever, "kumquats")  # between the commit of the catalog and that of the index
        writer.index_keywords()
        writer.close()
    assert "c" in found(retriever, "kumquats")


def test_a_store_without_any_index_finds_nothing_until_there_is_one(opened, tmp_path):
    store = Store(tmp_path / "store")
    with store.writing():
        writer = Writer(store, RECIPE, CountingEmbedder())
        writer.add([make("a")])
        writer.close()
    retriever = opened(store)
    assert found(retriever, "trade") == []
    assert retriever.term_weight("trade") == 1
    write(store)
    assert found(retriever, "trade") == ["a"]


def test_a_generation_that_is_replaced_while_a_question_is_asked_does_no_harm(opened, store):
    class Late(Store):
        """Between this store's pointer being read and its index being opened a writer makes a new one."""

        def current(self) -> Current:
            current = super().current()
            if late:
                late.pop()
                with store.writing():
                    writer = Writer(store, RECIPE, CountingEmbedder())
                    writer.remove(["b"])
                    writer.close()
            return current

    late = [True]
    assert found(opened(Late(store.folder)), "trade fair") == ["a"]
    assert late == []


# what cannot be used


def test_a_store_without_a_catalog_is_refused(tmp_path):
    with pytest.raises(StoreError):
        Retriever(Store(tmp_path), RECIPE, CountingEmbedder())
    assert list(tmp_path.iterdir()) == []


def test_vectors_of_another_embedder_are_never_compared(opened, store):
    retriever = opened(store, embedder=CountingEmbedder(dimension=32))
    with pytest.raises(EmbedderMismatch, match=r"made by 'hashing-128', but 'hashing-32' is in use.*qa sync"):
        ask(retriever, "trade")


def test_a_missing_keyword_index_says_how_to_make_it_again(opened, store):
    shutil.rmtree(store.folder / "keywords")
    with pytest.raises(StoreError, match="qa sync"):
        ask(opened(store), "trade")


def cut_database(folder: Path) -> None:
    (folder / "chroma.sqlite3").write_bytes(b"")


def scribble_on_database(folder: Path) -> None:
    (folder / "chroma.sqlite3").write_bytes(b"Trade rose. " * 50_000)


def delete_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize("damage", [cut_database, scribble_on_database, delete_manifest, shutil.rmtree])
def test_every_vector_is_compared_where_chroma_cannot_be_opened(opened, sample_store, embedder, damage, caplog):
    expected = ask(opened(sample_store, RECIPE, embedder), QUESTIONS[0])
    damage(sample_store.generation("vectors", sample_store.current().vectors))
    with caplog.at_level(logging.WARNING, logger="qa"):
        assert ask(opened(sample_store, BY_CHROMA, embedder), QUESTIONS[0]) == expected
    assert "Every vector is compared instead" in caplog.text


def test_every_vector_is_compared_where_chroma_fails_at_a_question(opened, sample, embedder, caplog):
    retriever = opened(sample, BY_CHROMA, embedder)
    expected = ask(retriever, QUESTIONS[0])
    retriever._vectors._client.close()
    with caplog.at_level(logging.WARNING, logger="qa"):
        assert ask(retriever, QUESTIONS[0]) == ask(retriever, QUESTIONS[0]) == expected
    assert caplog.text.count("Every vector is compared instead") == 1


@pytest.mark.parametrize("recipe", [RECIPE, BY_CHROMA], ids=["exact", "chroma"])
def test_a_store_that_may_not_be_written_is_searched_as_it_is(
    opened, sample, embedder, public_folder, read_only, recipe
):
    expected = ask(opened(sample, RECIPE, embedder), QUESTIONS[0])
    copied = Store(Path(shutil.copytree(sample.folder, public_folder / "store")))
    for path in copied.folder.glob("catalog.sqlite-*"):
        path.unlink()
    with read_only(public_folder):
        assert ask(opened(copied, recipe, embedder), QUESTIONS[0]) == expected
