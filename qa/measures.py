"""The measures a run reports: their names, which way is better, and their definitions in one line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["answer", "citation", "abstention", "retrieval", "cost"]


@dataclass(frozen=True, slots=True)
class MeasureKind:
    """One measure. `over` says which cases it is averaged over; `is_binary` that each case has 0 or 1.

    A measure of the group "cost" has a unit of its own; all others lie in 0..1.
    """

    name: str
    group: Group
    definition: str
    over: str = "answerable"
    is_binary: bool = False
    lower_is_better: bool = False


_KINDS = (
    MeasureKind("answer_match", "answer", "the gold answer or figure is given (SimpleQA's correct)", is_binary=True),
    MeasureKind(
        "incorrect", "answer", "answered, but not so (SimpleQA's incorrect)", is_binary=True, lower_is_better=True
    ),
    MeasureKind("not_attempted", "answer", "abstained (SimpleQA)", is_binary=True, lower_is_better=True),
    MeasureKind(
        "accuracy_given_attempted", "answer", "answer_match where not abstained (SimpleQA)", "attempted", is_binary=True
    ),
    MeasureKind(
        "exact_match",
        "answer",
        "equal to a gold answer after SQuAD's normalisation",
        "answerable by one answer",
        is_binary=True,
    ),
    MeasureKind(
        "numeric_match",
        "answer",
        "value, unit, scale, sign and period of the gold figure",
        "answerable by a figure",
        is_binary=True,
    ),
    MeasureKind("token_f1", "answer", "words shared with a gold answer (SQuAD)", "answerable by one answer"),
    MeasureKind("str_em", "answer", "share of the gold parts that the whole answer has (ASQA)"),
    MeasureKind("quote_validity", "citation", "quotes that stand in their article as cited", "answers with quotes"),
    MeasureKind("citation_recall", "citation", "statements that their citations support (ALCE)", "answers"),
    MeasureKind("citation_precision", "citation", "citations that are needed for it (ALCE)", "answers with quotes"),
    MeasureKind("figure_support", "citation", "figures that stand in the cited quotes", "answers with figures"),
    MeasureKind("abstention_precision", "abstention", "abstentions that are right", "abstentions", is_binary=True),
    MeasureKind("abstention_recall", "abstention", "abstained where it should", "not answerable", is_binary=True),
    MeasureKind("abstention_f1", "abstention", "harmonic mean of the two", "both"),
    MeasureKind(
        "aurc",
        "abstention",
        "area under the risk–coverage curve (Geifman and El-Yaniv)",
        "attempted",
        lower_is_better=True,
    ),
    MeasureKind("hits@1", "retrieval", "the first passage holds evidence", "cases with evidence", is_binary=True),
    MeasureKind("hits@5", "retrieval", "one of the first five does", "cases with evidence", is_binary=True),
    MeasureKind("hits@10", "retrieval", "one of the first ten does", "cases with evidence", is_binary=True),
    MeasureKind("mrr@10", "retrieval", "1 / rank of the first that does", "cases with evidence"),
    MeasureKind("map@10", "retrieval", "mean precision at each passage with evidence", "cases with evidence"),
    MeasureKind("recall@10", "retrieval", "passages with evidence that are among the first ten", "cases with evidence"),
    MeasureKind("ndcg@10", "retrieval", "discounted gain, 1 for the best order", "cases with evidence"),
    MeasureKind(
        "evidence_recall@10", "retrieval", "needed parts of the evidence among the first ten", "cases with evidence"
    ),
    MeasureKind("seconds", "cost", "from question to answer", "cases", lower_is_better=True),
    MeasureKind("input_tokens", "cost", "tokens the model read", "cases asked of a model", lower_is_better=True),
    MeasureKind("output_tokens", "cost", "tokens the model wrote", "cases asked of a model", lower_is_better=True),
    MeasureKind("cost_usd", "cost", "US dollars, where prices are set", "cases asked of a model", lower_is_better=True),
)
MEASURES = {kind.name: kind for kind in _KINDS}
SCORES = tuple(kind.name for kind in _KINDS if kind.group != "cost" and kind.name not in ("abstention_f1", "aurc"))
"""The measures that one case has by itself, in order; the other two of 0..1 follow from many cases."""
PAIRED = tuple(name for name in SCORES if name != "abstention_precision")
"""What two runs are compared by, case by case: two that abstain on one case are both right or both wrong."""
GATED = tuple(kind.name for kind in _KINDS if kind.group != "cost")
"""What a gate may be set on."""
RANKING = tuple(kind.name for kind in _KINDS if kind.group == "retrieval")
