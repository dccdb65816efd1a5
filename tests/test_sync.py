from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from shelf import CountingEmbedder, make

from qa.articles import Article, Filters, hash_text
from qa.catalog import Catalog, Counts
from qa.embed import Embedder
from qa.errors import EmbeddingError
from qa.keywords import KeywordIndex
from qa.settings import Recipe
from qa.sources import Skipped
from qa.store import Current, Store
from qa.sync import _EMBED_BATCH, Changes, OnProgress, Progress, Writer
from qa.vectors import VectorIndex, read_state

ALL = Filters()
RECIPE = Recipe()
_RANDOM = random.Random(1)
# Many words each: of vectors that are all equally far from each other HNSW cannot reach every one.
MANY = [
    make(f"a{i:03d}", text=f"Trade rose to {i}: {' '.join(f'w{_RANDOM.randrange(300)}' for _ in range(12))}.")
    for i in range(150)
]
EMBEDDER = CountingEmbedder().id


@contextmanager
def writing(
    store: Store, embedder: Embedder, *, recipe: Recipe = RECIPE, on_progress: OnProgress | None = None
) -> Iterator[Writer]:
    with store.writing():
        writer = Writer(store, recipe, embedder, on_progress)
        try:
            yield writer
        finally:
            writer.close()


def write(store: Store, items: Iterable[Article | Skipped], embedder: Embedder | None = None, **options) -> Changes:
    with writing(store, embedder or CountingEmbedder(), **options) as writer:
        writer.add(items)
        writer.finish()
    return writer.changes


def remove(store: Store, *ids: str) -> None:
    with writing(store, CountingEmbedder()) as writer:
        writer.remove(ids)


def find_words(store: Store, question: str) -> list[str]:
    """Ids of the passages found by keyword."""
    index = KeywordIndex(store.generation("keywords", store.current().keywords))
    return [id_ for id_, _ in index.search(question, limit=1_000, filters=ALL)]


def find_vectors(store: Store, text: str, filters: Filters = ALL) -> list[tuple[str, float]]:
    index = VectorIndex(store.generation("vectors", store.current().vectors))
    try:
        return index.search(CountingEmbedder().embed([text])[0], limit=1_000, filters=filters)
    finally:
        index.close()


def held(store: Store) -> dict[str, tuple[int, str]]:
    """Day and publisher of each passage that a generation holds, in Chroma and for exact search alike."""
    index = VectorIndex(store.generation("vectors", store.current().vectors))
    exact = index._exact
    ids = [id_.decode() for id_ in exact.ids.tolist()]
    if index._collection is not None:
        assert sorted(index._collection.get(include=[])["ids"]) == sorted(ids)
    index.close()
    publishers = [exact.publisher_keys[code].decode() if code >= 0 else "" for code in exact.publishers]
    return dict(zip(ids, zip(exact.days.tolist(), publishers, strict=True), strict=True))


def describe(store: Store) -> dict[str, object]:
    """Everything that a store holds, whatever way it came there."""
    with writing(store, CountingEmbedder()) as writer:
        rows = writer.catalog.vector_rows(EMBEDDER)
        return {
            "articles": list(writer.catalog.articles()),
            "counts": writer.catalog.counts(EMBEDDER),
            "left": (writer.catalog.articles_not_in_keywords(), writer.catalog.removed_articles()),
            "vectors": dict(zip(rows.ids, map(np.ndarray.tobytes, rows.matrix), strict=True)),
            "words": sorted(find_words(store, "trade")),
            "chroma": held(store),
        }


def holds(store: Store, content: bytes) -> list[str]:
    """The files of the store in which these bytes stand."""
    paths = (path for path in store.folder.rglob("*") if path.is_file())
    return [path.relative_to(store.folder).as_posix() for path in paths if content in path.read_bytes()]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("filled") / "store")
    write(store, MANY)
    return store


@pytest.fixture
def filled(reference: Store, tmp_path: Path) -> Store:
    """A store with the 150 articles, for the test to change."""
    return Store(Path(shutil.copytree(reference.folder, tmp_path / "filled")))


# adding


def test_articles_can_be_found_by_words_and_by_vectors(filled):
    (id_,) = find_words(filled, "149")
    assert id_ == find_vectors(filled, f"News {MANY[149].text}")[0][0]
    assert describe(filled)["counts"] == Counts(articles=150, passages=150, vectors=150)
    assert filled.current() == Current("000001", "000001")


