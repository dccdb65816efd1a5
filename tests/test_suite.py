from __future__ import annotations

import json
from collections import Counter
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
from qa.metrics import answer_match
from qa.suite import MEASURES, Case, Evidence, Number, Suite, check_evidence, find_evidence, load_suite
from qa.workspace import Workspace, find_workspace

REPOSITORY = Path(__file__).parent.parent

FIRST: Mapping[str, Any] = {
    "id": "one",
    "question": "What did Ann pay?",
    "answers": ["$3", "three dollars"],
    "number": {"value": 3, "unit": "USD"},
    "evidence": [{"article": "ann.md", "quote": "Ann paid $3."}],
    "answerable": True,
    "kind": "fact",
    "tags": ["money"],
    "as_of": "2022-07-05",
}
SECOND: Mapping[str, Any] = {"id": "two", "question": "Who won?", "answerable": False, "kind": "unanswerable"}
TOML = 'archive = "archive"\ngold = "eval/gold/small.jsonl"\n'


def make_workspace(root: Path, *, toml: str = TOML, cases: Sequence[Mapping[str, Any]] = (FIRST, SECOND)) -> Workspace:
    """A workspace with the suite `small`, its gold file and a folder for its archive."""
    for folder in ("eval/suites", "eval/gold", "archive"):
        (root / folder).mkdir(parents=True)
    (root / "eval/suites/small.toml").write_text(toml, encoding="utf-8")
    write_gold(root, "".join(json.dumps(case) + "\n" for case in cases))
    return Workspace(root, "named")


def write_gold(root: Path, text: str | bytes) -> None:
    (root / "eval/gold/small.jsonl").write_bytes(text if isinstance(text, bytes) else text.encode())


def make_article(source: str, text: str) -> Article:
    return Article(id=make_article_id(source), source=source, text=text, sha256=hash_text(text), title="T")


def make_case(*evidence: tuple[str, str], line: int = 7) -> Case:
    sentences = tuple(Evidence(*pair) for pair in evidence)
    return Case("one", "Why?", ("because",), None, sentences, answerable=True, kind="fact", line=line)


def make_suite(*cases: Case) -> Suite:
    return Suite("small", "", Path("archive"), Path("gold.jsonl"), cases, {})


def test_a_suite_is_read_by_name_with_paths_relative_to_its_workspace(tmp_path: Path) -> None:
    toml = 'name = "little"\ndescription = "Few."\n' + TOML + "[gates]\nanswer_match = 0.5\n'hits@10' = 1\n"
    suite = load_suite("small", make_workspace(tmp_path, toml=toml))
    assert (suite.name, suite.description) == ("little", "Few.")
    assert suite.archive == tmp_path / "archive"
    assert suite.gold == tmp_path / "eval/gold/small.jsonl"
    assert suite.gates == {"answer_match": 0.5, "hits@10": 1.0}
    assert suite.cases == (
        Case(
            id="one",
            question="What did Ann pay?",
            answers=("$3", "three dollars"),
            number=Number(Decimal(3), "USD"),
            evidence=(Evidence("ann.md", "Ann paid $3."),),
            answerable=True,
            kind="fact",
            tags=("money",),
            as_of=date(2022, 7, 5),
        ),
        Case("two", "Who won?", (), None, (), answerable=False, kind="unanswerable"),
    )
    assert [case.line for case in suite.cases] == [1, 2]


def test_a_suite_without_name_or_gates_is_named_after_its_file(tmp_path: Path) -> None:
    suite = load_suite("small", make_workspace(tmp_path))
    assert (suite.name, suite.description, suite.gates) == ("small", "", {})


@pytest.mark.parametrize("as_text", [True, False])
def test_a_suite_is_read_by_path_with_paths_relative_to_the_folder_of_its_eval(tmp_path: Path, as_text: bool) -> None:
    make_workspace(tmp_path / "theirs")
    path = tmp_path / "theirs/eval/suites/small.toml"
    suite = load_suite(str(path) if as_text else path, Workspace(tmp_path / "ours", "named"))
    assert suite.archive == tmp_path / "theirs/archive"


