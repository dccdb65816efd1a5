"""Gates: each kind met and missed, and no run that passes because it failed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_maker import MANIFEST, make_abstention, make_record, make_run, make_unanswerable, make_wrong

from qa.compare import compare_runs
from qa.gates import check_gates
from qa.measures import SCORES
from qa.outcomes import abstention_scores
from qa.run_folder import MANIFEST as MANIFEST_FILE
from qa.run_folder import RECORDS, Gate, Measure, Record
from qa.scoring import average, load_run
from qa.stats import mean_interval
from qa.suite import GateRule


def _scored(name: str, scores: Sequence[float | None]) -> list[Record]:
    """A case for each score, independent of the others; one without a score could not be scored."""
    return [
        make_record(
            case={"id": f"c-{place:03d}"},
            cluster=f"article-{place}",
            scores=dict.fromkeys(SCORES) | {name: score},
            unscorable={} if score is not None else {name: "the model did not answer"},
        )
        for place, score in enumerate(scores)
    ]


def _check(rule: GateRule, records: Sequence[Record], **manifest: Any) -> Gate:
    [gate] = check_gates([rule], average(records), records, MANIFEST | manifest)
    return gate


def _keep(folder: Path, records: Sequence[Record], **manifest: Any) -> Path:
    """A run in a folder, as a baseline is kept."""
    folder.mkdir(parents=True)
    (folder / RECORDS).write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    (folder / MANIFEST_FILE).write_text(json.dumps(MANIFEST | manifest), encoding="utf-8")
    return folder


# mean


@pytest.mark.parametrize(
    ("name", "scores", "limit", "reason"),
    [
        ("answer_match", [1, 1, 1, 0], 0.75, ""),
        ("answer_match", [1, 1, 1, 0], 0.8, "answer_match is 0.750, not at least 0.8"),
        ("incorrect", [1, 0, 0, 0], 0.25, ""),
        ("incorrect", [1, 0, 0, 0], 0.2, "incorrect is 0.250, not at most 0.2"),
        ("token_f1", [0.1, 0.2, 0.3 - 1e-12], 0.2, ""),  # missed by rounding alone
        ("token_f1", [0.2, 0.2 - 1e-5], 0.2, "token_f1 is 0.199995, not at least 0.2"),
        ("answer_match", [0, 0], 0.0, ""),
    ],
)
def test_a_mean_must_reach_its_limit(name: str, scores: list[float], limit: float, reason: str) -> None:
    gate = _check(GateRule(name, "mean", limit), _scored(name, scores))
    value = pytest.approx(sum(scores) / len(scores))
    assert gate == Gate(name, "mean", limit, None, value, passed=not reason, reason=reason)


@pytest.mark.parametrize(
    ("name", "score", "limit", "value", "reason"),
    [
        (
            "answer_match",
            1.0,
            0.9,
            0.8,
            "answer_match is 0.800, not at least 0.9 (2 cases that could not be scored count as 0)",
        ),
        (
            "incorrect",
            0.0,
            0.1,
            0.2,
            "incorrect is 0.200, not at most 0.1 (2 cases that could not be scored count as 1)",
        ),
        ("answer_match", 1.0, 0.8, 0.8, ""),
    ],
)
def test_a_case_that_could_not_be_scored_counts_as_the_worst(
    name: str, score: float, limit: float, value: float, reason: str
) -> None:
    records = _scored(name, [score] * 8 + [None] * 2)
    assert average(records)[name].mean == score
    gate = _check(GateRule(name, "mean", limit), records)
    assert (gate.value, gate.reason, gate.passed) == (pytest.approx(value), reason, not reason)


def test_a_run_whose_model_failed_on_every_case_passes_no_mean() -> None:
    high = _check(GateRule("answer_match", "mean", 0.1), _scored("answer_match", [None]))
    low = _check(GateRule("incorrect", "mean", 0.9), _scored("incorrect", [None]))
    assert high.reason == "answer_match is 0.000, not at least 0.1 (1 case that could not be scored counts as 0)"
    assert low.reason == "incorrect is 1.000, not at most 0.9 (1 case that could not be scored counts as 1)"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30), st.integers(0, 9))
def test_abstention_f1_takes_a_failure_as_an_answer_to_what_has_none(
    told: list[tuple[bool, bool]], failures: int
) -> None:
    """(answerable, abstained) of each case."""
    f1 = abstention_scores(told).f1
    either = sum(abstained or not answerable for answerable, abstained in told)
    measure = Measure(f1, None, None, either, failures)
    [gate] = check_gates([GateRule("abstention_f1", "mean", 0.5)], {"abstention_f1": measure}, [], MANIFEST)
    expected = abstention_scores([*told, *[(False, False)] * failures]).f1
    assert gate.value == (None if expected is None else pytest.approx(expected))
    if expected is None:
        assert gate.reason == "abstention_f1 applies to no case"


def test_a_measure_without_records_of_its_own_is_held_by_its_mean() -> None:
    measures = {"aurc": Measure(0.2, None, None, 30)}
    met, missed = check_gates([GateRule("aurc", "mean", limit) for limit in (0.2, 0.1)], measures, [], MANIFEST)
    assert (met.passed, missed.passed, missed.reason) == (True, False, "aurc is 0.200, not at most 0.1")


# bound


@pytest.mark.parametrize("name", ["answer_match", "token_f1"])
def test_the_lower_end_of_the_interval_must_reach_the_limit(name: str) -> None:
    records = _scored(name, [1.0] * 18 + [0.0] * 2)
    low = average(records)[name].low
    assert low is not None
    assert 0.6 < low < 0.9
    assert _check(GateRule(name, "bound", low), records) == Gate(name, "bound", low, None, low, passed=True)
    missed = _check(GateRule(name, "bound", 0.9), records)
    assert (missed.value, missed.passed) == (low, False)
    assert missed.reason == f"the lower end of the interval of {name} is {low:.3f}, not at least 0.9"
    assert _check(GateRule(name, "mean", 0.9), records).passed


def test_where_lower_is_better_it_is_the_upper_end() -> None:
    records = _scored("incorrect", [0.0] * 18 + [1.0] * 2)
    high = average(records)["incorrect"].high
    assert high is not None
    assert _check(GateRule("incorrect", "bound", 0.4), records).passed
    missed = _check(GateRule("incorrect", "bound", 0.1), records)
    assert (missed.value, missed.passed) == (high, False)
    assert missed.reason == f"the upper end of the interval of incorrect is {high:.3f}, not at most 0.1"


@pytest.mark.parametrize("name", ["answer_match", "incorrect"])
def test_a_bound_counts_what_could_not_be_scored_as_worst_too(name: str) -> None:
    best = 0.0 if name == "incorrect" else 1.0
    records = _scored(name, [best] * 30 + [None] * 10)
    known = mean_interval([best] * 30 + [1 - best] * 10)
    assert known is not None
    limit = 0.2 if name == "incorrect" else 0.8
    assert _check(GateRule(name, "bound", limit), records[:30]).passed
    gate = _check(GateRule(name, "bound", limit), records)
    assert gate.value == (known.high if name == "incorrect" else known.low)
    assert not gate.passed
    assert gate.reason.endswith(f"(10 cases that could not be scored count as {1 - best:g})")


def test_what_could_not_be_scored_depends_on_no_other_case() -> None:
    records = [record | {"cluster": "one"} for record in _scored("token_f1", [0.5, 0.9, 0.7, None, None])]
    known = mean_interval([0.5, 0.9, 0.7, 0.0, 0.0], ["one"] * 3 + ["failed", "failed too"])
    assert known is not None
    assert _check(GateRule("token_f1", "bound", 0.1), records).value == known.low


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("abstention_f1", "abstention_f1 has no interval whose lower end could be at least 0.5"),
        ("aurc", "aurc has no interval whose upper end could be at most 0.5"),
        ("answer_match", "answer_match has no interval whose lower end could be at least 0.5"),
    ],
)
def test_a_bound_on_a_measure_without_an_interval_is_missed(name: str, reason: str) -> None:
    """The third: of cases on one article alone nothing is known of the spread."""
    records = [make_record(case={"id": "a"}), make_wrong(case={"id": "b"}), make_unanswerable(abstains=True)]
    gate = _check(GateRule(name, "bound", 0.5), records)
    assert (gate.value, gate.passed, gate.reason) == (None, False, reason)


# not worse than


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A baseline of 40 independent cases, of which 30 are right."""
    return _keep(tmp_path / "baselines" / "keywords", _scored("answer_match", [1.0] * 30 + [0.0] * 10))


