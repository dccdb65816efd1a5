"""What is read rightly, with the reader and by rule: `measure.py [--model FILE]` (in the product's environment).

    --sets xquad,suites,bench       what is measured; bench is ../shared/bench, which is never trained on
    --work FOLDER                   where indexes of bench sets are kept between runs
    --write FILE                    the table, as Markdown, between its marks in FILE
    --write-baseline FILE           numbers of the answers by rule, as baseline.jsonl has them

Ways: `baseline`, sentences picked by rule as the program did at commit b5bb2d1 (baseline.jsonl, numbers alone);
`by rule`, as it does now without the reader; `reader`, as it does. Every share stands with its 95 % interval and n; the
difference of reader and baseline is paired (bootstrap). A second table has the passages in the order in which they were
found and in that of their best sentences as read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from cases import Asked, bench_cases, suite_cases, xquad_cases

from qa.articles import hash_text
from qa.embed import MiniLM
from qa.extract import Candidate, rank_sentences
from qa.outcomes import aurc
from qa.paired import paired_bootstrap
from qa.question import read_question
from qa.read import Reader, TrainedReader
from qa.retrieve import Hit
from qa.stats import mean_interval

SHARED = Path(__file__).parents[3] / "shared"
BENCH = ("realtimeqa-2024-01", "realtimeqa-2024-q2", "realtimeqa-2023-h2")
BASELINE = Path(__file__).parent / "baseline.jsonl"
POOLED = "real news, the three together"
MARKS = ("<!-- reader: begin -->\n", "<!-- reader: end -->\n")
MEASURES = {"first": "first sentence", "three": "in the first three", "exact": "exact match", "f1": "token F1"}
_EMBEDDER = MiniLM()


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one question in one way; measures of an answer are None where there is none to measure.

    `score` is that of the first sentence; `right` is whether it may be given: it holds what answers the question.
    """

    key: str
    score: float
    right: bool
    first: float | None = None
    three: float | None = None
    exact: float | None = None
    f1: float | None = None


Ways = dict[str, list[Told]]
Orders = dict[str, list[list[bool]]]  # whether each passage holds the answer, as found and as read, of each question


def main() -> None:
    """Print the table."""
    options = parse_options()
    options.work.mkdir(parents=True, exist_ok=True)
    baseline = read_baseline()
    reader = open_reader(options.model)
    measured: dict[str, Ways] = {}
    orders: dict[str, Orders] = {}
    for name, cases in read_sets(options):
        ways, seconds, orders[name] = run_set(name, list(islice(cases, options.limit)), reader, baseline)
        measured[name] = ways
        if name in BENCH:
            measured[POOLED] = pool(measured)
        told = ", ".join(f"{way} {spent:.3f}" for way, spent in seconds.items())
        print(f"{name}: CPU seconds a question: {told}", flush=True)
    text = "\n".join([*_TITLE, f"Reader: {reader.id}.", "", *table(measured), "", *order_table(orders)]) + "\n"
    print(text)
    if options.write:
        write_between_marks(options.write, text)
    if options.write_baseline:
        rows = [{"set": name, **asdict(told)} for name, ways in measured.items() for told in ways["by rule"]]
        lines = [json.dumps(row) for row in rows if row["set"] != POOLED]
        options.write_baseline.write_text("\n".join(lines) + "\n", encoding="utf-8")


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, help="an exported file; the program's own without it")
    parser.add_argument("--sets", default="xquad,suites,bench")
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "reader-bench")
    parser.add_argument("--limit", type=int, help="so many cases of each set, to try it out")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--write-baseline", type=Path)
    return parser.parse_args()


def open_reader(model: Path | None) -> TrainedReader:
    """The program's reader, or one that was exported just now."""
    return TrainedReader(model, hashlib.sha256(model.read_bytes()).hexdigest()) if model else TrainedReader()


def read_baseline() -> dict[tuple[str, str], Told]:
    """What came of each question of each set by rule at that commit."""
    if not BASELINE.exists():
        return {}
    rows = [json.loads(line) for line in BASELINE.read_text(encoding="utf-8").splitlines()]
    return {(name, row["key"]): Told(**row) for row in rows if (name := row.pop("set"))}