def test_changes_and_skipped_sources_are_reported(store):
    skipped = Skipped("b.txt", "empty")
    assert write(store, [make("a"), skipped]) == Changes(added=["a"], skipped=[("b.txt", "empty")])
    again = [make("a"), make("b"), replace(make("c"), title="Other")]
    assert write(store, again) == Changes(added=["b", "c"], unchanged=["a"])
    assert write(store, [make("a", text="It fell."), make("b")]) == Changes(updated=["a"], unchanged=["b"])


def test_of_two_articles_with_one_id_in_one_run_the_last_counts(store):
    assert write(store, [make("a"), make("a", text="It fell.")]) == Changes(added=["a"])
    assert [article.text for article in describe(store)["articles"]] == ["It fell."]


def test_adding_again_embeds_nothing_and_builds_nothing(filled):
    embedder = CountingEmbedder()
    before = {path: path.stat().st_mtime_ns for path in filled.folder.rglob("*") if "catalog" not in path.name}
    changes = write(filled, MANY, embedder)
    after = {path: path.stat().st_mtime_ns for path in filled.folder.rglob("*") if "catalog" not in path.name}
    assert len(changes.unchanged) == 150
    assert embedder.calls == 0
    writers = {filled.folder, filled.folder / "writer.lock"}  # the lock was taken and given back
    assert {path for path in before if before[path] != after[path]} <= writers


def test_an_empty_archive_is_one_too(store):
    assert write(store, []) == Changes()
    assert describe(store)["counts"] == Counts(0, 0, 0)


def test_a_text_that_many_articles_share_is_embedded_once(store):
    embedder = CountingEmbedder()
    write(store, [make(f"a{i}") for i in range(10)], embedder)
    assert len(embedder.texts) == 1
    assert len(held(store)) == 10


def test_a_changed_article_is_replaced_everywhere(filled):
    embedder = CountingEmbedder()
    old = find_words(filled, "7")
    write(filled, [replace(MANY[7], text="Kumquats fell.", sha256=hash_text("Kumquats fell."))], embedder)
    (new,) = find_words(filled, "kumquats")
    assert find_words(filled, "7") == []
    assert find_vectors(filled, "News Kumquats fell.")[0][0] == new
    assert old[0] not in held(filled)
    assert len(held(filled)) == len(find_words(filled, "trade kumquats")) == 150
    assert len(embedder.texts) == 1
    assert describe(filled)["counts"] == Counts(articles=150, passages=150, vectors=150)


@pytest.mark.parametrize(
    ("details", "filters"),
    [
        ({"published": date(2022, 7, 5)}, Filters(as_of=date(2022, 7, 5))),
        ({"publisher": "BBC"}, Filters(publisher="bbc")),
    ],
)
def test_changed_metadata_count_in_every_index_though_the_text_is_the_same(filled, details, filters):
    write(filled, [replace(MANY[7], **details)])
    index = KeywordIndex(filled.generation("keywords", filled.current().keywords))
    (by_words,) = index.search("trade", limit=10, filters=filters)
    (by_vectors,) = find_vectors(filled, "trade", filters)
    assert by_words[0] == by_vectors[0]


def test_a_changed_title_is_embedded_with_the_text(filled):
    write(filled, [replace(MANY[7], title="Kumquats")])
    assert find_vectors(filled, f"Kumquats {MANY[7].text}")[0][1] == pytest.approx(1, abs=1e-5)
    assert len(find_words(filled, "kumquats")) == 1


def test_words_can_be_found_before_anything_is_embedded(store):
    class Failing(CountingEmbedder):
        def embed(self, texts: Sequence[str]) -> np.ndarray:
            raise EmbeddingError("out of order")

    with pytest.raises(EmbeddingError):
        write(store, MANY, Failing())
    assert len(find_words(store, "trade")) == 150


def test_the_words_of_a_large_addition_can_be_found_while_it_runs(store):
    with writing(store, CountingEmbedder()) as writer:
        writer.add(make(f"b{i}") for i in range(600))
        assert len(find_words(store, "trade")) == 600


