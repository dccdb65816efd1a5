"""Two runs compared: held against scipy's tests, and against what a reader must be told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_maker import make_abstention, make_answer, make_many, make_record, make_run, make_unanswerable, make_wrong
from scipy import stats as scipy_stats

from qa.compare import ALPHA, COMPARED, COSTS, Change, Comparison, compare_measure, compare_runs
from qa.errors import ContentError
from qa.measures import MEASURES, SCORES
from qa.paired import RESAMPLES, holm, mcnemar_exact, paired_bootstrap, smallest_difference
from qa.run_folder import Record, Run
from qa.stats import SEED

N = 60

Column = Sequence[float | None]


def _run(name: str, records: Sequence[Record], **manifest: Any) -> Run:
    return make_run(Path(name), records, manifest=manifest)


def _records(
    columns: Mapping[str, Column], *, clusters: Sequence[str] | None = None, repeat: int = 1, first: int = 0
) -> list[Record]:
    """A record for each place of the columns, with these scores and no other."""
    n = len(next(iter(columns.values())))
    return [
        make_record(
            case={"id": f"c-{first + place:03d}"},
            cluster=clusters[place] if clusters else f"article-{first + place}",
            repeat=repeat,
            scores=dict.fromkeys(SCORES) | {name: column[place] for name, column in columns.items()},
        )
        for place in range(n)
    ]


def _compare(a: Mapping[str, Column], b: Mapping[str, Column], clusters: Sequence[str] | None = None) -> Comparison:
    return compare_runs(_run("a", _records(a, clusters=clusters)), _run("b", _records(b, clusters=clusters)))


def _find(comparison: Comparison, name: str) -> Change:
    return next(change for change in comparison.changes if change.name == name)


def _effect(size: float, *, n: int = N, seed: int = 3) -> tuple[list[float], list[float]]:
    """Scores of a system, and those of another that is better by `size` in the mean, but not in every case."""
    random = np.random.default_rng(seed)
    before = random.uniform(0.2, 0.6, size=n)
    return before.tolist(), (before + random.normal(size, 0.2, size=n)).clip(0, 1).tolist()


def _answers(only_a: int, only_b: int, both: int = 20) -> tuple[list[float], list[float]]:
    a = [1.0] * only_a + [0.0] * only_b + [1.0] * both
    return a, [0.0] * only_a + [1.0] * only_b + [1.0] * both


# the tests


def test_the_interval_of_a_known_effect_is_that_of_scipys_paired_bootstrap() -> None:
    """The same method, resamples and seed: equal to 1e-12."""
    a, b = _effect(0.1)
    known = scipy_stats.bootstrap(
        (np.array(a), np.array(b)),
        lambda a, b, axis: np.mean(b - a, axis=axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(SEED),
    )
    draws = known.bootstrap_distribution
    change = _find(_compare({"token_f1": a}, {"token_f1": b}), "token_f1")
    assert change.low == pytest.approx(known.confidence_interval.low, rel=0, abs=1e-12)
    assert change.high == pytest.approx(known.confidence_interval.high, rel=0, abs=1e-12)
    assert change.p == pytest.approx(max(2 * np.mean(draws <= 0), 1 / (RESAMPLES + 1)), abs=1e-12)
    assert (change.a, change.b) == pytest.approx((np.mean(a), np.mean(b)), abs=1e-12)
    assert change.difference == pytest.approx(np.mean(b) - np.mean(a), abs=1e-12)
    assert (change.n, change.test, change.words) == (N, "paired bootstrap", "B is better")
    assert 0 < change.low < 0.1 < change.high


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (1, 0), (2, 7), (14, 3), (9, 9), (0, 12)])
def test_independent_answers_of_0_or_1_get_the_p_of_scipys_binomial_test(only_a: int, only_b: int) -> None:
    a, b = _answers(only_a, only_b)
    change = _find(_compare({"answer_match": a}, {"answer_match": b}), "answer_match")
    differing = only_a + only_b
    known = scipy_stats.binomtest(only_b, differing, 0.5).pvalue if differing else 1.0
    assert change.test == "exact McNemar"
    assert change.p == pytest.approx(known, rel=1e-12)
    assert change.difference == pytest.approx((only_b - only_a) / len(a), abs=1e-12)


def test_mcnemar_has_the_interval_of_scipys_bootstrap_too() -> None:
    a, b = _answers(4, 13, both=N - 17)
    change = _find(_compare({"hits@1": a}, {"hits@1": b}), "hits@1")
    known = scipy_stats.bootstrap(
        (np.array(b) - np.array(a),), np.mean, method="percentile", n_resamples=RESAMPLES, rng=SEED
    ).confidence_interval
    assert (change.test, change.low, change.high) == (
        "exact McNemar",
        pytest.approx(known.low, rel=0, abs=1e-12),
        pytest.approx(known.high, rel=0, abs=1e-12),
    )


def test_cases_on_one_article_are_drawn_together() -> None:
    a, b = _answers(4, 13, both=N - 17)
    clusters = [f"article-{place // 3}" for place in range(N)]
    change = _find(_compare({"answer_match": a}, {"answer_match": b}, clusters), "answer_match")
    known = paired_bootstrap([y - x for x, y in zip(a, b, strict=True)], clusters)
    alone = _find(_compare({"answer_match": a}, {"answer_match": b}), "answer_match")
    assert (change.low, change.high, change.p, change.n) == (known.low, known.high, known.p, N)
    assert change.test == "paired bootstrap"
    assert change.high - change.low > alone.high - alone.low


@pytest.mark.parametrize(
    ("name", "clusters", "repeats", "test"),
    [
        ("answer_match", None, 1, "exact McNemar"),
        ("abstention_recall", None, 1, "exact McNemar"),
        ("token_f1", None, 1, "paired bootstrap"),
        ("recall@10", None, 1, "paired bootstrap"),  # 0 or 1 here, but a share
        ("answer_match", ["one", "one", *"abcdef"], 1, "paired bootstrap"),
        ("answer_match", None, 2, "paired bootstrap"),
    ],
)
def test_mcnemar_is_only_for_one_independent_answer_of_0_or_1_a_case(
    name: str, clusters: list[str] | None, repeats: int, test: str
) -> None:
    a = _records({name: [0.0] * 8}, clusters=clusters)
    b = [
        record
        for repeat in range(1, repeats + 1)
        for record in _records({name: [1.0] * 5 + [0.0] * 3}, clusters=clusters, repeat=repeat)
    ]
    assert _find(compare_runs(_run("a", a), _run("b", b)), name).test == test


@pytest.mark.parametrize("cases", [2, 3, 5])
def test_a_few_cases_that_all_get_better_are_no_proof(cases: int) -> None:
    """Every draw of the bootstrap lies above zero; but signs alone come out so in one of 2^(n−1) comparisons."""
    change = _find(_compare({"token_f1": [0.1] * cases}, {"token_f1": [0.3, 0.4, 0.5, 0.6, 0.7][:cases]}), "token_f1")
    assert change.low > 0
    assert change.p == 0.5 ** (cases - 1) > ALPHA
    assert change.words.startswith("no difference shown")


def test_many_cases_on_few_articles_are_no_proof_either() -> None:
    clusters = [f"article-{place % 4}" for place in range(40)]
    change = _find(_compare({"token_f1": [0.1] * 40}, {"token_f1": [0.3] * 40}, clusters), "token_f1")
    assert (change.p, change.words) == (0.125, "no difference shown (too few cases to show any)")


def test_what_only_a_difference_beyond_all_bounds_could_show_cannot_be_shown() -> None:
    """Two cases so far apart that their mean would have to differ by 2.7, which no share can."""
    change = _find(_compare({"token_f1": [1.0, 0.0]}, {"token_f1": [0.0, 0.9]}), "token_f1")
    assert smallest_difference([-1.0, 0.9]) == pytest.approx(2.66, abs=0.01)
    assert (change.smallest, change.words) == (None, "no difference shown (too few cases to show any)")


# the family


def _twelve(names: Sequence[str]) -> tuple[dict[str, Column], dict[str, Column]]:
    """Of the first measure 12 cases differ, all one way but two; of the others one case does."""
    a, b = _answers(2, 10)
    barely = [1 - a[0], *a[1:]]
    return dict.fromkeys(names, a), {name: b if name == names[0] else barely for name in names}


def test_p_is_adjusted_over_all_measures_but_costs() -> None:
    a, b = _run("a", make_many(seed=1)), _run("b", make_many(seed=2))
    comparison = compare_runs(a, b)
    scores = [change for change in comparison.changes if change.name not in COSTS]
    costs = [change for change in comparison.changes if change.name in COSTS]
    moved = [change for change in scores if change.words != "the same in every case"]
    assert {change.name: change.p_adjusted for change in moved} == holm({change.name: change.p for change in moved})
    assert [change.p_adjusted for change in costs] == [change.p for change in costs]
    assert len(scores) > 5
    assert [change.name for change in costs] == ["seconds"]


def test_words_follow_the_adjusted_p() -> None:
    """12 cases that differ, 10 of them for B: p is 0.039 alone, 0.077 as one of two."""
    alone = _find(_compare(*_twelve(["answer_match"])), "answer_match")
    among = _find(_compare(*_twelve(["answer_match", "hits@1"])), "answer_match")
    assert (alone.p, among.p) == (pytest.approx(0.0386, abs=1e-4),) * 2
    assert (alone.words, among.p_adjusted) == ("B is better", 2 * among.p)
    assert among.words.startswith("no difference shown (could show ± 0.")
    assert among.low > 0


def test_what_could_be_shown_is_at_the_level_that_the_family_asks_for() -> None:
    a, b = _effect(0.0)
    differences = [y - x for x, y in zip(a, b, strict=True)]
    alone = _find(_compare({"token_f1": a}, {"token_f1": b}), "token_f1")
    among = _find(_compare({"token_f1": a, "mrr@10": a}, {"token_f1": b, "mrr@10": b}), "token_f1")
    assert alone.smallest == smallest_difference(differences)
    assert among.smallest == smallest_difference(differences, alpha=ALPHA / 2)
    assert alone.smallest < among.smallest < 0.2


def test_a_measure_that_is_the_same_in_every_case_costs_the_others_nothing() -> None:
    a, b = _twelve(["answer_match"])
    same = {"hits@1": a["answer_match"], "hits@5": a["answer_match"]}
    change = _find(_compare(a | same, b | same), "answer_match")
    assert (change.p_adjusted, change.words) == (change.p, "B is better")


def test_one_measure_is_compared_without_the_others() -> None:
    a, b = (
        _run(name, _records(columns)) for name, columns in zip("ab", _twelve(["answer_match", "hits@1"]), strict=True)
    )
    change = compare_measure(a, b, "answer_match")
    assert change is not None
    assert change.p_adjusted == change.p == _find(compare_runs(a, b), "answer_match").p
    assert change.words == "B is better"
    assert compare_measure(a, b, "numeric_match") is None


# words


@pytest.mark.parametrize(
    ("name", "only_a", "only_b", "words"),
    [
        ("answer_match", 1, 15, "B is better"),
        ("answer_match", 15, 1, "B is worse"),
        ("incorrect", 1, 15, "B is worse"),
        ("incorrect", 15, 1, "B is better"),
        ("not_attempted", 15, 1, "B is better"),
        ("answer_match", 0, 0, "the same in every case"),
        ("answer_match", 3, 3, "no difference shown (could show ± 0.27)"),
    ],
)
def test_words_say_which_is_better_in_the_direction_of_the_measure(
    name: str, only_a: int, only_b: int, words: str
) -> None:
    a, b = _answers(only_a, only_b)
    assert _find(_compare({name: a}, {name: b}), name).words == words


def test_what_could_be_shown_is_rounded_up() -> None:
    a, b = _effect(0.0, n=2_000)
    change = _find(_compare({"token_f1": a}, {"token_f1": b}), "token_f1")
    assert change.smallest == pytest.approx(2.8 * 0.2 / 2_000**0.5, rel=0.05)  # 0.012
    assert change.words == "no difference shown (could show ± 0.02)"


def _with_costs(records: Sequence[Record], *, seconds: float, tokens: float, cost: float) -> list[Record]:
    usage = {"input_tokens": 1_000 * tokens, "output_tokens": 10 * tokens, "cost_usd": cost}
    return [
        make_record(
            case=record["case"],
            cluster=record["cluster"],
            answer={"mode": "model", "usage": {name: value * (1 + place % 5) for name, value in usage.items()}},
            seconds={"total": seconds * (1 + place % 7)},
        )
        for place, record in enumerate(records)
    ]


def test_costs_are_more_or_less_and_never_better_or_worse() -> None:
    records = _records({"answer_match": [1.0] * 40})
    cheap = _run("cheap", _with_costs(records, seconds=0.1, tokens=1, cost=0.01))
    dear = _run("dear", _with_costs(records, seconds=0.3, tokens=2, cost=0.05))
    more, less, same = (
        [change.words for change in compare_runs(*pair).changes if change.name in COSTS]
        for pair in ((cheap, dear), (dear, cheap), (cheap, cheap))
    )
    assert more == ["B is slower", "B reads more", "B writes more", "B costs more"]
    assert less == ["B is faster", "B reads fewer", "B writes fewer", "B costs less"]
    assert same == ["the same in every case"] * 4


def test_a_cost_whose_interval_holds_zero_is_no_difference() -> None:
    records = _records({"answer_match": [1.0] * 40})
    slow = [make_record(case=r["case"], cluster=r["cluster"], seconds={"total": 1.0}) for r in records]
    mixed = [
        make_record(case=r["case"], cluster=r["cluster"], seconds={"total": 0.5 + place % 2})
        for place, r in enumerate(records)
    ]
    change = _find(compare_runs(_run("slow", slow), _run("mixed", mixed)), "seconds")
    assert change.low < 0 < change.high
    assert change.words == "no difference shown"


@settings(max_examples=25)
@given(st.lists(st.tuples(*[st.sampled_from([0.0, 0.25, 1.0])] * 2), min_size=2, max_size=12))
def test_the_other_way_round_every_difference_has_the_other_sign(scores: list[tuple[float, float]]) -> None:
    a, b = (list(column) for column in zip(*scores, strict=True))
    there = _find(_compare({"token_f1": a}, {"token_f1": b}), "token_f1")
    back = _find(_compare({"token_f1": b}, {"token_f1": a}), "token_f1")
    swapped = {"B is better": "B is worse", "B is worse": "B is better"}
    assert (back.difference, back.low, back.high) == pytest.approx(
        (-there.difference, -there.high, -there.low), abs=1e-12
    )
    assert back.p == there.p
    assert back.words == swapped.get(there.words, there.words)


def test_a_run_is_the_same_as_itself_in_every_case() -> None:
    run = _run("a", make_many())
    comparison = compare_runs(run, run)
    assert {change.words for change in comparison.changes} == {"the same in every case"}
    assert {(change.low, change.difference, change.high, change.p) for change in comparison.changes} == {(0, 0, 0, 1)}
    assert (comparison.flips, comparison.differs, comparison.cases) == ((), (), 40)


# which cases


def test_a_case_counts_only_where_both_runs_have_a_score() -> None:
    comparison = _compare(
        {"answer_match": [1.0, 1.0, 0.0, 1.0], "numeric_match": [1.0, None, None, None]},
        {"answer_match": [None, 0.0, 0.0, 1.0], "numeric_match": [1.0, 0.0, None, None]},
    )
    change = _find(comparison, "answer_match")
    assert (change.n, change.a, change.b) == (3, pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert [change.name for change in comparison.changes] == ["answer_match", "seconds"]
    assert comparison.cases == 4


def test_what_could_not_be_scored_is_left_out_and_counted() -> None:
    a = _records({"answer_match": [1.0] * 6, "hits@1": [1.0] * 6})
    b = _records({"answer_match": [None, None, 0.0, 1.0, 1.0, 1.0], "hits@1": [0.0] * 6})
    for record in b[:2]:
        record["unscorable"] = {"answer_match": "the model did not answer"}
    comparison = compare_runs(_run("a", a), _run("b", b))
    assert (_find(comparison, "answer_match").n, _find(comparison, "hits@1").n) == (4, 6)
    assert comparison.notes[0] == "Cases with an answer that could not be scored, and is left out: 0 in A, 2 in B."


def test_a_case_that_was_repeated_has_the_mean_of_its_repeats() -> None:
    a = _records({"answer_match": [1.0, 0.0, 0.0]})
    b = [
        record
        for repeat, column in enumerate(([1.0, 1.0, 0.0], [0.0, 1.0, None], [0.0, 1.0, 1.0]), start=1)
        for record in _records({"answer_match": column}, repeat=repeat)
    ]
    change = _find(compare_runs(_run("a", a), _run("b", b)), "answer_match")
    assert (change.n, change.test) == (3, "paired bootstrap")
    assert change.b == pytest.approx((1 / 3 + 1 + 1 / 2) / 3)


def test_runs_of_different_selections_are_compared_over_the_cases_they_share() -> None:
    whole = _run("whole", _records({"hits@1": [1.0] * 9}))
    part = _run("part", _records({"hits@1": [0.0] * 4}, first=6), selection={"limit": 4})
    comparison = compare_runs(whole, part)
    assert (comparison.cases, _find(comparison, "hits@1").n) == (3, 3)
    assert comparison.differs == ("selection.limit: none → 4", "cases: 6 only in A, 1 only in B")


def test_differs_names_settings_and_nothing_that_came_of_the_run() -> None:
    records = _records({"hits@1": [1.0] * 3})
    a = _run("a", records, settings={"effort": "low"}, measures={"hits@1": 1}, gates=[1], day="2031-07-05")
    b = _run("b", records, settings={"effort": "high"}, model="small-model", seconds=99, partial="stopped", cases=3)
    assert compare_runs(a, b).differs == ("model: none → small-model", "settings.effort: low → high")


def test_abstention_precision_is_not_compared_for_no_pair_can_differ_in_it() -> None:
    """B abstains from far too much; but where both abstain, both are right or both are wrong."""
    a = [make_unanswerable(abstains=True, case={"id": f"u-{n}"}) for n in range(3)]
    a += [make_record(case={"id": f"c-{n}"}) for n in range(9)]
    b = a[:3] + [make_abstention(case=record["case"]) for record in a[3:]]
    names = [change.name for change in compare_runs(_run("a", a), _run("b", b)).changes]
    assert "abstention_recall" in names
    assert "abstention_precision" not in names
    assert set(COMPARED) == set(SCORES) - {"abstention_precision"} | set(COSTS)


@pytest.mark.parametrize("name", ["suite", "gold_sha256", "archive_sha256"])
def test_runs_over_other_data_are_refused_and_what_differs_is_named(name: str) -> None:
    records = _records({"hits@1": [1.0] * 3})
    with pytest.raises(ContentError, match=rf"different data.*{name}: \S+ → other"):
        compare_runs(_run("a", records), _run("b", records, **{name: "other"}))


def test_runs_without_a_case_in_common_are_refused() -> None:
    a, b = _run("monday", _records({"hits@1": [1.0] * 3})), _run("friday", _records({"hits@1": [1.0] * 2}, first=3))
    with pytest.raises(ContentError, match="monday and friday have no case in common: 3 and 2 were asked"):
        compare_runs(a, b)
    with pytest.raises(ContentError, match="no case in common"):
        compare_measure(a, b, "hits@1")


def test_intervals_of_few_cases_or_articles_are_said_to_be_too_narrow() -> None:
    many, few = [1.0] * 40, [1.0] * 12 + [None] * 28
    note = "Fewer than 30 independent cases or articles, so too narrow an interval: "
    assert _compare({"hits@1": many}, {"hits@1": many}).notes == ()
    some = _compare({"hits@1": many, "token_f1": few}, {"hits@1": many, "token_f1": few})
    assert some.notes == (f"{note}token_f1.",)
    on_two_articles = _compare({"hits@1": many}, {"hits@1": many}, ["one", "two"] * 20)
    assert on_two_articles.notes == (f"{note}every measure.",)


def test_seconds_of_runs_with_other_concurrency_are_said_not_to_compare() -> None:
    records = _records({"hits@1": [1.0] * 40})
    comparison = compare_runs(_run("a", records, concurrency=1), _run("b", records, concurrency=4))
    assert comparison.notes == (
        "A and B were asked different numbers of cases at a time, so their seconds cannot be compared.",
    )


# flips


def _flips(a: Sequence[Record], b: Sequence[Record]) -> list[tuple[str, str]]:
    return [(flip.id, flip.better) for flip in compare_runs(_run("a", a), _run("b", b)).flips]


def test_cases_that_turned_are_shown_with_both_answers() -> None:
    cases = [{"id": id_} for id_ in ("c-1", "c-2", "c-3", "c-4", "c-5")]
    a = [
        make_record(case=cases[0]),
        make_wrong(case=cases[1]),
        make_unanswerable(abstains=True, case=cases[2]),
        make_abstention(case=cases[3]),
        make_wrong(case=cases[4]),
    ]
    b = [
        make_abstention(case=cases[0]),
        make_record(case=cases[1]),
        make_unanswerable(abstains=False, case=cases[2]),
        make_wrong(case=cases[3]),
        make_wrong(case=cases[4]),
    ]
    lost, gained, answered = compare_runs(_run("a", a), _run("b", b)).flips
    assert (lost.id, gained.id, answered.id) == ("c-1", "c-2", "c-3")
    assert (lost.better, gained.better, answered.better) == ("a", "b", "a")
    assert (lost.question, lost.gold) == ("What was trade turnover in 2021?", "$24.2 billion | 24,200 million dollars")
    assert lost.a.startswith("$24.2 billion — At the end of 2021 trade")
    assert lost.b == answered.a == "abstained"
    assert answered.gold == "not in these articles"
    assert answered.b.startswith("$9.2 billion — From January")


def test_an_answer_that_is_one_sentence_is_not_said_twice() -> None:
    said = make_answer(text="It rose. [1]", short=None)
    a = [make_record(case={"id": id_}, answer=said, prediction="It rose.") for id_ in "xy"]
    b = [make_wrong(case={"id": id_}) for id_ in "xy"]
    flip = compare_runs(_run("a", a), _run("b", b)).flips[0]
    assert flip.a == "It rose. [1]"


def test_an_answer_of_several_parts_is_shown_with_all_of_them() -> None:
    case = {"id": "x", "answers": [], "all_of": [["Kessel", "Kessel Bay"], ["2031"]]}
    a, b = [make_record(case=case)], [make_wrong(case=case)]
    assert compare_runs(_run("a", a), _run("b", b)).flips[0].gold == "Kessel | Kessel Bay + 2031"


@pytest.mark.parametrize(
    ("scores_a", "scores_b", "flips"),
    [
        ([1, 1, 0], [0, 0, 1], [("x", "a")]),
        ([1, 0, 0], [1, 1, 0], [("x", "b")]),
        ([1, 0], [0, 0], []),  # neither mostly right nor mostly wrong
        ([1, 0], [1, 1], []),
        ([1, 1, 0], [1, 1, 1], []),
        ([None, 1], [0, None], [("x", "a")]),
        ([None, None], [0, 0], []),
    ],
)
def test_a_repeated_case_turned_where_most_of_its_answers_did(
    scores_a: list[float | None], scores_b: list[float | None], flips: list[tuple[str, str]]
) -> None:
    a, b = (
        [
            (make_record if score else make_wrong)(case={"id": "x"}, repeat=repeat, scores={"answer_match": score})
            for repeat, score in enumerate(scores, start=1)
        ]
        for scores in (scores_a, scores_b)
    )
    assert _flips(a, b) == flips


def test_of_repeats_the_first_answer_that_is_as_most_are_is_shown() -> None:
    a = [make(case={"id": "x"}, repeat=repeat) for repeat, make in enumerate((make_wrong, make_record, make_record), 1)]
    b = [make_abstention(case={"id": "x"}, repeat=1)]
    flip = compare_runs(_run("a", a), _run("b", b)).flips[0]
    assert flip.a.startswith("$24.2 billion")


def test_flips_are_in_the_order_of_the_suite() -> None:
    order = ["m", "c", "z", "a"]
    a, b = ([make(case={"id": id_}) for id_ in order] for make in (make_record, make_wrong))
    assert _flips(a, b) == [(id_, "a") for id_ in order]


def test_texts_of_flips_are_short_and_safe() -> None:
    nasty = "red\x1b[31m\nalert \u202e" + "word " * 100
    case = {"id": "x", "question": nasty, "answers": [nasty]}
    a = [make_record(case=case, answer=make_answer(text=nasty), prediction=nasty)]
    flip = compare_runs(_run("a", a), _run("b", [make_wrong(case=case)])).flips[0]
    for text in (flip.question, flip.gold, flip.a, flip.b):
        assert len(text) <= 200
        assert not set(text) & set("\x1b\n\u202e")


# as data


def test_a_comparison_is_plain_data() -> None:
    a, b = _run("a", make_many(seed=1)), _run("b", make_many(seed=2), model="small-model", partial="stopped")
    comparison = compare_runs(a, b)
    data = comparison.to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert list(data) == ["a", "b", "cases", "differs", "changes", "flips", "notes"]
    assert data["b"] == {
        "folder": "b",
        "suite": "small",
        "system": "full",
        "model": "small-model",
        "started": "2031-07-05T09:30:00+00:00",
        "partial": "stopped",
    }
    assert data["cases"] == 40
    assert len(data["flips"]) == len(comparison.flips) > 0
    assert data["changes"][0]["name"] == "answer_match"


@settings(max_examples=20)
@given(st.integers(0, 1_000), st.integers(0, 1_000))
def test_every_change_is_within_its_bounds(seed_a: int, seed_b: int) -> None:
    comparison = compare_runs(_run("a", make_many(24, seed=seed_a)), _run("b", make_many(24, seed=seed_b)))
    names = [change.name for change in comparison.changes]
    assert names == [name for name in COMPARED if name in names]
    for change in comparison.changes:
        assert change.low <= change.difference <= change.high
        assert change.difference == pytest.approx(change.b - change.a, abs=1e-12)
        assert 0 < change.p <= change.p_adjusted <= 1
        assert 2 <= change.n <= comparison.cases
        if MEASURES[change.name].group != "cost":
            assert change.smallest is None or 0 <= change.smallest <= 1
            assert ("B is" in change.words) == (change.p_adjusted <= ALPHA)


def test_the_lowest_p_of_few_pairs_is_that_of_mcnemar() -> None:
    """The floor under the bootstrap's p is what McNemar gives as many pairs that all differ one way."""
    binary = _find(_compare({"hits@1": [0.0] * 5}, {"hits@1": [1.0] * 5}), "hits@1")
    shares = _find(_compare({"recall@10": [0.0] * 5}, {"recall@10": [1.0] * 5}), "recall@10")
    assert binary.p == shares.p == mcnemar_exact(0, 5)
