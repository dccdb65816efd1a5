"""Ways of finding passages, asked the same questions: what each finds, how soon, and which is better; pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from qa import ranking
from qa.articles import Article, Filters
from qa.asking import find_clusters
from qa.gold import Case
from qa.paired import PairedInterval, paired_bootstrap
from qa.relevance import Relevance, find_relevance
from qa.retrieve import Hit
from qa.stats import Interval, mean_interval, quantile
from qa.sync import OnProgress, Progress
from qa.text import fold

Search = Callable[[str, Filters, int], list[Hit]]
"""(question, filters, limit) → at most so many hits, best first."""

RANKED = 50  # hits asked of a search
DEPTHS = (1, 5, 10, 50)
BUDGETS = (250, 500, 1_000, 2_000)  # tokens
MEASURES = (*(f"hits@{k}" for k in DEPTHS), "mrr@10", *(f"answer@{budget}" for budget in BUDGETS))
COMPARED = ("mrr@10", "answer@250", "answer@500", "answer@1000")  # of one way with another, case by case
OURS = "onrecord"

_STAGE = "searching"


@dataclass(frozen=True, slots=True)
class Found:
    """What one way found for one case.

    `first` is the rank of the first relevant passage among the first 50, from 1; None where there is none. `scores`
    has every measure of `MEASURES`, None where it does not apply. `seconds` are those from question to passages.
    """

    first: int | None
    seconds: float
    scores: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class JudgedCase:
    """One case with what each way found, by name; cases that rest on one article share a `cluster`."""

    id: str
    question: str
    cluster: str
    found: Mapping[str, Found]


def judge_retrieval(
    cases: Sequence[Case],
    systems: Mapping[str, Search],
    *,
    articles: Sequence[Article] = (),
    on_progress: OnProgress | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[JudgedCase]:
    """Ask every way every case for which it can be told what is relevant, as of the case's day.

    All are asked once before time is taken, and then take turns in being asked first, so that none pays for what the
    others find in memory afterwards.

    Args:
        cases: with or without an answer; those that cannot be judged are left out.
        systems: the ways, by name.
        articles: those in which the evidence of the cases stands; needed where they have any.
        on_progress: called before each case.
        clock: seconds.
    """
    judged = [(case, relevance) for case in cases if (relevance := find_relevance(case, articles))]
    clusters, names = find_clusters(cases), list(systems)
    for case, _ in judged[:1]:
        for search in systems.values():
            search(case.question, Filters(as_of=case.as_of), RANKED)
    results = []
    for n, (case, relevance) in enumerate(judged):
        if on_progress:
            on_progress(Progress(_STAGE, n, len(judged)))
        turn = n % len(names)
        found = {name: _ask(case, relevance, systems[name], clock) for name in names[turn:] + names[:turn]}
        ordered = {name: found[name] for name in names}
        results.append(JudgedCase(case.id, case.question, clusters[case.id], ordered))
    return results


def average_all(judged: Sequence[JudgedCase]) -> dict[str, dict[str, Interval | None]]:
    """Each measure of each way over the cases to which it applies, with its 95 % interval; None where to none."""
    return {name: {measure: _average(judged, name, measure) for measure in MEASURES} for name in names_of(judged)}


def compare_all(judged: Sequence[JudgedCase], ours: str = OURS) -> dict[str, dict[str, PairedInterval | None]]:
    """Each measure of `COMPARED`: `ours` minus each other way, paired case by case; None where it applies to none."""
    others = [name for name in names_of(judged) if name != ours]
    return {name: {measure: _compare(judged, ours, name, measure) for measure in COMPARED} for name in others}


def measure_latency(judged: Sequence[JudgedCase]) -> dict[str, tuple[float, float]]:
    """The median and the 95th percentile of the seconds that a question took, of each way."""
    return {name: _latency([case.found[name].seconds for case in judged]) for name in names_of(judged)}


def pool_cases(runs: Iterable[Sequence[JudgedCase]]) -> list[JudgedCase]:
    """The cases of several runs as one; a question that stands in two counts once, as it came out in the first."""
    pooled: dict[str, JudgedCase] = {}
    for judged in runs:
        for case in judged:
            pooled.setdefault(fold(case.question), case)
    return list(pooled.values())


def names_of(judged: Sequence[JudgedCase]) -> list[str]:
    """The ways that were asked, in their order."""
    return list(judged[0].found) if judged else []


def _ask(case: Case, relevance: Relevance, search: Search, clock: Callable[[], float]) -> Found:
    started = clock()
    hits = search(case.question, Filters(as_of=case.as_of), RANKED)[:RANKED]
    seconds = clock() - started
    ranked = [relevance.is_relevant(hit.passage) for hit in hits]
    texts = [hit.passage.text for hit in hits]
    values = (
        *(ranking.hits_at(ranked, k) for k in DEPTHS),
        ranking.reciprocal_rank(ranked, 10),
        *(relevance.recall_answer(texts, budget) for budget in BUDGETS),
    )
    first = ranked.index(True) + 1 if any(ranked) else None
    return Found(first, round(seconds, 6), dict(zip(MEASURES, values, strict=True)))


def _average(judged: Sequence[JudgedCase], name: str, measure: str) -> Interval | None:
    given = [(score, case.cluster) for case in judged if (score := case.found[name].scores[measure]) is not None]
    return mean_interval([score for score, _ in given], [cluster for _, cluster in given])


def _compare(judged: Sequence[JudgedCase], ours: str, other: str, measure: str) -> PairedInterval | None:
    pairs = [(c.found[ours].scores[measure], c.found[other].scores[measure], c.cluster) for c in judged]
    given = [(a - b, cluster) for a, b, cluster in pairs if a is not None and b is not None]
    if not given:
        return None
    return paired_bootstrap([difference for difference, _ in given], [cluster for _, cluster in given])


def _latency(seconds: Sequence[float]) -> tuple[float, float]:
    return quantile(seconds, 0.5) or 0.0, quantile(seconds, 0.95) or 0.0