def test_a_suite_file_elsewhere_has_paths_relative_to_the_workspace(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ours")
    file = tmp_path / "other.toml"
    file.write_text(TOML)
    assert load_suite(file, workspace).archive == tmp_path / "ours/archive"


def test_an_absolute_archive_and_one_that_is_a_file_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "articles.jsonl"
    file.touch()
    workspace = make_workspace(tmp_path / "ours", toml=TOML.replace('"archive"', json.dumps(str(file))))
    assert load_suite("small", workspace).archive == file


def test_a_packaged_suite_is_found_from_any_workspace_and_about_the_packaged_archive(tmp_path: Path) -> None:
    suite = load_suite("sample", Workspace(tmp_path / "not there yet", "user"))
    assert suite.archive == REPOSITORY / "index/articles"
    assert suite.gold == REPOSITORY / "eval/gold/sample.jsonl"


def test_the_suite_of_the_workspace_comes_before_the_packaged_one(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    (tmp_path / "eval/suites/small.toml").rename(tmp_path / "eval/suites/sample.toml")
    assert load_suite("sample", workspace).archive == tmp_path / "archive"


def test_a_missing_suite_is_answered_with_the_nearest_and_all_names(tmp_path: Path) -> None:
    with pytest.raises(ContentError) as error:
        load_suite("smple", make_workspace(tmp_path))
    assert str(error.value) == "No suite 'smple' in eval/suites. Did you mean 'sample'? Known: sample, small."


@pytest.mark.parametrize("name", ["", "../suites/small", "eval/suites/small", "small.toml ", "\x1b[31m"])
def test_nothing_but_a_name_or_a_toml_file_is_a_suite(tmp_path: Path, name: str) -> None:
    with pytest.raises(ContentError, match=r"^No suite '[^\x1b]*' in eval/suites"):
        load_suite(name, make_workspace(tmp_path))


def test_a_missing_suite_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"gone\.toml cannot be read: No such file"):
        load_suite(tmp_path / "gone.toml", make_workspace(tmp_path))


@pytest.mark.parametrize(
    ("toml", "line", "problem"),
    [
        ("archive = \n", 1, "not valid TOML: Invalid value"),
        (TOML + "gats = 1\n", 3, "unknown key 'gats'. Did you mean 'gates'? Known: name, description, archive, "),
        (TOML + "[gate]\nanswer_match = 1\n", 3, "unknown key 'gate'. Did you mean 'gates'?"),
        ('archive = "archive"\n', 1, "'gold' is missing."),
        (TOML + "description = 3\n", 3, "'description' must be text, not 3."),
        (TOML + "gates = 3\n", 3, "'gates' must be keys and values, not 3."),
        (TOML + "name = '../../etc'\n", 3, "'name' must be letters, digits"),
        (TOML + "\n[gates]\nanswer_mach = 1\n", 5, "no measure 'answer_mach'. Did you mean 'answer_match'? Known: "),
        (TOML + "gates.hit = 1\n", 3, "no measure 'hit'."),
        (TOML + "[gates]\n'hits@1' = 1.5\n", 4, "gate 'hits@1' must be a number from 0 to 1, not 1.5."),
        (TOML + "[gates]\n'hits@1' = nan\n", 4, "gate 'hits@1' must be a number from 0 to 1, not nan."),
        (TOML + "[gates]\n'hits@1' = true\n", 4, "gate 'hits@1' must be a number from 0 to 1, not True."),
        (TOML + "[gates]\n'hits@1' = '1'\n", 4, "gate 'hits@1' must be a number from 0 to 1, not '1'."),
        (TOML.replace('"archive"', '"archiv"'), 1, "/archiv, which 'archive' names."),
        (TOML.replace("small", "smal"), 2, "/eval/gold/smal.jsonl, which 'gold' names."),
    ],
)
def test_what_is_wrong_in_a_suite_is_said_with_file_and_line(
    tmp_path: Path, toml: str, line: int, problem: str
) -> None:
    with pytest.raises(ContentError) as error:
        load_suite("small", make_workspace(tmp_path, toml=toml))
    assert f"small.toml:{line}: " in str(error.value)
    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"qestion": "?"}, "unknown key 'qestion'. Did you mean 'question'? Known: id, question, answers, "),
        ({"question": None}, "'question' is missing."),
        ({"question": 3}, "'question' must be text, not 3."),
        ({"question": " \n"}, r"""'question' must be text, not " \n"."""),
        ({"kind": None}, "'kind' is missing."),
        ({"answerable": "yes"}, """'answerable' must be true or false, not "yes"."""),
        ({"answerable": 1}, "'answerable' must be true or false, not 1."),
        ({"answers": "$3"}, """'answers' must be a list, not "$3"."""),
        ({"answers": [3]}, "'answers' must be text, not 3."),
        ({"answers": [""]}, """'answers' must be text, not ""."""),
        ({"answers": []}, """a question with "answerable": true needs 'answers'."""),
        ({"answers": None}, """a question with "answerable": true needs 'answers'."""),
        ({"answerable": False}, """a question with "answerable": false has no 'answers', 'number' or 'evidence'."""),
        ({"answerable": False, "answers": [], "number": None}, "has no 'answers', 'number' or 'evidence'."),
        ({"tags": ["a", None]}, "'tags' must be text, not null."),
        ({"number": 3}, "'number' must be keys and values, not 3."),
        ({"number": {"unit": "USD"}}, "'value' of 'number' is missing."),
        ({"number": {"value": "3"}}, """'value' of 'number' must be a number, not "3"."""),
        ({"number": {"value": True}}, "'value' of 'number' must be a number, not true."),
        ({"number": {"value": 10**31}}, "'value' of 'number' has more than 30 digits."),
        ({"number": {"value": 3, "unit": ""}}, """'unit' must be text, not ""."""),
        ({"number": {"value": 3, "scale": 1}}, "unknown key 'scale' of 'number'. Did you mean 'value'?"),
        ({"evidence": {"article": "ann.md"}}, "'evidence' must be a list, not "),
        ({"evidence": ["ann.md"]}, "'evidence' must be keys and values, not "),
        ({"evidence": [{"article": "ann.md"}]}, "'quote' of 'evidence' is missing."),
        ({"evidence": [{"article": "ann.md", "quote": ""}]}, """'quote' must be text, not ""."""),
        ({"as_of": "July 2022"}, "'as_of' must be a day such as 2022-07-05, not 'July 2022'."),
        ({"as_of": 20220705}, "'as_of' must be text, not 20220705."),
        ({"id": "two"}, "the id 'two' is that of line 1 too."),
    ],
)
def test_what_is_wrong_in_a_gold_file_is_said_with_file_and_line(
    tmp_path: Path, change: Mapping[str, object], problem: str
) -> None:
    with pytest.raises(ContentError) as error:
        load_suite("small", make_workspace(tmp_path, cases=[SECOND, {**FIRST, **change}]))
    assert str(error.value).startswith(f"{tmp_path / 'eval/gold/small.jsonl'}:2: ")
    assert problem in str(error.value)


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
    workspace = make_workspace(tmp_path)
    write_gold(tmp_path, json.dumps(SECOND) + "\n\n" + line + "\n")
    with pytest.raises(ContentError) as error:
        load_suite("small", workspace)
    assert "small.jsonl:3: " in str(error.value)
    assert problem in str(error.value)


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_gold_file_without_questions_is_refused(tmp_path: Path, text: str) -> None:
    workspace = make_workspace(tmp_path)
    write_gold(tmp_path, text)
    with pytest.raises(ContentError, match=r"small\.jsonl holds no questions"):
        load_suite("small", workspace)


