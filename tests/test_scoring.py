"""What a record is scored, and what a run comes to; the values are worked out by hand in the tests."""

from __future__ import annotations

import json
import math
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ir_measures
import pytest
from ir_measures import AP, RR, R, Success, nDCG
from run_maker import make_abstention, make_record, make_unanswerable, make_wrong

import qa
from qa.archive import Archive
from qa.errors import ContentError
from qa.figures import find_figures
from qa.measures import GATED, MEASURES, RANKING, SCORES
from qa.run_folder import Measure, RankedPassage, Record, Run
from qa.scoring import average, confidence_outcomes, find_failure, load_run, measure_costs, predict, score_record
from qa.stats import mean_interval, wilson_interval
from qa.suite import load_suite
from qa.testing import ScriptedChat

RECORD_YEAR = "Trade stood at $24.2 billion in 2021."
FIVE_MONTHS = "From January to May 2022 trade came to $9.2 billion."
USD = {"value": 24_200_000_000, "unit": "USD"}
NO_SCORES: dict[str, float | None] = dict.fromkeys(SCORES)
RIGHT = {"answer_match": 1, "incorrect": 0, "not_attempted": 0, "accuracy_given_attempted": 1, "str_em": 1}
CITED_WELL = {"quote_validity": 1, "citation_recall": 1, "citation_precision": 1}


def gold(**keys: Any) -> dict[str, Any]:
    """A case in the form of a gold file; the answer is $24.2 billion unless another is given."""
    case = {"id": "c-1", "question": "How much was trade in 2021?", "answerable": True, "kind": "fact"}
    return case | (
        keys if keys.keys() & {"answers", "all_of", "retrieval_only"} else {"answers": ["$24.2 billion"]} | keys
    )


def unanswerable(**keys: Any) -> dict[str, Any]:
    return {"id": "c-1", "question": "Who won the cup?", "answerable": False, "kind": "fact"} | keys


def cite(quote: str) -> dict[str, Any]:
    article = {"id": "a1", "title": "", "publisher": None, "author": None, "published": None, "url": None}
    place = {"number": 1, "quote": quote, "start": 10, "end": 10 + len(quote), "line": 1, "page": None}
    return place | {"article": article | {"source": "a.md", "sha256": "ab" * 32}}


def say(
    *statements: tuple[str, Sequence[int]], quotes: Sequence[str] = (), short: str | None = None, **more: Any
) -> dict[str, Any]:
    """An answer of these statements, each with the places of its quotes; markers are put to them."""
    said = []
    for text, places in statements:
        marked = f"{text} " + "".join(f"[{place + 1}]" for place in places) if places else text
        verdict = "supported" if places else "uncited"
        said.append({"text": marked, "citations": [], "quotes": list(places), "verdict": verdict, "problems": []})
    answer = {
        "status": "answered",
        "text": " ".join(statement["text"] for statement in said),
        "short": short,
        "statements": said,
        "citations": [cite(quote) for quote in quotes],
        "mode": "extract",
        "usage": {"input_tokens": 0, "output_tokens": 0, "cost_usd": None},
        "score": None,
    }
    return answer | more


def say_short(quote: str = RECORD_YEAR, short: str | None = "$24.2 billion") -> dict[str, Any]:
    """A sentence on record with the span that answers."""
    return say((quote, [0]), quotes=[quote], short=short)


def abstain(**more: Any) -> dict[str, Any]:
    return say(status="abstained", **more) | {"text": "Not in these articles."}


def hits(*held: Sequence[int]) -> list[RankedPassage]:
    """Passages in their order, by the parts of the evidence that each holds."""
    return [
        RankedPassage(passage=f"p{rank}", source="a.md", start=0, end=9, score=1 / rank, parts=list(parts))
        for rank, parts in enumerate(held, start=1)
    ]


def record(
    case: dict[str, Any],
    answer: dict[str, Any] | None,
    *,
    failure: str | None = None,
    stands: Sequence[bool] | None = None,
    **more: Any,
) -> Record:
    """A record as it is made of a case and an answer, scored."""
    made: dict[str, Any] = {
        "case": case,
        "repeat": 1,
        "cluster": "a.md",
        "asked": case["question"],
        "prediction": predict(answer),
        "answer": answer,
        "stands": list(stands) if stands is not None else [True] * len((answer or {}).get("citations", ())),
        "relevant": 0,
        "hits": [],
        "seconds": {},
    } | more
    scored = Record(**made, scores={}, unscorable={})
    scored["scores"], scored["unscorable"] = score_record(scored, failure)
    return scored


def expect(**scores: float) -> Any:
    """These scores, and None of all others."""
    assert scores.keys() <= NO_SCORES.keys()
    return pytest.approx(NO_SCORES | scores)


# one answer against its gold


