"""Two runs of one suite, case by case: what is better in which, and what could be chance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil, fsum
from typing import Any, Literal, NamedTuple

from qa.errors import ContentError
from qa.ground import bare_statement
from qa.measures import MEASURES, PAIRED
from qa.origin import check_same_data, describe_differences
from qa.paired import PairedInterval, holm, mcnemar_exact, paired_bootstrap, smallest_difference
from qa.run_folder import Record, Run
from qa.scoring import measure_costs
from qa.stats import sum_clusters
from qa.text import shorten
from qa.wording import describe_gold

ALPHA = 0.05  # a p up to this is a difference shown
COSTS = tuple(name for name, kind in MEASURES.items() if kind.group == "cost")
COMPARED = (*PAIRED, *COSTS)
"""The measures that two runs can differ in, case by case, in order."""

_FEW_CLUSTERS = 30  # below about as many, a bootstrap of clusters is too sure: see `qa.stats.bootstrap_interval`
_TEXT_LIMIT = 200  # characters of a question, a gold answer or an answer
# What came of a run, or only repeats what it follows from.
_NO_SETTING = tuple("measures gate_results gates seconds cases partial finished suite_file origin_sha256".split())
_COST_WORDS = {
    "seconds": ("B is faster", "B is slower"),
    "input_tokens": ("B reads fewer", "B reads more"),
    "output_tokens": ("B writes fewer", "B writes more"),
    "cost_usd": ("B costs less", "B costs more"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One measure in two runs over the `n` cases that both could score; `a` and `b` are the means of these alone.

    `low` to `high` is the 95 % interval of `difference`, which is b − a: the paired bootstrap over clusters. `p` is
    that of `test`; `p_adjusted` is Holm's over all measures of the comparison that are no cost, and decides what
    `words` say; of a cost it is `p`. `smallest` is the true difference that so many cases would show in 4 of 5
    comparisons, at the level that Holm asks of the first of so many measures; None where they can show none.
    """

    name: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    n: int
    test: Literal["exact McNemar", "paired bootstrap"]
    p: float
    p_adjusted: float
    smallest: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Flip:
    """A case that one run has right in most of its repeats, and the other wrong in most. All but `id` is safe text.

    `a` and `b` are what was compared with the gold and the whole answer, or "abstained".
    """

    id: str
    question: str
    gold: str
    a: str
    b: str
    better: Literal["a", "b"]