def test_a_gold_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    write_gold(tmp_path, b"\n\xff\n")
    with pytest.raises(ContentError, match=r"small\.jsonl is not UTF-8 text \(byte 1\)"):
        load_suite("small", workspace)


def test_a_gold_file_may_have_a_byte_order_mark_windows_newlines_and_unicode_separators(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    question = json.dumps({**SECOND, "question": "Who\u2028won?"}, ensure_ascii=False)
    write_gold(tmp_path, b"\xef\xbb\xbf" + f"{question}\r\n\r\n".encode())
    assert [case.question for case in load_suite("small", workspace).cases] == ["Who\u2028won?"]


def test_gold_texts_are_normalised_as_articles_are(tmp_path: Path) -> None:
    evidence = [{"article": "ann.md", "quote": "Cafe\u0301"}]
    case = {**FIRST, "question": "Cafe\u0301 \ud800?", "answers": ["cafe\u0301"], "evidence": evidence}
    (read,) = load_suite("small", make_workspace(tmp_path, cases=[case])).cases
    assert (read.question, read.answers) == ("Café \ufffd?", ("café",))
    assert read.evidence[0].quote == "Café"


def test_a_decimal_number_is_kept_exactly(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    write_gold(tmp_path, json.dumps({**FIRST, "number": {"value": 0}}).replace('"value": 0', '"value": 4.10'))
    (case,) = load_suite("small", workspace).cases
    assert case.number == Number(Decimal("4.10"), None)
    assert answer_match("4.1", (), *case.number) == 1


def test_evidence_is_found_at_every_place_where_it_stands() -> None:
    articles = [make_article("index/articles/a.md", "Yes. No. Yes."), make_article("index/articles/b.md", "Yes.")]
    quotes = find_evidence(make_case(("a.md", "Yes."), ("b.md", "No.")), articles)
    assert [(quote.article.source, quote.start, quote.end) for quote in quotes] == [
        ("index/articles/a.md", 0, 4),
        ("index/articles/a.md", 9, 13),
    ]
    assert all(quote.stands() for quote in quotes)


@given(st.text("ab \n", max_size=12), st.text("ab \n", min_size=1, max_size=3))
def test_evidence_is_found_exactly_where_the_text_has_it(text: str, quote: str) -> None:
    found = find_evidence(make_case(("a.md", quote)), [make_article("a.md", text)])
    assert [place.start for place in found] == [at for at in range(len(text)) if text.startswith(quote, at)]


@pytest.mark.parametrize(
    ("source", "name", "same"),
    [
        ("index/articles/a.md", "a.md", True),
        ("index/articles/a.md", "articles/a.md", True),
        ("index/articles/a.md", "index/articles/a.md", True),
        ("a.md", "a.md", True),
        ("news.jsonl#17", "17", True),
        ("old/news.jsonl#17", "news.jsonl#17", True),
        ("index/articles/aa.md", "a.md", False),
        ("index/articles/a.md", "a", False),
        ("index/articles/a.md", "b/index/articles/a.md", False),
    ],
)
def test_an_article_is_named_by_the_end_of_its_source(source: str, name: str, same: bool) -> None:
    found = find_evidence(make_case((name, "Yes.")), [make_article(source, "Yes.")])
    assert bool(found) is same


@pytest.mark.parametrize(
    ("evidence", "problem"),
    [
        (("a.md", "No."), "the quote “No.” does not stand in a.md."),
        (("a.nd", "Yes."), "no article 'a.nd' in the archive. Did you mean 'a.md'?"),
        (("same.md", "Yes."), "2 articles of the archive are named 'same.md'; write more of the path."),
    ],
)
def test_evidence_that_does_not_stand_is_told_with_its_line(evidence: tuple[str, str], problem: str) -> None:
    articles = [make_article(source, "Yes.") for source in ("x/a.md", "x/same.md", "y/same.md")]
    suite = make_suite(make_case(("a.md", "Yes.")), make_case(evidence, ("y/same.md", "Yes."), line=9))
    assert check_evidence(suite, articles) == [f"gold.jsonl:9: case one: {problem}"]


def test_a_hostile_quote_is_safe_in_a_message() -> None:
    (problem,) = check_evidence(make_suite(make_case(("a.md", "\x1b]0;x\x07" + "y" * 500))), [make_article("a.md", "")])
    assert "\x1b" not in problem
    assert "\x07" not in problem
    assert len(problem) < 200


# the shipped suite


@pytest.fixture(scope="module")
def sample() -> Suite:
    return load_suite("sample", find_workspace(REPOSITORY, REPOSITORY))


def test_the_sample_suite_stands_in_the_sample_archive(sample: Suite, sample_articles: list[Article]) -> None:
    assert check_evidence(sample, sample_articles) == []
    assert all(find_evidence(case, sample_articles) for case in sample.cases if case.answerable)


def test_the_sample_suite_has_questions_enough_of_each_sort(sample: Suite) -> None:
    answerable = Counter(case.answerable for case in sample.cases)
    assert answerable[True] >= 40
    assert answerable[False] >= 12
    assert {"fact", "paraphrase", "trap"} <= {case.kind for case in sample.cases}
    assert len({case.question for case in sample.cases}) == len(sample.cases)


def test_the_gates_of_the_sample_suite_are_those_that_were_promised(sample: Suite) -> None:
    assert sample.gates == {
        "answer_match": 0.85,
        "quote_validity": 1.0,
        "abstention_precision": 0.85,
        "abstention_recall": 0.85,
    }
    assert sample.gates.keys() <= set(MEASURES)


def test_each_gold_answer_with_a_number_states_it(sample: Suite) -> None:
    wrong = [
        (case.id, case.answers[0])
        for case in sample.cases
        if case.number and not answer_match(case.answers[0], (), *case.number)
    ]
    assert wrong == []
