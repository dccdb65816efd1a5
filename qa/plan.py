"""How a question is looked up: within which filters, of which days, and by which parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from qa.articles import Filters
from qa.models import Usage
from qa.parts import split_question
from qa.retrieve import Hit, Indexes, Retriever
from qa.window import Timing, read_timing

NOTHING_SPENT = Usage()

_POOL = 50  # passages taken of the question and of each part, so that what comes first does not hang on the limit
# So that what a part finds first stands behind the fifth of the whole question at worst.
# On the dev split of `newswire` (`python eval/bench/parts.py`) evidence is first for 12 of 13 such questions, as it is
# where the whole question alone is looked up; with a weight of 0.45 for 11, with the usual constant of 60 for 10.
_RANK_CONSTANT = 1
_PART_WEIGHT = 0.3  # the whole question has 1


@dataclass(frozen=True, slots=True)
class Plan:
    """One question to be looked up; `filters` are those of the user, within a hard window of the question.

    `parts` are the questions of which it is made, none for a simple one; `spent` is what a model took to find them.
    """

    question: str
    filters: Filters
    timing: Timing
    parts: tuple[Plan, ...] = ()
    spent: Usage = NOTHING_SPENT

    def search(self, retriever: Retriever, *, limit: int, indexes: Indexes = "both") -> list[Hit]:
        """Passages, best first, at most `limit`, each once; see `Retriever.search`.

        Where the question has parts it and each of them is looked up, and the rankings are fused.
        """
        if not self.parts:
            return retriever.search(
                self.question, limit=limit, filters=self.filters, indexes=indexes, timing=self.timing
            )
        plans = (replace(self, parts=()), *self.parts)
        whole, *parts = (plan.search(retriever, limit=max(limit, _POOL), indexes=indexes) for plan in plans)
        return fuse_hits(whole, parts)[:limit]


def make_plan(
    question: str, filters: Filters, today: date, *, parts: Sequence[str] | None = None, spent: Usage = NOTHING_SPENT
) -> Plan:
    """Read a question for how it is to be looked up, as it is asked on `filters.as_of`, or `today` without that.

    It is split by rule where `parts` are not given; none are given for one that is simple.
    """
    timing = read_timing(question, filters, today)
    asked = split_question(question) if parts is None else parts
    return Plan(
        question,
        timing.narrow(filters),
        timing,
        parts=tuple(make_plan(part, filters, today, parts=()) for part in asked),
        spent=spent,
    )


def fuse_hits(
    whole: Sequence[Hit],
    parts: Sequence[Sequence[Hit]],
    *,
    constant: int = _RANK_CONSTANT,
    weight: float = _PART_WEIGHT,
) -> list[Hit]:
    """The hits of a question and of its parts, each passage once, best first.

    The score is the sum of weight / (constant + rank), as of reciprocal-rank fusion (Cormack et al. 2009), the weight
    being 1 for the whole question; ties go to the whole question's order, then to the earlier part's.
    """
    scores: defaultdict[str, float] = defaultdict(float)
    hits: dict[str, Hit] = {}
    for worth, ranking in [(1.0, whole), *((weight, part) for part in parts)]:
        for rank, hit in enumerate(ranking, start=1):
            hits.setdefault(hit.passage.id, hit)
            scores[hit.passage.id] += worth / (constant + rank)
    fused = [replace(hit, score=scores[id_]) for id_, hit in hits.items()]
    return sorted(fused, key=lambda hit: -hit.score)
