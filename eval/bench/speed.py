"""How long a question takes until its passages are found, embedding included, in archives of some sizes.

    python eval/bench/speed.py --passages N [N …] [--work FOLDER] [--real WORKSPACE] [--questions 200]
                               [--noise 0.7] [--write docs/results.md]

An archive holds the passages of WORKSPACE with their vectors (without it, of `index/articles` and
`eval/archives/newswire`), up to N; where these are fewer, the rest are made of them (`large_archive.py`), with vectors
that lie about NOISE away. It is built once and kept in FOLDER.

Questions are the gold of WORKSPACE (its `gold.jsonl`) or of the two suites, repeated as needed, once without a filter
and once as of the day of a random article. Each size is measured in a process of its own, after 20 questions that do
not count. Memory is what the process grows by: private, and of mapped files, which processes share. Recall at 10 is
against the comparison of every vector.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from shutil import rmtree

import numpy as np
from large_archive import RECIPE, Real, build_archive, make_real, read_real
from numpy.typing import NDArray
from retrieval import put_between_marks

from qa.articles import Filters
from qa.embed import MiniLM
from qa.exact import make_exact, open_exact
from qa.retrieve import Retriever
from qa.store import Store
from qa.vectors import VectorIndex, build_index

MARKS = ("<!-- speed: begin -->\n", "<!-- speed: end -->\n")
WARM_UP = 20
LIMIT = 10
_HEAD = """\
## Speed

Written by `python eval/bench/speed.py --passages {sizes} --real WORKSPACE --write docs/results.md`: from a question to
its {limit} passages, embedding included, warm, in one process on {cpus} cores; {count} questions in each row. {real}
passages are of real news and have their own vectors; the others have one of these, moved by a random vector of length
{noise} and normalised. As of a day admits what had come out by the day of a random article. Memory is what the process
grew by: private + of mapped files, which processes share. Recall at 10 is against the comparison of every vector; on
the real vectors alone Chroma's index has {recall:.3f}."""
_COLUMNS = (
    "passages", "vectors", "filter", "p50 ms", "p95 ms", "CPU p50 ms", "CPU p95 ms", "memory MB", "recall@10",
    "disk MB",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """One row of the table; times in ms of each question, sizes in MB."""

    passages: int
    way: str
    filter: str
    wall: list[float]
    cpu: list[float]
    private: float
    mapped: float
    recall: float
    disk: float


def main() -> int:
    """Build what is missing, print the table, and write it where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, nargs="+", required=True, metavar="N")
    parser.add_argument("--work", type=Path, metavar="FOLDER")
    parser.add_argument("--real", type=Path, metavar="WORKSPACE")
    parser.add_argument("--questions", type=int, default=200, metavar="N")
    parser.add_argument("--noise", type=float, default=0.7)
    parser.add_argument("--write", type=Path, metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = (options.work or Path(folder)).absolute()
        work.mkdir(parents=True, exist_ok=True)
        real = read_real(options.real or make_real(work))
        rows: list[Measured] = []
        for size in options.passages:
            root = build_archive(work, real, size, options.noise)
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
                rows += alone.submit(measure, root, real.questions, options.questions).result()
            print("\n".join(map(_line, rows[-2:])), file=sys.stderr, flush=True)
        text = render(rows, real, options.noise, measure_chroma(work, real))
    print(text)
    if options.write:
        document = options.write.read_text(encoding="utf-8")
        options.write.write_text(put_between_marks(document, text + "\n", MARKS), encoding="utf-8")
    return 0


def measure(root: Path, questions: Sequence[str], count: int) -> list[Measured]:
    """Ask an archive without a filter and as of some days; in a fresh process, for the memory to be the archive's."""
    store, embedder = Store(root / "index" / "store"), MiniLM()
    embedder.embed(["The model is no part of the index."])
    before = read_memory()
    with closing(Retriever(store, RECIPE, embedder)) as retriever:
        index = VectorIndex(store.generation("vectors", str(store.current().vectors)), exact_below=RECIPE.exact_below)
        with closing(index):
            days = [article.published for article in retriever.catalog.articles() if article.published]
        random = np.random.default_rng(0)
        asked = list(islice(cycle(questions), count))
        every = [Filters()] * count
        dated = [Filters(as_of=days[random.integers(len(days))]) for _ in range(count)]
        rows = []
        for name, filters in (("none", every), ("as of a day", dated)):
            times = ask(retriever, asked, filters)
            rows.append((name, filters, times))
        private, mapped = (now - then for now, then in zip(read_memory(), before, strict=True))
        recall = [measure_recall(store, asked, filters) for _, filters, _ in rows]
    return [
        Measured(
            passages=len(index),
            way="exact" if index.compares_all else "Chroma",
            filter=name,
            wall=wall,
            cpu=cpu,
            private=private,
            mapped=mapped,
            recall=found,
            disk=sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file()) / 1e6,
        )
        for (name, _, (wall, cpu)), found in zip(rows, recall, strict=True)
    ]