def test_progress_is_told_in_order_and_ends_at_the_total(store):
    told: list[Progress] = []
    write(store, MANY, on_progress=told.append)
    stages = list(dict.fromkeys(progress.stage for progress in told))
    assert stages == ["reading", "embedding", "building the vector index"]
    for stage in stages:
        of_stage = [progress for progress in told if progress.stage == stage]
        assert [progress.done for progress in of_stage] == sorted(progress.done for progress in of_stage)
        assert of_stage[-1].done == 150


# interruptions


class Interrupting:
    """Interrupts at a certain progress call."""

    def __init__(self, call: int) -> None:
        self.left = call

    def __call__(self, progress: Progress) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


# after the commit of the catalog, before and between the batches, before and after the vector index is built
@pytest.mark.parametrize("call", range(6))
def test_an_interrupted_addition_is_finished_by_the_next_writer_and_nothing_is_embedded_twice(store, reference, call):
    embedder = CountingEmbedder()
    with pytest.raises(KeyboardInterrupt):
        write(store, MANY, embedder, on_progress=Interrupting(call))
    with writing(store, embedder) as writer:
        writer.finish()
    assert len(embedder.texts) == len(set(embedder.texts)) == 150
    assert describe(store) == describe(reference)


@pytest.mark.parametrize("calls", [0, 1])
def test_an_embedder_interrupted_between_batches_goes_on_from_there(store, reference, calls):
    first, second = CountingEmbedder(interrupt_after=calls), CountingEmbedder()
    with pytest.raises(KeyboardInterrupt):
        write(store, MANY, first)
    assert len(first.texts) == calls * _EMBED_BATCH
    write(store, MANY, second)
    assert len(second.texts) == 150 - calls * _EMBED_BATCH
    assert not set(first.texts) & set(second.texts)
    assert describe(store) == describe(reference)


def test_what_was_read_before_an_interruption_is_finished_without_its_source(store):
    with writing(store, CountingEmbedder()) as writer:
        writer.add(MANY)
    assert store.current() == Current()
    write(store, [])
    assert len(find_words(store, "trade")) == len(held(store)) == 150


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from shelf import CountingEmbedder
from test_sync import MANY, write
from qa.store import Store

class Killing(CountingEmbedder):
    def embed(self, texts):
        if self.calls == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed(texts)