def read_sets(options: argparse.Namespace) -> Iterator[tuple[str, Iterator[Asked]]]:
    """The sets asked for, by name."""
    wanted = options.sets.split(",")
    if "xquad" in wanted:
        yield "XQuAD kept out", xquad_cases(options.shared / "training" / "xquad_en_half.json")
    if "suites" in wanted:
        yield from ((f"suite {suite}", suite_cases(suite)) for suite in ("sample", "newswire"))
    for name in BENCH:
        if "bench" in wanted or name in wanted:
            yield name, bench_cases(options.shared / "bench" / name, options.work / name)


def run_set(
    name: str, cases: Sequence[Asked], reader: Reader, baseline: dict[tuple[str, str], Told]
) -> tuple[Ways, dict[str, float], Orders]:
    """Every case of a set in each way, the CPU seconds that a question took, and its passages in two orders."""
    ways: Ways = {}
    seconds: dict[str, float] = {}
    for way, used in (("by rule", None), ("reader", reader)):
        began = time.process_time()
        found = [rank(case, used) for case in cases]
        seconds[way] = (time.process_time() - began) / max(1, len(cases))
        ways[way] = [tell(case, candidates) for case, candidates in zip(cases, found, strict=True)]
    pairs = [(case, ranked) for case, ranked in zip(cases, found, strict=True) if case.answerable]
    orders = {
        "as found": [[case.holds(hit.passage.text) for hit in case.hits] for case, _ in pairs],
        "as read": [[case.holds(hit.passage.text) for hit in order_hits(case.hits, ranked)] for case, ranked in pairs],
    }
    known = [baseline.get((name, told.key)) for told in ways["reader"]]
    if all(known):
        ways = {"baseline": [told for told in known if told], **ways}
    return ways, seconds, orders


def rank(case: Asked, reader: Reader | None) -> list[Candidate]:
    """The sentences of a case's passages as the program ranks them."""
    asked = read_question(case.question, case.as_of)
    return rank_sentences(asked, case.hits, weigh=case.weigh, embedder=_EMBEDDER, reader=reader)


def order_hits(hits: Sequence[Hit], candidates: Sequence[Candidate]) -> list[Hit]:
    """The hits by the best sentence of each, where sentences were read; those of which none was compared come last."""
    if not any(candidate.read for candidate in candidates):
        return list(hits)
    best: dict[str, float] = {}
    for candidate in candidates:
        place = hits[candidate.rank].passage.id
        best[place] = max(best.get(place, 0.0), candidate.score)
    return sorted(hits, key=lambda hit: -best.get(hit.passage.id, -1.0))  # stable: else as they were found


def tell(case: Asked, ranked: Sequence[Candidate]) -> Told:
    """What came of a case."""
    return measure_picks(case, [(c.quote.text, words_of(c), c.score) for c in ranked])


def words_of(candidate: Candidate) -> str:
    """The short answer in a sentence, or the sentence where there is none."""
    text = candidate.quote.text
    return text[slice(*candidate.span)] if candidate.span else text


def measure_picks(case: Asked, picks: Sequence[tuple[str, str, float]]) -> Told:
    """The measures of picks (sentence, short answer, score), best first."""
    key = hash_text(f"{case.question}\n{case.answerable}")[:12]
    score = picks[0][2] if picks else float("-inf")
    if not case.answerable:
        return Told(key, score, right=False)
    holds = [case.holds(sentence) for sentence, _, _ in picks[:3]]
    short = picks[0][1] if picks else ""
    return Told(
        key,
        score,
        right=bool(holds) and holds[0],
        first=float(bool(holds) and holds[0]),
        three=float(any(holds)),
        exact=case.exact(short) if case.exact else None,
        f1=case.f1(short) if case.f1 else None,
    )


def pool(measured: dict[str, Ways]) -> Ways:
    """The bench sets so far as one; a question that stands in two counts once."""
    found = [ways for name, ways in measured.items() if name in BENCH]
    common = [way for way in found[0] if all(way in ways for ways in found)]
    pooled = {way: {told.key: told for ways in found for told in ways[way]} for way in common}
    return {way: list(of_way.values()) for way, of_way in pooled.items()}


