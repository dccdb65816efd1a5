"""The scores of the shipped suites, without a model: writes `docs/results.md`, or says where that is no longer true.

    python eval/bench/results.py            run everything, write the document
    python eval/bench/results.py --check    run everything, compare; exit status 1 where a measure is off by over 0.01

Times are not in it: they belong to a machine. A measure may differ by 0.01, or by one case where there are fewer
than 100, since the kernels of the int8 embedder differ between processors.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from qa.measures import MEASURES
from qa.run_folder import Measure, Record, Run
from qa.run_options import RunOptions
from qa.runs import run_suite
from qa.scoring import average
from qa.settings import Settings
from qa.suite import load_suite
from qa.systems import System
from qa.workspace import find_workspace

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "results.md"
SUITES = ("sample", "newswire")
SYSTEMS: tuple[System, ...] = ("full", "by-rule", "bm25", "oracle", "always-answer", "always-abstain")
TOLERANCE = 0.01
_KEPT = re.compile(r"<!-- (?:reader|retrieval|speed|copies|ranking): begin -->")
_COLUMN = re.compile(r"^\| ([\w@^]+) ?↓? \| (.+) \|$")
_HEADING = re.compile(r"^### (.+)$")
_VALUE = re.compile(r"^(\d\.\d{3})(?: \(.*\))? · (\d+)$")

Cells = dict[tuple[str, str, str], tuple[float, int]]  # (table, measure, column) → (mean, n)


def main() -> int:
    """Write the document, or check it."""
    text = render(list(run_all())) + read_kept_part(DOCUMENT.read_text(encoding="utf-8"))
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(text, encoding="utf-8")
        print(f"written: {DOCUMENT.relative_to(ROOT)}")
        return 0
    wrong = find_differences(DOCUMENT.read_text(encoding="utf-8"), text)
    print("\n".join(wrong) or "every measure is as docs/results.md says")
    return int(bool(wrong))


def read_kept_part(text: str) -> str:
    """The parts that `eval/reader/measure.py` and others of `eval/bench` write, with a blank line before them."""
    found = _KEPT.search(text)
    return "\n" + text[found.start() :] if found else ""


def run_all() -> Iterator[Run]:
    """Every system on every suite, one after the other."""
    workspace = find_workspace(ROOT, ROOT)
    for name in SUITES:
        suite = load_suite(name, workspace)
        for system in SYSTEMS:
            with tempfile.TemporaryDirectory() as folder:
                options = RunOptions(system=system)
                yield run_suite(suite, workspace, settings=Settings(), options=options, folder=Path(folder) / "run")


def render(runs: Sequence[Run]) -> str:
    """The document: a table for each suite, and the splits of each that has any."""
    parts = [_INTRODUCTION]
    for name in SUITES:
        of_suite = [run for run in runs if run.suite == name]
        full = next(run for run in of_suite if run.system == "full")
        parts += [f"## Suite `{name}`", _describe(full)]
        parts += [f"### {name}, by system", _table({run.system: run.measures for run in of_suite})]
        splits = {split: _of_split(full.records, split) for split in ("dev", "test")}
        if all(splits.values()):
            parts += [f"### {name}, by split", _table({split: average(records) for split, records in splits.items()})]
        kinds = sorted({record["case"]["kind"] for record in full.records})
        by_kind = {kind: average([r for r in full.records if r["case"]["kind"] == kind]) for kind in kinds}
        parts += [f"### {name}, by kind of question", _table(by_kind, names=_KIND_MEASURES)]
    return "\n\n".join(parts) + "\n"


def find_differences(before: str, after: str) -> list[str]:
    """What has changed by more than the tolerance, a line for each."""
    old, new = read_cells(before), read_cells(after)
    lost = [f"{' / '.join(place)}: is only in one of the two" for place in sorted(old.keys() ^ new.keys())]
    moved = [
        f"{' / '.join(place)}: {old[place][0]:.3f} → {new[place][0]:.3f}"
        for place in sorted(old.keys() & new.keys())
        if abs(old[place][0] - new[place][0]) > max(TOLERANCE, 1 / new[place][1]) + 0.0005
    ]
    return lost + moved


def read_cells(text: str) -> Cells:
    """Every mean of the document's tables, but for the parts that others write (`read_kept_part`)."""
    cells: Cells = {}
    table, columns = "", []
    for line in _KEPT.split(text)[0].splitlines():
        if heading := _HEADING.match(line):
            table, columns = heading[1], []
        elif row := _COLUMN.match(line):
            values = row[2].split(" | ")
            if row[1] == "measure":
                columns = values
                continue
            found = zip(columns, map(_VALUE.match, values), strict=True)
            cells |= {(table, row[1], column): (float(value[1]), int(value[2])) for column, value in found if value}
    return cells


_INTRODUCTION = """\
# Results

Written by `python eval/bench/results.py`; `--check` runs it all again and compares. No model takes part: answers are
sentences of the articles. In a cell: the mean, its 95 % interval, and the number of cases it is over; – where a
measure does not apply. ↓ marks measures of which lower is better. The measures are defined in `qa/measures.py`,
the systems in `qa/systems.py`."""
_KIND_MEASURES = ("answer_match", "accuracy_given_attempted", "not_attempted", "abstention_recall", "hits@1", "hits@10")


def _describe(run: Run) -> str:
    answerable = sum(record["case"]["answerable"] for record in run.records)
    return f"{len(run.records)} questions, {answerable} of them answerable · gold {run.manifest['gold_sha256'][:12]}"


def _of_split(records: Sequence[Record], split: str) -> list[Record]:
    return [record for record in records if record["case"].get("split") == split]


def _table(columns: dict[str, dict[str, Measure]], names: Sequence[str] = ()) -> str:
    shown = names or [name for name, kind in MEASURES.items() if kind.group != "cost"]
    lines = ["| measure | " + " | ".join(columns) + " |", "|:--" + "|--:" * len(columns) + "|"]
    for name in shown:
        arrow = " ↓" if MEASURES[name].lower_is_better else ""
        lines.append(f"| {name}{arrow} | " + " | ".join(_cell(measures[name]) for measures in columns.values()) + " |")
    return "\n".join(lines)


def _cell(measure: Measure) -> str:
    if measure.mean is None:
        return "–"
    interval = "" if measure.low is None else f" ({measure.low:.3f}–{measure.high:.3f})"
    return f"{measure.mean:.3f}{interval} · {measure.n}"


if __name__ == "__main__":
    sys.exit(main())
