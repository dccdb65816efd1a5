"""What each part of the ranking gains: the whole of it beside each part left out, case by case.

    python eval/bench/ranking.py [DATA …] [--write docs/results.md]

Constants may be chosen on realtimeqa-2023-h2 alone; the other two sets of `../shared/bench` are for judging them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from retrieval import BENCH, SETS, measure, put_between_marks

from qa.archive import Archive
from qa.articles import Filters
from qa.plan import Plan, make_plan
from qa.retrieval import OURS, JudgedCase, Search
from qa.retrieval_table import markdown_retrieval
from qa.retrieve import Hit, Retriever
from qa.window import Timing

MARKS = ("<!-- ranking: begin -->\n", "<!-- ranking: end -->\n")
ALIKE = Timing(date.min)  # every article is of a later day, of which it is not known how new it is
Change = Callable[[Plan], Plan]
OTHERS: Mapping[str, Change] = {
    "no days": lambda plan: replace(plan, timing=ALIKE),
    "no window": lambda plan: replace(plan, timing=Timing(plan.timing.day)),
    "no parts": lambda plan: replace(plan, parts=()),
    "half of newness": lambda plan: replace(plan, timing=replace(plan.timing, newness=plan.timing.newness / 2)),
    "twice of newness": lambda plan: replace(plan, timing=replace(plan.timing, newness=plan.timing.newness * 2)),
    "half-life 7 days": lambda plan: replace(plan, timing=replace(plan.timing, half_life=7.0)),
    "half-life 45 days": lambda plan: replace(plan, timing=replace(plan.timing, half_life=45.0)),
}
_TITLE = """\
## What the parts of the ranking gain

Written by `python eval/bench/ranking.py --write docs/results.md`. `onrecord` is the search as it is. `no days` leaves
out that newer articles, and those of a time that is asked for, count more; `no window` the times of the question alone;
`no parts` that a question of several parts is looked up by each. The other rows weigh newness otherwise."""


def main() -> int:
    """Print the tables, and write them where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", type=Path, metavar="DATA", default=[BENCH / name for name in SETS])
    parser.add_argument("--write", type=Path, metavar="FILE")
    options = parser.parse_args()
    if missing := [str(folder) for folder in options.data if not folder.exists()]:
        print(f"skipped: there is no {', '.join(missing)}")
        return 1
    parts = [_TITLE]
    for name, run in measure(options.data, open_others):
        parts += [f"### {name}, by part", markdown_retrieval(leave_out_baselines(run.judged))]
        print("\n\n".join(parts[-2:]), end="\n\n", flush=True)
    if options.write:
        document = options.write.read_text(encoding="utf-8")
        options.write.write_text(put_between_marks(document, "\n\n".join(parts) + "\n", MARKS), encoding="utf-8")
    return 0


def open_others(archive: Archive) -> dict[str, Search]:
    """The searches of an archive that leave something out, by name."""
    return {name: _open_search(archive, change) for name, change in OTHERS.items()}


def leave_out_baselines(judged: Sequence[JudgedCase]) -> list[JudgedCase]:
    """The cases with the product's search and those of `OTHERS` alone."""
    return [replace(case, found={name: case.found[name] for name in (OURS, *OTHERS)}) for case in judged]


def _open_search(archive: Archive, change: Change) -> Search:
    retriever = Retriever(archive.store, archive.recipe, archive.embedder)

    def search(question: str, filters: Filters, limit: int) -> list[Hit]:
        return change(make_plan(question, filters, date.today())).search(retriever, limit=limit)

    return search


if __name__ == "__main__":
    sys.exit(main())
