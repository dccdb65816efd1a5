from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelf import DAYS, FILTERS

from qa.articles import Filters, day_number
from qa.errors import StoreError
from qa.exact import ExactIndex, make_exact, open_exact, write_exact
from qa.schema import VectorRows

ALL = Filters()
PUBLISHERS = ("bbc", "le monde", None)


def make_rows(count: int, *, dimension: int = 16, seed: int = 0) -> VectorRows:
    """Rows in no order, some of them the same vector."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(count, dimension)).astype(np.float32)
    matrix[::7] = matrix[:1]
    return VectorRows(
        ids=[f"p{i:04d}" for i in random.permutation(count)],
        days=random.choice([day_number(day) for day in DAYS], size=count).astype(np.int32),
        publishers=[PUBLISHERS[i] for i in random.choice(3, size=count, p=[0.1, 0.5, 0.4])],
        matrix=matrix / np.linalg.norm(matrix, axis=1, keepdims=True),
    )


ROWS = make_rows(400)
EMPTY = VectorRows([], np.zeros(0, np.int32), [], np.zeros((0, 0), np.float32))


def admits(rows: VectorRows, place: int, filters: Filters) -> bool:
    """The filters once more, row by row."""
    day = int(rows.days[place])
    dated = max(filters.first_day, 1) <= day <= filters.last_day or (day == 0 and not filters.needs_date)
    return dated and filters.publisher_key in (None, rows.publishers[place])


def rank_plainly(rows: VectorRows, query: np.ndarray, limit: int, filters: Filters) -> list[str]:
    scores = {
        rows.ids[i]: sum(np.asarray(rows.matrix[i], float) * query)
        for i in range(len(rows.ids))
        if admits(rows, i, filters)
    }
    return sorted(scores, key=lambda id_: (-scores[id_], id_))[:limit]


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> ExactIndex:
    folder = tmp_path_factory.mktemp("generation")
    write_exact(folder, ROWS)
    return open_exact(folder)


@pytest.fixture(params=["memory", "files"])
def index(request: pytest.FixtureRequest, mapped: ExactIndex) -> ExactIndex:
    return mapped if request.param == "files" else make_exact(ROWS)


@given(FILTERS, st.integers(0, 399), st.sampled_from([1, 10, 399, 400, 5_000]))
def test_the_nearest_of_what_is_admitted_are_found_best_first_and_ties_by_id(mapped, filters, place, limit):
    query = ROWS.matrix[place]
    expected = rank_plainly(ROWS, query, limit, filters)
    for index in (mapped, make_exact(ROWS)):
        found = index.search(query, limit=limit, filters=filters)
        assert [id_ for id_, _ in found] == expected


@given(FILTERS)
def test_what_is_admitted_is_counted_and_told_from_the_rest(mapped, filters):
    admitted = {ROWS.ids[i] for i in range(400) if admits(ROWS, i, filters)}
    assert mapped.count_admitted(filters) == len(admitted)
    places = mapped.find_admitted([*ROWS.ids[::2], "none", "p9999"], filters)
    assert {mapped.ids[place].decode() for place in places} == admitted & set(ROWS.ids[::2])


def test_filters_and_neighbours_change_no_similarity(index):
    query = make_rows(1, seed=5).matrix[0]
    every = dict(index.search(query, limit=400, filters=ALL))
    some = dict(index.search(query, limit=400, filters=Filters(as_of=date(2031, 1, 1), publisher="BBC")))
    few = dict(make_exact(take(ROWS, 50)).search(query, limit=50, filters=ALL))
    assert 0 < len(some) < 400
    assert all(every[id_] == score for found in (some, few) for id_, score in found.items())


def take(rows: VectorRows, count: int) -> VectorRows:
    return VectorRows(rows.ids[:count], rows.days[:count], rows.publishers[:count], rows.matrix[:count])


def test_more_equal_vectors_than_are_asked_for_are_taken_by_id():
    rows = VectorRows(
        [f"{i:02d}" for i in range(50, 0, -1)], np.zeros(50, np.int32), [None] * 50, np.ones((50, 4), np.float32) / 2
    )
    found = make_exact(rows).search(rows.matrix[0], limit=3, filters=ALL)
    assert found == [("01", 1.0), ("02", 1.0), ("03", 1.0)]


def test_nothing_is_found_where_there_is_nothing(tmp_path):
    write_exact(tmp_path, EMPTY)
    for index in (make_exact(EMPTY), open_exact(tmp_path)):
        assert len(index) == index.count_admitted(ALL) == 0
        assert index.search(np.ones(4, np.float32), limit=5, filters=ALL) == []
        assert index.search(np.ones(4, np.float32), limit=5, filters=Filters(publisher="bbc")) == []
        assert index.find_admitted(["p0001"], ALL) == []
    assert make_exact(ROWS).find_admitted([], ALL) == []


def test_ids_and_publishers_of_any_script_come_back_as_they_were(tmp_path):
    rows = VectorRows(["й2", "я1"], np.zeros(2, np.int32), ["правда", None], np.eye(2, dtype=np.float32))
    write_exact(tmp_path, rows)
    found = open_exact(tmp_path).search(rows.matrix[1], limit=2, filters=ALL)
    assert found == [("я1", 1.0), ("й2", 0.0)]
    named = open_exact(tmp_path).search(rows.matrix[1], limit=2, filters=Filters(publisher="Правда"))
    assert named == [("й2", 0.0)]


def test_vectors_in_files_are_mapped_and_not_read(mapped):
    base = mapped.vectors
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


def test_writing_again_leaves_nothing_of_what_was_there(tmp_path):
    write_exact(tmp_path, ROWS)
    write_exact(tmp_path, take(ROWS, 1))
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert ROWS.ids[0].encode() in content
    assert ROWS.ids[1].encode() not in content
    assert ROWS.matrix[1].tobytes() not in content


def cut(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "exact" / name
        path.write_bytes(path.read_bytes()[:-8])

    return damage


def delete(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "exact" / name).unlink()


def put_another(folder: Path) -> None:
    np.save(folder / "exact" / "days.npy", np.zeros(3, np.int32))


def put_objects(folder: Path) -> None:
    np.save(folder / "exact" / "ids.npy", np.array([{}] * 400, dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    "damage",
    [cut("vectors.npy"), cut("days.npy"), delete("order.npy"), put_another, put_objects, shutil.rmtree],
)
def test_files_that_are_not_what_they_must_be_are_refused(tmp_path, damage):
    folder = tmp_path / "generation"
    folder.mkdir()
    write_exact(folder, ROWS)
    damage(folder)
    with pytest.raises(StoreError, match=r"The vectors in .*make it again with: qa sync"):
        open_exact(folder)
