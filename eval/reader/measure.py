"""What the reader reads rightly, beside the sentence picked by rule: `measure.py FILE` (product's environment).

    --sets xquad,suites,bench       what is measured; bench is ../shared/bench, which is never trained on
    --work FOLDER                   where indexes of bench sets and what was picked by rule are kept between runs

Every share stands with its 95 % interval and n; differences are paired. Rule-based is `qa.extract.rank_sentences`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from cases import Asked, bench_cases, suite_cases, xquad_cases
from reading import ReaderModel
from subjects import Picked, Ruled, by_reader

from qa.outcomes import aurc
from qa.paired import paired_bootstrap
from qa.stats import mean_interval
from qa.wording import align

SHARED = Path(__file__).parents[3] / "shared"
BENCH = ("realtimeqa-2024-01", "realtimeqa-2024-q2", "realtimeqa-2023-h2")

Measures = dict[str, list[float | None]]
Picks = dict[str, list[Sequence[Picked]]]


def main() -> None:
    """Print a table for each set of cases."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    parser.add_argument("--sets", default="xquad,suites,bench")
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "reader-bench")
    parser.add_argument("--limit", type=int, help="so many cases of each set, to try it out")
    parser.add_argument("--rule-only", action="store_true", help="only pick by rule, and keep that in --work")
    parser.add_argument("--records", type=Path, help="write what was picked for each case, as JSON lines")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    reader = ReaderModel(options.model)
    for name, cases in read_sets(options):
        run_set(name, cases, reader, options)


def read_sets(options: argparse.Namespace) -> Iterator[tuple[str, Iterator[Asked]]]:
    """The sets asked for, by name."""
    wanted = options.sets.split(",")
    if "xquad" in wanted:
        yield "xquad, kept out", xquad_cases(options.shared / "training" / "xquad_en_half.json")
    if "suites" in wanted:
        yield from ((suite, suite_cases(suite)) for suite in ("sample", "newswire"))
    for name in BENCH:
        if "bench" in wanted or name in wanted:
            yield name, bench_cases(options.shared / "bench" / name, options.work / name)


def run_set(name: str, cases: Iterator[Asked], reader: ReaderModel, options: argparse.Namespace) -> None:
    """Ask every case of a set in each way and print what came of it."""
    asked: list[Asked] = []
    picked: Picks = {way: [] for way in ("rule", "reader", "reader, 24 by rule")}
    seconds, read = 0.0, 0
    rule = Ruled(options.work / f"rule-{name}.jsonl")
    for case in islice(cases, options.limit):
        ruled = rule.pick(case)
        began = time.process_time()
        found = by_reader(case, reader) if not options.rule_only else []
        seconds += time.process_time() - began
        read += len(found)
        asked.append(case)
        picked["rule"].append(ruled)
        picked["reader"].append(found)
        places = {pick.place for pick in ruled}
        picked["reader, 24 by rule"].append([pick for pick in found if pick.place in places])
    if options.records:
        write_records(options.records, name, asked, picked)
    print(f"\n{name}: {len(asked)} questions, {sum(case.answerable for case in asked)} answerable")
    print(align(list(table(asked, picked)), left=(0,)))
    n = max(1, len(asked))
    print(f"CPU seconds a question: rule {rule.seconds / n:.2f}, reader {seconds / n:.2f}", end=" ")
    print(f"for {read / n:.0f} sentences", flush=True)


def table(asked: Sequence[Asked], picked: Picks) -> Iterator[list[str]]:
    """Rows: measure; each way with its interval; the difference of the reader to the rule."""
    yield ["measure", *picked, "reader − rule", "n"]
    measured = {way: measure(asked, answers) for way, answers in picked.items()}
    for name in next(iter(measured.values())):
        values = {way: [value for value in of_way[name] if value is not None] for way, of_way in measured.items()}
        if not values["rule"]:
            continue
        difference = paired_bootstrap([a - b for a, b in zip(values["reader"], values["rule"], strict=True)])
        shown = f"{difference.mean:+.3f} ({difference.low:+.3f} – {difference.high:+.3f})"
        yield [name, *map(_interval, values.values()), shown, str(len(values["rule"]))]
    if not all(case.answerable for case in asked):
        for name, of_scores in (("auroc", auroc), ("aurc ↓", risk)):
            yield [name, *(f"{of_scores(asked, answers):.3f}" for answers in picked.values()), "", str(len(asked))]


def measure(asked: Sequence[Asked], answers: Sequence[Sequence[Picked]]) -> Measures:
    """The measures of each answerable case; None for the others."""
    rows: Measures = {"first sentence": [], "in the first three": [], "exact match": [], "token f1": []}
    for case, picks in zip(asked, answers, strict=True):
        if not case.answerable:
            continue
        holds = [case.holds(pick.sentence) for pick in picks[:3]]
        best = picks[0].short if picks else ""
        rows["first sentence"].append(float(bool(holds) and holds[0]))
        rows["in the first three"].append(float(any(holds)))
        rows["exact match"].append(case.exact(best) if case.exact else None)
        rows["token f1"].append(case.f1(best) if case.f1 else None)
    return rows


def auroc(asked: Sequence[Asked], answers: Sequence[Sequence[Picked]]) -> float:
    """How often the best score of an answerable question is above that of another."""
    scored = [(case.answerable, _score(picks)) for case, picks in zip(asked, answers, strict=True)]
    yes, no = ([score for answerable, score in scored if answerable == side] for side in (True, False))
    return sum((a > b) + 0.5 * (a == b) for a in yes for b in no) / (len(yes) * len(no))


def risk(asked: Sequence[Asked], answers: Sequence[Sequence[Picked]]) -> float:
    """AURC, an answer being right where the question is answerable and the first sentence holds what answers it."""
    outcomes = [
        (_score(picks), case.answerable and bool(picks) and case.holds(picks[0].sentence))
        for case, picks in zip(asked, answers, strict=True)
    ]
    return aurc(outcomes) or 0.0


def write_records(path: Path, name: str, asked: Sequence[Asked], picked: dict[str, list[Sequence[Picked]]]) -> None:
    """Add what was picked for each case: score, short answer, sentence, whether that holds the answer."""
    with path.open("a", encoding="utf-8") as out:
        for number, case in enumerate(asked):
            ways = {
                way: [(*p.place, p.score, p.short, p.sentence, case.holds(p.sentence)) for p in of_way[number][:24]]
                for way, of_way in picked.items()
            }
            row = {"set": name, "question": case.question, "gold": case.gold, "answerable": case.answerable, **ways}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def _score(picks: Sequence[Picked]) -> float:
    return picks[0].score if picks else float("-inf")


def _interval(values: Sequence[float]) -> str:
    found = mean_interval(values)
    return f"{found.mean:.3f} ({found.low:.3f} – {found.high:.3f})" if found else "–"


if __name__ == "__main__":
    main()
