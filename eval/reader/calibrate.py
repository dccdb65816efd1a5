"""How likely it is that a sentence answers: `calibrate.py [--model FILE]` (in the product's environment).

Of the stories that were kept out of training an archive is made, and their questions are asked of it. Fitted on what
comes of that: slope and intercept of `qa.extract.weigh_reading`, so that the score of the first sentence is the
probability that it answers (Platt 1999). How much the rules count beside the reader, `RATIO`, is chosen: between 22,
which puts the right sentence of these stories first most often (conditional logit, printed too), and 50 suites
`sample` and `newswire` (dev) differ little, and 30 keeps what the rules do on `sample`. Printed: the weights, how far
scores can be relied on, stories kept out of the fit in turn (five parts), and precision and recall of abstaining by
lowest score. `--plot FILE` draws the reliability of the scores.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measure import open_reader
from numpy.typing import NDArray
from scipy.optimize import minimize
from stories import STORIES, holds_said, is_kept_out

import qa
from qa.articles import Filters
from qa.extract import rank_sentences, score_features
from qa.outcomes import abstention_scores
from qa.plots import bin_confidences, plot_calibration
from qa.question import read_question
from qa.read import Reader
from qa.retrieve import Retriever

HITS = 20  # as `qa.answer.READ_HITS`
RATIO = 45.0  # weight of the score by rule, that of the reader's log-odds being 1
PARTS = 5
RIDGE = 1e-3
THRESHOLDS = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6]


@dataclass(frozen=True)
class Case:
    """A question of a story with the terms (score by rule, log-odds of the reader) of its sentences, best first.

    `right` says which of them answer; none does where nothing answers, or where retrieval lost it.
    """

    story: str
    answerable: bool
    terms: NDArray[np.float64]
    right: NDArray[np.bool_]


def main() -> None:
    """Fit, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, help="an exported file; the program's own without it")
    parser.add_argument("--plot", type=Path, help="write the reliability plot, as SVG")
    options = parser.parse_args()
    cases = list(read_cases(open_reader(options.model)))
    weights = fit(cases)
    answerable = sum(case.answerable for case in cases)
    reached = sum(bool(case.right.any()) for case in cases)
    print(f"{len(cases)} questions of stories kept out, {answerable} answerable, {reached} with the sentence among 24")
    rule, reader, _ = minimize(_rank_loss, np.array([5.0, 0.5, -3.0]), args=(cases,), method="L-BFGS-B").x
    print(f"the right sentence comes first most often with {rule / reader:.1f} for the rules to 1 for the reader")
    print("intercept {:.3f}, rule {:.3f}, reader {:.4f}".format(*weights))
    outcomes = list(score_in_turn(cases))
    tell(cases, outcomes)
    if options.plot:
        drawing = plot_calibration(bin_confidences([(score, right) for score, right in outcomes]))
        options.plot.write_text(str(drawing) + "\n", encoding="utf-8")


