"""Where the answer without a model should stop: `python eval/bench/abstention.py`.

For suite `sample` and the two splits of `newswire`, by lowest score: `answer match`, the share of answerable questions
answered rightly (exact or numeric match), precision and recall of abstaining, and `wrong`, the share of the answers
given that are wrong. Then the risk–coverage curve at some coverages, its area (AURC), and how well the score tells
answerable questions from others (AUROC). The threshold is chosen on `sample` and the dev split; the test split only
tells what it is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from qa.articles import Filters
from qa.conversation import complete_question
from qa.extract import LOWEST_SCORE, Candidate, rank_sentences
from qa.gold import Case
from qa.metrics import answer_match
from qa.outcomes import abstention_scores, aurc, risk_coverage
from qa.plan import make_plan
from qa.question import read_question
from qa.read import TrainedReader
from qa.retrieve import Retriever
from qa.settings import Settings
from qa.suite import load_suite
from qa.suite_archive import open_suite_archive
from qa.workspace import find_workspace, packaged_content

_READER = TrainedReader()
THRESHOLDS = [0.03, 0.04, 0.05, 0.06, 0.07, 0.075, 0.08, 0.0825, 0.085, 0.09, 0.1, 0.12, 0.15, 0.2]
COVERAGES = (0.2, 0.4, 0.6, 0.8, 1.0)
GROUPS: dict[str, tuple[str, Callable[[Case], bool]]] = {
    "sample": ("sample", lambda _case: True),
    "newswire, dev": ("newswire", lambda case: case.split == "dev"),
    "newswire, test": ("newswire", lambda case: case.split == "test"),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A case with the score of the sentence that would be the answer, and whether it is right."""

    case: Case
    score: float
    match: float


def main() -> None:
    """Print the tables; the line in use is marked."""
    judged = {name: judge_suite(name) for name in dict.fromkeys(suite for suite, _ in GROUPS.values())}
    for title, (suite, belongs) in GROUPS.items():
        print_group(title, [one for one in judged[suite] if belongs(one.case)])


def judge_suite(name: str) -> list[Judged]:
    """Every case of a suite that asks for an answer, read without a model."""
    workspace = find_workspace(packaged_content(), packaged_content())
    suite = load_suite(name, workspace)
    with open_suite_archive(suite, workspace, settings=Settings()) as archive:
        retriever = Retriever(archive.store, archive.recipe, archive.embedder)
        judged = [judge(case, retriever) for case in suite.cases if not case.retrieval_only]
        retriever.close()
    return judged


def judge(case: Case, retriever: Retriever) -> Judged:
    """Read the best sentence for a case; its earlier turns are put into the question by rule."""
    question = ""
    for turn in (*case.turns, case.question):
        question = complete_question(turn, question) if question else turn
    hits = make_plan(question, Filters(as_of=case.as_of), date.today()).search(retriever, limit=20)
    asked = read_question(question, case.as_of)
    found = rank_sentences(asked, hits, weigh=retriever.term_weight, embedder=retriever.embedder, reader=_READER)
    if not found:
        return Judged(case, 0.0, 0.0)
    match = answer_match(words_of(found[0]), case.gold, found[0].quote.text) if case.answerable else 0.0
    return Judged(case, found[0].score, match or 0.0)


def words_of(candidate: Candidate) -> str:
    """The span that answers, or the whole sentence where there is none."""
    text = candidate.quote.text
    return text[candidate.span[0] : candidate.span[1]] if candidate.span else text


def print_group(title: str, judged: Sequence[Judged]) -> None:
    """The tables of one suite or split."""
    answerable = [one for one in judged if one.case.answerable]
    others = [one for one in judged if not one.case.answerable]
    print(f"\n{title}: {len(answerable)} answerable questions, {len(others)} not answerable")
    print("lowest score   answer match   precision   recall   wrong")
    for threshold in sorted({*THRESHOLDS, LOWEST_SCORE}):
        right = sum(one.match for one in answerable if one.score >= threshold)
        given = sum(one.score >= threshold for one in judged)
        shares = abstention_scores([(one.case.answerable, one.score < threshold) for one in judged])
        mark = "  <- in use" if threshold == LOWEST_SCORE else ""
        cells = (right / len(answerable), shares.precision or 0, shares.recall or 0, 1 - right / max(1, given))
        print(f"{threshold:12.4f}   {cells[0]:12.3f}   {cells[1]:9.3f}   {cells[2]:6.3f}   {cells[3]:5.3f}{mark}")
    outcomes = [(one.score, one.match >= 1) for one in judged]
    curve = risk_coverage(outcomes)
    risks = [next(risk for covered, risk in curve if covered >= coverage) for coverage in COVERAGES]
    told = ", ".join(f"{risk:.2f} at {coverage:.0%}" for coverage, risk in zip(COVERAGES, risks, strict=True))
    print(f"risk: {told}; AURC {aurc(outcomes):.3f}; AUROC {find_auroc(answerable, others):.3f}")


def find_auroc(answerable: Sequence[Judged], others: Sequence[Judged]) -> float:
    """How often an answerable question has the higher score of the two; ties count half."""
    pairs = [(one.score > other.score) + 0.5 * (one.score == other.score) for one in answerable for other in others]
    return sum(pairs) / len(pairs)


if __name__ == "__main__":
    main()
