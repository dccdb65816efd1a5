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

from qa.articles import Article, hash_text, make_article_id
from qa.errors import ContentError
from qa.gold import (
    KINDS,
    Case,
    Evidence,
    case_dict,
    check_evidence,
    find_evidence,
    parse_gold,
    read_gold,
    read_utf8,
)
from qa.metrics import Gold, Number, answer_match, numeric_match

REPOSITORY = Path(__file__).parent.parent
SAMPLE = REPOSITORY / "eval/gold/sample.jsonl"

FIRST: Mapping[str, Any] = {
    "id": "one",
    "question": "What did Ann pay?",
    "answers": ["$3", "three dollars"],
    "number": {"value": 3, "unit": "USD", "tolerance": 0.5, "period": "Q2 2022"},
    "evidence": [{"article": "ann.md", "quote": "Ann paid $3.", "start": 5, "part": 2}],
    "answerable": True,
    "kind": "fact",
    "tags": ["money"],
    "split": "dev",
    "as_of": "2022-07-05",
    "turns": ["Who is Ann?"],
}
SECOND: Mapping[str, Any] = {"id": "two", "question": "Who won?", "answerable": False, "kind": "near_miss"}
BOTH: Mapping[str, Any] = {
    "id": "both",
    "question": "Who played?",
    "all_of": [["Ann Lee", "Lee"], "Bo"],
    "evidence": [
        {"article": "ann.md", "quote": "Ann Lee played.", "part": 1},
        {"article": "bo.md", "quote": "Bo too."},
    ],
    "answerable": True,
    "kind": "multi_hop",
}
FOUND: Mapping[str, Any] = {
    "id": "found",
    "question": "Payments?",
    "evidence": [{"article": "ann.md"}],
    "answerable": True,
    "kind": "fact",
    "retrieval_only": True,
}


def write_gold(folder: Path, *cases: Mapping[str, Any] | str | bytes) -> Path:
    """A gold file with these lines."""
    lines = [case if isinstance(case, str | bytes) else json.dumps(case) for case in cases]
    raw = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
    (folder / "gold.jsonl").write_bytes(raw)
    return folder / "gold.jsonl"


def make_article(source: str, text: str) -> Article:
    return Article(id=make_article_id(source), source=source, text=text, sha256=hash_text(text), title="T")


def make_case(*evidence: Sequence[Any], line: int = 7) -> Case:
    sentences = tuple(Evidence(*parts) for parts in evidence)
    return Case("one", "Why?", Gold(("because",)), sentences, answerable=True, kind="fact", line=line)


# reading


def test_a_case_is_read_with_all_its_keys_and_the_line_it_stands_on(tmp_path: Path) -> None:
    cases = read_gold(write_gold(tmp_path, "", FIRST, SECOND))
    assert cases == (
        Case(
            id="one",
            question="What did Ann pay?",
            gold=Gold(("$3", "three dollars"), number=Number(Decimal(3), "USD", Decimal("0.5"), "Q2 2022")),
            evidence=(Evidence("ann.md", "Ann paid $3.", start=5, part=2),),
            answerable=True,
            kind="fact",
            tags=("money",),
            split="dev",
            as_of=date(2022, 7, 5),
            turns=("Who is Ann?",),
        ),
        Case("two", "Who won?", Gold(), (), answerable=False, kind="near_miss"),
    )
    assert [case.line for case in cases] == [2, 3]


def test_of_all_parts_one_alternative_each_is_asked_for(tmp_path: Path) -> None:
    (case,) = read_gold(write_gold(tmp_path, BOTH))
    assert case.gold == Gold(all_of=(("Ann Lee", "Lee"), ("Bo",)))
    assert [evidence.part for evidence in case.evidence] == [1, 1]
    assert answer_match("Bo and Lee", case.gold) == 1
    assert answer_match("Ann Lee", case.gold) == 0


def test_a_case_may_be_of_retrieval_only_with_whole_articles_as_evidence(tmp_path: Path) -> None:
    (case,) = read_gold(write_gold(tmp_path, FOUND))
    assert case.retrieval_only
    assert case.gold == Gold()
    assert case.evidence == (Evidence("ann.md"),)