def read_cases(reader: Reader) -> Iterator[Case]:
    """Ask the questions of the stories that were kept out of an archive made of these stories."""
    rows = [
        json.loads(line) for path in sorted(STORIES.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()
    ]
    rows = [row for row in rows if is_kept_out(row.get("story", row["id"]))]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stories.jsonl"
        kept = ({key: row[key] for key in ("id", "title", "text", "published") if row[key]} for row in rows)
        file.write_text("\n".join(json.dumps(row) for row in kept) + "\n", encoding="utf-8")
        with qa.open(Path(folder) / "workspace") as archive:
            archive.add(file)
            retriever = Retriever(archive.store, archive.recipe, archive.embedder)
            yield from (_read_case(row, question, retriever, reader) for row in rows for question in row["questions"])
            retriever.close()


def _read_case(row: dict, question: dict, retriever: Retriever, reader: Reader) -> Case:
    hits = retriever.search(question["question"], limit=HITS, filters=Filters())
    asked = read_question(question["question"])
    found = rank_sentences(asked, hits, weigh=retriever.term_weight, embedder=retriever.embedder, reader=reader)
    terms = [(score_features(c.features), c.read.logit if c.read else 0.0) for c in found]
    said = question.get("sentence", "") if question["answer"] else ""
    right = [bool(said) and c.quote.article.title == row["title"] and holds_said(c.quote.text, said) for c in found]
    story = row.get("story", row["id"])
    return Case(story, bool(question["answer"]), np.array(terms).reshape(-1, 2), np.array(right, dtype=bool))


def fit(cases: Sequence[Case]) -> tuple[float, float, float]:
    """Intercept and the weights of rule and reader."""
    best = [(terms.max(), right[terms.argmax()]) for terms, right in _combined(cases, RATIO, 1.0)]
    scores, outcomes = np.array([b[0] for b in best]), np.array([b[1] for b in best], dtype=float)
    slope, intercept = minimize(_platt_loss, np.array([0.1, -3.0]), args=(scores, outcomes), method="L-BFGS-B").x
    return float(intercept), float(slope * RATIO), float(slope)


def _combined(
    cases: Sequence[Case], rule: float, reader: float
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    return ((case.terms @ np.array([rule, reader]), case.right) for case in cases if len(case.terms))


def _rank_loss(weights: NDArray[np.float64], cases: Sequence[Case]) -> float:
    rule, reader, intercept = weights
    total = 0.0
    for scores, right in _combined(cases, rule, reader):
        logits = np.append(scores + intercept, 0.0)  # the last: "none"
        wanted = np.append(right, not right.any())
        total += np.logaddexp.reduce(logits) - np.logaddexp.reduce(logits[wanted])
    return float(total / len(cases) + RIDGE * (weights[:2] ** 2).sum() / 10)


def _platt_loss(line: NDArray[np.float64], scores: NDArray[np.float64], outcomes: NDArray[np.float64]) -> float:
    logits = line[0] * scores + line[1]
    return float(np.mean(np.logaddexp(0, logits) - outcomes * logits))


def score_in_turn(cases: Sequence[Case]) -> Iterator[tuple[float, bool]]:
    """Of each case the score of its first sentence and whether that answers, by weights fitted on other stories."""
    stories = sorted({case.story for case in cases})
    part_of = {story: place % PARTS for place, story in enumerate(stories)}
    fitted = [fit([case for case in cases if part_of[case.story] != part]) for part in range(PARTS)]
    for case in cases:
        intercept, rule, reader = fitted[part_of[case.story]]
        if not len(case.terms):
            yield 0.0, False
            continue
        scores = intercept + case.terms @ np.array([rule, reader])
        best = int(scores.argmax())
        yield 1 / (1 + math.exp(-float(scores[best]))), bool(case.right[best])


def tell(cases: Sequence[Case], outcomes: Sequence[tuple[float, bool]]) -> None:
    """Print how far the scores can be relied on, and what abstaining at each would do."""
    print("\nscore of the first sentence   n   mean score   share that answers")
    error = 0.0
    for low in np.arange(0, 1, 0.1):
        inside = [(score, right) for score, right in outcomes if low <= score < low + 0.1 + (low > 0.85)]
        if inside:
            mean, share = (float(np.mean([one[place] for one in inside])) for place in (0, 1))
            error += abs(mean - share) * len(inside) / len(outcomes)
            print(f"{low:.1f} – {low + 0.1:.1f}   {len(inside):26}   {mean:10.3f}   {share:18.3f}")
    brier = np.mean([(score - right) ** 2 for score, right in outcomes])
    print(f"expected calibration error {error:.3f}; Brier score {brier:.3f}")
    yes = np.array([score for case, (score, _) in zip(cases, outcomes, strict=True) if case.answerable])
    no = np.array([score for case, (score, _) in zip(cases, outcomes, strict=True) if not case.answerable])
    above = (yes[:, None] > no[None, :]).mean() + 0.5 * (yes[:, None] == no[None, :]).mean()
    print(f"AUROC of 'answerable': {above:.3f}")
    print("\nlowest score   right answers   precision   recall (of abstaining)")
    for threshold in THRESHOLDS:
        given = sum(right for score, right in outcomes if score >= threshold) / max(1, len(yes))
        pairs = [(case.answerable, score < threshold) for case, (score, _) in zip(cases, outcomes, strict=True)]
        shares = abstention_scores(pairs)
        print(f"{threshold:12.2f}   {given:13.3f}   {shares.precision or 0:9.3f}   {shares.recall or 0:6.3f}")


if __name__ == "__main__":
    main()
