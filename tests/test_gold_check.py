from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_suite import SHIPPED_SUITES

from qa.articles import Article, hash_text, make_article_id
from qa.errors import ContentError
from qa.gold import Case, Evidence, case_dict, read_gold
from qa.gold_check import GoldReport, check_gold, data_hash
from qa.metrics import Gold, Number
from qa.sources import read_sources
from qa.suite import Suite, load_suite
from qa.workspace import find_workspace

REPOSITORY = Path(__file__).parent.parent

ANN = "Ann paid $3 for bread in Brenn. Ben did not pay. Ann paid again."


def make_article(source: str = "ann.md", text: str = ANN, published: date | None = date(2031, 5, 1)) -> Article:
    return Article(make_article_id(source), source, text, hash_text(text), title="T", published=published)


def make_case(id_: str, question: str, **changes: Any) -> Case:
    """An answerable case without evidence, or what the changes make of it."""
    given: dict[str, Any] = {"gold": Gold(("$3",)), "evidence": (), "answerable": True, "kind": "fact", **changes}
    return Case(id_, question, **given)


def make_suite(folder: Path, *cases: Case) -> Suite:
    """A suite of a written gold file, so that the cases know their lines."""
    gold, archive = folder / "gold.jsonl", folder / "archive"
    gold.write_text("".join(json.dumps(case_dict(case)) + "\n" for case in cases), encoding="utf-8")
    archive.mkdir(exist_ok=True)
    return Suite("small", "", archive, gold, read_gold(gold))


def check(folder: Path, *cases: Case, articles: Sequence[Article] | None = None) -> GoldReport:
    return check_gold(make_suite(folder, *cases), articles)


def kinds(report: GoldReport) -> list[str]:
    return [finding.kind for finding in (*report.problems, *report.warnings)]


# the report


def test_a_report_counts_cases_by_kind_and_split_and_passes_without_problems(tmp_path: Path) -> None:
    report = check(
        tmp_path,
        make_case("a", "What did Ann pay?", split="dev"),
        make_case("b", "Who is Bo?", split="test", kind="near_miss", gold=Gold(), answerable=False),
        make_case("c", "Who is Cy?"),
    )
    assert report.passed
    assert (report.cases, report.answerable) == (3, 2)
    assert report.kinds == {"fact": 2, "near_miss": 1}
    assert report.splits == {"dev": 1, "test": 1}


def test_a_report_is_plain_data_for_json(tmp_path: Path) -> None:
    report = check(tmp_path, make_case("a", "Who won?"), make_case("b", "Who won?"))
    gold = tmp_path / "gold.jsonl"
    assert json.loads(json.dumps(report.to_dict())) == {
        "suite": "small",
        "passed": False,
        "cases": 2,
        "answerable": 2,
        "kinds": {"fact": 2},
        "splits": {},
        "problems": [
            {
                "kind": "duplicate",
                "message": f"{gold}:2: case b: its question is also that of case a ({gold}:1).",
            }
        ],
        "warnings": [],
        "sha256": report.sha256,
    }


def test_warnings_do_not_fail_a_suite(tmp_path: Path) -> None:
    evidence = (Evidence("ann.md", "Ben did not pay."),)
    report = check(tmp_path, make_case("a", "What did Ann pay?", evidence=evidence))
    assert kinds(report) == ["answer_not_in_evidence"]
    assert report.passed


# doubles