def test_an_answerable_case_may_go_without_evidence(tmp_path: Path) -> None:
    (case,) = read_gold(write_gold(tmp_path, {**FIRST, "evidence": []}))
    assert case.evidence == ()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_the_list_is_taken(tmp_path: Path, kind: str) -> None:
    (case,) = read_gold(write_gold(tmp_path, {**FIRST, "kind": kind}))
    assert case.kind == kind


@pytest.mark.parametrize("period", ["2031", "2031-05", "2031-05-09", "Q2 2031", "H1 2031"])
def test_each_form_of_a_period_is_taken_and_can_be_compared(tmp_path: Path, period: str) -> None:
    (case,) = read_gold(write_gold(tmp_path, {**FIRST, "number": {"value": 3, "unit": "USD", "period": period}}))
    assert case.gold.number is not None
    assert case.gold.number.period == period
    assert answer_match("$3 in 2031", case.gold) == 1
    assert answer_match("$3 in 2030", case.gold) == 0


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"qestion": "?"}, "unknown key 'qestion'. Did you mean 'question'? Known: id, question, answers, "),
        ({"question": None}, "'question' is missing."),
        ({"question": 3}, "'question' must be text, not 3."),
        ({"question": " \n"}, r"""'question' must be text, not " \n"."""),
        ({"kind": None}, "'kind' is missing."),
        ({"kind": "facts"}, "no kind 'facts'. Did you mean 'fact'? Known: fact, paraphrase, multi_hop, "),
        ({"kind": "unanswerable"}, "no kind 'unanswerable'."),
        ({"answerable": "yes"}, """'answerable' must be true or false, not "yes"."""),
        ({"answerable": 1}, "'answerable' must be true or false, not 1."),
        ({"answers": "$3"}, """'answers' must be a list, not "$3"."""),
        ({"answers": [3]}, "'answers' must be text, not 3."),
        ({"answers": [""]}, """'answers' must be text, not ""."""),
        ({"answers": []}, """a question with "answerable": true needs either 'answers' or 'all_of'."""),
        ({"answers": None}, """a question with "answerable": true needs either 'answers' or 'all_of'."""),
        ({"all_of": ["$3"]}, """a question with "answerable": true needs either 'answers' or 'all_of'."""),
        ({"answers": None, "all_of": ["$3"]}, "'number' goes with 'answers', not with 'all_of'."),
        ({"answers": None, "number": None, "all_of": [[]]}, "a part of 'all_of' has no answer."),
        ({"answers": None, "number": None, "all_of": [["a", 3]]}, "'all_of' must be text, not 3."),
        ({"answers": None, "number": None, "all_of": {"a": "b"}}, "'all_of' must be a list, not "),
        ({"answerable": False}, """"answerable": false has no 'answers', 'all_of', 'number' or 'evidence'."""),
        ({"answerable": False, "answers": [], "number": None}, "has no 'answers', 'all_of', 'number' or 'evidence'."),
        ({"tags": ["a", None]}, "'tags' must be text, not null."),
        ({"number": 3}, "'number' must be keys and values, not 3."),
        ({"number": {"unit": "USD"}}, "'value' of 'number' is missing."),
        ({"number": {"value": "3"}}, """'value' of 'number' must be a number, not "3"."""),
        ({"number": {"value": True}}, "'value' of 'number' must be a number, not true."),
        ({"number": {"value": 10**31}}, "'value' or 'tolerance' of 'number' has more than 30 digits."),
        ({"number": {"value": 3, "tolerance": 10**31}}, "'value' or 'tolerance' of 'number' has more than 30 digits."),
        ({"number": {"value": 3, "tolerance": -0.1}}, "'tolerance' of 'number' must not be below 0."),
        ({"number": {"value": 3, "unit": ""}}, """'unit' must be text, not ""."""),
        ({"number": {"value": 3, "scale": 1}}, "unknown key 'scale' of 'number'. Did you mean 'value'?"),
        ({"number": {"value": 3, "period": "May 2031"}}, "'period' of 'number': 'May 2031' is no period; write it as"),
        ({"number": {"value": 3, "period": "2031-13"}}, "'period' of 'number': '2031-13' is no period; write it as"),
        ({"number": {"value": 3, "period": ""}}, "'period' of 'number': '' is no period; write it as 2031, "),
        ({"evidence": {"article": "ann.md"}}, "'evidence' must be a list, not "),
        ({"evidence": ["ann.md"]}, "'evidence' must be keys and values, not "),
        ({"evidence": [{"quote": "x"}]}, "'article' of 'evidence' is missing."),
        ({"evidence": [{"article": "ann.md"}]}, "'quote' of 'evidence' is missing: a whole article is evidence with"),
        ({"evidence": [{"article": "ann.md", "quote": ""}]}, """'quote' must be text, not ""."""),
        ({"evidence": [{"article": "ann.md", "quote": "x", "start": -1}]}, "must be a whole number from 0 on, not -1."),
        ({"evidence": [{"article": "ann.md", "quote": "x", "start": 0.5}]}, "a whole number from 0 on, not 0.5."),
        ({"evidence": [{"article": "ann.md", "quote": "x", "part": 0}]}, "'part' of 'evidence' must be a whole number"),
        ({"evidence": [{"article": "ann.md", "start": 3}]}, "'start' of 'evidence' needs a 'quote'."),
        ({"as_of": "July 2022"}, "'as_of' must be a day such as 2022-07-05, not 'July 2022'."),
        ({"as_of": 20220705}, "'as_of' must be text, not 20220705."),
        ({"kind": "follow_up", "turns": []}, "a question of kind 'follow_up' needs 'turns', the questions before it."),
        ({"turns": [" "]}, """'turns' must be text, not " "."""),
        ({"split": ""}, """'split' must be text, not ""."""),
        ({"retrieval_only": True}, """"retrieval_only": true is answerable, has 'evidence' and no answer."""),
        ({"id": "two"}, "the id 'two' is that of line 1 too."),
    ],
)
def test_what_is_wrong_in_a_gold_file_is_said_with_file_and_line(
    tmp_path: Path, change: Mapping[str, object], problem: str
) -> None:
    file = write_gold(tmp_path, SECOND, {**FIRST, **change})
    with pytest.raises(ContentError) as error:
        read_gold(file)
    assert str(error.value).startswith(f"{file}:2: ")
    assert problem in str(error.value)


