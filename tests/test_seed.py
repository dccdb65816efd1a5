"""One real article, asked what it says and what it does not say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import qa

SEED = Path(__file__).parents[2] / "shared" / "seed" / "000_bd7c40a6ff347805.txt"
pytestmark = pytest.mark.skipif(not SEED.exists(), reason="needs ../shared: the article is not part of the project")

ANSWERED = {
    "What was 2021 trade turnover?": "$24.2 billion",
    "How much was trade between January and May?": "$9.2 billion",
    "How many major projects have the two countries implemented?": "13",
    "What are the 13 projects worth?": "nearly $450 million",
    "How many joint projects are underway?": "Nine",
    "How much are the nine joint projects worth?": "$3 billion",
    "Who is the Prime Minister of Kazakhstan?": "Alikhan Smailov",
    "Where does INNOPROM take place?": "Ekaterinburg",
    "How many domestic companies did Kazakhstan bring?": "200",
    "How many projects does the new program of joint actions envision?": "23",
}
NOT_ANSWERED = (
    "What was trade turnover in 2019?",
    "How many visitors came to INNOPROM?",
    "How much did Kazakhstan trade with China?",
    "When was the Program of Joint Actions signed?",
    "What is the population of Ekaterinburg?",
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[qa.Archive]:
    with qa.open(tmp_path_factory.mktemp("seed")) as opened:
        opened.add(SEED)
        yield opened


def test_at_least_nine_of_ten_questions_are_answered_rightly_with_a_quote_that_stands(archive: qa.Archive) -> None:
    answers = {question: archive.ask(question) for question in ANSWERED}
    assert sum(answers[question].short == short for question, short in ANSWERED.items()) >= 9
    for answer in answers.values():
        assert all(citation.quote.stands() for citation in answer.citations)
        assert all(statement.verdict == "supported" for statement in answer.statements)


@pytest.mark.parametrize("question", NOT_ANSWERED)
def test_what_the_article_does_not_say_is_not_answered(archive: qa.Archive, question: str) -> None:
    answer = archive.ask(question)
    assert answer.status == "abstained"
    assert answer.nearest
