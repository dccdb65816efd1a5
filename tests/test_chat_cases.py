from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from saved_answers import ARTICLES, RIGHT, write

from qa.answer_form import Searched, make_abstention
from qa.articles import Filters
from qa.chat_cases import make_case, save_case
from qa.conversation import Turn
from qa.errors import ContentError, UsageError
from qa.gold import find_evidence, read_gold
from qa.suite import load_suite
from qa.workspace import Workspace

ANSWERED = Turn("What was trade?", "What was trade?", write(RIGHT, short="$24.2 billion"))
FOLLOWED = replace(ANSWERED, question="and in 2021?", standalone="What was trade in 2021?")
ABSTAINED = Turn("Who?", "Who?", make_abstention("Who?", Searched(2, 2, Filters(as_of=date(2022, 7, 8)))))


def test_a_right_answer_is_gold_with_the_quotes_it_rests_on() -> None:
    case = make_case([ANSWERED], "right")
    assert (case.question, case.gold.answers, case.answerable, case.kind, case.turns) == (
        "What was trade?",
        ("$24.2 billion",),
        True,
        "fact",
        (),
    )
    assert [found.quote for found in find_evidence(case, ARTICLES)] == [c.quote for c in ANSWERED.answer.citations]


def test_what_the_reader_says_goes_before_the_short_answer() -> None:
    assert make_case([ANSWERED], "right", " 24.2 bn ").gold.answers == ("24.2 bn",)
    wrong = make_case([ANSWERED], "wrong", "$9.2 billion")
    assert (wrong.gold.answers, wrong.evidence, wrong.answerable) == (("$9.2 billion",), (), True)


def test_an_abstention_that_is_right_and_an_answer_that_should_not_be_are_not_answerable() -> None:
    for turn, opinion in ((ABSTAINED, "right"), (ANSWERED, "none"), (ABSTAINED, "none")):
        case = make_case([turn], opinion)
        assert (case.answerable, case.gold.answers, case.evidence) == (False, (), ())
    assert make_case([ABSTAINED], "right").as_of == date(2022, 7, 8)


def test_a_question_that_was_completed_takes_those_before_it_along() -> None:
    case = make_case([ANSWERED, FOLLOWED], "right")
    assert (case.kind, case.turns, case.question) == ("follow_up", ("What was trade?",), "and in 2021?")
    assert make_case([FOLLOWED, ANSWERED], "right").turns == ()


@pytest.mark.parametrize(
    ("turns", "opinion", "answer"),
    [
        ([], "right", ""),
        ([replace(ANSWERED, is_whole=False)], "right", ""),
        ([ANSWERED], "perhaps", ""),
        ([ANSWERED], "", ""),
        ([ANSWERED], "wrong", " "),
        ([replace(ANSWERED, answer=write(RIGHT))], "right", ""),
    ],
)
def test_what_makes_no_case_is_refused(turns: list[Turn], opinion: str, answer: str) -> None:
    with pytest.raises(UsageError):
        make_case(turns, opinion, answer)


def test_cases_make_a_suite_about_the_archive_itself_and_one_said_again_is_replaced(tmp_path: Path) -> None:
    save_case(make_case([ANSWERED], "right"), tmp_path)
    save_case(make_case([ABSTAINED], "none"), tmp_path)
    file = save_case(make_case([ANSWERED], "wrong", "$9 billion"), tmp_path)
    suite = load_suite("chat-cases", Workspace(tmp_path, "named"))
    assert (suite.archive, suite.gold) == (None, file)
    assert [(case.question, case.gold.answers) for case in suite.cases] == [
        ("Who?", ()),
        ("What was trade?", ("$9 billion",)),
    ]


def test_a_gold_file_with_something_else_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    file = save_case(make_case([ANSWERED], "right"), tmp_path)
    file.write_text("not gold\n")
    with pytest.raises(ContentError, match=r"chat-cases\.jsonl:1: not valid JSON"):
        save_case(make_case([ANSWERED], "right"), tmp_path)
    assert file.read_text() == "not gold\n"


def test_lines_of_the_file_stay_as_they_were_written(tmp_path: Path) -> None:
    file = save_case(make_case([ABSTAINED], "none"), tmp_path)
    mine = '{"id": "mine", "question": "So?", "answerable": false,   "kind": "fact"}'
    file.write_text(f"{mine}\n{file.read_text()}")
    save_case(make_case([ANSWERED], "right"), tmp_path)
    assert file.read_text().split("\n")[0] == mine
    assert len(read_gold(file)) == 3