@dataclass(frozen=True)
class Comparison:
    """Two runs over the `cases` that both were asked.

    `changes` are in the order of `COMPARED`, without the measures that fewer than two cases of both have a score
    of. `abstention_f1`, `aurc` and the shares of repeats are not among them: no case has one by itself.
    `flips` are in the suite's order. `differs` says what the runs do not have in common, `notes` what a reader of
    the numbers must know.
    """

    a: Run
    b: Run
    cases: int
    changes: tuple[Change, ...]
    flips: tuple[Flip, ...]
    differs: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain data, without the records: the form of `qa eval compare --json`."""
        return {
            "a": _describe_run(self.a),
            "b": _describe_run(self.b),
            "cases": self.cases,
            "differs": list(self.differs),
            "changes": [asdict(change) for change in self.changes],
            "flips": [asdict(flip) for flip in self.flips],
            "notes": list(self.notes),
        }


def compare_runs(a: Run, b: Run) -> Comparison:
    """What changed from `a` to `b`, over the cases that both were asked, paired by their ids.

    Of repeats a case has the mean; repeats that could not be scored are left out. Clusters are those of `a`.

    Raises:
        ContentError: they are over another suite, gold or archive, or no case was asked in both.
    """
    pairs = _pair_cases(a, b)
    scores = {name: found for name in COMPARED if (found := _pair_scores(name, pairs))}
    tests = {name: _test(name, found) for name, found in scores.items()}
    # What is the same in every case could not have come out as a difference, so it is no test (Tarone 1990).
    family = {name: test.p for name, test in tests.items() if name not in COSTS and any(scores[name].differences)}
    adjusted = holm(family)
    changes = tuple(
        _describe_change(
            name, scores[name], test, adjusted.get(name, test.p), 1 if name in COSTS else max(1, len(family))
        )
        for name, test in tests.items()
    )
    return Comparison(
        a,
        b,
        cases=len(pairs),
        changes=changes,
        flips=tuple(flip for pair in pairs if (flip := _find_flip(pair))),
        differs=tuple(_describe_differences(a, b)),
        notes=tuple(_describe_limits(a, b, pairs, scores)),
    )


def compare_measure(a: Run, b: Run, name: str) -> Change | None:
    """One measure of `COMPARED` alone, so that its p needs no adjustment; None where fewer than two cases have it.

    Raises:
        ContentError: as for `compare_runs`.
    """
    scores = _pair_scores(name, _pair_cases(a, b))
    if scores is None:
        return None
    test = _test(name, scores)
    return _describe_change(name, scores, test, test.p, 1)


# pairs


class _Case(NamedTuple):
    """A case as one run has it: a record for each repeat, and the mean of each measure that applies."""

    records: Sequence[Record]
    means: Mapping[str, float]


_Pair = tuple[_Case, _Case]


class _Scores(NamedTuple):
    """One measure in two runs: the scores of each case that both could score, and its cluster."""

    a: list[float]
    b: list[float]
    clusters: list[str]
    is_repeated: bool

    @property
    def differences(self) -> list[float]:
        return [b - a for a, b in zip(self.a, self.b, strict=True)]

    @property
    def are_independent(self) -> bool:
        return len(set(self.clusters)) == len(self.clusters)


def _pair_cases(a: Run, b: Run) -> list[_Pair]:
    """The cases that both runs asked, in the suite's order."""
    check_same_data(a.manifest, b.manifest)
    cases_a, cases_b = _read_cases(a.records), _read_cases(b.records)
    pairs = [(case, cases_b[id_]) for id_, case in cases_a.items() if id_ in cases_b]
    if not pairs:
        raise ContentError(
            f"{a.folder.name} and {b.folder.name} have no case in common: {len(cases_a)} and {len(cases_b)} were asked."
            " Run one of them again with the other's --limit, --seed, --case, --tag and --split."
        )
    return pairs


def _read_cases(records: Sequence[Record]) -> dict[str, _Case]:
    repeats: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        repeats[record["case"]["id"]].append(record)
    return {id_: _Case(some, _average_repeats(some)) for id_, some in repeats.items()}


def _average_repeats(records: Sequence[Record]) -> dict[str, float]:
    given: defaultdict[str, list[float]] = defaultdict(list)
    for record in records:
        for name, value in (record["scores"] | measure_costs(record)).items():
            if value is not None:
                given[name].append(value)
    return {name: fsum(values) / len(values) for name, values in given.items()}


def _pair_scores(name: str, pairs: Sequence[_Pair]) -> _Scores | None:
    both = [(a, b) for a, b in pairs if name in a.means and name in b.means]
    if len(both) < 2:
        return None
    return _Scores(
        a=[a.means[name] for a, _ in both],
        b=[b.means[name] for _, b in both],
        clusters=[a.records[0]["cluster"] for a, _ in both],
        is_repeated=any(len(case.records) > 1 for pair in both for case in pair),
    )


# changes


class _Test(NamedTuple):
    interval: PairedInterval
    name: Literal["exact McNemar", "paired bootstrap"]
    p: float


def _test(name: str, scores: _Scores) -> _Test:
    """Exact McNemar where each pair is two independent answers of 0 or 1, else the bootstrap.

    The bootstrap is too sure of few cases: of two that differ in the same direction, every draw does. So its p is not
    let below the lowest that a test of signs can give where as many clusters differ (Fisher 1935, "The Design of
    Experiments", on the sign changes of paired differences).
    """
    differences = scores.differences
    interval = paired_bootstrap(differences, scores.clusters)
    if MEASURES[name].is_binary and scores.are_independent and not scores.is_repeated:
        better, worse = (sum(difference == sign for difference in differences) for sign in (1, -1))
        return _Test(interval, "exact McNemar", mcnemar_exact(worse, better))
    differing = sum(total != 0 for total in sum_clusters(differences, scores.clusters)[0])
    return _Test(interval, "paired bootstrap", max(interval.p, mcnemar_exact(0, differing)))