@pytest.mark.parametrize(
    ("right", "passed"),
    [
        (40, True),  # better
        (30, True),  # the same
        (25, True),  # 5 worse: p = 0.063
        (24, False),  # 6 worse: p = 0.031
        (0, False),
    ],
)
def test_a_run_must_not_be_significantly_worse_than_its_baseline(kept: Path, right: int, passed: bool) -> None:
    rule = GateRule("answer_match", "not_worse_than", baseline=kept)
    gate = _check(rule, _scored("answer_match", [1.0] * right + [0.0] * (40 - right)))
    assert (gate.passed, gate.value, gate.limit, gate.baseline) == (passed, right / 40, None, "keywords")
    assert bool(gate.reason) != passed


def test_a_worse_run_is_told_by_how_much(kept: Path) -> None:
    rule = GateRule("answer_match", "not_worse_than", baseline=kept)
    gate = _check(rule, _scored("answer_match", [1.0] * 24 + [0.0] * 16))
    assert gate.reason == "answer_match is 0.600, in keywords it was 0.750, over the same 40 cases: worse (p 0.031)"
    gate = _check(rule, _scored("answer_match", [0.0] * 40))
    assert (
        gate.reason == "answer_match is 0.000, in keywords it was 0.750, over the same 40 cases: worse (p below 0.001)"
    )


