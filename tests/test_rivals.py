"""Two sentences that answer one question: when both can be right, and when not."""

from __future__ import annotations

from datetime import date

import pytest
from shelf import make

from qa.articles import Article, Quote, make_quote
from qa.extract import find_span
from qa.question import read_question
from qa.rivals import Claim, differ, find_correction, is_of_kind, read_claim, same_answer

DAY = date(2034, 5, 3)


def quote(text: str, *, title: str = "News", before: str = "", published: date | None = DAY) -> Quote:
    article: Article = make(str(hash((text, before))), f"{before}{text}", title=title, published=published)
    return make_quote(article, len(before), len(before) + len(text))


def claim(question: str, text: str, **details: str) -> Claim:
    span = find_span(question, text)
    assert span is not None, text
    found = read_claim(read_question(question), quote(text, **details), span)
    assert found is not None, text
    return found


def disagree(question: str, one: str, other: str) -> bool:
    asked, first, second = read_question(question), claim(question, one), claim(question, other)
    found = differ(asked, first, second)
    assert differ(asked, second, first) == found
    return found


HARVEST = "How much wheat was harvested in Sallow in 2033?"
STRIKE = "How many teachers went on strike?"
DAM = "When was the dam at Orrick opened?"
MAYOR = "Who was elected mayor of Brenn?"
FAIR = "Where was the balloon fair held?"

AT_ODDS = [
    (STRIKE, "21,000 teachers went on strike.", "About 29,500 teachers went on strike."),
    (STRIKE, "Thirteen teachers went on strike.", "Of all teachers 14 teachers went on strike."),
    ("How much did the bridge cost?", "The bridge cost $24.2 billion.", "The bridge cost $42.2 billion."),
    ("How much did the bridge cost?", "The bridge cost $24.2 billion.", "The bridge cost about $26 billion."),
    (
        "What percentage of voters stayed at home?",
        "38 percent of voters stayed at home.",
        "A poll: 41% stayed at home, voters said.",
    ),
    ("How high is the tower?", "The tower is 420 metres high.", "The tower is 510 m high."),
    (DAM, "The dam at Orrick was opened on 3 May 2031.", "The dam at Orrick was opened on 5 June 2031."),
    (DAM, "The dam at Orrick was opened in 2031.", "The Orrick dam was opened in March 2030."),
    (MAYOR, "Hanna Dolk was elected mayor of Brenn.", "Voters elected Reto Vance mayor of Brenn."),
    (MAYOR, "Hanna Dolk was elected mayor of Brenn.", "Reto Vance, not Hanna Dolk, was elected mayor of Brenn."),
    (FAIR, "The balloon fair was held in Lanne.", "The balloon fair was held in Torrel."),
]

IN_ACCORD = [
    # rounded, and in other words
    (STRIKE, "21,000 teachers went on strike.", "About 21,000 teachers went on strike."),
    (STRIKE, "21,340 teachers went on strike.", "Some 21,000 teachers went on strike."),
    (STRIKE, "Thirteen teachers went on strike.", "13 teachers went on strike."),
    ("How much did the bridge cost?", "The bridge cost $24.2 billion.", "The bridge cost about $24 billion."),
    ("How much did the bridge cost?", "The bridge cost $24.2bn.", "The bridge cost 24.2 billion dollars."),
    ("How much did the bridge cost?", "The bridge cost $24.2 billion.", "The bridge cost over $24 billion."),
    # other units, which are not compared
    ("How much did the bridge cost?", "The bridge cost $24 billion.", "The bridge cost €22 billion."),
    ("How high is the tower?", "The tower is 420 metres high.", "The tower is 1,378 feet high."),
    ("How high is the tower?", "The tower is 420 metres high.", "The tower is 420 m high."),
    # other times
    ("What was the inflation rate?", "The inflation rate was 5 percent in 2031.", "The inflation rate was 6 percent "
     "in 2032."),
    (STRIKE, "21,000 teachers went on strike in May.", "29,500 teachers went on strike in June."),
    # other places, things and limits
    (STRIKE, "In Brenn 21,000 teachers went on strike.", "In the province of Sallow 29,500 teachers went on strike."),
    (STRIKE, "21,000 teachers went on strike.", "29,500 teachers are expected to go on strike."),
    ("How many houses were flooded?", "Of the houses 340 houses were flooded.", "The houses flooded had 512 cellars."),
    # several that may be meant
    (STRIKE, "21,000 teachers went on strike.", "On strike were 400 teachers on Monday, 900 teachers on Tuesday."),
    # dates in other forms, and coarser ones
    (DAM, "The dam at Orrick was opened on 3 May 2031.", "The dam at Orrick was opened on May 3, 2031."),
    (DAM, "The dam at Orrick was opened on 3 May 2031.", "The dam at Orrick was opened in May 2031."),
    (DAM, "The dam at Orrick was opened in 2031.", "The dam at Orrick was opened on 3 May 2031."),
    (DAM, "The dam at Orrick was opened on 3 May 2031.", "Work on the dam at Orrick began in 2029, it was opened on "
     "3 May 2031."),
    # names with titles, full and short
    (MAYOR, "Hanna Dolk was elected mayor of Brenn.", "Voters elected Dr Hanna Dolk mayor of Brenn."),
    (MAYOR, "Hanna Dolk was elected mayor of Brenn.", "Voters elected Dolk mayor of Brenn."),
    (MAYOR, "Hanna Dolk was elected mayor of Brenn.", "Reto Vance was elected mayor of Lanne."),
    (MAYOR, "Hanna Dolk was elected mayor of Brenn.", "Reto Vance lost when Hanna Dolk was elected mayor of Brenn."),
]  # fmt: skip


