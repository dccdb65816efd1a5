from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import chromadb
import numpy as np
import pytest
from chromadb.api.types import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import register_embedding_function
from hypothesis import given
from hypothesis import strategies as st
from shelf import DAYS, FILTERS, GRID, admits

from qa.articles import Filters, day_number
from qa.errors import StoreError
from qa.exact import make_exact
from qa.schema import VectorRows
from qa.text import fold
from qa.vectors import VectorIndex, build_index, read_state

ALL = Filters()
EMBEDDER = "test"


def random_rows(count: int, *, dimension: int = 32, seed: int = 0) -> VectorRows:
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(count, dimension)).astype(np.float32)
    return VectorRows(
        ids=[f"p{i:05d}" for i in range(count)],
        days=random.choice([day_number(day) for day in DAYS], size=count).astype(np.int32),
        publishers=[("bbc", "le monde", None)[i % 3] for i in range(count)],
        matrix=matrix / np.linalg.norm(matrix, axis=1, keepdims=True),
    )


def take(rows: VectorRows, places: list[int]) -> VectorRows:
    return VectorRows(
        ids=[rows.ids[i] for i in places],
        days=rows.days[places],
        publishers=[rows.publishers[i] for i in places],
        matrix=rows.matrix[places],
    )


def build(folder: Path, rows: VectorRows, *, revision: int = 1, previous: Path | None = None) -> Path:
    build_index(folder, rows, embedder=EMBEDDER, revision=revision, previous=previous)
    return folder


def search_exact(rows: VectorRows, query: np.ndarray, *, limit: int, filters: Filters) -> list[tuple[str, float]]:
    return make_exact(rows).search(query, limit=limit, filters=filters)


def search(folder: Path, query: np.ndarray, *, limit: int = 20, filters: Filters = ALL) -> list[tuple[str, float]]:
    index = VectorIndex(folder)
    try:
        return index.search(query, limit=limit, filters=filters)
    finally:
        index.close()


ROWS = random_rows(2_000)
SMALL = random_rows(60, dimension=8, seed=1)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("vectors") / "large", ROWS)


@pytest.fixture(scope="module")
def _small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("vectors") / "small", SMALL)


@pytest.fixture
def small(_small: Path, tmp_path: Path) -> Path:
    """A finished generation of 60 vectors that the test may change."""
    return Path(shutil.copytree(_small, tmp_path / "small"))


# searching


def test_chroma_agrees_with_the_comparison_of_every_vector(large):
    index = VectorIndex(large)
    found = 0
    for query in random_rows(100, seed=2).matrix:
        exact = dict(search_exact(ROWS, query, limit=10, filters=ALL))
        near = dict(index.search(query, limit=10, filters=ALL))
        assert len(near) == 10
        similarity = ROWS.matrix @ query
        assert all(score == pytest.approx(float(similarity[int(id_[1:])]), abs=1e-5) for id_, score in near.items())
        found += len(exact.keys() & near.keys())
    index.close()
    assert found / 1000 >= 0.98


def test_the_comparison_gives_the_best_first_and_ties_by_id():
    rows = VectorRows(["a", "b", "c"], np.zeros(3, np.int32), [None] * 3, SMALL.matrix[[1, 0, 0]])
    found = search_exact(rows, SMALL.matrix[0], limit=3, filters=ALL)
    assert [id_ for id_, _ in found] == ["b", "c", "a"]
    assert found[0][1] == pytest.approx(1, abs=1e-6)


def test_chroma_gives_the_best_first_and_ties_by_id(tmp_path):
    rows = VectorRows(["c", "a", "b"], np.zeros(3, np.int32), [None] * 3, SMALL.matrix[[0, 1, 0]])
    found = search(build(tmp_path / "g", rows), SMALL.matrix[0])
    assert [id_ for id_, _ in found] == ["b", "c", "a"]
    assert found[0][1] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("limit", [1, 59, 60, 61, 5_000])
def test_no_more_are_found_than_were_asked_for_or_are_there(small, limit):
    query = SMALL.matrix[7]
    assert len(search(small, query, limit=limit)) == min(limit, 60)
    assert len(search_exact(SMALL, query, limit=limit, filters=ALL)) == min(limit, 60)