def test_worse_is_more_where_lower_is_better(tmp_path: Path) -> None:
    few, many = ([1.0] * wrong + [0.0] * (40 - wrong) for wrong in (5, 20))
    of_few = GateRule("incorrect", "not_worse_than", baseline=_keep(tmp_path / "few", _scored("incorrect", few)))
    of_many = GateRule("incorrect", "not_worse_than", baseline=_keep(tmp_path / "many", _scored("incorrect", many)))
    assert not _check(of_few, _scored("incorrect", many)).passed
    assert _check(of_many, _scored("incorrect", few)).passed


def test_other_measures_make_no_difference_to_a_gate(tmp_path: Path) -> None:
    """No adjustment: one question was asked. p is 0.031, but 0.063 as one of two measures."""
    before, after = (_scored("answer_match", [1.0] * right + [0.0] * (40 - right)) for right in (30, 24))
    for record in (*before, *after):
        record["scores"] = record["scores"] | {"hits@1": 1.0}
    after[0]["scores"]["hits@1"] = 0.0
    folder = _keep(tmp_path / "both", before)
    assert not _check(GateRule("answer_match", "not_worse_than", baseline=folder), after).passed
    assert _find_adjusted(folder, after) == pytest.approx(0.0625)


def _find_adjusted(folder: Path, records: Sequence[Record]) -> float:
    comparison = compare_runs(load_run(folder), make_run(folder, records))
    return next(change.p_adjusted for change in comparison.changes if change.name == "answer_match")


def test_a_run_whose_model_failed_is_worse_than_its_baseline(kept: Path) -> None:
    gate = _check(
        GateRule("answer_match", "not_worse_than", baseline=kept),
        _scored("answer_match", [1.0] * 20 + [None] * 10 + [0.0] * 10),
    )
    assert (gate.passed, gate.value) == (False, 0.5)


def test_what_the_baseline_could_not_score_is_left_out(tmp_path: Path) -> None:
    folder = _keep(tmp_path / "broken", _scored("answer_match", [None] * 39 + [1.0]))
    gate = _check(GateRule("answer_match", "not_worse_than", baseline=folder), _scored("answer_match", [1.0] * 40))
    assert gate.reason == "answer_match cannot be compared with broken: fewer than two cases have it in both"


