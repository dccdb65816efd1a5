"""Where the answer without a model should stop: answers and abstentions of suite `sample` by lowest score.

`answer match` is the share of answerable questions answered rightly (exact or numeric match), precision and
recall are those of abstaining.
"""

from __future__ import annotations

import qa
from qa.archive import Archive
from qa.articles import Filters
from qa.extract import LOWEST_SCORE, Candidate, rank_sentences
from qa.gold import Case
from qa.metrics import answer_match
from qa.outcomes import abstention_scores
from qa.retrieve import Retriever
from qa.suite import load_suite
from qa.workspace import find_workspace, packaged_content

THRESHOLDS = [round(0.40 + 0.02 * step, 2) for step in range(14)]


def main() -> None:
    """Print the table; the line in use is marked."""
    suite = load_suite("sample", find_workspace(packaged_content(), packaged_content()))
    with qa.open(packaged_content()) as archive:
        archive.sync()
        scored = [(case, *judge(case, archive)) for case in suite.cases]
    answerable = sum(case.answerable for case in suite.cases)
    print(f"{answerable} answerable questions, {len(suite.cases) - answerable} not answerable")
    print("lowest score   answer match   precision   recall")
    for threshold in sorted({*THRESHOLDS, LOWEST_SCORE}):
        right = sum(match for _, score, match in scored if score >= threshold) / answerable
        shares = abstention_scores([(case.answerable, score < threshold) for case, score, _ in scored])
        mark = "  <- in use" if threshold == LOWEST_SCORE else ""
        print(f"{threshold:12.2f}   {right:12.3f}   {shares.precision or 0:9.3f}   {shares.recall or 0:6.3f}{mark}")


def judge(case: Case, archive: Archive) -> tuple[float, float]:
    """(score, match) of the sentence that would be the answer if any were."""
    retriever = Retriever(archive.store, archive.recipe, archive.embedder)
    hits = retriever.search(case.question, limit=20, filters=Filters())
    best = rank_sentences(case.question, hits, weigh=retriever.term_weight, embedder=retriever.embedder)[0]
    retriever.close()
    if not case.answerable:
        return best.score, 0.0
    return best.score, answer_match(words_of(best), case.gold, best.quote.text)


def words_of(candidate: Candidate) -> str:
    """The span that answers, or the whole sentence where there is none."""
    text = candidate.quote.text
    return text[candidate.span[0] : candidate.span[1]] if candidate.span else text


if __name__ == "__main__":
    main()