def test_a_right_answer_on_record_has_every_measure_of_an_answer_and_of_its_quote() -> None:
    made = record(gold(number=USD), say_short())
    assert made["prediction"] == "$24.2 billion"
    assert made["scores"] == expect(**RIGHT, **CITED_WELL, exact_match=1, numeric_match=1, token_f1=1, figure_support=1)
    assert made["unscorable"] == {}


def test_a_wrong_answer_is_incorrect_though_well_cited() -> None:
    made = record(gold(number=USD), say_short(FIVE_MONTHS, "$9.2 billion"))
    assert made["scores"] == expect(
        answer_match=0, incorrect=1, not_attempted=0, accuracy_given_attempted=0, str_em=0, **CITED_WELL,
        exact_match=0, numeric_match=0, token_f1=0.5, figure_support=1,
    )  # fmt: skip


def test_an_abstention_on_what_is_answered_scores_nothing_and_has_no_accuracy_of_an_attempt() -> None:
    made = record(gold(number=USD), abstain())
    assert made["prediction"] is None
    assert made["scores"] == expect(
        answer_match=0, incorrect=0, not_attempted=1, str_em=0, exact_match=0, numeric_match=0, token_f1=0,
        abstention_precision=0,
    )  # fmt: skip


def test_an_answer_to_what_is_not_answered_is_judged_by_its_quotes_and_as_no_abstention() -> None:
    assert record(unanswerable(), say_short())["scores"] == expect(abstention_recall=0, **CITED_WELL, figure_support=1)


def test_an_abstention_on_what_is_not_answered_is_right() -> None:
    assert record(unanswerable(), abstain())["scores"] == expect(abstention_precision=1, abstention_recall=1)


@pytest.mark.parametrize(
    ("keys", "applies"),
    [
        ({"answers": ["Bonn"]}, {"exact_match", "token_f1"}),
        ({"answers": ["$24.2 billion"], "number": USD}, {"exact_match", "token_f1", "numeric_match"}),
        ({"all_of": [["Bonn"], ["Hest"]]}, set()),
    ],
)
@pytest.mark.parametrize("answer", [say_short(), abstain()])
def test_what_the_gold_is_decides_which_measures_apply(
    keys: dict[str, Any], applies: set[str], answer: dict[str, Any]
) -> None:
    scores = record(gold(**keys), answer)["scores"]
    given = {name for name in ("exact_match", "token_f1", "numeric_match") if scores[name] is not None}
    assert given == applies
    assert scores["answer_match"] is not None
    assert scores["str_em"] is not None


@pytest.mark.parametrize(
    ("text", "match", "share"),
    [
        ("Trams ran in Bonn, ships came to the Port of Hest.", 1, 1),
        ("Trams ran in Bonn, and ships came to Orrick.", 0, 1 / 2),
        ("Ships came to Orrick.", 0, 0),
    ],
)
def test_all_parts_of_an_answer_are_looked_for_in_the_whole_text(text: str, match: float, share: float) -> None:
    first, _, second = text.partition(", ")
    answer = say((f"{first}.", [0]), (second or "It rained.", []), quotes=[first], short="Bonn" if match else None)
    scores = record(gold(all_of=[["Bonn"], ["Hest", "harbour of Hest"]]), answer)["scores"]
    assert (scores["answer_match"], scores["incorrect"]) == (match, 1 - match)
    assert scores["str_em"] == pytest.approx(share)
    assert scores["accuracy_given_attempted"] == match


@pytest.mark.parametrize(
    ("number", "short", "sentence", "match"),
    [
        (USD, "24,200 million dollars", RECORD_YEAR, 1),
        (USD, "€24.2 billion", RECORD_YEAR, 0),
        (USD, "-$24.2 billion", RECORD_YEAR, 0),
        (USD, "24.2 percent", RECORD_YEAR, 0),
        (USD, "$24.3 billion", RECORD_YEAR, 0),
        (USD | {"tolerance": 100_000_000}, "$24.3 billion", RECORD_YEAR, 1),
        (USD | {"tolerance": 99_000_000}, "$24.3 billion", RECORD_YEAR, 0),
        (USD | {"period": "2021"}, "24,200 million dollars", RECORD_YEAR, 1),
        (USD | {"period": "2020"}, "24,200 million dollars", RECORD_YEAR, 0),
        (USD | {"period": "2020"}, "24,200 million dollars", "It was 24,200 million dollars.", 1),
        ({"value": 45, "unit": "projects"}, "45", "There are 45 projects.", 1),
        ({"value": 45, "unit": "projects"}, "forty-five", "There are forty-five.", 1),
        ({"value": 4.5, "unit": "percent"}, "4.5%", "It rose 4.5%.", 1),
        ({"value": 4.5, "unit": "percent"}, "4.5 percentage points", "It rose 4.5 percentage points.", 0),
    ],
)
def test_a_figure_is_right_by_value_unit_tolerance_and_period(
    number: dict[str, Any], short: str, sentence: str, match: float
) -> None:
    case = gold(answers=["as said"], number=number)
    scores = record(case, say((sentence, [0]), quotes=[sentence], short=short))["scores"]
    assert (scores["numeric_match"], scores["answer_match"], scores["exact_match"]) == (match, match, 0)