@pytest.mark.parametrize("name", ["suite", "gold_sha256", "archive_sha256"])
def test_a_baseline_over_other_data_cannot_be_judged_and_is_not_passed(kept: Path, name: str) -> None:
    records = _scored("answer_match", [1.0] * 40)
    gate = _check(GateRule("answer_match", "not_worse_than", baseline=kept), records, **{name: "other"})
    assert not gate.passed
    assert gate.reason.startswith("answer_match cannot be compared with keywords: These runs are over different data")
    assert f"{name}: " in gate.reason


def test_a_baseline_without_a_case_in_common_is_not_passed(kept: Path) -> None:
    records = [make_record(case={"id": f"other-{n}"}) for n in range(4)]
    gate = _check(GateRule("answer_match", "not_worse_than", baseline=kept), records)
    assert not gate.passed
    assert "no case in common" in gate.reason


@pytest.mark.parametrize("damage", ["missing", "manifest", "records"])
def test_a_baseline_that_cannot_be_read_is_not_passed_and_its_place_is_not_told(kept: Path, damage: str) -> None:
    if damage == "missing":
        kept = kept.with_name("gone")
    else:
        (kept / {"manifest": MANIFEST_FILE, "records": RECORDS}[damage]).write_text("{\n", encoding="utf-8")
    gate = _check(GateRule("answer_match", "not_worse_than", baseline=kept), _scored("answer_match", [1.0] * 40))
    assert not gate.passed
    assert gate.reason.startswith(f"answer_match cannot be compared with {kept.name}: {kept.name}")
    assert str(kept.parent) not in gate.reason


@pytest.mark.parametrize("name", ["abstention_precision", "abstention_f1", "aurc"])
def test_what_no_case_has_by_itself_cannot_be_judged_against_a_baseline(kept: Path, name: str) -> None:
    records = [make_unanswerable(abstains=True), make_abstention(case={"id": "b"}), make_record(case={"id": "c"})]
    gate = _check(GateRule(name, "not_worse_than", baseline=kept), records)
    assert (gate.passed, gate.reason) == (
        False,
        f"{name} cannot be compared case by case: give it a mean to reach",
    )


def test_a_rule_without_a_baseline_is_not_passed() -> None:
    gate = _check(GateRule("answer_match", "not_worse_than"), _scored("answer_match", [1.0] * 4))
    assert (gate.passed, gate.baseline, gate.reason) == (False, None, "answer_match has no run to be compared with")


# all


@pytest.mark.parametrize("kind", ["mean", "bound", "not_worse_than"])
def test_a_measure_that_applies_to_no_case_passes_no_gate(kept: Path, kind: Any) -> None:
    rule = GateRule("numeric_match", kind, None if kind == "not_worse_than" else 0.0, kept)
    gate = _check(rule, _scored("answer_match", [1.0] * 40))
    assert (gate.value, gate.passed, gate.reason) == (None, False, "numeric_match applies to no case")


def test_gates_come_in_the_order_of_their_rules(kept: Path) -> None:
    rules = [
        GateRule("hits@1", "mean", 0.5),
        GateRule("answer_match", "mean", 0.5),
        GateRule("answer_match", "bound", 0.9),
        GateRule("answer_match", "not_worse_than", baseline=kept),
    ]
    records = _scored("answer_match", [1.0] * 30 + [0.0] * 10)
    gates = check_gates(rules, average(records), records, MANIFEST)
    assert [(gate.measure, gate.kind, gate.passed) for gate in gates] == [
        ("hits@1", "mean", False),
        ("answer_match", "mean", True),
        ("answer_match", "bound", False),
        ("answer_match", "not_worse_than", True),
    ]


def test_no_rule_is_no_gate() -> None:
    records = _scored("answer_match", [1.0])
    assert check_gates([], average(records), records, MANIFEST) == ()


def test_records_are_left_as_they_were(kept: Path) -> None:
    records = _scored("answer_match", [1.0, None, 0.0])
    before = json.dumps(records)
    _check(GateRule("answer_match", "not_worse_than", baseline=kept), records)
    assert json.dumps(records) == before