def test_an_index_without_vectors_finds_nothing(tmp_path):
    rows = random_rows(0)
    empty = VectorRows([], rows.days, [], np.zeros((0, 0), dtype=np.float32))
    assert search(build(tmp_path / "empty", empty), SMALL.matrix[0]) == []
    assert search_exact(empty, SMALL.matrix[0], limit=5, filters=ALL) == []


def grid_rows() -> VectorRows:
    rows = random_rows(len(GRID), dimension=8, seed=3)
    return VectorRows(
        ids=[article.id for article in GRID],
        days=np.array([day_number(article.published) for article in GRID], dtype=np.int32),
        publishers=[fold(article.publisher) if article.publisher else None for article in GRID],
        matrix=rows.matrix,
    )


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorIndex]:
    index = VectorIndex(build(tmp_path_factory.mktemp("grid") / "g", grid_rows()))
    yield index
    index.close()


@given(FILTERS)
def test_the_filters_admit_what_a_plain_predicate_admits(grid, filters):
    admitted = sorted(article.id for article in GRID if admits(filters, article))
    query = SMALL.matrix[0]
    assert sorted(id_ for id_, _ in search_exact(grid_rows(), query, limit=100, filters=filters)) == admitted
    assert sorted(id_ for id_, _ in grid.search(query, limit=100, filters=filters)) == admitted


@given(FILTERS, st.integers(0, 99))
def test_filters_apply_before_the_limit_in_a_large_index_too(large_index, filters, place):
    query = QUERIES[place]
    exact = search_exact(ROWS, query, limit=5, filters=filters)
    near = large_index.search(query, limit=5, filters=filters)
    assert len(near) == len(exact)
    assert {id_ for id_, _ in near} <= {id_ for id_, _ in search_exact(ROWS, query, limit=2_000, filters=filters)}


QUERIES = random_rows(100, seed=4).matrix


class Asked:
    """Chroma's collection, with how many neighbours it was asked for."""

    def __init__(self, index: VectorIndex) -> None:
        self._collection = index._collection
        self.counts: list[int] = []

    def query(self, *, n_results: int, **options: object) -> object:
        self.counts.append(n_results)
        return self._collection.query(n_results=n_results, **options)


WIDE = Filters(until=DAYS[-2])  # admits 1,758 of the 2,000
NARROW = Filters(as_of=DAYS[1], publisher="BBC")  # and 77


@pytest.mark.parametrize(
    ("exact_below", "filters", "limit", "asked"),
    [
        (1_000, ALL, 10, [10]),
        (1_000, WIDE, 10, [18]),  # 10 x 1.5 x 2000 / 1758, rounded up
        (1_000, WIDE, 700, []),
        (1_000, ALL, 801, []),
        (1_000, NARROW, 10, []),
        (0, NARROW, 10, [390]),
        (0, NARROW, 60, []),
        (1_999, ALL, 10, [10]),
    ],
)
def test_chroma_is_asked_only_where_much_is_admitted_and_little_wanted(large, exact_below, filters, limit, asked):
    assert [make_exact(ROWS).count_admitted(each) for each in (WIDE, NARROW)] == [1_758, 77]
    index = VectorIndex(large, exact_below=exact_below)
    counting = index._collection = Asked(index)
    found = index.search(QUERIES[0], limit=limit, filters=filters)
    index.close()
    assert counting.counts == asked
    assert len(found) == min(limit, make_exact(ROWS).count_admitted(filters))


def test_up_to_the_limit_chroma_is_not_even_opened(large):
    index = VectorIndex(large, exact_below=2_000)
    assert (len(index), index.compares_all) == (2_000, True)
    assert index.search(QUERIES[0], limit=9, filters=ALL) == search_exact(ROWS, QUERIES[0], limit=9, filters=ALL)
    index.close()