@pytest.mark.parametrize("change", [{"answerable": False}, {"evidence": []}, {"answers": ["$3"]}, {"all_of": ["$3"]}])
def test_a_case_of_retrieval_only_is_answerable_by_its_evidence_alone(
    tmp_path: Path, change: Mapping[str, object]
) -> None:
    with pytest.raises(ContentError, match="\"retrieval_only\": true is answerable, has 'evidence' and no answer"):
        read_gold(write_gold(tmp_path, {**FOUND, **change}))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"id": "one",}', "not valid JSON: "),
        ('{"id": NaN}', "NaN is not a number in JSON."),
        ('{"id": 1e9999999999999999999}', "too deeply nested, or a number out of all range."),
        ("[" * 100_000, "too deeply nested, or a number out of all range."),
        ('["one"]', 'a question must be keys and values, not ["one"].'),
        ("one", "not valid JSON: "),
    ],
)
def test_a_line_that_is_no_question_is_named(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(ContentError) as error:
        read_gold(write_gold(tmp_path, SECOND, "", line))
    assert "gold.jsonl:3: " in str(error.value)
    assert problem in str(error.value)


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_gold_file_without_questions_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ContentError, match=r"gold\.jsonl holds no questions"):
        read_gold(write_gold(tmp_path, text))


def test_a_gold_file_that_is_not_utf_8_or_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"gold\.jsonl is not UTF-8 text \(byte 1\)"):
        read_gold(write_gold(tmp_path, b"\n\xff\n"))
    with pytest.raises(ContentError, match=r"gone\.jsonl cannot be read: No such file"):
        read_utf8(tmp_path / "gone.jsonl")


