"""Names of a statement: in the article or not, and in whose place."""

import pytest
from readings import pair

from qa.clauses import read_sentence
from qa.names import check_names

ARTICLE = (
    "President Ansel Verrick met Ines Marlow and Corin Hale in Brenn. The gross domestic product of Marovia grew. "
    "Hale defeated Ines Marlow by 412 votes to 287. The gap in Norway is wide."
)
COUNT = "In Brenn prices rose by 6.9 percent, in Upper Mere by 5.2 percent."


def faults(statement: str, text: str, **around: str) -> list[str]:
    return [fault.detail for fault in check_names(*pair(statement, text, **around))]


@pytest.mark.parametrize(
    "statement",
    [
        "Ansel Verrick met Marlow.",
        "President Verrick met Marlow and Hale.",
        "The economy of Marovia grew, and so did GDP.",
        "The Marovian and the Norwegian economies grew.",
        "Marlow’s rival was Corin Hale.",
        "Commerce flourished, the Gazette wrote.",
        "Growth was reported by News.",
    ],
)
def test_a_name_may_be_said_in_full_once_and_shorter_afterwards(statement: str) -> None:
    assert faults(statement, ARTICLE) == []


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("President Ansel Teller met Marlow.", "Ansel Teller"),
        ("They met in Port Amery.", "Port Amery"),
        ("They met in Brenn, said Maud Verrick.", "Maud Verrick"),
        ("They met Corin Marlow.", "Corin Marlow"),
        ("They met in Brenn, the EU said.", "EU"),
    ],
)
def test_a_name_of_which_a_word_is_nowhere_in_the_article_is_told(statement: str, name: str) -> None:
    assert faults(statement, ARTICLE) == [f"{name} is not in the article"]


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("Hale defeated Ines Marlow by 412 votes to 287.", False),
        ("Ines Marlow was defeated by Hale by 412 votes.", False),
        ("Marlow was beaten in Brenn.", False),
        ("Ines Marlow defeated Hale by 412 votes to 287.", True),
        ("Ansel Verrick defeated Ines Marlow by 412 votes to 287.", True),
    ],
)
def test_roles_that_were_swapped_are_told(statement: str, wrong: bool) -> None:
    assert bool(faults(statement, ARTICLE)) is wrong


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("Prices in Brenn were 6.9 percent higher.", False),
        ("In Upper Mere the increase was 5.2 percent.", False),
        ("The increase was 6.9 percent.", False),
        ("Prices in Upper Mere were 6.9 percent higher.", True),
    ],
)
def test_an_amount_of_another_name_is_told_with_that_name(statement: str, wrong: bool) -> None:
    found = faults(statement, COUNT)
    assert found == (["6.9 percent is said of Brenn in the quote, not of Upper Mere"] if wrong else [])


def test_a_word_that_opens_a_sentence_is_a_name_only_where_the_article_has_it_as_one() -> None:
    record = "Trade between the two countries stood at a record."
    assert faults("Commerce between the two countries stood at a record.", record) == []
    before = "Consumption in Brenn grew. "
    assert faults("Consumption grew by 3 percent.", "It grew by 3 percent in Brenn.", before=before) == []
    before = "There Castor spoke to Brenn. "
    assert faults("Brenn has been in custody since May.", "Castor has been in custody since May.", before=before) == [
        "the quote says this of Castor, not of Brenn"
    ]


def test_a_people_stands_for_its_country_and_a_country_that_is_not_there_does_not() -> None:
    record = "Tolvania's economy grew by 0.6 percent in the second quarter."
    assert faults("The Tolvanian economy grew by 0.6 percent in the second quarter.", record) == []
    assert faults("Marovia's economy grew by 0.6 percent in the second quarter.", record) != []


JOBLESS = "Unemployment in Tolvania rose to 7.4 percent in May."
ELSEWHERE = "The rate in Orrick was 5.1 percent. In Upper Mere, where the mills closed, it was 12.8 percent."


@pytest.mark.parametrize(
    ("statement", "detail"),
    [
        ("The unemployment rate in Upper Mere rose to 7.4 percent.",
         "the quote says this of Tolvania, not of Upper Mere"),
        ("Unemployment in Orrick rose to 7.4 percent.", "the quote says this of Tolvania, not of Orrick"),
        ("Unemployment in Tolvania rose to 7.4 percent.", None),
        ("Unemployment in the country rose to 7.4 percent, said the office in Upper Mere.", None),
    ],
)  # fmt: skip
def test_a_name_after_the_noun_of_another_one_is_told(statement: str, detail: str | None) -> None:
    assert faults(statement, JOBLESS, after=f" The labour office gave the figures. {ELSEWHERE}") == [detail] * bool(
        detail
    )


@pytest.mark.parametrize(
    ("question", "detail"),
    [
        ("What is the jobless rate in Upper Mere?", "7.4 percent is said of Tolvania in the quote, not of Upper Mere"),
        ("What is the jobless rate in Tolvania?", None),
        ("What is the jobless rate in Brenn?", None),  # of which the article says nothing else
        ("What is the jobless rate?", None),
    ],
)
def test_a_sentence_without_a_name_is_said_of_those_of_its_question(question: str, detail: str | None) -> None:
    claim, evidence = pair("It was 7.4 percent.", JOBLESS, after=f" {ELSEWHERE}")
    found = [fault.detail for fault in check_names(claim, evidence, read_sentence(question))]
    assert found == [detail] * (detail is not None)