def test_every_admitted_vector_is_compared_where_the_nearest_are_not_admitted(tmp_path):
    """The nearest hundred are all of a later day, so that of Chroma's too few are left."""
    query = SMALL.matrix[0]
    later = VectorRows(
        [f"l{i:03d}" for i in range(100)], np.full(100, 20320101), [None] * 100, np.tile(query, (100, 1))
    )
    earlier = take(SMALL, list(range(1, 60)))
    rows = VectorRows(
        [*later.ids, *earlier.ids],
        np.concatenate([later.days, np.full(59, 20310101)]).astype(np.int32),
        [None] * 159,
        np.vstack([later.matrix, earlier.matrix]).astype(np.float32),
    )
    found = search(build(tmp_path / "g", rows), query, limit=5, filters=Filters(as_of=date(2031, 6, 1)))
    assert found == search_exact(earlier, query, limit=5, filters=ALL)


@pytest.fixture(scope="module")
def large_index(large: Path) -> Iterator[VectorIndex]:
    index = VectorIndex(large)
    yield index
    index.close()


# building


def test_an_updated_copy_equals_an_index_built_anew(tmp_path):
    before, after = take(SMALL, list(range(40))), take(SMALL, list(range(20, 60)))
    first = build(tmp_path / "1", before)
    copied = build(tmp_path / "2", after, revision=2, previous=first)
    anew = build(tmp_path / "3", after, revision=2)
    for query in SMALL.matrix[::10]:
        expected = search(anew, query, limit=60)
        assert [id_ for id_, _ in expected] == [id_ for id_, _ in search(copied, query, limit=60)]
        assert len(expected) == 40
    assert read_state(copied) == read_state(anew) == (EMBEDDER, 2)
    assert len(search(first, SMALL.matrix[0], limit=60)) == 40  # the previous one is left as it was


def test_an_update_that_removes_everything_leaves_an_empty_index(tmp_path, small):
    assert search(build(tmp_path / "2", take(SMALL, []), previous=small), SMALL.matrix[0]) == []


def test_more_vectors_than_chroma_takes_at_once_are_written_in_batches(tmp_path):
    rows = random_rows(5_600, dimension=4)
    folder = build(tmp_path / "1", rows)
    index = VectorIndex(folder)
    assert len(index.search(rows.matrix[5_599], limit=1, filters=ALL)) == 1
    index.close()
    half = build(tmp_path / "2", take(rows, list(range(100))), previous=folder)
    assert len(search(half, rows.matrix[0], limit=1_000)) == 100


def scribble(folder: Path) -> None:
    (folder / "chroma.sqlite3").write_bytes(b"no database" * 100_000)


def vanish(folder: Path) -> None:
    (folder / "gone").symlink_to(folder / "nowhere")  # as a file that is deleted while it is copied


@pytest.mark.parametrize("damage", [scribble, vanish, shutil.rmtree])
def test_a_copy_that_cannot_be_used_is_built_anew_instead(tmp_path, small, damage, caplog):
    damage(small)
    with caplog.at_level(logging.WARNING, logger="qa"):
        folder = build(tmp_path / "2", SMALL, previous=small)
    assert "built anew" in caplog.text
    assert len(search(folder, SMALL.matrix[0], limit=60)) == 60


def test_a_small_index_has_no_files_of_uninitialised_memory(small):
    """Chroma makes a hundred empty places in memory that it does not clear, and writes them."""
    assert search(small, SMALL.matrix[0])
    assert sorted(path.name for path in small.iterdir()) == ["chroma.sqlite3", "exact", "manifest.json"]


# what is refused


def delete_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def write_manifest(content: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "manifest.json").write_text(content) and None


def delete_database(folder: Path) -> None:
    (folder / "chroma.sqlite3").unlink()