def test_a_gold_file_may_have_a_byte_order_mark_windows_newlines_and_unicode_separators(tmp_path: Path) -> None:
    question = json.dumps({**SECOND, "question": "Who\u2028won?"}, ensure_ascii=False)
    file = write_gold(tmp_path, b"\xef\xbb\xbf" + f"{question}\r\n\r\n".encode())
    assert [case.question for case in read_gold(file)] == ["Who\u2028won?"]


def test_gold_texts_are_normalised_as_articles_are(tmp_path: Path) -> None:
    evidence = [{"article": "ann.md", "quote": "Cafe\u0301"}]
    case = {**FIRST, "question": "Cafe\u0301 \ud800?", "answers": ["cafe\u0301"], "evidence": evidence}
    (read,) = read_gold(write_gold(tmp_path, case))
    assert (read.question, read.gold.answers) == ("Café \ufffd?", ("café",))
    assert read.evidence[0].quote == "Café"


def test_a_decimal_number_is_kept_exactly(tmp_path: Path) -> None:
    line = json.dumps({**FIRST, "number": {"value": 0}}).replace('"value": 0', '"value": 4.10')
    (case,) = read_gold(write_gold(tmp_path, line))
    assert case.gold.number == Number(Decimal("4.10"), None)
    assert str(case.gold.number.value) == "4.10"


# as plain data


@pytest.mark.parametrize("entry", [FIRST, SECOND, BOTH, FOUND])
def test_a_case_written_as_plain_data_is_read_as_the_same_case(tmp_path: Path, entry: Mapping[str, Any]) -> None:
    (case,) = read_gold(write_gold(tmp_path, entry))
    written = case_dict(case)
    assert read_gold(write_gold(tmp_path, written)) == (case,)
    assert parse_gold(json.loads(json.dumps(written))) == case.gold


def test_plain_data_leave_out_what_is_at_rest(tmp_path: Path) -> None:
    (case,) = read_gold(write_gold(tmp_path, SECOND))
    assert case_dict(case) == SECOND
    (case,) = read_gold(write_gold(tmp_path, FOUND))
    assert case_dict(case) == FOUND


_words = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff"), min_size=1, max_size=5).filter(
    lambda text: bool(text.strip())
)
_numbers = st.builds(
    Number,
    st.integers(-(10**20), 10**20).map(Decimal) | st.integers(-(10**9), 10**9).map(lambda n: Decimal(n).scaleb(-4)),
    st.none() | st.just("USD"),
    st.integers(0, 10**6).map(lambda n: Decimal(n).scaleb(-2)),
    st.none() | st.just("2031-05"),
)


@given(st.lists(_words, min_size=1, max_size=3), st.none() | _numbers)
def test_a_gold_answer_comes_back_from_plain_data(answers: list[str], number: Number | None) -> None:
    case = Case("one", "Why?", Gold(tuple(answers), number=number), (), answerable=True, kind="fact")
    assert parse_gold(json.loads(json.dumps(case_dict(case)))) == case.gold


# evidence


def test_evidence_is_found_at_every_place_where_it_stands() -> None:
    articles = [make_article("index/articles/a.md", "Yes. No. Yes."), make_article("index/articles/b.md", "Yes.")]
    found = find_evidence(make_case(("a.md", "Yes."), ("b.md", "No.")), articles)
    assert [(place.quote.article.source, place.quote.start, place.quote.end) for place in found] == [
        ("index/articles/a.md", 0, 4),
        ("index/articles/a.md", 9, 13),
    ]
    assert all(place.quote.stands() for place in found)


def test_evidence_with_a_start_is_found_there_alone_and_keeps_its_part() -> None:
    found = find_evidence(
        make_case(("a.md", "Yes.", 9, 2), ("a.md", "Yes.", 1)), [make_article("a.md", "Yes. No. Yes.")]
    )
    assert [(place.quote.start, place.part) for place in found] == [(9, 2)]