def test_the_period_of_a_short_answer_is_that_of_the_statement_it_stands_in() -> None:
    case = gold(number=USD | {"period": "2021"})
    answer = say(("In 2022 growth was slow.", []), (RECORD_YEAR, [0]), quotes=[RECORD_YEAR], short="$24.2 billion")
    assert record(case, answer)["scores"]["numeric_match"] == 1
    other = record(gold(number=USD | {"period": "2022"}), answer)["scores"]
    assert (other["numeric_match"], other["exact_match"]) == (0, 1)


def test_without_a_short_answer_the_first_sentence_is_what_is_compared() -> None:
    answer = say((RECORD_YEAR, [0]), (FIVE_MONTHS, [1]), quotes=[RECORD_YEAR, FIVE_MONTHS])
    assert record(gold(), answer)["prediction"] == RECORD_YEAR
    assert record(gold(), answer)["scores"]["answer_match"] == 0  # four words more than the answer are no sentence
    assert record(gold(number=USD), answer)["scores"]["answer_match"] == 1
    assert record(gold(answers=["$9.2 billion"]), answer)["scores"]["answer_match"] == 0


@pytest.mark.parametrize(
    ("answer", "predicted"),
    [
        (None, None),
        (abstain(), None),
        (abstain(short="$24.2 billion"), None),
        (say_short(), "$24.2 billion"),
        (say_short(short=None), RECORD_YEAR),
        (say(("It rained.", []), (RECORD_YEAR, [0]), quotes=[RECORD_YEAR]), "It rained."),
        (say() | {"text": "Words [1] alone"}, "Words alone"),
    ],
)
def test_what_is_compared_is_the_span_that_answers_or_the_first_sentence(
    answer: dict[str, Any] | None, predicted: str | None
) -> None:
    assert predict(answer) == predicted


# citations

PAID = ("In 2021 the port paid $5 million.", "In 2031 the port paid $6 million.")
FAIR = "The fair opened in Orrick."
MODELS_ANSWER = say(
    (RECORD_YEAR, [0]),  # supported: 1 of 1 citation is needed
    ("Trade stood at $24.2 billion in 2021, it was said.", [0, 3]),  # supported by the first alone: 1 of 2
    ("The port paid $5 million in 2021 and $6 million in 2031.", [1, 2]),  # by both together only: 2 of 2
    ("The fair opened in Orrick in 1999.", [3]),  # not supported: 0 of 1
    ("It rained.", []),  # not cited
    quotes=[RECORD_YEAR, *PAID, FAIR],
    mode="model",
)


def test_citation_recall_and_precision_of_a_models_answer_are_those_of_alce() -> None:
    scores = record(unanswerable(), MODELS_ANSWER)["scores"]
    assert scores["citation_recall"] == pytest.approx(3 / 5)
    assert scores["citation_precision"] == pytest.approx((1 + 1 + 2 + 0) / (1 + 2 + 2 + 1))
    assert scores["quote_validity"] == 1


def test_figures_are_counted_over_all_statements() -> None:
    # $24.2 billion, 2021; the same; $5 million, 2021, $6 million, 2031; 1999, which is nowhere
    scores = record(unanswerable(), MODELS_ANSWER)["scores"]
    assert scores["figure_support"] == pytest.approx((2 + 2 + 4 + 0) / (2 + 2 + 4 + 1))


def test_a_figure_that_no_quote_of_its_own_statement_has_is_unsupported() -> None:
    quotes = [RECORD_YEAR, FAIR]
    answer = say(("Trade rose by 7 percent.", [0]), ("It stood at $24.2 billion.", [1]), (FAIR, [1]), quotes=quotes)
    assert record(unanswerable(), answer)["scores"]["figure_support"] == 0
    uncited = say(("It stood at $24.2 billion.", []), quotes=[])
    assert record(unanswerable(), uncited)["scores"]["figure_support"] == 0


def test_an_answer_without_figures_has_no_support_of_figures() -> None:
    scores = record(gold(answers=["Orrick"]), say_short(FAIR, "Orrick"))["scores"]
    assert scores["figure_support"] is None
    assert scores["citation_recall"] == 1


def test_an_answer_without_any_citation_has_no_precision_but_no_recall_of_1_either() -> None:
    scores = record(gold(), say(("It rained.", []), ("It snowed.", [])))["scores"]
    assert (scores["citation_recall"], scores["citation_precision"], scores["quote_validity"]) == (0, None, None)


