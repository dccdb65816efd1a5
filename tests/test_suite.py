from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from small_suite import SHIPPED_SUITES

from qa.articles import Article
from qa.errors import ContentError
from qa.gold import KINDS, Case, check_evidence, find_evidence
from qa.measures import GATED
from qa.metrics import Gold
from qa.sources import read_sources
from qa.suite import GateRule, Suite, load_suite, suite_names
from qa.workspace import Workspace, find_workspace

REPOSITORY = Path(__file__).parent.parent

CASE = {"id": "one", "question": "Who won?", "answerable": False, "kind": "near_miss"}
TOML = 'archive = "archive"\ngold = "eval/gold/small.jsonl"\n'


def make_workspace(root: Path, *, toml: str = TOML) -> Workspace:
    """A workspace with the suite `small`, its gold file, a folder for its archive and a run."""
    for folder in ("eval/suites", "eval/gold", "archive", "eval/reports/best"):
        (root / folder).mkdir(parents=True)
    (root / "eval/suites/small.toml").write_text(toml, encoding="utf-8")
    (root / "eval/gold/small.jsonl").write_text(json.dumps(CASE) + "\n", encoding="utf-8")
    (root / "eval/reports/best/run.json").touch()
    return Workspace(root, "named")


def test_a_suite_is_read_by_name_with_paths_relative_to_its_workspace(tmp_path: Path) -> None:
    toml = 'name = "little"\ndescription = "Few."\n' + TOML + "[gates]\nanswer_match = 0.5\n'hits@10' = 1\n"
    suite = load_suite("small", make_workspace(tmp_path, toml=toml))
    assert suite == Suite(
        name="little",
        description="Few.",
        archive=tmp_path / "archive",
        gold=tmp_path / "eval/gold/small.jsonl",
        cases=(Case("one", "Who won?", Gold(), (), answerable=False, kind="near_miss"),),
        gates=(GateRule("answer_match", "mean", 0.5), GateRule("hits@10", "mean", 1.0)),
        file=tmp_path / "eval/suites/small.toml",
    )
    assert [case.line for case in suite.cases] == [1]


def test_a_suite_without_name_or_gates_is_named_after_its_file(tmp_path: Path) -> None:
    suite = load_suite("small", make_workspace(tmp_path))
    assert (suite.name, suite.description, suite.gates) == ("small", "", ())


def test_a_suite_without_an_archive_judges_the_one_in_use(tmp_path: Path) -> None:
    suite = load_suite("small", make_workspace(tmp_path, toml='gold = "eval/gold/small.jsonl"\n'))
    assert suite.archive is None


def test_a_gate_is_on_the_mean_on_its_bound_or_against_another_run(tmp_path: Path) -> None:
    gates = "[gates]\naurc = 0.2\n[gates.answer_match]\nmean = 0.5\nbound = 0.4\nnot_worse_than = 'eval/reports/best'\n"
    suite = load_suite("small", make_workspace(tmp_path, toml=TOML + gates))
    assert suite.gates == (
        GateRule("aurc", "mean", 0.2),
        GateRule("answer_match", "mean", 0.5),
        GateRule("answer_match", "bound", 0.4),
        GateRule("answer_match", "not_worse_than", baseline=tmp_path / "eval/reports/best"),
    )


@pytest.mark.parametrize("as_text", [True, False])
def test_a_suite_is_read_by_path_with_paths_relative_to_the_folder_of_its_eval(tmp_path: Path, as_text: bool) -> None:
    make_workspace(tmp_path / "theirs")
    path = tmp_path / "theirs/eval/suites/small.toml"
    suite = load_suite(str(path) if as_text else path, Workspace(tmp_path / "ours", "named"))
    assert suite.archive == tmp_path / "theirs/archive"