SAME = [
    ("What did Ann pay?", "what did Ann pay"),
    ("What did Ann pay?", "What did Ann pay in the –?"),
    ("What did Zoë pay?", "What did Zoe pay?"),
    ("What is Ann's share?", "What is the share of Ann?"),  # in other order
    ("Which projects are planned?", "What projects are planned?"),
    ("What was trade in 2031?", "In 2031, what was the trade?"),
    ("What was Brenn's trade in 2031?", "In 2031 what was the trade of Brenn?"),
    ("Who got $3 billion?", "Who got 3 billion dollars?"),
    ("Who got 3,000 votes?", "Who got 3000 votes?"),
]
OTHER = [
    ("What was trade in 2031?", "What was trade in 2032?"),
    ("What was trade in May 2031?", "What was trade in June 2031?"),
    ("What was trade on 5 May 2031?", "What was trade on 6 May 2031?"),
    ("Who paid $3?", "Who paid €3?"),
    ("Who paid $1.5?", "Who paid $15?"),
    ("Who grew by 5 percent?", "Who grew by 5 percentage points?"),
    ("Who rose from 3 to 5 percent?", "Who rose from 5 to 3 percent?"),
    ("What did Ann pay?", "What did Ben pay?"),
    ("What did Brenn sell to Seln?", "What did Seln sell to Brenn?"),
    ("Did Ann pay Ben?", "Did Ben pay Ann?"),
    ("Who won the cup?", "When was the cup won?"),
    ("How many houses were built?", "Why were houses built?"),
    ("How much trade?", "How many trade?"),
    ("Who is the prime minister?", "Who was the prime minister?"),
    ("Who will pay?", "Who did pay?"),
    ("What were exports to Seln?", "What were exports from Seln?"),
    ("Who paid before the vote?", "Who paid after the vote?"),
    ("Who did pay?", "Who did not pay?"),
    ("Who paid more?", "Who paid?"),
    ("Was it?", "Is it?"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_questions_that_differ_in_nothing_but_order_and_function_words_are_doubles(
    tmp_path: Path, one: str, other: str
) -> None:
    assert kinds(check(tmp_path, make_case("a", one), make_case("b", other)))[0] in ("duplicate", "near_duplicate")


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_questions_that_differ_in_a_figure_a_date_a_name_or_what_they_ask_are_no_doubles(
    tmp_path: Path, one: str, other: str
) -> None:
    assert kinds(check(tmp_path, make_case("a", one), make_case("b", other))) == []


def test_words_in_the_same_order_are_a_problem_and_in_another_a_warning(tmp_path: Path) -> None:
    report = check(
        tmp_path,
        make_case("a", "What was trade in 2031?"),
        make_case("b", "In 2031, what was trade?"),
        make_case("c", "In 2031 what was the trade?"),
    )
    assert [(finding.kind, finding.message) for finding in (*report.problems, *report.warnings)] == [
        (
            "duplicate",
            f"{tmp_path}/gold.jsonl:3: case c: its question is also that of case b ({tmp_path}/gold.jsonl:2).",
        ),
        (
            "near_duplicate",
            f"{tmp_path}/gold.jsonl:2: case b: its question, in other order, is that of case a"
            f" ({tmp_path}/gold.jsonl:1).",
        ),
    ]


@pytest.mark.parametrize(
    "change",
    [{"as_of": date(2031, 5, 1)}, {"turns": ("And Ben?",)}],
)
def test_the_same_question_on_another_day_or_after_other_turns_is_no_double(
    tmp_path: Path, change: Mapping[str, Any]
) -> None:
    first, again = make_case("a", "Who won?"), make_case("b", "Who won?", **change)
    assert kinds(check(tmp_path, first, again)) == []
    assert kinds(check(tmp_path, again, make_case("c", "Who won?", **change))) == ["duplicate"]


def test_a_name_is_known_by_its_capital_in_any_question(tmp_path: Path) -> None:
    questions = ("Brenn or Seln: which is larger?", "Seln or Brenn: which is larger?", "Does Brenn border Seln?")
    cases = [make_case(str(place), question) for place, question in enumerate(questions)]
    assert kinds(check(tmp_path, *cases)) == []


_words = st.sampled_from("Ann paid trade in 2031 the from $3 percent What was of 5 May not".split())


@given(st.lists(_words, min_size=1, max_size=8))
def test_a_question_is_always_the_double_of_itself(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    question = " ".join(words)
    folder = tmp_path_factory.mktemp("suite")
    report = check(folder, make_case("a", question), make_case("b", f"{question}?"))
    assert kinds(report)[0] == "duplicate"


# leaks between splits


def test_a_question_of_two_splits_is_a_leak_even_in_other_order(tmp_path: Path) -> None:
    report = check(
        tmp_path,
        make_case("a", "What was trade in 2031?", split="dev"),
        make_case("b", "In 2031, what was trade?", split="test"),
    )
    (finding,) = report.problems
    assert finding.kind == "leakage"
    assert finding.message == (
        f"{tmp_path}/gold.jsonl:2: case b: its question is also that of case a of split 'dev'"
        f" ({tmp_path}/gold.jsonl:1)."
    )


def test_a_case_of_no_split_is_in_none_that_could_leak(tmp_path: Path) -> None:
    one, other = make_case("a", "Who won?", split="dev"), make_case("b", "Who won?")
    assert kinds(check(tmp_path, one, other)) == kinds(check(tmp_path, other, one)) == ["duplicate"]


def two_splits(one: Evidence, other: Evidence) -> list[Case]:
    return [
        make_case("a", "What did Ann pay?", evidence=(one,), split="dev"),
        make_case("b", "What did the bread cost?", evidence=(other,), split="test"),
    ]


@pytest.mark.parametrize(
    ("one", "other", "leaks"),
    [
        (Evidence("ann.md", "Ann paid $3 for bread"), Evidence("ann.md", "$3 for bread in Brenn."), True),
        (Evidence("ann.md", "Ann paid $3 for bread in Brenn."), Evidence("ann.md", "$3"), True),
        (Evidence("ann.md", "$3"), Evidence("ann.md", "Ann paid $3 for bread in Brenn."), True),
        (Evidence("ann.md", "Ann paid $3 "), Evidence("ann.md", "for bread in Brenn."), False),
        (Evidence("ann.md", "Ann paid", start=0), Evidence("ann.md", "Ann paid", start=49), False),
        (Evidence("ann.md", "Ann paid $3"), Evidence("copy.md", "Ann paid $3"), False),
    ],
)
def test_evidence_of_two_splits_that_overlaps_in_an_article_is_a_leak(
    tmp_path: Path, one: Evidence, other: Evidence, leaks: bool
) -> None:
    articles = [make_article(), make_article("copy.md")]
    report = check(tmp_path, *two_splits(one, other), articles=articles)
    assert [finding.kind for finding in report.problems] == ["leakage"] * leaks
    if leaks:
        assert report.problems[0].message == (
            f"{tmp_path}/gold.jsonl:2: case b: its evidence in ann.md is also that of case a of split 'dev'"
            f" ({tmp_path}/gold.jsonl:1)."
        )


def test_a_place_that_reaches_far_is_compared_with_all_that_begin_within_it(tmp_path: Path) -> None:
    whole, inner, last = "Ann paid $3 for bread in Brenn. Ben did not pay.", "Ann paid $3", "Ben did not pay."
    cases = [
        make_case("a", "One?", evidence=(Evidence("ann.md", whole),), split="dev"),
        make_case("b", "Two?", evidence=(Evidence("ann.md", inner),), split="dev"),
        make_case("c", "Three?", evidence=(Evidence("ann.md", last),), split="test"),
    ]
    (finding,) = check(tmp_path, *cases, articles=[make_article()]).problems
    assert finding.message.startswith(
        f"{tmp_path}/gold.jsonl:3: case c: its evidence in ann.md is also that of case a "
    )


def test_without_articles_the_same_quote_of_the_same_article_is_a_leak(tmp_path: Path) -> None:
    one = Evidence("ann.md", "Ann paid $3")
    assert [finding.kind for finding in check(tmp_path, *two_splits(one, one)).problems] == ["leakage"]
    assert check(tmp_path, *two_splits(one, Evidence("ann.md", "$3"))).problems == ()
    assert check(tmp_path, *two_splits(one, Evidence("copy.md", "Ann paid $3"))).problems == ()


@pytest.mark.parametrize("articles", [None, [make_article()]])
def test_cases_of_one_split_or_of_none_share_evidence_freely(
    tmp_path: Path, articles: Sequence[Article] | None
) -> None:
    evidence = (Evidence("ann.md", "Ann paid $3"),)
    cases = [
        make_case("a", "One?", evidence=evidence, split="dev"),
        make_case("b", "Two?", evidence=evidence, split="dev"),
        make_case("c", "Three?", evidence=evidence),
    ]
    assert check(tmp_path, *cases, articles=articles).problems == ()


# labels


def number(value: str, unit: str | None = "USD", tolerance: str = "0", period: str | None = None) -> Number:
    return Number(Decimal(value), unit, Decimal(tolerance), period)


@pytest.mark.parametrize(
    ("one", "other", "contradict"),
    [
        (Gold(("$3",)), Gold(("the $3", "three")), False),
        (Gold(("Ann Lee", "Lee")), Gold(("lee.",)), False),
        (Gold(("Ann",)), Gold(("Ben",)), True),
        (Gold(("$3",), number=number("3")), Gold(("three dollars",), number=number("3.0")), False),
        (Gold(("3",), number=number("3", None)), Gold(("three",), number=number("3", "projects")), False),
        (Gold(("$3",), number=number("3")), Gold(("$4",), number=number("4")), True),
        (Gold(("$3",), number=number("3")), Gold(("$4",), number=number("4", tolerance="1")), False),
        (Gold(("3",), number=number("3")), Gold(("3",), number=number("3", "EUR")), True),
        (Gold(("$3",), number=number("3", period="2031")), Gold(("$3",), number=number("3", period="2032")), True),
        (Gold(("$3",), number=number("3")), Gold(("3 dollars",)), False),
        (Gold(("$3",), number=number("3")), Gold(("$4",)), True),
        (Gold(all_of=(("Ann Lee", "Lee"), ("Ben",))), Gold(all_of=(("ben",), ("Lee",))), False),
        (Gold(all_of=(("Ann",), ("Ben",))), Gold(all_of=(("Ann",),)), True),
        (Gold(all_of=(("Ann", "Lee"),)), Gold(("Lee",)), False),
        (Gold(all_of=(("Ann",), ("Ben",))), Gold(("Ann",)), True),
    ],
)
def test_doubles_whose_answers_cannot_both_be_right_contradict_one_another(
    tmp_path: Path, one: Gold, other: Gold, contradict: bool
) -> None:
    for first, second in ((one, other), (other, one)):
        report = check(tmp_path, make_case("a", "Who?", gold=first), make_case("b", "Who, then?", gold=second))
        assert report.problems == ()  # not the same question
        report = check(tmp_path, make_case("a", "Who?", gold=first), make_case("b", "The who?", gold=second))
        assert kinds(report) == ["contradiction" if contradict else "duplicate"]


def test_a_contradiction_names_both_places_and_how_they_differ(tmp_path: Path) -> None:
    none = make_case("b", "Who won?", gold=Gold(), answerable=False)
    (finding,) = check(tmp_path, make_case("a", "Who won?"), none).problems
    assert finding == (
        "contradiction",
        f"{tmp_path}/gold.jsonl:2: case b: its question is also that of case a ({tmp_path}/gold.jsonl:1),"
        " but one is answerable and the other is not.",
    )


def test_near_doubles_may_contradict_one_another_too(tmp_path: Path) -> None:
    cases = make_case("a", "What was trade in 2031?"), make_case("b", "In 2031 what was trade?", gold=Gold(("$4",)))
    (finding,) = check(tmp_path, *cases).problems
    assert finding.kind == "contradiction"
    assert finding.message.endswith(", but their answers have nothing in common.")


def test_cases_of_retrieval_only_have_no_answers_to_contradict(tmp_path: Path) -> None:
    found = make_case("b", "Who won?", gold=Gold(), retrieval_only=True, evidence=(Evidence("ann.md"),))
    assert kinds(check(tmp_path, make_case("a", "Who won?"), found)) == ["duplicate"]


def test_an_answer_with_another_figure_than_the_number_is_named(tmp_path: Path) -> None:
    gold = Gold(("$3", "three", "about $4", "3 dollars in 2030"), number=number("3", period="2031"))
    report = check(tmp_path, make_case("a", "What did Ann pay?", gold=gold))
    assert [finding.message for finding in report.problems] == [
        f"{tmp_path}/gold.jsonl:1: case a: the answer “about $4” does not state its number, 3 USD 2031.",
        f"{tmp_path}/gold.jsonl:1: case a: the answer “3 dollars in 2030” does not state its number, 3 USD 2031.",
    ]
    assert kinds(report) == ["wrong_number", "wrong_number"]


@pytest.mark.parametrize(
    ("gold", "kind", "stands"),
    [
        (Gold(("the bread",)), "fact", True),
        (Gold(("wine", "bread")), "fact", True),
        (Gold(("read",)), "fact", False),
        (Gold(("Bo",)), "fact", True),
        (Gold(("3 dollars",)), "fact", True),
        (Gold(("$4",)), "fact", False),
        (Gold(("$4",)), "multi_hop", True),
        (Gold(("Cy",)), "multi_hop", False),
        (Gold(("5 May 2031",)), "temporal", True),
        (Gold(("less",)), "comparison", True),
        (Gold(("yes",)), "fact", True),
        (Gold(all_of=(("Ann",), ("Brenn", "the capital"))), "fact", True),
        (Gold(all_of=(("Ann",), ("Seln", "the capital"))), "fact", False),
    ],
)
def test_an_answer_that_stands_in_no_evidence_is_a_warning_unless_it_may_follow_from_it(
    tmp_path: Path, gold: Gold, kind: str, stands: bool
) -> None:
    text = "Ann paid $3 for Bo's bread in Brenn."
    evidence, article = (Evidence("ann.md", text),), make_article(text=text)
    report = check(tmp_path, make_case("a", "What?", gold=gold, kind=kind, evidence=evidence), articles=[article])
    assert kinds(report) == ([] if stands else ["answer_not_in_evidence"])


@pytest.mark.parametrize(
    ("answer", "unit", "value", "wrong"),
    [
        ("€3", "USD", "3", True),
        ("3 billion", "USD", "3", False),  # no sum of money: its words alone count
        ("4%", "percent", "3", True),
        ("3 percentage points", "percent", "3", True),
        ("4 votes", "votes", "3", True),
        ("2023", "year", "2022", True),
        ("May 2023", "year", "2022", False),
        ("many", None, "3", False),
        ("from 2 to 3", "votes", "3", False),
        ("two point six", "tonne", "2.6", False),  # which is no figure that is read
    ],
)
def test_only_figures_of_the_kind_of_the_number_are_compared_with_it(
    tmp_path: Path, answer: str, unit: str | None, value: str, wrong: bool
) -> None:
    report = check(tmp_path, make_case("a", "What?", gold=Gold((answer,), number=number(value, unit))))
    assert kinds(report) == ["wrong_number"] * wrong


def test_an_answer_in_the_scale_of_a_table_is_a_warning(tmp_path: Path) -> None:
    gold = Gold(("5,390 thousand tonnes", "5,390"), number=number("5390000", "tonne"))
    report = check(tmp_path, make_case("a", "What?", gold=gold))
    assert kinds(report) == ["other_scale"]
    assert report.passed


def test_an_answer_without_quotes_is_not_looked_for(tmp_path: Path) -> None:
    found = make_case("b", "Bread?", gold=Gold(), retrieval_only=True, evidence=(Evidence("ann.md"),))
    assert kinds(check(tmp_path, make_case("a", "What?"), found, articles=[make_article()])) == []


# evidence


def test_quotes_that_do_not_stand_are_problems_when_articles_are_given(tmp_path: Path) -> None:
    cases = [make_case("a", "What?", evidence=(Evidence("ann.md", "Ann paid $4."), Evidence("nowhere", "$3")))]
    report = check(tmp_path, *cases, articles=[make_article()])
    assert [(finding.kind, finding.message) for finding in report.problems] == [
        ("evidence", f"{tmp_path}/gold.jsonl:1: case a: the quote “Ann paid $4.” does not stand in ann.md."),
        ("evidence", f"{tmp_path}/gold.jsonl:1: case a: no article 'nowhere' in the archive."),
    ]
    assert check(tmp_path, *cases).problems == ()
    assert len(check(tmp_path, *cases, articles=[]).problems) == 2


@pytest.mark.parametrize(
    ("published", "as_of", "why"),
    [
        (date(2031, 5, 1), date(2031, 5, 1), None),
        (date(2031, 5, 1), date(2031, 4, 30), "was published on 2031-05-01"),
        (None, date(2031, 4, 30), "has no date"),
        (None, None, None),
    ],
)
def test_evidence_that_is_hidden_on_the_day_of_the_question_is_a_problem(
    tmp_path: Path, published: date | None, as_of: date | None, why: str | None
) -> None:
    evidence = (Evidence("ann.md", "Ann paid $3"), Evidence("ann.md", "$3"))
    report = check(
        tmp_path,
        make_case("a", "What?", evidence=evidence, as_of=as_of),
        articles=[make_article(published=published)],
    )
    expected = [f"{tmp_path}/gold.jsonl:1: case a: its evidence is hidden on {as_of}, for ann.md {why}."]
    assert [finding.message for finding in report.problems] == (expected if why else [])
    assert kinds(report) == (["hidden_evidence"] if why else [])


# the hash


def test_the_hash_of_the_data_follows_the_gold_file_and_the_archive(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, make_case("a", "Who won?"))
    hashes = [data_hash(suite)]
    (tmp_path / "archive/ann.md").write_text(ANN)
    hashes.append(data_hash(suite))
    suite.gold.write_text(suite.gold.read_text() + "\n")
    hashes.append(data_hash(suite))
    assert len(set(hashes)) == 3
    suite.gold.rename(tmp_path / "other.jsonl")
    (tmp_path / "archive").rename(tmp_path / "moved")
    moved = Suite("other", "", tmp_path / "moved", tmp_path / "other.jsonl", suite.cases)
    assert data_hash(moved) == hashes[-1]
    assert data_hash(Suite("other", "", None, moved.gold, suite.cases)) != hashes[-1]


def test_a_gold_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, make_case("a", "Who won?"))
    suite.gold.unlink()
    with pytest.raises(ContentError, match=r"gold\.jsonl cannot be read"):
        check_gold(suite, None)


# the shipped suites


@pytest.mark.parametrize("file", SHIPPED_SUITES, ids=lambda file: file.stem)
def test_each_shipped_suite_is_without_problems(file: Path) -> None:
    suite = load_suite(file, find_workspace(REPOSITORY, REPOSITORY))
    assert suite.archive is not None
    articles = [article for article in read_sources([suite.archive], root=REPOSITORY) if isinstance(article, Article)]
    report = check_gold(suite, articles)
    assert report.problems == ()
    assert {finding.kind for finding in report.warnings} <= {"other_scale"}
