"""What holding a sentence against its question costs and catches, where the sentence names no time or no name itself.

    python eval/bench/asked.py [--show]

For each question of the suites with an answer in the archive: its gold sentence as it stands, without the times in it,
and "It was <answer>." alone, all true; and "It was <figure>." with the answer to another question on the same article
that has the same unit, which is true of something else. Each cites the passage that it is from, and is judged
with the question and without.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

from qa.articles import Article
from qa.clauses import read_sentence
from qa.conversation import complete_question
from qa.gold import Case, FoundEvidence, find_evidence
from qa.ground import ground_text
from qa.periods import find_periods
from qa.retrieve import Hit
from qa.settings import Recipe
from qa.sources import read_sources
from qa.split import split_article
from qa.suite import Suite, load_suite
from qa.workspace import find_workspace

ROOT = Path(__file__).parents[2]
_BEFORE_TIME = r"(?:,\s)?(?:\b(?:in|for|during|by|at|of|from|since|the|end|start|first|last|on)\s){0,5}"


class Said(NamedTuple):
    """A sentence said in answer to a question, and the passage it cites; of which kind it is."""

    kind: str
    question: str
    sentence: str
    hit: Hit


def main() -> None:
    """Print the table; with --show, what is refused for the question's sake and is true, or false and kept."""
    counts: Counter[tuple[str, str]] = Counter()
    workspace = find_workspace(ROOT, ROOT)
    for said in (said for name in ("newswire", "sample") for said in make_all(load_suite(name, workspace))):
        reply = f"{said.sentence} [1]"
        without = ground_text(reply, [said.hit]).holds
        grounded = ground_text(reply, [said.hit], read_sentence(said.question))
        counts += Counter({(said.kind, "all"): 1, (said.kind, "without"): without, (said.kind, "with"): grounded.holds})
        is_false = said.kind.startswith("false")
        if "--show" in sys.argv[1:] and (grounded.holds if is_false else without and not grounded.holds):
            problems = "; ".join(p.detail for s in grounded.statements for p in s.problems)
            print(f"{said.kind}: {said.question}\n    {said.sentence}\n    {problems}")
    print("supported of            all   without the question   with it")
    for kind in dict.fromkeys(kind for kind, _ in counts):
        print(f"{kind:20}  {counts[kind, 'all']:5}   {counts[kind, 'without']:20}   {counts[kind, 'with']:7}")


def make_all(suite: Suite) -> Iterator[Said]:
    """Every sentence for the questions of a suite."""
    assert suite.archive is not None
    articles = [
        item for item in read_sources([str(suite.archive)], root=suite.archive.parent) if isinstance(item, Article)
    ]
    found = [(case, evidence) for case in suite.cases if case.gold.answers for evidence in _first(case, articles)]
    for case, evidence in found:
        question, hit = _stand_alone(case), _hit_of(evidence)
        yield Said("true, as it stands", question, " ".join(evidence.quote.text.split()), hit)
        yield Said("true, without times", question, drop_times(" ".join(evidence.quote.text.split())), hit)
        yield Said("true, answer alone", question, f"It was {case.gold.answers[0]}.", hit)
    for (case, mine), (other, theirs) in permutations(found, 2):
        one, two = case.gold.number, other.gold.number
        if (
            one
            and two
            and mine.quote.article == theirs.quote.article
            and one.unit == two.unit
            and one.value != two.value
        ):
            kind = "false, of other time" if one.period != two.period else "false, of other thing"
            yield Said(kind, _stand_alone(case), f"It was {other.gold.answers[0]}.", _hit_of(theirs))


def drop_times(sentence: str) -> str:
    """A sentence without the times that it names, days excepted."""
    for period in sorted(find_periods(sentence), key=lambda period: -period.start):
        if not period.is_day:
            before = re.search(rf"{_BEFORE_TIME}$", sentence[: period.start], re.IGNORECASE)
            start = before.start() if before else period.start
            sentence = f"{sentence[:start].rstrip()} {sentence[period.end :].lstrip()}"
    return sentence.replace(" ,", ",").replace(" .", ".").strip()


def _first(case: Case, articles: Sequence[Article]) -> list[FoundEvidence]:
    return find_evidence(case, articles)[:1]


def _stand_alone(case: Case) -> str:
    whole, *later = [*case.turns, case.question]
    for question in later:
        whole = complete_question(question, whole)
    return whole


def _hit_of(evidence: FoundEvidence) -> Hit:
    """The passage that a sentence of the evidence stands in."""
    quote = evidence.quote
    passages = split_article(quote.article, budget_tokens=Recipe().budget_tokens)
    passage = next(p for p in passages if p.start <= quote.start < p.end)
    return Hit(quote.article, passage, 1.0)


if __name__ == "__main__":
    main()