def test_a_suite_file_elsewhere_has_paths_relative_to_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_workspace(tmp_path / "theirs")
    (tmp_path / "theirs/other.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path / "theirs")
    suite = load_suite("other.toml", make_workspace(tmp_path / "ours"))
    assert (suite.name, suite.archive) == ("other", tmp_path / "theirs/archive")


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


def test_suites_of_the_workspace_and_packaged_ones_are_known_by_name(tmp_path: Path) -> None:
    names = suite_names(make_workspace(tmp_path))
    assert {"small", "sample"} <= set(names)
    assert names == sorted(names)


def test_a_missing_suite_is_answered_with_the_nearest_name_and_how_to_list_them(tmp_path: Path) -> None:
    with pytest.raises(ContentError) as error:
        load_suite("smple", make_workspace(tmp_path))
    assert str(error.value) == ("No suite 'smple' in eval/suites. Did you mean 'sample'? List them with: qa eval list")


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
        (TOML + "[gates]\nseconds = 1\n", 4, "no measure 'seconds'."),
        (TOML + "[gates]\n'hits@1' = 1.5\n", 4, "gate 'hits@1' must be a number from 0 to 1, not 1.5."),
        (TOML + "[gates]\n'hits@1' = nan\n", 4, "gate 'hits@1' must be a number from 0 to 1, not nan."),
        (TOML + "[gates]\n'hits@1' = true\n", 4, "gate 'hits@1' must be a number from 0 to 1, not True."),
        (TOML + "[gates]\n'hits@1' = '1'\n", 4, "gate 'hits@1' must be a number from 0 to 1, not '1'."),
        (TOML + "[gates]\n'hits@1' = {}\n", 4, "gate 'hits@1' is empty. Known: mean, bound, not_worse_than."),
        (TOML + "[gates]\n'hits@1' = {bound = -1}\n", 4, "gate 'hits@1' must be a number from 0 to 1, not -1."),
        (
            TOML + "[gates]\n'hits@1' = {least = 1}\n",
            4,
            "no gate 'least' on hits@1. Known: mean, bound, not_worse_than",
        ),
        (TOML + "[gates.'hits@1']\nleast = 1\n", 3, "no gate 'least' on hits@1."),
        (
            TOML + "[gates.aurc]\nnot_worse_than = 1\n",
            3,
            "gate 'aurc': 'not_worse_than' must name the folder of a run.",
        ),
        (TOML + "[gates.answer_match]\nnot_worse_than = 'x'\n", 3, "/x holds no run."),
        (TOML + "[gates.aurc]\nnot_worse_than = 'x'\n", 3, "aurc cannot be compared case by case"),
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


def test_what_is_wrong_in_the_gold_file_is_said_of_that_file(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    (tmp_path / "eval/gold/small.jsonl").write_text("\n{}\n")
    with pytest.raises(ContentError, match=r"eval/gold/small\.jsonl:2: 'id' is missing\."):
        load_suite("small", workspace)


# the shipped suites


@pytest.fixture(scope="module")
def sample() -> Suite:
    return load_suite("sample", find_workspace(REPOSITORY, REPOSITORY))


@pytest.mark.parametrize("file", SHIPPED_SUITES, ids=lambda file: file.stem)
def test_each_shipped_suite_stands_in_its_archive(file: Path) -> None:
    suite = load_suite(file, find_workspace(REPOSITORY, REPOSITORY))
    assert suite.archive is not None
    articles = [article for article in read_sources([suite.archive], root=REPOSITORY) if isinstance(article, Article)]
    assert check_evidence(suite.cases, articles, suite.gold) == []
    assert all(find_evidence(case, articles) for case in suite.cases if case.answerable)


def test_the_sample_suite_has_questions_enough_of_each_sort(sample: Suite) -> None:
    answerable = Counter(case.answerable for case in sample.cases)
    assert answerable[True] >= 40
    assert answerable[False] >= 12
    assert {"fact", "paraphrase", "near_miss"} <= {case.kind for case in sample.cases} <= set(KINDS)
    assert len({case.question for case in sample.cases}) == len(sample.cases)


def test_the_gates_of_the_sample_suite_are_those_that_were_promised(sample: Suite) -> None:
    assert set(sample.gates) >= {
        GateRule("answer_match", "mean", 0.85),
        GateRule("quote_validity", "mean", 1.0),
        GateRule("abstention_precision", "mean", 0.85),
        GateRule("abstention_recall", "mean", 0.85),
    }
    assert {gate.measure for gate in sample.gates} <= set(GATED)
