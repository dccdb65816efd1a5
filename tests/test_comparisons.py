from __future__ import annotations

import pytest

from qa.comparisons import split_alternatives, split_times


@pytest.mark.parametrize(
    ("question", "asked", "named"),
    [
        (
            "Which had the higher unemployment rate at the start of 2033, Sallow or Kessel Bay?",
            "What was the unemployment rate at the start of 2033 for {}",
            ("Sallow", "Kessel Bay"),
        ),
        (
            "Where was the warmest night of the heat wave hotter, Dunmar or Brenn?",
            "How hot was the warmest night of the heat wave in {}",
            ("Dunmar", "Brenn"),
        ),
        ("Who is the elder, Elin Harrow or Tobias Harrow?", "How old is {}", ("Elin Harrow", "Tobias Harrow")),
        ("Which grew faster, Brenn or Sallow?", "How fast grew {}", ("Brenn", "Sallow")),
        (
            "Which party won more votes in 2031, New Centre or Civic Union?",
            "How many votes won {} in 2031",
            ("New Centre", "Civic Union"),
        ),
        ("Which has more ferries, Brenn or Hest?", "How many ferries has {}", ("Brenn", "Hest")),
        ("Cod or mackerel: which is caught more off Brenn?", "How much is {} caught off Brenn", ("Cod", "mackerel")),
        (
            "In which place did the cost of living climb more: the capital or Upper Mere?",
            "How much did the cost of living climb in {}",
            ("the capital", "Upper Mere"),
        ),
        ("Did more people visit in 2032 or in 2033?", "Did more people visit {}?", ("in 2032", "in 2033")),
        ("Who opened the mill, Ann or Ben?", "Who opened the mill, {}", ("Ann", "Ben")),
        ("Which is older, Brenn, Hest or Lanne?", "How old is {}", ("Brenn", "Hest", "Lanne")),
    ],
)
def test_each_alternative_is_asked_for(question: str, asked: str, named: tuple[str, ...]) -> None:
    assert split_alternatives(question) == ([asked.format(name) for name in named], named)


def test_an_alternative_called_one_is_called_by_its_noun() -> None:
    asked, _ = split_alternatives("Which flood rose higher in Brenn, the one of 1978 or the one of April 2034?")
    assert asked == ["How high rose the flood of 1978 in Brenn", "How high rose the flood of April 2034 in Brenn"]


@pytest.mark.parametrize(
    "question",
    [
        "Did the mayor or the governor resign?",
        "How many people live in Brenn or Sallow?",
        "Was the bridge opened before or after the election?",
        "Was turnout higher or lower than expected?",
        "What did the rise or fall of prices mean for Brenn?",
        "In Brenn, what was the turnout?",
        "Which is older?",
    ],
)
def test_what_is_no_alternative_is_left_alone(question: str) -> None:
    assert split_alternatives(question) == ([], ())


@pytest.mark.parametrize(
    ("question", "asked", "named"),
    [
        (
            "How did turnout change between 2019 and 2021?",
            ["What was turnout in 2019", "What was turnout in 2021"],
            ("2019", "2021"),
        ),
        (
            "By how much did revenue shrink between the draft and the law as passed?",
            ["What was revenue in the draft", "What was revenue in the law as passed"],
            ("the draft", "the law as passed"),
        ),
        (
            "How much did trade with Marovia grow from 2019 to 2021?",
            ["What was trade with Marovia in 2019", "What was trade with Marovia in 2021"],
            ("2019", "2021"),
        ),
        (
            "Was turnout in the local elections of 2031 higher or lower than in those of 2027?",
            ["What was turnout in the local elections of 2031", "What was turnout in the local elections of 2027"],
            ("2031", "2027"),
        ),
        (
            "How does the budget of 2031 compare with that of 2027?",
            ["How does the budget of 2031", "How does the budget of 2027"],
            ("2031", "2027"),
        ),
    ],
)
def test_each_of_two_times_is_asked_for(question: str, asked: list[str], named: tuple[str, ...]) -> None:
    assert split_times(question) == (asked, named)


@pytest.mark.parametrize(
    "question",
    [
        "How much trade did Tolvania do between January and June 2031?",
        "By what percentage did trade increase between January and May 2022?",
        "How did trade between Kazakhstan and Russia change?",
        "Did more than 500 people vote in 2021?",
        "How much more did a loaf cost in May 2032 than twelve months before?",
        "What changed in 2021?",
    ],
)
def test_what_is_one_time_or_a_run_of_days_is_left_alone(question: str) -> None:
    assert split_times(question) == ([], ())