def cut_database(folder: Path) -> None:
    content = (folder / "chroma.sqlite3").read_bytes()
    (folder / "chroma.sqlite3").write_bytes(content[: len(content) // 2])


def scribble_on_database(folder: Path) -> None:
    (folder / "chroma.sqlite3").write_bytes(b"Trade rose. " * 50_000)


def delete_segments(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


def cut_segments(folder: Path) -> None:
    for path in folder.glob("*/data_level0.bin"):
        path.write_bytes(path.read_bytes()[:100])


def cut_exact(folder: Path) -> None:
    path = folder / "exact" / "vectors.npy"
    path.write_bytes(path.read_bytes()[:-1])


def delete_exact(folder: Path) -> None:
    (folder / "exact" / "order.npy").unlink()


UNREADABLE = [
    delete_manifest,
    write_manifest(""),
    write_manifest("[]"),
    write_manifest("null"),
    write_manifest("{}"),
    write_manifest('{"format": 2, "embedder": "test", "passages": 60, "revision": 1}'),
    write_manifest('{"format": 2, "embedder": "test", "passages": 60, "revision": 1, "files": null}'),
    write_manifest('{"format": 1, "embedder": "test", "passages": 60, "revision": 1, "files": {}}'),
    write_manifest(
        '{"embedder": "test", "passages": 60, "revision": 1, "files": {}}'
    ),  # as before exact search had files
    delete_database,
    cut_database,
    cut_exact,
    delete_exact,
    delete_segments,
    cut_segments,
]


@pytest.mark.parametrize("damage", UNREADABLE)
def test_an_unfinished_or_damaged_generation_is_refused_and_known_as_such(large, tmp_path, damage):
    folder = Path(shutil.copytree(large, tmp_path / "damaged"))
    assert read_state(folder) == (EMBEDDER, 1)
    damage(folder)
    with pytest.raises(StoreError, match=r"Nothing of the archive is lost; make it again with: qa sync"):
        VectorIndex(folder)
    assert read_state(folder) is None


def test_a_database_that_is_none_is_refused(small):
    scribble_on_database(small)
    with pytest.raises(StoreError, match=r"Chroma failed on .*: .*not a database"):
        VectorIndex(small)


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(StoreError):
        VectorIndex(tmp_path / "none")
    assert read_state(tmp_path / "none") is None
    assert list(tmp_path.iterdir()) == []


BUILT_WITH: list[object] = []


@register_embedding_function
class Spy(EmbeddingFunction[Documents]):
    """An embedding function that tells when Chroma makes one from what a collection names."""

    def __init__(self) -> None:
        pass

    def __call__(self, input: Documents) -> Embeddings:  # noqa: A002  Chroma checks the name
        return [np.zeros(8, dtype=np.float32) for _ in input]

    @staticmethod
    def name() -> str:
        return "onrecord_test_spy"

    def get_config(self) -> dict[str, object]:
        return {"command": "rm -rf /"}

    @staticmethod
    def build_from_config(config: dict[str, object]) -> Spy:
        BUILT_WITH.append(config)
        return Spy()


def test_a_collection_that_names_an_embedding_function_is_refused_and_the_function_never_made(small):
    with chromadb.PersistentClient(path=str(small)) as client:
        client.delete_collection("passages")
        client.create_collection("passages", embedding_function=Spy())
    made = json.loads((small / "manifest.json").read_text())
    made["files"] = {}
    (small / "manifest.json").write_text(json.dumps(made))
    BUILT_WITH.clear()
    with pytest.raises(StoreError, match="names an embedding function of its own and is refused"):
        VectorIndex(small)
    anew = build(small.parent / "2", take(SMALL, [0]), previous=small)
    assert len(search(anew, SMALL.matrix[0])) == 1
    assert BUILT_WITH == []


# what Chroma would do by itself


def test_a_settings_file_in_the_current_folder_is_not_read(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("CHROMA_SERVER_HOST=example.org\nALLOW_RESET=true\nANONYMIZED_TELEMETRY=true\n")
    monkeypatch.chdir(tmp_path)
    index = VectorIndex(build(tmp_path / "g", take(SMALL, [0, 1])))
    settings = index._client.get_settings()
    assert (settings.chroma_server_host, settings.allow_reset, settings.anonymized_telemetry) == (None, False, False)
    index.close()


def test_nothing_is_reported_to_anyone(tmp_path, network):
    search(build(tmp_path / "g", take(SMALL, [0, 1])), SMALL.matrix[0])
    assert network == []