def ask(retriever: Retriever, questions: Sequence[str], filters: Sequence[Filters]) -> tuple[list[float], list[float]]:
    """Milliseconds by the clock and of CPU that each search takes."""
    for question, admitted in islice(zip(questions, filters, strict=True), WARM_UP):
        retriever.search(question, limit=LIMIT, filters=admitted)
    wall, cpu = [], []
    for question, admitted in zip(questions, filters, strict=True):
        started, busy = time.perf_counter(), time.process_time()
        retriever.search(question, limit=LIMIT, filters=admitted)
        wall.append(1_000 * (time.perf_counter() - started))
        cpu.append(1_000 * (time.process_time() - busy))
    return wall, cpu


def read_memory() -> tuple[float, float]:
    """Resident MB of this process: private, and of mapped files; not a number where there is no /proc."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return float("nan"), float("nan")
    kilobytes = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Rss")}
    return int(kilobytes["RssAnon"]) / 1_000, int(kilobytes["RssFile"]) / 1_000


# recall


def measure_recall(store: Store, questions: Sequence[str], filters: Sequence[Filters]) -> float:
    """The mean share of the ten nearest that a store's index finds."""
    folder = store.generation("vectors", str(store.current().vectors))
    with closing(VectorIndex(folder, exact_below=RECIPE.exact_below)) as index:
        return mean_share(index.search, open_exact(folder).search, MiniLM().embed(questions), filters)


def measure_chroma(work: Path, real: Real) -> float:
    """The mean share of the ten nearest real vectors that Chroma finds, however few these are."""
    folder = work / "real-vectors"
    rmtree(folder, ignore_errors=True)
    build_index(folder, real.rows(), embedder=MiniLM.id, revision=0)
    with closing(VectorIndex(folder, exact_below=0)) as index:
        queries = MiniLM().embed(real.questions)
        return mean_share(index.search, make_exact(real.rows()).search, queries, [Filters()] * len(queries))


Search = Callable[..., list[tuple[str, float]]]


def mean_share(one: Search, exact: Search, queries: NDArray[np.float32], filters: Sequence[Filters]) -> float:
    """The mean over queries of the share of the ten that `exact` finds which `one` finds too among its ten."""
    shares = []
    for query, admitted in zip(queries, filters, strict=True):
        wanted = {id_ for id_, _ in exact(query, limit=LIMIT, filters=admitted)}
        found = {id_ for id_, _ in one(query, limit=LIMIT, filters=admitted)}
        shares.append(len(wanted & found) / len(wanted) if wanted else 1.0)
    return float(np.mean(shares))


# the table


def render(rows: Sequence[Measured], real: Real, noise: float, recall: float) -> str:
    """The section of the document."""
    sizes = " ".join(str(size) for size in sorted({row.passages for row in rows}))
    head = _HEAD.format(
        sizes=sizes,
        limit=LIMIT,
        cpus=os.cpu_count(),
        count=len(rows[0].wall),
        real=f"{len(real.vectors):,}",
        noise=noise,
        recall=recall,
    )
    aligned = ["--:", ":--", ":--", *["--:"] * (len(_COLUMNS) - 3)]
    return "\n".join([head, "", _join(_COLUMNS), f"|{'|'.join(aligned)}|", *map(_line, rows)])


def _line(row: Measured) -> str:
    times = [f"{np.percentile(each, part):.0f}" for each in (row.wall, row.cpu) for part in (50, 95)]
    memory = f"{row.private:.0f} + {row.mapped:.0f}"
    return _join([f"{row.passages:,}", row.way, row.filter, *times, memory, f"{row.recall:.3f}", f"{row.disk:,.0f}"])


def _join(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