def _describe_change(name: str, scores: _Scores, test: _Test, p_adjusted: float, family: int) -> Change:
    n, interval, differences = len(scores.a), test.interval, scores.differences
    smallest = smallest_difference(differences, alpha=ALPHA / family, clusters=scores.clusters)
    if smallest is not None and smallest > 1 and name not in COSTS:
        smallest = None  # no difference of two shares is so large
    if any(differences):
        words = _say_cost(name, test) if name in COSTS else _say(name, interval.mean, p_adjusted, smallest)
    else:
        words = "the same in every case"
    return Change(
        name=name,
        a=fsum(scores.a) / n,
        b=fsum(scores.b) / n,
        difference=interval.mean,
        low=interval.low,
        high=interval.high,
        n=n,
        test=test.name,
        p=test.p,
        p_adjusted=p_adjusted,
        smallest=smallest,
        words=words,
    )


def _say(name: str, difference: float, p: float, smallest: float | None) -> str:
    if p <= ALPHA:
        return "B is better" if (difference > 0) != MEASURES[name].lower_is_better else "B is worse"
    if smallest is None:
        return "no difference shown (too few cases to show any)"
    return f"no difference shown (could show ± {ceil(round(100 * smallest, 6)) / 100:.2f})"


def _say_cost(name: str, test: _Test) -> str:
    """Of what is no merit and hangs on the machine as well: only what was more and what less."""
    if test.p > ALPHA or test.interval.low <= 0 <= test.interval.high:
        return "no difference shown"
    return _COST_WORDS[name][test.interval.low > 0]


# flips


def _find_flip(pair: _Pair) -> Flip | None:
    a, b = pair
    case = a.records[0]["case"]
    name = "answer_match" if case["answerable"] else "abstention_recall"
    shares = (a.means.get(name), b.means.get(name))
    if None in shares or 0.5 in shares:
        return None
    right_a, right_b = (share is not None and share > 0.5 for share in shares)
    if right_a == right_b:
        return None
    return Flip(
        id=case["id"],
        question=shorten(case["question"], limit=_TEXT_LIMIT),
        gold=shorten(describe_gold(case), limit=_TEXT_LIMIT),
        a=_say_answer(a.records, name, right_a),
        b=_say_answer(b.records, name, right_b),
        better="a" if right_a else "b",
    )


def _say_answer(records: Sequence[Record], name: str, is_right: bool) -> str:
    """The first answer of a case that is as most of them are."""
    record = next(record for record in records if record["scores"][name] == float(is_right))
    said, answer = record["prediction"], record["answer"]
    if said is None or answer is None:
        return "abstained"
    text = answer["text"]
    return shorten(text if said == bare_statement(text) else f"{said} — {text}", limit=_TEXT_LIMIT)


# what to know of both


def _describe_run(run: Run) -> dict[str, Any]:
    keys = ("suite", "system", "model", "started", "partial")
    return {"folder": str(run.folder), **{key: run.manifest.get(key) for key in keys}}


def _describe_differences(a: Run, b: Run) -> list[str]:
    before, after = ({key: value for key, value in run.manifest.items() if key not in _NO_SETTING} for run in (a, b))
    ids_a, ids_b = ({record["case"]["id"] for record in run.records} for run in (a, b))
    alone = [f"{len(ids_a - ids_b)} only in A, {len(ids_b - ids_a)} only in B"] if ids_a != ids_b else []
    return [*describe_differences(before, after), *(f"cases: {line}" for line in alone)]


def _describe_limits(a: Run, b: Run, pairs: Sequence[_Pair], scores: Mapping[str, _Scores]) -> list[str]:
    notes = []
    unscored = [sum(any(r["unscorable"] for r in case.records) for case in cases) for cases in zip(*pairs, strict=True)]
    if any(unscored):
        notes.append(
            f"Cases with an answer that could not be scored, and is left out: {unscored[0]} in A, {unscored[1]} in B."
        )
    if few := [name for name, found in scores.items() if len(set(found.clusters)) < _FEW_CLUSTERS]:
        which = "every measure" if len(few) == len(scores) else ", ".join(few)
        notes.append(f"Fewer than {_FEW_CLUSTERS} independent cases or articles, so too narrow an interval: {which}.")
    if a.manifest.get("concurrency") != b.manifest.get("concurrency"):
        notes.append("A and B were asked different numbers of cases at a time, so their seconds cannot be compared.")
    return notes