def test_a_quote_that_does_not_stand_bears_nothing_out() -> None:
    answer = say((RECORD_YEAR, [0]), (FAIR, [1]), (FAIR, [0, 1]), quotes=[RECORD_YEAR, FAIR])
    scores = record(gold(), answer, stands=[False, True])["scores"]
    assert scores["quote_validity"] == 1 / 2
    assert scores["citation_recall"] == pytest.approx(1 / 3)
    assert scores["citation_precision"] == pytest.approx(1 / 4)


# passages

RANKED = hits([], [1], [], [2], [1], [], [], [], [], [], [3])
EVIDENCE = [{"article": "a.md", "quote": str(part), "part": part} for part in (1, 2, 3)]


def test_measures_of_a_ranking_look_at_ten_passages() -> None:
    made = record(gold(evidence=EVIDENCE), None, relevant=4, hits=RANKED)
    gain = 1 / math.log2(3) + 1 / math.log2(5) + 1 / math.log2(6)
    best = 1 + 1 / math.log2(3) + 1 / math.log2(4) + 1 / math.log2(5)
    assert made["scores"] == expect(
        **{"hits@1": 0, "hits@5": 1, "hits@10": 1, "mrr@10": 1 / 2, "map@10": (1 / 2 + 2 / 4 + 3 / 5) / 4},
        **{"recall@10": 3 / 4, "ndcg@10": gain / best, "evidence_recall@10": 2 / 3},
    )


def test_evidence_that_was_not_found_is_a_miss_and_none_is_not_applicable() -> None:
    missed = record(gold(evidence=EVIDENCE[:1]), None, relevant=1, hits=hits([], []))
    assert missed["scores"] == expect(**dict.fromkeys(RANKING, 0))
    assert record(gold(evidence=EVIDENCE[:1]), None, relevant=1)["scores"] == expect(**dict.fromkeys(RANKING, 0))
    for case in (gold(), unanswerable()):
        assert record(case, None, hits=hits([], []))["scores"] == expect()


def test_a_record_whose_new_label_has_no_evidence_has_no_measure_of_its_ranking() -> None:
    for case in (unanswerable(), gold()):
        assert record(case, None, relevant=1, hits=hits([1]))["scores"] == expect()


def test_a_part_that_is_not_named_is_the_first() -> None:
    made = record(gold(evidence=[{"article": "a.md", "quote": "x"}]), None, relevant=1, hits=hits([1]))
    assert made["scores"]["evidence_recall@10"] == 1


@pytest.mark.parametrize("answer", [None, say_short(), abstain()])
@pytest.mark.parametrize("failure", [None, "the model failed"])
def test_of_a_case_that_asks_for_passages_only_nothing_else_is_measured(
    answer: dict[str, Any] | None, failure: str | None
) -> None:
    case = gold(retrieval_only=True, evidence=[{"article": "a.md"}])
    made = record(case, answer, failure=failure, relevant=1, hits=hits([1]))
    assert made["scores"] == expect(**dict.fromkeys(RANKING, 1))
    assert made["unscorable"] == {}
    means = average([made | {"answer": answer and answer | {"score": 0.9}}])
    told = {name for name, mean in means.items() if mean.n or mean.unscorable}
    assert told == set(RANKING)
    assert confidence_outcomes([made]) == []


# what cannot be scored


@pytest.mark.parametrize(
    ("case", "unscored"),
    [
        (gold(), {"answer_match", "incorrect", "not_attempted", "str_em", "exact_match", "token_f1"}),
        (
            gold(number=USD),
            {"answer_match", "incorrect", "not_attempted", "str_em", "exact_match", "token_f1", "numeric_match"},
        ),
        (gold(all_of=["Bonn"]), {"answer_match", "incorrect", "not_attempted", "str_em"}),
        (unanswerable(), {"abstention_recall", "abstention_f1"}),
    ],
)
@pytest.mark.parametrize("answer", [say_short(), abstain()])
def test_an_answer_that_cannot_be_scored_has_a_reason_in_place_of_each_score(
    case: dict[str, Any], unscored: set[str], answer: dict[str, Any]
) -> None:
    found = {"relevant": 1, "hits": hits([1])} if case["answerable"] else {}
    made = record(case | {"evidence": EVIDENCE[:1]}, answer, failure="127.0.0.1 is on fire", **found)
    assert made["unscorable"] == dict.fromkeys(unscored, "127.0.0.1 is on fire")
    assert made["scores"] == expect(**dict.fromkeys(RANKING, 1) if found else {})
    assert find_failure(made) == "127.0.0.1 is on fire"


def test_a_record_that_was_scored_has_no_failure() -> None:
    assert find_failure(record(gold(), say_short())) is None