def test_evidence_without_a_quote_is_the_whole_article() -> None:
    articles = [make_article("a.md", "Yes. No."), make_article("b.md", "Yes."), make_article("empty.md", "")]
    found = find_evidence(make_case(("a.md",), ("empty.md",)), articles)
    assert [(place.quote.article.source, place.quote.text) for place in found] == [("a.md", "Yes. No.")]


@given(st.text("ab \n", max_size=12), st.text("ab \n", min_size=1, max_size=3))
def test_evidence_is_found_exactly_where_the_text_has_it(text: str, quote: str) -> None:
    found = find_evidence(make_case(("a.md", quote)), [make_article("a.md", text)])
    assert [place.quote.start for place in found] == [at for at in range(len(text)) if text.startswith(quote, at)]


@pytest.mark.parametrize(
    ("source", "name", "same"),
    [
        ("index/articles/a.md", "a.md", True),
        ("index/articles/a.md", "articles/a.md", True),
        ("index/articles/a.md", "index/articles/a.md", True),
        ("a.md", "a.md", True),
        ("news.jsonl#17", "17", True),
        ("old/news.jsonl#17", "news.jsonl#17", True),
        ("news.jsonl#https://example.org/a/b", "https://example.org/a/b", True),
        ("news.jsonl#https://example.org/a/", "https://example.org/a/", True),
        ("index/articles/aa.md", "a.md", False),
        ("index/articles/a.md", "a", False),
        ("index/articles/a.md", "b/index/articles/a.md", False),
    ],
)
def test_an_article_is_named_by_the_end_of_its_source(source: str, name: str, same: bool) -> None:
    found = find_evidence(make_case((name, "Yes.")), [make_article(source, "Yes.")])
    assert bool(found) is same


@given(st.text("a/#", max_size=6), st.text("a/#", min_size=1, max_size=6))
def test_the_look_up_of_names_misses_no_end_of_a_source(source: str, name: str) -> None:
    expected = source == name or source.endswith((f"/{name}", f"#{name}")) or f"/{source}".endswith(f"/{name}")
    assert bool(find_evidence(make_case((name, "Yes.")), [make_article(source, "Yes.")])) is expected


@pytest.mark.parametrize(
    ("evidence", "problem"),
    [
        (("a.md", "No."), "the quote “No.” does not stand in a.md."),
        (("a.md", "Yes.", 3), "the quote “Yes.” does not stand at 3 of a.md, but at 0."),
        (("a.md", "No.", 3), "the quote “No.” does not stand in a.md."),
        (("a.nd", "Yes."), "no article 'a.nd' in the archive. Did you mean 'a.md'?"),
        (("a.nd",), "no article 'a.nd' in the archive. Did you mean 'a.md'?"),
        (("same.md", "Yes."), "2 articles of the archive are named 'same.md'; write more of the path."),
    ],
)
def test_evidence_that_does_not_stand_is_told_with_its_line(evidence: Sequence[Any], problem: str) -> None:
    articles = [make_article(source, "Yes.") for source in ("x/a.md", "x/same.md", "y/same.md")]
    cases = (make_case(("a.md", "Yes."), ("a.md",)), make_case(evidence, ("y/same.md", "Yes."), line=9))
    assert check_evidence(cases, articles, Path("gold.jsonl")) == [f"gold.jsonl:9: case one: {problem}"]


def test_a_hostile_quote_is_safe_in_a_message() -> None:
    case = make_case(("a.md", "\x1b]0;x\x07" + "y" * 500))
    (problem,) = check_evidence([case], [make_article("a.md", "")], Path("gold.jsonl"))
    assert "\x1b" not in problem
    assert "\x07" not in problem
    assert len(problem) < 200


# the shipped file


def test_each_gold_answer_of_the_sample_with_a_number_states_it() -> None:
    numbers = {case.gold.answers[0]: case.gold.number for case in read_gold(SAMPLE) if case.gold.number}
    assert [answer for answer, number in numbers.items() if not numeric_match(answer, number)] == []
    assert len(numbers) > 10
