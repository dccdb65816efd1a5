"""Exact search: every admitted vector is compared, in memory or in files that are mapped and not read.

    exact/   ids.npy   order.npy   days.npy   publishers.npy   publisher_keys.npy   vectors.npy

Rows stand by day, those without one first, then by id: what a range of days admits stands together, so that a filter
on days saves time instead of costing it. The mapped files are the system's page cache, shared by all that open them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.articles import Filters
from qa.errors import StoreError
from qa.schema import VectorRows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXACT_FOLDER = "exact"
_ROUNDING = 1e-5  # more than a float32 product of unit vectors is off; candidates within it are compared in float64
_ROWS_AT_ONCE = 4_096
_GATHERED_BELOW = 0.25  # of a run of rows: fewer are copied out one by one, of more the whole run is compared

ScoredId = tuple[str, float]


@dataclass(frozen=True, slots=True)
class ExactIndex:
    """Vectors by day (YYYYMMDD, 0 for none), then by id; `vectors` has shape (n, dimension).

    `order` are the places by id; `publishers` are places in `publisher_keys`, -1 for none. Ids and keys are UTF-8.
    """

    ids: NDArray[np.bytes_]
    order: NDArray[np.int32]
    days: NDArray[np.int32]
    publishers: NDArray[np.int32]
    publisher_keys: NDArray[np.bytes_]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    def search(self, query: NDArray[np.float32], *, limit: int, filters: Filters) -> list[ScoredId]:
        """Passage ids with their cosine similarity to the query, best first; ties by id.

        The similarity of a row is computed in float64 and by itself: neither filters nor neighbours change it.
        """
        places = [place for run in self._runs(filters) for place in self._nearest(run, query, limit)]
        return self.rank(places, query)[:limit]

    def count_admitted(self, filters: Filters) -> int:
        """How many vectors the filters admit."""
        runs = self._runs(filters)
        if filters.publisher_key is None:
            return sum(run.rows.stop - run.rows.start for run in runs)
        return sum(len(run.chosen) for run in runs if run.chosen is not None)

    def find_admitted(self, ids: Sequence[str], filters: Filters) -> list[int]:
        """The places of those ids that are here and are admitted, in no given order."""
        import numpy as np

        if not len(self) or not ids:
            return []
        wanted = np.array([id_.encode() for id_ in ids])
        at = np.minimum(np.searchsorted(self.ids, wanted, sorter=self.order), len(self) - 1)
        places = self.order[at][self.ids[self.order[at]] == wanted]
        days = self.days[places]
        admitted = (days >= max(filters.first_day, 1)) & (days <= filters.last_day)
        if not filters.needs_date:
            admitted |= days == 0
        if filters.publisher_key is not None:
            admitted &= self.publishers[places] == self._publisher_code(filters.publisher_key)
        found: list[int] = places[admitted].tolist()
        return found

    def rank(self, places: Sequence[int], query: NDArray[np.float32]) -> list[ScoredId]:
        """The passages at some places with their cosine similarity to the query, best first; ties by id."""
        import numpy as np

        at, wide = np.array(places, dtype=np.intp), query.astype(np.float64)
        # Row by row and not as a matrix product, whose last digits depend on where a row stands in the matrix.
        parts = [(self.vectors[chunk].astype(np.float64) * wide).sum(axis=1) for chunk in _chunks(at)]
        scores = np.concatenate(parts) if parts else np.empty(0)
        best = np.lexsort((self.ids[at], -scores))
        return [(self.ids[at[i]].decode(), float(scores[i])) for i in best]

    def _nearest(self, run: _Run, query: NDArray[np.float32], limit: int) -> list[int]:
        """The places in a run of the best `limit` rows and of all that rounding does not tell from them."""
        import numpy as np

        rows, chosen = self.vectors[run.rows], run.chosen
        if chosen is None:
            scores = rows @ query
        elif len(chosen) < _GATHERED_BELOW * len(rows):
            scores = rows[chosen] @ query
        else:
            scores = (rows @ query)[chosen]
        if len(scores) > limit:
            lowest = np.partition(scores, -limit)[-limit] - _ROUNDING
            best = np.flatnonzero(scores >= lowest)
        else:
            best = np.arange(len(scores))
        places: list[int] = (run.rows.start + (best if chosen is None else chosen[best])).tolist()
        return places

    def _runs(self, filters: Filters) -> list[_Run]:
        """The runs of rows that hold what is admitted."""
        import numpy as np

        bounds = np.array([1, max(filters.first_day, 1), filters.last_day + 1], dtype=np.int32)
        undated, first, end = np.searchsorted(self.days, bounds).tolist()
        spans = [slice(first, max(first, end))]
        if not filters.needs_date:
            spans = [slice(0, spans[0].stop)] if first == undated else [slice(0, undated), *spans]
        if filters.publisher_key is None:
            return [_Run(span, None) for span in spans if span.stop > span.start]
        code = self._publisher_code(filters.publisher_key)
        return [_Run(span, np.flatnonzero(self.publishers[span] == code)) for span in spans if span.stop > span.start]

    def _publisher_code(self, key: str) -> int:
        import numpy as np

        places = np.flatnonzero(self.publisher_keys == key.encode())
        return int(places[0]) if len(places) else -2


@dataclass(frozen=True, slots=True)
class _Run:
    """Rows that stand together; of these only `chosen`, counted from the first, where a publisher is asked for."""

    rows: slice
    chosen: NDArray[np.intp] | None


def make_exact(rows: VectorRows) -> ExactIndex:
    """Search the vectors of some rows, in memory."""
    place = _places(rows)
    return ExactIndex(**_columns(rows, place), vectors=rows.matrix[place])


def write_exact(folder: Path, rows: VectorRows) -> None:
    """Write the files of some rows into `folder`, over those that are there.

    Raises:
        OSError: they could not be written.
    """
    import numpy as np

    place = _places(rows)
    target = folder / EXACT_FOLDER
    target.mkdir(exist_ok=True)
    for name, values in _columns(rows, place).items():
        np.save(target / f"{name}.npy", values, allow_pickle=False)
    with (target / "vectors.npy").open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": rows.matrix.shape}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in _chunks(place):  # not as a whole, which would take as much memory once more
            file.write(rows.matrix[chunk].tobytes())


def open_exact(folder: Path) -> ExactIndex:
    """Search the vectors whose files `write_exact` made in a folder; nothing is read before it is needed.

    Raises:
        StoreError: a file is missing or not what it must be.
    """
    import numpy as np

    try:
        columns: dict[str, Any] = {
            field.name: np.asarray(
                np.load(folder / EXACT_FOLDER / f"{field.name}.npy", mmap_mode="r", allow_pickle=False)
            )
            for field in fields(ExactIndex)
        }
    except (OSError, ValueError, EOFError) as error:
        raise StoreError(f"The vectors in {folder} cannot be read: {error}. {_REMEDY}") from error
    count = len(columns["ids"])
    rows = ("order", "days", "publishers", "vectors")
    if any(len(columns[name]) != count for name in rows) or columns["vectors"].ndim != 2:
        raise StoreError(f"The vectors in {folder} do not fit each other. {_REMEDY}")
    return ExactIndex(**columns)


_REMEDY = "Nothing of the archive is lost; make it again with: qa sync"


def _places(rows: VectorRows) -> NDArray[np.intp]:
    """The order by day, then by id."""
    import numpy as np

    return np.lexsort((_encode(rows.ids), rows.days))


def _columns(rows: VectorRows, place: NDArray[np.intp]) -> dict[str, Any]:
    """All but the vectors, in the order of `place`."""
    import numpy as np

    keys = sorted({key for key in rows.publishers if key})
    codes = {key: code for code, key in enumerate(keys)}
    ids = _encode(rows.ids)[place]
    return {
        "ids": ids,
        "order": np.argsort(ids, kind="stable").astype(np.int32),
        "days": rows.days[place],
        "publishers": np.array([codes.get(key or "", -1) for key in rows.publishers], dtype=np.int32)[place],
        "publisher_keys": _encode(keys),
    }


def _encode(values: Sequence[str]) -> NDArray[np.bytes_]:
    import numpy as np

    return np.array([value.encode() for value in values], dtype=np.bytes_)


def _chunks(places: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for at in range(0, len(places), _ROWS_AT_ONCE):
        yield places[at : at + _ROWS_AT_ONCE]
