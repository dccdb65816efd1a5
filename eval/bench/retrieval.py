"""What is found in real news, beside usual pipelines: the tables of `qa eval run news --data DIR`, for several folders.

    python eval/bench/retrieval.py [DATA …] [--write docs/results.md]

DATA are folders in the form of RealTimeQA with articles; without any they are those of ../shared/bench. The sets of
2024, which nothing was chosen by, are also pooled; a question that stands in both counts once. `--write` puts the
tables, without times, between their marks in the file. Further ways of searching are passed to `measure`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from qa.data_suite import find_data_suite
from qa.retrieval import JudgedCase, pool_cases
from qa.retrieval_run import MoreSystems, RetrievalRun, run_data_suite
from qa.retrieval_table import describe_retrieval, markdown_retrieval, render_retrieval
from qa.settings import Settings
from qa.sync import Progress
from qa.workspace import find_workspace

ROOT = Path(__file__).parents[2]
BENCH = ROOT.parent / "shared" / "bench"
SETS = ("realtimeqa-2024-01", "realtimeqa-2024-q2", "realtimeqa-2023-h2")
POOLED = SETS[:2]
MARKS = ("<!-- retrieval: begin -->\n", "<!-- retrieval: end -->\n")
_TITLE = """\
## Passages found in real news

Written by `python eval/bench/retrieval.py DATA … --write docs/results.md`, DATA being the sets below. A passage is
relevant where all answers of the question stand in it as whole words; answer@B is the share of questions of which they
stand in the first B tokens found.
Every way is asked as of the question's day. In a cell: the mean, its 95 % interval, and the number of questions. Below,
the paired differences, bold where the 95 % interval leaves zero out. `bm25`, `vectors` and `rrf` rank the same passages
by their words, by their vectors, by both with plain reciprocal-rank fusion; `pipeline` has chunks of 1,000 characters
with 200 overlap and the same embedder. How much newness counts was chosen on realtimeqa-2023-h2."""


def main() -> int:
    """Print the tables, and write them where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", type=Path, metavar="DATA", default=[BENCH / name for name in SETS])
    parser.add_argument("--write", type=Path, metavar="FILE")
    options = parser.parse_args()
    if missing := [str(folder) for folder in options.data if not folder.exists()]:
        print(f"skipped: there is no {', '.join(missing)}")
        return 1
    runs: dict[str, RetrievalRun] = {}
    for name, run in measure(options.data):
        runs[name] = run
        print(render_retrieval(run), end="\n\n", flush=True)
    text = render(runs)
    if pooled := pool(runs):
        print(f"{' and '.join(POOLED)} together\n\n{markdown_retrieval(pooled)}")
    if options.write:
        options.write.write_text(put_between_marks(options.write.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 0


def measure(folders: Sequence[Path], more: MoreSystems | None = None) -> Iterator[tuple[str, RetrievalRun]]:
    """The run of each data set by its name; `more` gives further ways of searching in the archive that is judged."""
    workspace = find_workspace(ROOT, ROOT)
    suite = find_data_suite("news", workspace)
    assert suite is not None
    for data in folders:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "run"
            run = run_data_suite(
                suite, data, workspace, settings=Settings(), folder=place, more=more, on_progress=_Stages()
            )
        yield data.absolute().name, run


def pool(runs: Mapping[str, RetrievalRun]) -> list[JudgedCase]:
    """The cases of the sets of 2024 as one, where both were run."""
    return pool_cases(runs[name].judged for name in POOLED) if all(name in runs for name in POOLED) else []


def render(runs: Mapping[str, RetrievalRun]) -> str:
    """The part of the document: the tables of each set, and of the pooled ones."""
    parts = [_TITLE]
    if pooled := pool(runs):
        parts += [f"### {' and '.join(POOLED)} together", f"{len(pooled)} questions.", markdown_retrieval(pooled)]
    for name, run in runs.items():
        described = describe_retrieval(run).split(" · ")[2:-1]  # neither suite and data nor the time
        parts += [f"### {name}", f"{' · '.join(described)}.", markdown_retrieval(run.judged)]
    return "\n\n".join(parts) + "\n"


def put_between_marks(document: str, text: str, marks: tuple[str, str] = MARKS) -> str:
    """The document with a text between marks, which are put at its end where it has none."""
    if marks[0] not in document:
        document = f"{document.rstrip()}\n\n{''.join(marks)}"
    before, after = document.index(marks[0]) + len(marks[0]), document.index(marks[1])
    return f"{document[:before]}\n{text}\n{document[after:]}"


class _Stages:
    """Tells each stage once, on standard error."""

    def __init__(self) -> None:
        self.stage = ""

    def __call__(self, progress: Progress) -> None:
        if progress.stage != self.stage:
            self.stage = progress.stage
            print(f"{self.stage}: {progress.total or ''}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