def test_what_cannot_be_scored_is_left_out_of_the_mean_and_counted_apart() -> None:
    good, failed = record(gold(), say_short()), record(gold(), say_short(), failure="on fire", cluster="b.md")
    also = record(unanswerable(), abstain(), failure="on fire", cluster="c.md")
    means = average([good, failed, also])
    assert means["answer_match"] == Measure(1.0, None, None, 1, 1)
    assert means["abstention_recall"] == Measure(None, None, None, 0, 1)
    assert means["abstention_f1"] == Measure(None, None, None, 0, 1)
    assert means["citation_recall"] == Measure(1.0, None, None, 1, 0)
    assert means["accuracy_given_attempted"] == Measure(1.0, None, None, 1, 0)
    assert confidence_outcomes([failed | {"answer": say_short() | {"score": 0.5}}]) == []


# many records


def scored(value: float | None, *, cluster: str, name: str = "token_f1", **changes: Any) -> Record:
    return make_record(scores=NO_SCORES | {name: value}, cluster=cluster, **changes)


def test_a_run_has_every_measure_in_order_and_none_that_applies_to_nothing_is_zero() -> None:
    for records in ([], [record(unanswerable(), None)], [record(gold(), None, hits=hits([]))]):
        means = average(records)
        assert list(means) == list(MEASURES)
        assert set(means.values()) == {Measure(None, None, None, 0)}


def test_a_mean_is_over_the_cases_that_it_applies_to() -> None:
    values = [1.0, None, 0.25, None, 0.25]
    means = average([scored(value, cluster=str(n)) for n, value in enumerate(values)])
    assert (means["token_f1"].mean, means["token_f1"].n) == (0.5, 3)
    assert means["answer_match"] == Measure(None, None, None, 0)


def test_accuracy_given_attempted_is_over_attempts_only() -> None:
    answers = [say_short(), say_short(FIVE_MONTHS, "$9.2 billion"), abstain(), abstain()]
    means = average([record(gold(), answer, cluster=str(n)) for n, answer in enumerate(answers)])
    assert (means["answer_match"].mean, means["answer_match"].n) == (0.25, 4)
    assert (means["accuracy_given_attempted"].mean, means["accuracy_given_attempted"].n) == (0.5, 2)
    assert (means["incorrect"].mean, means["not_attempted"].mean) == (0.25, 0.5)


