from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.figures import find_figures
from qa.keywords import analyze
from qa.question import Kind, find_counted_noun, read_question

WORDS = st.sampled_from(
    """what which who whose when where why how many much long year percent of the in is are did worth companies Russian
    Kazakhstan Smailov's projects 23 $24.2 billion 2021 July 4 one president average whole ? , - é İ 🚋 trade""".split()
)
QUESTIONS = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join))


# the kind of answer


@pytest.mark.parametrize(
    ("kind", "question"),
    [
        ("amount", "What was 2021 trade turnover?"),
        ("amount", "How much are the 23 planned projects worth?"),
        ("amount", "What does a joint project cost on average?"),
        ("amount", "What is the average value of a project?"),
        ("amount", "What did trade amount to in 2021?"),
        ("amount", "What did Ann Lee earn?"),
        ("amount", "What was the trade of Hest with Brenn in 2031?"),
        ("share", "What was the inflation rate in May?"),
        ("share", "Where did the key rate stand?"),
        ("share", "What was the turnout?"),
        ("count", "How many joint projects are still in progress?"),
        ("count", "how many trams were running in 2019?"),
        ("count", "What number of companies came?"),
        ("count", "What is the number of projects?"),
        ("share", "By what percentage did trade grow?"),
        ("share", "By how much did trade rise?"),
        ("share", "What share of trade is oil?"),
        ("share", "How fast did trade grow?"),
        ("share", "How strongly did trade grow?"),
        ("measure", "How big is the exposition?"),
        ("measure", "How long did the exhibition last?"),
        ("measure", "How much floor space is taken?"),
        ("measure", "What is the population of Kazakhstan?"),
        ("date", "When was INNOPROM held?"),
        ("date", "Since when has it been open?"),
        ("date", "In which year did trade reach a record?"),
        ("date", "On what date did the ministers meet?"),
        ("person", "Who is the Prime Minister of Russia?"),
        ("person", "Whose speech was it?"),
        ("place", "Where was the exhibition held?"),
        ("place", "In which city is INNOPROM?"),
        ("place", "Which country is the partner?"),
        ("reason", "Why did the ministers meet?"),
        ("reason", "What is the program for?"),
        ("reason", "What is the purpose of the program?"),
        ("thing", "What is meant by turnover?"),
        ("thing", "What are the names of the seven industries?"),
        ("thing", "What is the exhibition called?"),
        ("thing", "Which program covers the projects?"),
        ("thing", "Tell me about the speech."),
    ],
)
def test_the_words_of_asking_give_the_kind(kind: Kind, question: str) -> None:
    assert read_question(question).kind == kind
    assert read_question(question.upper().replace("INNOPROM", "it")).kind == kind


@pytest.mark.parametrize("question", ["The show must go on", "He knows everywhere", "Whomever", "A percentile"])
def test_a_word_of_asking_inside_another_word_gives_no_kind(question: str) -> None:
    assert read_question(question).kind == "thing"


@pytest.mark.parametrize(
    ("question", "wants"),
    [
        ("How many projects?", True),
        ("How much is it?", True),
        ("By what percentage?", True),
        ("How big is it?", True),
        ("When was it?", False),
        ("Who was it?", False),
        ("Why?", False),
    ],
)
def test_counts_amounts_shares_and_measures_want_a_figure(question: str, wants: bool) -> None:
    assert read_question(question).wants_figure is wants


# what is asked for


@pytest.mark.parametrize(
    ("question", "focus", "names"),
    [
        ("How many joint projects are still in progress?", "project", ()),
        ("How many Russian companies are taking part?", "compani", ("Russian",)),
        ("How many of the companies are Kazakh?", "compani", ()),
        ("In which year did trade reach a record?", "year", ()),
        ("Whose speech was it?", "speech", ()),
        ("What was 2021 trade turnover?", None, ()),
        ("Who spoke?", None, ()),
        ("What happened?", None, ()),
        ("How many?", None, ()),
    ],
)
def test_the_focus_is_the_noun_asked_for_with_the_names_that_narrow_it(
    question: str, focus: str | None, names: tuple[str, ...]
) -> None:
    asked = read_question(question)
    assert (asked.focus, asked.focus_names) == (focus, names)


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Who is the Prime Minister of Russia?", ("Prime", "Minister", "Russia")),
        ("Where did Alikhan Smailov meet Mikhail Mishustin?", ("Alikhan", "Smailov", "Mikhail", "Mishustin")),
        ("Smailov's speech: what was in it?", ("Smailov",)),
        ("Mona Lisa was stolen when?", ("Mona", "Lisa")),
        ("Trade grew when?", ()),
        ("What did the president say?", ("president",)),
        ("What happened on July 4 in May 2022?", ()),
        ("Is Russia Russia?", ("Russia",)),
        ("What did It cost?", ()),
    ],
)
def test_names_are_words_with_a_capital_and_offices_but_no_dates(question: str, names: tuple[str, ...]) -> None:
    assert read_question(question).names == names


