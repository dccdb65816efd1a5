"""Ask the cases of a suite: each to a record, several at a time, within bounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from qa.articles import Article, Quote, hash_text
from qa.gold import Case, FoundEvidence, case_dict, find_evidence
from qa.replay import CallLog
from qa.retrieve import Hit
from qa.run_folder import RankedPassage, Record
from qa.run_options import RunOptions
from qa.scoring import predict, score_record
from qa.systems import Asked, Bench, holds, visible_evidence

Job = tuple[Case, int]  # a case, and which repeat of it


@dataclass(frozen=True)
class Examiner:
    """Makes a record of each case that is asked on a bench. Threads may share it."""

    bench: Bench
    articles: Sequence[Article]
    clusters: Mapping[str, str]

    def examine(self, job: Job) -> Record:
        """Ask a case once, and score it."""
        case, repeat = job
        evidence = visible_evidence(case, find_evidence(case, self.articles))
        started = time.perf_counter()
        asked = self.bench.ask(case, evidence, repeat=repeat)
        record = self._describe(job, asked, evidence, time.perf_counter() - started)
        record["scores"], record["unscorable"] = score_record(record, asked.failure)
        return record

    def _describe(self, job: Job, asked: Asked, evidence: Sequence[FoundEvidence], seconds: float) -> Record:
        case, repeat = job
        said = asked.answer.to_dict() if asked.answer else None
        searched = {"retrieval": seconds, "total": seconds} if asked.hits is not None else {}
        taken = said.pop("seconds") if said else searched
        return Record(
            case=case_dict(case),
            repeat=repeat,
            cluster=self.clusters[case.id],
            asked=asked.question,
            prediction=predict(said),
            answer=said,
            stands=[self._stands(citation.quote) for citation in (asked.answer.citations if asked.answer else ())],
            relevant=self._count_relevant(evidence) if asked.hits is not None else 0,
            hits=[_rank(hit, evidence) for hit in asked.hits or ()],
            scores={},
            unscorable={},
            seconds={name: round(value, 6) for name, value in taken.items()},
        )

    def _stands(self, quote: Quote) -> bool:
        """Whether the archive's own article has these words at this place, and the hash that the citation names."""
        article = next((article for article in self.articles if article.id == quote.article.id), None)
        if article is None or hash_text(article.text) != quote.article.sha256:
            return False
        return quote.text != "" and article.text[quote.start : quote.end] == quote.text

    def _count_relevant(self, evidence: Sequence[FoundEvidence]) -> int:
        """How many passages of the archive hold evidence."""
        catalog = self.bench.desk.retriever.catalog
        places = {
            passage.id
            for quote, _ in evidence
            for passage in catalog.article_passages(quote.article.id)
            if holds(passage.start, passage.end, quote.start, quote.end)
        }
        return len(places)


class Bounds:
    """When a run has to stop before its end; time counts from when this is made."""

    def __init__(self, options: RunOptions, log: CallLog) -> None:
        self._options = options
        self._log = log
        self._started = time.monotonic()

    def reached(self) -> str | None:
        """Which bound is reached, for people; None for none."""
        limits, used = self._options, self._log.usage()
        if limits.max_seconds is not None and time.monotonic() - self._started >= limits.max_seconds:
            return f"stopped after {limits.max_seconds:g} s (--max-seconds)"
        if limits.max_tokens is not None and used.input_tokens + used.output_tokens >= limits.max_tokens:
            return f"stopped at {limits.max_tokens:,} tokens (--max-tokens)"
        if limits.max_cost_usd is not None and (used.cost_usd or 0) >= limits.max_cost_usd:
            return f"stopped at ${limits.max_cost_usd:g} (--max-cost)"
        return None


def ask_all(
    jobs: Iterable[Job], examine: Callable[[Job], Record], *, concurrency: int, bounds: Bounds
) -> Iterator[Record]:
    """The record of each job as it is done, until all are or a bound is reached.

    What is under way when a bound is reached, when one fails, or when the caller stops, is finished first.

    Raises:
        QAError: as `examine`, after the records that were made beside it.
    """
    if concurrency == 1:
        for job in jobs:
            if bounds.reached():
                return
            yield examine(job)
        return
    yield from _ask_together(iter(jobs), examine, concurrency, bounds)


def _ask_together(
    jobs: Iterator[Job], examine: Callable[[Job], Record], concurrency: int, bounds: Bounds
) -> Iterator[Record]:
    pending: set[Future[Record]] = set()
    with ThreadPoolExecutor(concurrency, thread_name_prefix="qa-eval") as pool:
        while True:
            while len(pending) < concurrency and not bounds.reached():
                job = next(jobs, None)
                if job is None:
                    break
                pending.add(pool.submit(examine, job))
            if not pending:
                return
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            if any(map(_failed, done)):
                done, pending = done | wait(pending).done, set()
            for future in sorted(done, key=_failed):  # the records first, so that an error loses none
                yield future.result()


def _failed(future: Future[Record]) -> bool:
    return future.exception() is not None


def find_clusters(cases: Sequence[Case]) -> dict[str, str]:
    """The cluster of each case by its id: the article of its first piece of evidence, or itself where it has none.

    Cases whose first evidence stands in one article depend on one another. Those linked by a further article only are
    taken as independent: where many articles repeat a fact, all cases would be linked in the end.
    """
    return {case.id: case.evidence[0].article if case.evidence else case.id for case in cases}


def _rank(hit: Hit, evidence: Sequence[FoundEvidence]) -> RankedPassage:
    passage = hit.passage
    parts = {
        part
        for quote, part in evidence
        if quote.article.id == passage.article_id and holds(passage.start, passage.end, quote.start, quote.end)
    }
    return RankedPassage(
        passage=passage.id,
        source=hit.article.source,
        start=passage.start,
        end=passage.end,
        score=hit.score,
        parts=sorted(parts),
    )


def same_but_for_time(a: Record, b: Mapping[str, Any]) -> bool:
    """Whether two records say the same, whatever time they took."""
    return {**a, "seconds": None} == {**b, "seconds": None}