@pytest.mark.parametrize(("question", "one", "other"), AT_ODDS)
def test_answers_that_exclude_each_other_differ(question: str, one: str, other: str) -> None:
    assert disagree(question, one, other)


@pytest.mark.parametrize(("question", "one", "other"), IN_ACCORD)
def test_answers_that_may_both_be_right_do_not_differ(question: str, one: str, other: str) -> None:
    asked = read_question(question)
    first, second = (
        read_claim(asked, quote(text), span) if (span := find_span(question, text)) else None for text in (one, other)
    )
    assert first is not None
    assert second is None or not (differ(asked, first, second) or differ(asked, second, first))


@pytest.mark.parametrize(("question", "one", "other"), [row for row in IN_ACCORD if row[0] in (DAM,)])
def test_dates_in_other_forms_are_one_answer(question: str, one: str, other: str) -> None:
    assert not differ(read_question(question), claim(question, one), claim(question, other))


def test_names_of_one_person_and_rounded_amounts_are_one_answer_and_others_are_not() -> None:
    dolk = claim(MAYOR, "Hanna Dolk was elected mayor of Brenn.")
    assert same_answer(dolk, claim(MAYOR, "Voters elected Dolk mayor of Brenn."))
    assert not same_answer(dolk, claim(MAYOR, "Voters elected Reto Vance mayor of Brenn."))
    many = claim(STRIKE, "21,340 teachers went on strike.")
    assert same_answer(many, claim(STRIKE, "About 21,000 teachers went on strike."))
    assert not same_answer(many, claim(STRIKE, "29,500 teachers went on strike."))


def test_a_sentence_that_does_not_say_what_a_figure_is_asked_of_claims_nothing() -> None:
    question = "What is the total value of the completed projects?"
    asked = read_question(question)
    text = "The value of all 22 projects is close to $3.45 billion."
    span = find_span(question, text)
    assert span is not None
    assert read_claim(asked, quote(text), span) is None
    pronoun = "It is put at $3.45 billion in all, and this is their value."
    found = read_claim(
        asked, quote(pronoun, before="Many projects were completed. "), find_span(question, pronoun) or (0, 1)
    )
    assert found is not None
    assert found.amount is not None


def test_a_place_is_sure_to_be_one_only_after_a_preposition() -> None:
    asked = read_question("Which state sued the government?")
    assert is_of_kind(asked, claim(asked.text, "The government was sued in Sallow by the state."))
    assert not is_of_kind(asked, claim(asked.text, "The government was sued by the state, and Sallow said so."))


@pytest.mark.parametrize(
    ("question", "answer", "sentence", "new"),
    [
        (STRIKE, "21,000 teachers went on strike.", "The figure was revised from 21,000 to 29,500.", "29,500"),
        (STRIKE, "21,000 teachers went on strike.", "We gave it as 21,000; the right figure is 29,500.", "29,500"),
        ("How long will the treaty run?", "The treaty will run for 25 years.", "A protocol cuts the duration from 25 "
         "years to fifteen.", "fifteen"),
        (DAM, "The dam at Orrick was opened on 3 May 2031.", "The opening was moved from 3 May 2031 to 1 July 2031.",
         "1 July 2031"),
        (STRIKE, "21,000 teachers went on strike.", "The figure rose to 21,000, up from 900 a year earlier.", None),
        (STRIKE, "21,000 teachers went on strike.", "The figure was revised from 400 to 500.", None),
        (MAYOR, "Hanna Dolk was elected mayor of Brenn.", "The count was revised from 400 to 500.", None),
    ],
)  # fmt: skip
def test_what_a_sentence_puts_in_the_place_of_an_answers_figure_is_found(
    question: str, answer: str, sentence: str, new: str | None
) -> None:
    found = find_correction(claim(question, answer), quote(sentence))
    assert (found.text if found else None) == new