@pytest.mark.parametrize(
    ("question", "dates", "figures"),
    [
        ("What was 2021 trade turnover?", ["2021"], []),
        ("What came between January and May 2022?", ["January", "May 2022"], []),
        ("What are the 23 projects worth $3 billion?", [], ["23", "$3 billion"]),
        ("What did one project cost?", [], []),
        ("What grew by 5 percent in 2021?", ["2021"], ["5 percent"]),
    ],
)
def test_dates_and_figures_are_told_apart_and_one_is_no_figure(
    question: str, dates: list[str], figures: list[str]
) -> None:
    asked = read_question(question)
    assert [figure.text for figure in asked.dates] == dates
    assert [figure.text for figure in asked.figures] == figures


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("the 23 planned projects", [("23", "project")]),
        ("the seven industries", [("seven", "industri")]),
        ("200 Kazakh companies and 13 projects", [("200", "compani"), ("13", "project")]),
        ("nine of them", []),
        ("the 23, projects", []),
        ("$3 billion projects in 2021", []),
        ("about 23", []),
    ],
)
def test_a_plain_number_counts_the_noun_that_follows_it(text: str, counted: list[tuple[str, str]]) -> None:
    assert [(figure.text, noun) for figure, noun in read_question(text).counted] == counted


def test_the_noun_counted_is_the_first_plural_of_at_most_three_words() -> None:
    text = "200 projects brought jobs; 12 very long old roads"
    found = {figure.text: find_counted_noun(text, figure) for figure in find_figures(text)}
    assert found == {"200": "project", "12": "old"}


# the rest of the question


def test_the_terms_leave_out_function_words_repetitions_and_the_unit_wanted() -> None:
    asked = read_question("What was the trade, the trade of 2021, in millions of dollars?")
    assert asked.terms == ("trade", "2021")
    assert asked.term_set == {"trade", "2021"}


@pytest.mark.parametrize(
    ("question", "average", "whole"),
    [
        ("What is a project worth on average?", True, False),
        ("What does each project cost?", True, False),
        ("How much is that per month?", True, False),
        ("How do the countries help each other?", False, False),
        ("What was the mean value?", True, False),
        ("What was trade in the whole of 2022?", False, True),
        ("What was trade in 2022 as a full year?", False, True),
        ("What was trade in all of 2022?", False, True),
        ("What was trade in 2022?", False, False),
        ("What was the whole sum?", False, False),
    ],
)
def test_averages_and_whole_years_are_noticed(question: str, average: bool, whole: bool) -> None:
    asked = read_question(question)
    assert (asked.wants_average, asked.wants_whole_year) == (average, whole)


@given(QUESTIONS)
def test_any_text_can_be_read_as_a_question(text: str) -> None:
    asked = read_question(text)
    assert asked.text == text
    assert asked.kind in get_args(Kind)
    assert len(set(asked.terms)) == len(asked.terms)
    assert all(name in text for name in asked.names)
    assert set(asked.focus_names) <= set(asked.names)
    assert all(text[figure.start : figure.end] == figure.text for figure in (*asked.dates, *asked.figures))
    assert all(figure.kind == "date" for figure in asked.dates)
    assert not any(figure.kind == "date" for figure in asked.figures)


@given(QUESTIONS)
def test_a_question_is_read_the_same_every_time(text: str) -> None:
    assert read_question(text) == read_question(text)


@given(QUESTIONS)
def test_the_focus_is_a_term_of_the_text(text: str) -> None:
    focus = read_question(text).focus
    assert focus is None or focus in analyze(text)