def test_cases_on_one_article_widen_the_interval() -> None:
    values = [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    alone = average([scored(v, cluster=str(n), name="answer_match") for n, v in enumerate(values)])["answer_match"]
    pairs = average([scored(v, cluster=str(n // 2), name="answer_match") for n, v in enumerate(values)])["answer_match"]
    wilson, clustered = wilson_interval(4, 8), mean_interval(values, [n // 2 for n in range(8)])
    assert clustered is not None
    assert alone == Measure(0.5, wilson.low, wilson.high, 8)
    assert pairs == Measure(0.5, clustered.low, clustered.high, 8)
    assert pairs.high is not None
    assert alone.high is not None
    assert pairs.high - 0.5 > alone.high - 0.5


@pytest.mark.parametrize("values", [[0.3], [1.0], [0.0, 1.0, 1.0], [1.0, 1.0], [0.1, 0.2, 0.9]])
def test_one_article_gives_a_mean_but_no_interval(values: list[float]) -> None:
    records = [scored(value, cluster="a.md") for value in values]
    other = scored(None, cluster="b.md")  # where the measure does not apply the article counts for nothing
    for some in (records, [*records, other]):
        assert average(some)["token_f1"] == Measure(pytest.approx(sum(values) / len(values)), None, None, len(values))


def answered(score: float | None, *, right: bool, **changes: Any) -> Record:
    return (make_record if right else make_wrong)(answer={"score": score}, **changes)


def test_aurc_is_the_mean_risk_over_the_answers_by_confidence() -> None:
    records = [
        answered(0.9, right=True),
        answered(0.8, right=False),
        answered(0.7, right=True),
        make_abstention(),
        answered(None, right=False),
    ]
    risks = [0, 1 / 2, 1 / 3]
    assert average(records)["aurc"] == Measure(pytest.approx(sum(risks) / 3), None, None, 3)
    assert confidence_outcomes(records) == [(0.9, True), (0.8, False), (0.7, True)]


def test_an_answer_to_what_is_not_answered_is_a_wrong_one_among_the_confident() -> None:
    records = [answered(0.5, right=True), make_unanswerable(abstains=False, answer={"score": 0.6})]
    assert average(records)["aurc"].mean == pytest.approx((1 + 1 / 2) / 2)


def test_abstention_f1_is_of_all_cases_together() -> None:
    right = [make_unanswerable(abstains=True)] * 3  # true positives
    missed = [make_unanswerable(abstains=False)] * 2
    needless = [make_abstention()] * 4
    rest = [make_record()] * 5
    means = average([*right, *missed, *needless, *rest])
    assert means["abstention_f1"] == Measure(pytest.approx(2 * 3 / (2 * 3 + 4 + 2)), None, None, 9)
    assert average(rest)["abstention_f1"] == Measure(None, None, None, 0)


def test_without_answers_nothing_is_said_of_abstention() -> None:
    means = average([record(gold(evidence=EVIDENCE), None, relevant=1, hits=hits([1])), record(unanswerable(), None)])
    assert means["abstention_f1"] == means["aurc"] == means["abstention_recall"] == Measure(None, None, None, 0)


# repeats


def tries(id_: str, *scores: float | None, cluster: str | None = None) -> list[Record]:
    """The repeats of a case; None is one that could not be scored."""
    made = [
        scored(score, name="answer_match", cluster=cluster or id_, repeat=repeat, case={"id": id_})
        for repeat, score in enumerate(scores, start=1)
    ]
    for repeat in made:
        if repeat["scores"]["answer_match"] is None:
            repeat["unscorable"] = {"answer_match": "on fire"}
    return made


def test_repeats_of_a_case_give_the_chance_of_any_and_of_all_being_right() -> None:
    records = [*tries("a", 1, 0, 0), *tries("b", 1, 1, 1), *tries("c", 0, 0, 0), *tries("d", 0, 1, 1)]
    means = average(records)
    assert list(means) == [*MEASURES, "pass@3", "pass^3"]
    assert (means["pass@3"].mean, means["pass@3"].n) == (0.75, 4)
    assert (means["pass^3"].mean, means["pass^3"].n) == (0.25, 4)
    assert (means["answer_match"].mean, means["answer_match"].n) == (0.5, 12)


def test_repeats_of_one_case_are_one_cluster() -> None:
    means = average(tries("a", 1, 0, 1))
    assert means["answer_match"] == Measure(pytest.approx(2 / 3), None, None, 3)
    assert means["pass@3"] == Measure(1.0, None, None, 1)


def test_a_case_with_a_repeat_that_could_not_be_scored_has_no_share_of_repeats() -> None:
    means = average([*tries("a", 1, 1), *tries("b", 1, None), *tries("c", 0, 0), *tries("d", None, None)])
    assert (means["pass@2"].mean, means["pass@2"].n) == (0.5, 2)
    assert means["answer_match"].unscorable == 3
    only = average([*tries("a", 1, None), *tries("b", None, 1)])
    assert only["pass@2"] == only["pass^2"] == Measure(None, None, None, 0)


def test_a_run_that_is_stopped_among_its_repeats_counts_the_cases_that_have_them_all() -> None:
    means = average([*tries("a", 1, 1), *tries("b", 0)])
    assert (means["pass^2"].mean, means["pass^2"].n) == (1.0, 1)


def test_a_case_asked_once_and_passages_asked_twice_have_no_share_of_repeats() -> None:
    assert list(average(tries("a", 1) + tries("b", 0))) == list(MEASURES)
    twice = [record(gold(), None, repeat=repeat) for repeat in (1, 2)]
    assert list(average(twice)) == list(MEASURES)


# costs


def usage(sent: int, received: int, cost: float | None = None) -> dict[str, Any]:
    return {"input_tokens": sent, "output_tokens": received, "cost_usd": cost}


@pytest.mark.parametrize(
    ("answer", "costs"),
    [
        (say(mode="model", usage=usage(700, 30, 0.002)), (700, 30, 0.002)),
        (say(mode="model", usage=usage(700, 30)), (700, 30, None)),
        (say(mode="model", usage=usage(700, 0, 0.0)), (700, 0, 0)),
        (abstain(mode="model", usage=usage(700, 6, 0.001)), (700, 6, 0.001)),
        (say(mode="model", usage=usage(0, 0)), (None, None, None)),  # its server did not tell
        (say(mode="extract", usage=usage(0, 0)), (None, None, None)),
        (abstain(mode="extract"), (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_what_a_record_cost_is_what_its_model_used(
    answer: dict[str, Any] | None, costs: tuple[float | None, ...]
) -> None:
    made = record(unanswerable(), answer, seconds={"retrieval": 0.5, "total": 2.5})
    names = ("seconds", "input_tokens", "output_tokens", "cost_usd")
    assert measure_costs(made) == dict(zip(names, (2.5, *costs), strict=True))


def test_a_model_that_failed_costs_nothing_that_is_known() -> None:
    failed = record(gold(), say_short(), failure="on fire", seconds={"total": 60.0})
    assert measure_costs(failed) == {"seconds": 60, "input_tokens": None, "output_tokens": None, "cost_usd": None}


def test_costs_are_averaged_over_the_cases_that_were_asked_of_a_model() -> None:
    records = [
        record(unanswerable(), say(mode="model", usage=usage(700, 30, 0.5)), cluster="a", seconds={"total": 2.0}),
        record(unanswerable(), say(mode="model", usage=usage(900, 10)), cluster="b", seconds={"total": 4.0}),
        record(unanswerable(), abstain(), cluster="c", seconds={"total": 0.0}),
        record(unanswerable(), None, cluster="d"),
    ]
    means = average(records)
    assert (means["input_tokens"].mean, means["input_tokens"].n) == (800, 2)
    assert (means["output_tokens"].mean, means["output_tokens"].n) == (20, 2)
    assert (means["cost_usd"].mean, means["cost_usd"].n) == (0.5, 1)
    assert (means["seconds"].mean, means["seconds"].n) == (2, 3)


def test_without_a_model_no_cost_but_time_is_told() -> None:
    means = average([make_record(), make_wrong(), make_abstention()])
    assert {means[name] for name in ("input_tokens", "output_tokens", "cost_usd")} == {Measure(None, None, None, 0)}
    assert means["seconds"].mean == pytest.approx(0.07)


# a real run, counted again


@pytest.fixture(scope="module")
def archive(sample_workspace: Path) -> Iterator[Archive]:
    with qa.open(sample_workspace) as opened:
        yield opened


@pytest.fixture(scope="module")
def run(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The suite `sample` asked of the sample archive, without a model."""
    return qa.evaluate(archive, "sample", folder=tmp_path_factory.mktemp("scoring") / "run")


@pytest.fixture(scope="module")
def gold_lines(archive: Archive) -> dict[str, dict[str, Any]]:
    lines = load_suite("sample", archive.workspace).gold.read_text(encoding="utf-8").splitlines()
    return {entry["id"]: entry for entry in map(json.loads, lines)}


def plain_words(text: str) -> list[str]:
    """SQuAD's normalisation, written anew."""
    bare = "".join(char for char in text.lower() if char not in string.punctuation)
    return [word for word in re.split(r"\s+", bare) if word not in ("", "a", "an", "the")]


def shared_share(said: str, answer: str) -> float:
    one, other = plain_words(said), plain_words(answer)
    shared = sum(min(one.count(word), other.count(word)) for word in set(one))
    return 2 * shared / (len(one) + len(other))


def recount_answer(made: Record, entry: Mapping[str, Any]) -> dict[str, float | None]:
    """The scores of an answer on record, told from the gold file and the answer alone."""
    answer, said = made["answer"], made["prediction"]
    assert answer is not None
    abstained = answer["status"] == "abstained"
    if not entry["answerable"]:
        return {"abstention_recall": float(abstained), "abstention_precision": 1.0 if abstained else None}
    answers, text = entry["answers"], " ".join(plain_words(re.sub(r"\[\d+\]", "", answer["text"])))
    exact = float(said is not None and any(plain_words(said) == plain_words(other) for other in answers))
    return {
        "exact_match": exact,
        "token_f1": max(shared_share(said, other) for other in answers) if said else 0.0,
        "str_em": float(not abstained and any(" ".join(plain_words(other)) in text for other in answers)),
        "not_attempted": float(abstained),
        "abstention_precision": 0.0 if abstained else None,
        "abstention_recall": None,
    }


def test_the_answers_of_a_real_run_are_scored_as_a_recount_scores_them(
    run: Run, gold_lines: dict[str, dict[str, Any]]
) -> None:
    assert [made["case"]["id"] for made in run.records] == list(gold_lines)
    for made in run.records:
        expected, scores = recount_answer(made, gold_lines[made["case"]["id"]]), made["scores"]
        assert {name: scores[name] for name in expected} == pytest.approx(expected)
        if made["case"]["answerable"]:
            match = scores["answer_match"]
            assert match is not None
            assert match >= (scores["exact_match"] or 0)
            assert match >= (scores["numeric_match"] or 0)
            assert scores["incorrect"] == 1 - match - (scores["not_attempted"] or 0)
            assert scores["accuracy_given_attempted"] == (None if scores["not_attempted"] else match)
            assert (scores["numeric_match"] is None) == ("number" not in gold_lines[made["case"]["id"]])


def test_the_quotes_of_a_real_run_are_scored_as_a_recount_scores_them(run: Run, archive: Archive) -> None:
    by_id = {article.id: article for article in archive.articles()}
    for made in run.records:
        answer, scores = made["answer"], made["scores"]
        assert answer is not None
        names = ("quote_validity", "citation_recall", "citation_precision", "figure_support")
        if answer["status"] == "abstained":
            assert [scores[name] for name in names] == [None] * 4
            continue
        ((citation,), (statement,)) = answer["citations"], answer["statements"]
        text = by_id[citation["article"]["id"]].text
        assert text[citation["start"] : citation["end"]] == citation["quote"]
        assert statement["verdict"] == "supported"
        # a sentence on record is its own quote
        has_figures = bool(find_figures(citation["quote"]))
        assert [scores[name] for name in names] == [1, 1, 1, 1 if has_figures else None]


def test_the_rankings_of_a_real_run_are_scored_as_ir_measures_scores_them(
    run: Run, archive: Archive, gold_lines: dict[str, dict[str, Any]]
) -> None:
    articles, catalog = archive.articles(), archive.desk().retriever.catalog
    qrels, ranked = [], []
    for made in run.records:
        id_ = made["case"]["id"]
        ranked += [ir_measures.ScoredDoc(id_, hit["passage"], -place) for place, hit in enumerate(made["hits"])]
        for evidence in gold_lines[id_]["evidence"]:
            (article,) = [a for a in articles if a.source.endswith(f"/{evidence['article']}")]
            start = article.text.index(evidence["quote"])
            for passage in catalog.article_passages(article.id):
                here = range(max(passage.start, start), min(passage.end, start + len(evidence["quote"])))
                if 2 * len(here) >= len(evidence["quote"]):
                    qrels.append(ir_measures.Qrel(id_, passage.id, 1))
    measures = {
        "hits@1": Success @ 1, "hits@5": Success @ 5, "hits@10": Success @ 10, "mrr@10": RR @ 10, "map@10": AP @ 10,
        "recall@10": R @ 10, "ndcg@10": nDCG @ 10,
    }  # fmt: skip
    found = {(m.query_id, m.measure): m.value for m in ir_measures.iter_calc(measures.values(), qrels, ranked)}
    with_evidence = {qrel.query_id for qrel in qrels}
    assert len(with_evidence) == 60
    for made in run.records:
        id_ = made["case"]["id"]
        for name, measure in measures.items():
            expected = found[id_, measure] if id_ in with_evidence else None
            assert made["scores"][name] == pytest.approx(expected)
        assert made["scores"]["evidence_recall@10"] == made["scores"]["hits@10"]  # all evidence there is one part


def test_the_means_of_a_real_run_are_those_of_its_records(run: Run) -> None:
    assert len(run.records) == 91
    for name in SCORES:
        values = [score for made in run.records if (score := made["scores"][name]) is not None]
        measure = run.measures[name]
        assert (measure.n, measure.unscorable) == (len(values), 0)
        assert measure.mean == pytest.approx(sum(values) / len(values))
        assert measure.low is not None
        assert measure.high is not None
        assert measure.low <= measure.mean <= measure.high
    told = [(made["case"]["answerable"], made["prediction"] is None) for made in run.records]
    both, either = told.count((False, True)), sum(abstained or not answerable for answerable, abstained in told)
    abstentions = sum(abstained for _, abstained in told)
    questions = sum(not answerable for answerable, _ in told)
    f1 = run.measures["abstention_f1"]
    assert (f1.mean, f1.n) == (pytest.approx(2 * both / (abstentions + questions)), either)
    given = [m for m in run.records if m["prediction"] is not None]
    sure = [(m["answer"]["score"], m["scores"]["answer_match"] == 1) for m in given if m["answer"]]
    risks = [[not right for score, right in sure if score >= least] for least, _ in sure]
    aurc = sum(sum(wrong) / len(wrong) for wrong in risks) / len(risks)
    assert (run.measures["aurc"].mean, run.measures["aurc"].n) == (pytest.approx(aurc), len(given))


def test_a_run_is_read_back_as_it_was(run: Run) -> None:
    again = load_run(run.folder)
    assert (again.measures, again.gates, again.records) == (run.measures, run.gates, run.records)
    assert again.passed == run.passed


def test_scoring_a_real_run_twice_gives_the_same(run: Run) -> None:
    for made in run.records:
        assert score_record(made, find_failure(made)) == (made["scores"], made["unscorable"])


def test_a_run_with_gates_of_another_form_is_refused(tmp_path: Path) -> None:
    manifest = {"suite": "s", "system": "full", "model": None, "started": "2031-07-05", "gate_results": [{"x": 1}]}
    (tmp_path / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / "records.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(ContentError, match="has gates that this version cannot read"):
        load_run(tmp_path)


def test_a_models_answers_in_a_real_run_are_scored_with_their_costs(archive: Archive, tmp_path: Path) -> None:
    replies = ["In 2021 trade stood at $24.2 billion [1]. It was wet in Bonn [2].", "NOT IN THESE ARTICLES"]
    options = qa.RunOptions(cases=("sample-001", "sample-002"))
    made = qa.evaluate(archive, "sample", options=options, model=ScriptedChat(replies), folder=tmp_path / "run")
    right, abstained = made.records
    assert (right["scores"]["answer_match"], right["scores"]["citation_recall"]) == (1, 1 / 2)
    assert (abstained["scores"]["not_attempted"], abstained["scores"]["citation_recall"]) == (1, None)
    assert made.measures["output_tokens"] == Measure((14 + 4) / 2, None, None, 2)
    assert made.measures["cost_usd"] == Measure(None, None, None, 0)
    assert set(GATED) < set(made.measures)