write(Store(Path(sys.argv[1])), MANY, Killing())
"""


def test_a_killed_addition_is_finished_by_the_next_writer(store, reference):
    command = [sys.executable, "-c", KILLED, str(store.folder), str(Path(__file__).parent)]
    assert subprocess.run(command, check=False).returncode == -9
    embedder = CountingEmbedder()
    write(store, [], embedder)
    assert len(embedder.texts) == 150 - _EMBED_BATCH
    assert describe(store) == describe(reference)


def test_an_interrupted_change_leaves_no_vector_of_the_old_text(filled):
    changed = replace(MANY[7], text="Kumquats fell.", sha256=hash_text("Kumquats fell."))
    with pytest.raises(KeyboardInterrupt):
        write(filled, [changed], CountingEmbedder(interrupt_after=0))
    write(filled, [])
    with writing(filled, CountingEmbedder()) as writer:
        assert writer.catalog.query("SELECT count(*) FROM vectors") == [(150,)]


# removing


def test_a_removed_article_is_in_no_index(filled):
    remove(filled, "a007", "a008")
    assert find_words(filled, "7") == find_words(filled, "8") == []
    assert len(find_words(filled, "trade")) == len(held(filled)) == 148
    assert describe(filled)["counts"] == Counts(articles=148, passages=148, vectors=148)


SECRET = make("secret", text="The password is Kumquat-Xyzzy. It must go.", title="Plugh", author="Frobozz")
VECTOR = CountingEmbedder().embed(["Plugh\nThe password is Kumquat-Xyzzy. It must go."])[0].tobytes()
TRACES = [b"Xyzzy", b"xyzz", b"Plugh", b"plugh", b"Frobozz", b"kumquat", VECTOR]


def test_no_file_of_the_store_keeps_a_word_or_a_vector_of_a_removed_article(filled):
    write(filled, [SECRET])
    assert all(holds(filled, trace) for trace in (b"Xyzzy", b"Frobozz", VECTOR))
    remove(filled, "secret")
    assert {trace: holds(filled, trace) for trace in TRACES} == {trace: [] for trace in TRACES}


def test_nothing_is_kept_of_an_earlier_text_of_a_removed_article_either(filled):
    write(filled, [SECRET])
    write(filled, [replace(SECRET, text="Nothing.", sha256=hash_text("Nothing."), title="T", author=None)])
    remove(filled, "secret")
    assert {trace: holds(filled, trace) for trace in TRACES} == {trace: [] for trace in TRACES}


def test_nothing_is_kept_while_others_have_the_store_open(filled):
    write(filled, [SECRET])
    words = KeywordIndex(filled.generation("keywords", filled.current().keywords))
    vectors = VectorIndex(filled.generation("vectors", filled.current().vectors))
    catalog = Catalog(filled.catalog)
    remove(filled, "secret")
    assert {trace: holds(filled, trace) for trace in TRACES} == {trace: [] for trace in TRACES}
    assert words.count() == 151  # what was open stays as it was until it is opened anew
    vectors.close()
    catalog.close()


def test_an_interrupted_removal_is_finished_by_the_next_writer(filled):
    write(filled, [SECRET])
    with pytest.raises(KeyboardInterrupt), writing(filled, CountingEmbedder(), on_progress=Interrupting(0)) as writer:
        writer.remove(["secret"])
    write(filled, [])
    assert {trace: holds(filled, trace) for trace in TRACES} == {trace: [] for trace in TRACES}
    assert describe(filled)["left"] == ([], [])
    assert len(held(filled)) == 150


def test_a_removed_article_may_come_back(filled):
    remove(filled, "a007")
    assert write(filled, [MANY[7]]) == Changes(added=["a007"])
    assert len(find_words(filled, "7")) == 1
    assert len(held(filled)) == 150


# making anew what is derived


def delete_pointer(store: Store) -> None:
    (store.folder / "CURRENT").unlink()


def delete_keywords(store: Store) -> None:
    shutil.rmtree(store.folder / "keywords")


def damage_keywords(store: Store) -> None:
    (store.generation("keywords", "000001") / "meta.json").write_text("{")


def delete_vectors(store: Store) -> None:
    shutil.rmtree(store.folder / "vectors")


def damage_vectors(store: Store) -> None:
    (store.generation("vectors", "000001") / "chroma.sqlite3").write_bytes(b"")


def age_vectors(store: Store) -> None:
    """Leave what an older version wrote, which had no files for exact search."""
    folder = store.generation("vectors", "000001")
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["format"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    shutil.rmtree(folder / "exact")


@pytest.mark.parametrize(
    "damage", [delete_pointer, delete_keywords, damage_keywords, delete_vectors, damage_vectors, age_vectors]
)
def test_what_is_derived_is_made_anew_from_the_catalog_without_embedding(filled, reference, damage):
    damage(filled)
    embedder = CountingEmbedder()
    write(filled, [], embedder)
    assert embedder.calls == 0
    assert describe(filled) == describe(reference)


def test_another_embedder_embeds_everything_and_the_first_may_come_back_for_nothing(filled):
    other, first = CountingEmbedder(dimension=32), CountingEmbedder()
    write(filled, [], other)
    assert len(other.texts) == 150
    assert read_state(filled.generation("vectors", filled.current().vectors))[0] == "hashing-32"
    write(filled, [], first)
    assert first.calls == 0
    assert len(held(filled)) == 150


def test_another_budget_cuts_every_article_anew_and_embeds_only_what_is_new(store):
    long = make("long", text="Trade rose again and again. " * 40)
    write(store, [long, make("short")])
    embedder = CountingEmbedder()
    recipe = replace(RECIPE, budget_tokens=32)
    write(store, [], embedder, recipe=recipe)
    counts = describe_counts(store, recipe)
    assert counts.passages == len(find_words(store, "trade")) == len(held(store)) > 6
    assert counts.vectors == counts.passages
    assert not any(text == "News\nTrade rose." for text in embedder.texts)
    again = CountingEmbedder()
    write(store, [], again, recipe=recipe)
    assert again.calls == 0


def describe_counts(store: Store, recipe: Recipe) -> Counts:
    with writing(store, CountingEmbedder(), recipe=recipe) as writer:
        return writer.catalog.counts(EMBEDDER)
