from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.run_folder import Gate, Measure
from qa.wording import (
    count_of,
    describe_gate,
    format_interval,
    format_percent,
    format_seconds,
    format_value,
    name_measure,
)


@pytest.mark.parametrize(("number", "said"), [(0, "0 cases"), (1, "1 case"), (1200, "1,200 cases")])
def test_things_are_counted(number: int, said: str) -> None:
    assert count_of(number, "case") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.0004, "0.4 ms"),
        (0.00994, "9.9 ms"),
        (0.00996, "10 ms"),
        (0.085, "85 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (2.44, "2.4 s"),
        (99.9, "99.9 s"),
        (99.96, "1 min 40 s"),
        (190, "3 min 10 s"),
        (3599.7, "60 min 0 s"),
    ],
)
def test_times_are_said_in_a_unit_that_fits(seconds: float, said: str) -> None:
    assert format_seconds(seconds) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0 %"), (1, "100 %"), (0.667, "67 %"), (0.996, "99.6 %"), (0.99996, "> 99.9 %"), (0.004, "0.4 %")],
)
def test_shares_are_said_in_percent(share: float, said: str) -> None:
    assert format_percent(share) == said.replace(" ", "\u00a0")


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_what_is_not_all_or_nothing_is_never_said_to_be(share: float) -> None:
    assert format_percent(share).replace("\u00a0", " ") not in ("0 %", "100 %", "0.0 %", "100.0 %")


@pytest.mark.parametrize(
    ("measure", "value", "said"),
    [
        ("answer_match", 2 / 3, "0.667"),
        ("answer_match", None, "–"),
        ("seconds", 0.1234, "0.123"),
        ("input_tokens", 1234.56, "1,234.6"),
        ("cost_usd", 0.000123, "0.00012"),
        ("pass@3", 1.0, "1.000"),
    ],
)
def test_values_are_in_the_unit_of_their_measure(measure: str, value: float | None, said: str) -> None:
    assert format_value(measure, value) == said


def test_an_interval_has_both_ends_or_is_none() -> None:
    assert format_interval("token_f1", Measure(0.5, 0.25, 0.75, 8)) == "0.250 – 0.750"
    assert format_interval("aurc", Measure(0.5, None, None, 8)) == "–"


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (Gate("answer_match", "mean", 0.85, None, 0.9, passed=True), "answer_match at least 0.850"),
        (Gate("incorrect", "mean", 0.1, None, 0.2, passed=False), "incorrect at most 0.100"),
        (
            Gate("answer_match", "bound", 0.8, None, 0.7, passed=False),
            "lower end of the interval of answer_match at least 0.800",
        ),
        (Gate("aurc", "bound", 0.2, None, 0.1, passed=True), "upper end of the interval of aurc at most 0.200"),
        (
            Gate("hits@5", "not_worse_than", None, "/home/x/eval/reports/baselines/keywords", 0.9, passed=True),
            "hits@5 not significantly worse than in keywords",
        ),
        (
            Gate("hits@5", "not_worse_than", None, r"C:\reports\old", 0.9, passed=True),
            "hits@5 not significantly worse than in old",
        ),
    ],
)
def test_a_gate_says_what_must_be_on_which_side_and_no_path(gate: Gate, said: str) -> None:
    assert describe_gate(gate) == said


def test_an_arrow_marks_where_lower_is_better() -> None:
    assert [name_measure(name) for name in ("aurc", "mrr@10", "pass@3")] == ["aurc ↓", "mrr@10", "pass@3"]
