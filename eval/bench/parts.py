"""How the hits of a question and of its parts are fused: `python eval/bench/parts.py` (`test` for the other split).

For the questions of suite `newswire` that are split by rule, by rank constant and weight of a part (the whole question
weighs 1): how often evidence stands first, the mean reciprocal rank of the first evidence, and how often all that the
answer needs stands in the first 5 and 10 passages. The last line is the whole question alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import product

from qa.articles import Filters
from qa.gold import FoundEvidence, find_evidence
from qa.plan import fuse_hits, make_plan
from qa.retrieve import Hit
from qa.settings import Settings
from qa.suite import load_suite
from qa.suite_archive import open_suite_archive
from qa.systems import holds
from qa.workspace import find_workspace, packaged_content

CONSTANTS, WEIGHTS = (1, 3, 5, 60), (0.2, 0.3, 0.45, 0.6)


def main() -> None:
    """Print the table."""
    split = sys.argv[1] if len(sys.argv) > 1 else "dev"
    looked_up = look_up(split)
    print(f"{len(looked_up)} questions of split {split}\nconstant  weight  first   MRR  all in 5  all in 10")
    for constant, weight in product(CONSTANTS, WEIGHTS):
        fused = [(fuse_hits(r[0], r[1:], constant=constant, weight=weight), found) for r, found in looked_up]
        print(f"{constant:8}  {weight:6}  {describe(fused)}")
    print(f"{'whole question':16}  {describe([(rankings[0], found) for rankings, found in looked_up])}")


def look_up(split: str) -> list[tuple[list[list[Hit]], list[FoundEvidence]]]:
    """The hits of each question that has parts, of the whole one first, with its evidence."""
    workspace = find_workspace(packaged_content(), packaged_content())
    suite = load_suite("newswire", workspace)
    looked_up = []
    with open_suite_archive(suite, workspace, settings=Settings()) as archive:
        retriever, articles = archive.desk().retriever, archive.articles()
        for case in suite.cases:
            plan = make_plan(case.question, Filters(as_of=case.as_of), date.today())
            if plan.parts and case.answerable and case.split == split:
                plans = (replace(plan, parts=()), *plan.parts)
                looked_up.append(([p.search(retriever, limit=50) for p in plans], find_evidence(case, articles)))
    return looked_up


def describe(found: Sequence[tuple[list[Hit], list[FoundEvidence]]]) -> str:
    """The measures of one way to rank."""
    ranks = [find_ranks(hits, evidence) for hits, evidence in found]
    first = sum(min(of) == 1 for of in ranks)
    mean = sum(1 / min(of) for of in ranks) / len(ranks)
    return f"{first:5}  {mean:.3f}  {sum(max(of) <= 5 for of in ranks):8}  {sum(max(of) <= 10 for of in ranks):9}"


def find_ranks(hits: Sequence[Hit], evidence: Sequence[FoundEvidence]) -> list[float]:
    """The rank at which each part of the evidence is first found, infinite where it is not."""
    ranks = dict.fromkeys((found.part for found in evidence), float("inf"))
    for rank, hit in enumerate(hits, start=1):
        for quote, part in evidence:
            passage = hit.passage
            if quote.article.id == hit.article.id and holds(passage.start, passage.end, quote.start, quote.end):
                ranks[part] = min(ranks[part], rank)
    return list(ranks.values())


if __name__ == "__main__":
    main()