def table(measured: dict[str, Ways]) -> Iterator[str]:
    """A row for each set and measure."""
    yield "| set | n | measure | baseline | by rule | reader | reader − baseline | reader / baseline |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, ways in measured.items():
        shown = name
        for measure, title in MEASURES.items():
            rows = {way: [getattr(told, measure) for told in of_way] for way, of_way in ways.items()}
            kept = [place for place in range(len(ways["reader"])) if rows["reader"][place] is not None]
            if kept:
                values = {way: [row[place] for place in kept] for way, row in rows.items()}
                yield f"| {shown} | {len(kept)} | {title} | {' | '.join(compare(values))} |"
                shown = ""
        if any(told.first is None for told in ways["reader"]):
            risks = {way: aurc([(told.score, told.right) for told in of_way]) or 0.0 for way, of_way in ways.items()}
            cells = [f"{risks[way]:.3f}" if way in risks else "" for way in ("baseline", "by rule", "reader")]
            yield f"| {shown} | {len(ways['reader'])} | AURC ↓ | {' | '.join(cells)} | {risk_difference(ways)} | |"


def order_table(orders: dict[str, Orders]) -> Iterator[str]:
    """A row for each set with several passages and each measure of their order."""
    yield "| set | n | passages | as found | as read | as read − as found |"
    yield "|---|---|---|---|---|---|"
    for name, of_way in orders.items():
        if all(len(order) < 2 for order in of_way["as found"]):
            continue
        shown = name
        for title, weigh in _ORDER_MEASURES.items():
            rows = {way: [weigh(order) for order in found] for way, found in of_way.items()}
            means = [mean_interval(row) for row in rows.values()]
            cells = [f"{m.mean:.3f} ({m.low:.3f} – {m.high:.3f})" if m else "" for m in means]
            difference = paired_bootstrap([a - b for a, b in zip(rows["as read"], rows["as found"], strict=True)])
            cells.append(f"{difference.mean:+.3f} ({difference.low:+.3f} – {difference.high:+.3f})")
            yield f"| {shown} | {len(rows['as found'])} | {title} | {' | '.join(cells)} |"
            shown = ""


_ORDER_MEASURES: dict[str, Callable[[list[bool]], float]] = {
    "answer in the first": lambda order: float(any(order[:1])),
    "in the first three": lambda order: float(any(order[:3])),
    "MRR@10": lambda order: next((1 / rank for rank, holds in enumerate(order[:10], 1) if holds), 0.0),
}
_TITLE = (
    "## The reader, beside the rules alone",
    "",
    "Written by `python eval/reader/measure.py --write docs/results.md`.",
    "",
)


def compare(values: dict[str, list[float]]) -> Iterator[str]:
    """The cells of a row: each way with its interval, the paired difference, the ratio."""
    for way in ("baseline", "by rule", "reader"):
        found = mean_interval(values[way]) if way in values else None
        yield f"{found.mean:.3f} ({found.low:.3f} – {found.high:.3f})" if found else ""
    if "baseline" not in values:
        yield from ("", "")
        return
    pairs = zip(values["reader"], values["baseline"], strict=True)
    difference = paired_bootstrap([a - b for a, b in pairs])
    yield f"{difference.mean:+.3f} ({difference.low:+.3f} – {difference.high:+.3f})"
    before = sum(values["baseline"])
    yield f"{sum(values['reader']) / before:.2f}" if before else ""


def risk_difference(ways: Ways, *, resamples: int = 2_000) -> str:
    """AURC of reader minus baseline with its interval, cases drawn anew together (percentile bootstrap)."""
    if "baseline" not in ways:
        return ""
    import numpy as np

    pick = np.random.default_rng(1)
    n = len(ways["reader"])
    differences = [_risk_of(ways, range(n))]
    differences += [_risk_of(ways, pick.integers(0, n, n).tolist()) for _ in range(resamples)]
    low, high = np.quantile(differences[1:], [0.025, 0.975])
    return f"{differences[0]:+.3f} ({low:+.3f} – {high:+.3f})"


def _risk_of(ways: Ways, places: Sequence[int]) -> float:
    risks = [aurc([(ways[way][p].score, ways[way][p].right) for p in places]) or 0.0 for way in ("reader", "baseline")]
    return risks[0] - risks[1]


def write_between_marks(path: Path, text: str) -> None:
    """Put a text between the marks of a file."""
    whole = path.read_text(encoding="utf-8")
    before, after = whole.index(MARKS[0]) + len(MARKS[0]), whole.index(MARKS[1])
    path.write_text(whole[:before] + "\n" + text + "\n" + whole[after:], encoding="utf-8")


if __name__ == "__main__":
    main()
