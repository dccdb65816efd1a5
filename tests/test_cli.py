from __future__ import annotations

import contextlib
import gzip
import json
import logging
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import loopback
import pytest
import typer
from command_line import Run, bind_root, call_program, forks, make_runner, read_all, terminal, write_protected
from conftest import REPOSITORY
from filelock import FileLock
from test_terminal import FOREIGN, HOSTILE, OURS

import qa
from qa.cli import app
from qa.text import clean_text

QUESTION = "What was 2021 trade turnover?"
ON_RECORD = "At the end of 2021 trade between the two countries stood at $24.2 billion, a record."
UNANSWERED = "Who is the king of Sweden?"
README_EXAMPLE = """\
$24.2 billion

At the end of 2021 trade between the two countries stood at $24.2 billion, a record. [1]

[1] Trade with Russia sets a record · sample archive · 5 July 2022
    “At the end of 2021 trade between the two countries stood at $24.2 billion, a record.”
    index/articles/trade-record.md:9 · quote and figures checked

"""
FOOTER = re.compile(r"\d+\.\d s · no model · 12 articles searched(?: \(“2021”: first articles from 2021 to 2022\))?\n")
ANSWER_KEYS = {
    *("question", "status", "text", "short", "short_span", "statements", "citations", "nearest", "notices"),
    *("searched", "score", "mode", "model", "prompt", "usage", "seconds"),
}
ARTICLE_KEYS = {"id", "title", "publisher", "author", "published", "url", "source", "sha256"}
PRICES = ["usd_per_million_input_tokens", "usd_per_million_output_tokens"]
SETTINGS = ["model", "base_url", "api_key", "timeout_seconds", "context_tokens", "max_output_tokens", *PRICES]


@pytest.fixture
def run(monkeypatch, capsys) -> Run:
    return make_runner(monkeypatch, capsys)


@pytest.fixture(autouse=True)
def _own_log():
    yield
    logging.getLogger("qa").handlers.clear()


@pytest.fixture
def sample(sample_workspace, monkeypatch) -> Path:
    """The prepared sample workspace, in use. Read only."""
    monkeypatch.setenv("QA_WORKSPACE", str(sample_workspace))
    return sample_workspace


@pytest.fixture
def mine(sample_copy, monkeypatch) -> Path:
    """A copy of it, in use, to be changed."""
    monkeypatch.setenv("QA_WORKSPACE", str(sample_copy))
    return sample_copy


@pytest.fixture
def empty(tmp_path, monkeypatch) -> Path:
    """A workspace without articles, in use."""
    monkeypatch.setenv("QA_WORKSPACE", str(tmp_path / "empty"))
    return tmp_path / "empty"


# the program as it is started


def test_the_example_of_the_readme_from_an_empty_folder(tmp_path):
    made = call_program("init", tmp_path / "new", "--sample")
    assert (made.returncode, made.stdout) == (0, f"The workspace is ready: {tmp_path / 'new'}\n")
    answered = call_program("ask", QUESTION, cwd=tmp_path / "new")
    assert answered.returncode == 0, answered.stderr
    assert answered.stdout.startswith(README_EXAMPLE)
    assert FOOTER.fullmatch(answered.stdout.removeprefix(README_EXAMPLE))
    assert answered.stderr == ("reading articles\nembedding: 24 passages\nbuilding the vector index: 24 passages\n")
    again = call_program("ask", QUESTION, cwd=tmp_path / "new")
    assert again.stdout.startswith(README_EXAMPLE)
    assert again.stderr == ""


def test_help_loads_nothing_heavy():
    assert call_program("--help").returncode == 0
    heavy = "chromadb openai onnxruntime numpy rich prompt_toolkit trafilatura dateparser tokenizers tiktoken".split()
    code = f"import sys, qa.cli; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert loaded.stdout == "[]\n"


def test_every_command_and_every_option_has_a_line_of_help():
    def look(command, path: str) -> Iterator[str]:
        if not command.get_short_help_str():
            yield path
        yield from (f"{path} {p.name}" for p in command.params if p.name != "help" and not getattr(p, "help", None))
        for name, inner in getattr(command, "commands", {}).items():
            yield from look(inner, f"{path} {name}")

    assert list(look(typer.main.get_command(app), "qa")) == []


def test_every_command_that_prints_results_takes_json_and_a_workspace():
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    commands = {**commands, **commands["eval"].commands}
    del commands["eval"]
    for name, command in commands.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--json", "--workspace"} <= options, name


def test_the_version_is_told(run):
    assert run("--version").out == f"onrecord {qa.__version__}\n"


@pytest.mark.parametrize("command", [[], ["eval"]])
def test_without_a_command_the_help_is_shown_as_misuse(run, command):
    result = run(*command)
    assert (result.code, result.out) == (2, "")
    assert "Commands:" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["aks"], "error: No such command 'aks'. Did you mean 'ask'? See: qa --help\n"),
        (
            ["ask", "x", "--sinc", "2021"],
            "error: No such option: --sinc (Possible options: --json, --since, --strict).",
        ),
        (["ask"], "error: Missing argument 'QUESTION'. See: qa ask --help\n"),
        (["add"], "error: Missing argument 'SOURCE'. See: qa add --help\n"),
        (["search", "x", "--limit", "0"], "error: Invalid value for '--limit'"),
        (["show", "x", "--at", "y"], "error: Invalid value for '--at'"),
        (["eval", "show"], "error: Missing argument 'RUN'. See: qa eval show --help\n"),
    ],
)
def test_misuse_is_one_line_that_names_the_help(run, sample, arguments, message):
    result = run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(message)
    assert result.err.count("\n") == 1


# asking


def test_an_abstention_exits_with_3_and_shows_what_is_closest(run, sample):
    result = run("ask", UNANSWERED)
    assert result.code == 3
    assert result.out.startswith("Not in these articles.\n")
    assert "\nClosest:\n[1] " in result.out
    assert FOOTER.fullmatch(result.out.splitlines(keepends=True)[-1])
    assert result.err == ""


@pytest.mark.parametrize(("question", "code"), [(QUESTION, 0), (UNANSWERED, 3)])
def test_json_of_an_answer_has_the_keys_of_the_contract(run, sample, question, code):
    result = run("ask", "--json", question)
    answer = result.data
    assert result.code == code
    assert set(answer) == ANSWER_KEYS
    assert (answer["question"], answer["status"]) == (question, "abstained" if code else "answered")
    for citation in answer["citations"] + answer["nearest"]:
        assert set(citation) == {"number", "quote", "start", "end", "line", "page", "article", "copies"}
        assert set(citation["article"]) == ARTICLE_KEYS
        text = next(a.text for a in qa.open(sample).articles() if a.id == citation["article"]["id"])
        assert text[citation["start"] : citation["end"]] == citation["quote"]
    for statement in answer["statements"]:
        assert {"text", "start", "end", "citations", "verdict", "problems"} <= set(statement)
    assert set(answer["usage"]) == {"input_tokens", "output_tokens", "cost_usd"}
    assert {"articles", "passages", "since", "until", "as_of", "publisher"} <= set(answer["searched"])


def test_a_question_is_read_from_standard_input(run, sample):
    assert run("ask", "-", stdin=QUESTION.encode() + b"\n").out.startswith(README_EXAMPLE)
    assert run("search", "-", "--json", stdin=QUESTION.encode()).data


@pytest.mark.parametrize("command", ["ask", "search"])
@pytest.mark.parametrize(("question", "message"), [("", "is empty"), (" ?! ", "is empty"), ("why " * 25_000, "99,999")])
def test_a_question_that_cannot_be_asked_exits_with_2(run, sample, command, question, message):
    for arguments, stdin in (([question], b""), (["-"], question.encode())):
        result = run(command, *arguments, stdin=stdin)
        assert (result.code, result.out) == (2, "")
        assert message in result.err
        assert len(result.err) < 200


def test_a_question_of_100000_characters_reaches_the_real_program(sample):
    result = call_program("ask", "x" * 100_000)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: The question has 100,000 characters; at most 2,000 are read.\n"


@pytest.mark.parametrize("option", ["--since", "--until", "--as-of"])
@pytest.mark.parametrize("value", ["2021-13", "tomorrow", "2021-02-30", "", "\x1b[31m"])
def test_an_impossible_date_exits_with_2(run, sample, option, value):
    result = run("ask", QUESTION, option, value)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert not FOREIGN.search(result.err)


def test_inverted_dates_exit_with_2(run, sample):
    result = run("ask", QUESTION, "--since", "2022", "--until", "2021")
    assert result.code == 2
    assert result.err == "error: Nothing is both since 2022-01-01 and until 2021-12-31: the dates are inverted.\n"


@pytest.mark.parametrize(
    ("options", "searched"),
    [
        ([], {"articles": 12}),
        (["--since", "2022-07-05"], {"since": "2022-07-05"}),
        (["--since", "2022-07"], {"articles": 12, "since": "2022-07-01"}),
        (["--until", "2022"], {"articles": 12, "until": "2022-12-31"}),
        (["--as-of", "2022-06"], {"articles": 0, "as_of": "2022-06-30"}),
        (["--publisher", "Sample Archive"], {"articles": 12, "publisher": "Sample Archive"}),
        (["--publisher", "nobody"], {"articles": 0}),
        (["--dated"], {"articles": 12}),
    ],
)
def test_filters_reach_the_search(run, sample, options, searched):
    result = run("ask", QUESTION, "--json", *options)
    found = result.data["searched"]
    assert {name: found[name] for name in searched} == searched


def test_as_of_a_day_before_the_answer_was_published_it_is_not_given(run, sample):
    assert run("ask", QUESTION, "--as-of", "2022-07-04").code == 3
    assert run("ask", QUESTION, "--as-of", "2022-07-05").out.startswith("$24.2 billion\n")


def test_an_empty_archive_says_how_to_fill_it(run, empty):
    for command in (["ask", QUESTION], ["search", QUESTION], ["chat"]):
        result = run(*command)
        assert (result.code, result.out) == (1, "")
        assert result.err == f"error: No articles in {empty} yet. Add some with: qa add SOURCE\n"


def test_new_files_of_the_workspace_are_found_by_the_next_question(run, mine):
    (mine / "index/articles/new.md").write_text("# Bees\n\nThe hive of Mr Quill holds 4,211 bees.\n")
    (mine / "index/articles/empty.txt").write_text("")
    result = run("ask", "How many bees does the hive of Mr Quill hold?")
    assert "4,211 bees" in result.out
    assert "embedding: 1 passage\n" in result.err
    assert result.err.count("skipped index/articles/empty.txt: empty: it holds no text\n") == 1
    assert run("ask", QUESTION).err == ""


# searching and looking


def test_passages_are_printed_and_given_as_json(run, sample):
    shown = run("search", QUESTION, "--limit", "2")
    assert shown.code == 0
    assert shown.out.startswith("[1] ")
    assert shown.out.endswith("2 passages\n")
    hits = run("search", QUESTION, "--limit", "2", "--json").data
    assert len(hits) == 2
    assert [set(hit) for hit in hits] == [{"score", "passage", "article", "copies"}] * 2
    assert set(hits[0]["passage"]) == {"id", "start", "end", "text"}
    assert set(hits[0]["article"]) == ARTICLE_KEYS
    assert hits[0]["score"] >= hits[1]["score"]


def test_a_search_that_finds_nothing_is_no_error(run, sample):
    result = run("search", QUESTION, "--publisher", "nobody")
    assert (result.code, result.out) == (0, "0 passages\n")
    assert run("search", QUESTION, "--publisher", "nobody", "--json").data == []


def test_articles_are_listed_one_a_line(run, sample):
    rows = [row.split("\t") for row in run("list").out.splitlines()]
    assert len(rows) == 12
    assert [len(row) for row in rows] == [4] * 12
    articles = run("list", "--json").data
    assert [article["id"] for article in articles] == [row[0] for row in rows]
    assert {frozenset(article) for article in articles} == {frozenset(ARTICLE_KEYS)}


def wire_line(name: str, text: str, day: str) -> str:
    details = {"id": name, "title": f"{name}\x1b]0;x\x07", "publisher": f"Post {name}", "published": day}
    return json.dumps(details | {"text": text}) + "\n"


def test_copies_are_listed_by_group_and_named_beside_what_was_found(run, empty, tmp_path):
    story = "The bridge at Orrick has 4,120 visitors a day, the mayor of the town said when it was opened on a Monday."
    other = "A mill that stood empty for years was sold to a baker from Hest. He means to grind rye in it again."
    lines = [("a", story, "2034-05-02"), ("b", f"By Ann Lee\n\n{story}", "2034-05-01"), ("c", other, "2034-05-01")]
    (tmp_path / "a.jsonl").write_text("".join(wire_line(*line) for line in lines))
    assert run("list", "--duplicates", "--json").data == []
    run("add", tmp_path / "a.jsonl")
    a, b = (next(each for each in run("list", "--json").data if each["title"][0] == name) for name in "ab")
    assert run("list", "--duplicates", "--json").data == [{"articles": [b, a]}]
    listed = run("list", "--duplicates")
    assert [row.split("\t")[:2] for row in listed.out.splitlines()] == [["1", b["id"]], ["1", a["id"]]]
    assert listed.err == "1 group of copies\n"
    assert "\x1b" not in listed.out
    question = "How many visitors has the bridge at Orrick a day?"
    [citation] = run("ask", question, "--json").data["citations"]
    assert [citation["article"], *citation["copies"]] in ([a, b], [b, a])
    assert " · also in 1 other article\n" in run("ask", question).out
    [found] = [hit for hit in run("search", question, "--json").data if hit["copies"]]
    assert [found["article"], *found["copies"]] in ([a, b], [b, a])
    assert " · also in 1 other article\n" in run("search", question).out


def test_an_archive_that_was_not_compared_yet_says_so(run, mine):
    connection = sqlite3.connect(mine / "index/store/catalog.sqlite")
    connection.execute("DELETE FROM copies")
    connection.commit()
    connection.close()
    assert run("list", "--duplicates").err.startswith(
        "12 articles not compared with the others yet; go on with: qa sync"
    )
    assert "12; 12 still to compare for copies: qa sync" in run("status").out
    assert run("sync").code == 0
    assert run("list", "--duplicates").err == "0 groups of copies\n"


def test_an_article_is_shown_by_its_id_or_the_beginning_of_it(run, sample):
    article = qa.open(sample).articles()[0]
    for id_ in (article.id, article.id[:4]):
        result = run("show", id_)
        assert result.code == 0
        assert result.out.startswith(f"{article.title}\n\nid         {article.id}\n")
        assert result.out.endswith(f"\n\n{article.text}\n")
    shown = run("show", article.id, "--json").data
    assert set(shown) == ARTICLE_KEYS | {"language", "text", "at"}
    assert (shown["text"], shown["at"]) == (article.text, None)


def test_a_place_of_an_article_is_marked(run, sample):
    hit = run("search", QUESTION, "--json").data[0]
    start, id_ = hit["passage"]["start"], hit["article"]["id"]
    text = hit["passage"]["text"].splitlines()[0]
    assert f"▶{text}" in run("show", id_, "--at", str(start)).out
    assert run("show", id_, "--at", str(start), "--json").data["at"][0] == start
    outside = run("show", id_, "--at", "999999")
    assert (outside.code, outside.out) == (2, "")
    assert "offset 999999 is not in it" in outside.err


@pytest.mark.parametrize("command", ["show", "remove"])
@pytest.mark.parametrize("id_", ["nosuchid", "", "a", "\udcff\x1b[2J"])
def test_an_unknown_id_exits_with_1_and_says_where_to_look(run, sample, command, id_):
    result = run(command, id_)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: No article '")
    assert result.err.endswith("List them with: qa list\n")
    assert not FOREIGN.search(result.err)


def test_the_status_counts_what_there_is(run, sample):
    shown = dict(row.split("\t") for row in run("status").out.splitlines())
    assert shown["workspace"] == f"{sample} (named by QA_WORKSPACE)"
    assert (shown["articles"], shown["passages"], shown["languages"]) == ("12", "24", "en 12")
    data = run("status", "--json").data
    assert (data["articles"], data["passages"], data["vectors"], data["chosen"]) == (12, 24, 24, "named")


def test_the_status_of_an_empty_workspace_is_no_error(run, empty):
    assert run("status", "--json").data["articles"] == 0
    assert not empty.exists()


def test_the_configuration_shows_each_value_and_where_it_comes_from(run, mine, monkeypatch):
    model = ['name = "tiny"', 'base_url = "http://127.0.0.1:1/v1"', f"{PRICES[0]} = 0.15", f"{PRICES[1]} = 0.6"]
    (mine / "qa.toml").write_text("\n".join(["[model]", *model]))
    monkeypatch.setenv("QA_CONTEXT_TOKENS", "900")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    rows = [tuple(row.split("\t")) for row in run("config", "--workspace", mine).out.splitlines()]
    shown = {name: (value, origin) for name, value, origin in rows}
    assert rows[0] == ("workspace", str(mine), "named by --workspace")
    assert shown["model"] == ("tiny", str(mine / "qa.toml"))
    assert shown["context_tokens"] == ("900", "environment QA_CONTEXT_TOKENS")
    assert shown["max_output_tokens"] == ("300", "default")
    assert [shown[price][0] for price in PRICES] == ["0.15", "0.6"]
    assert shown["budget_tokens"] == ("128", str(mine / "index/recipe.toml"))
    result = run("config", "--json")
    assert set(result.data) == {"workspace", "settings", "recipe"}
    assert list(result.data["settings"]) == SETTINGS
    assert "sk-secret" not in result.out


def test_an_unknown_setting_exits_with_1_and_names_the_nearest(run, mine):
    (mine / "qa.toml").write_text('[model]\nnme = "tiny"\n')
    result = run("config")
    assert (result.code, result.out) == (1, "")
    assert "unknown key 'model.nme'. Did you mean 'model.name'?" in result.err


# which workspace


def test_a_workspace_may_be_named_before_and_after_the_command(run, sample, empty, monkeypatch):
    monkeypatch.setenv("QA_WORKSPACE", str(sample))
    assert run("status", "--json").data["articles"] == 12
    assert run("--workspace", empty, "status", "--json").data["articles"] == 0
    assert run("status", "--json", "--workspace", empty).data["articles"] == 0
    assert run("--workspace", empty, "status", "--json", "--workspace", sample).data["articles"] == 12


def test_the_nearest_workspace_upwards_is_used_and_told(run, sample_workspace, monkeypatch):
    monkeypatch.chdir(sample_workspace / "index/articles")
    result = run("status", "--json")
    assert (result.data["articles"], result.data["chosen"]) == (12, "found")
    assert result.err == f"Workspace: {sample_workspace}\n"
    monkeypatch.chdir(sample_workspace)
    assert run("status", "--json").err == ""


def test_without_a_workspace_the_users_own_is_used_and_told(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    result = run("status", "--json")
    assert result.data["chosen"] == "user"
    assert result.err == f"Workspace: {result.data['workspace']}\n"


def test_a_workspace_that_is_a_file_exits_with_1(run, tmp_path):
    (tmp_path / "file").write_text("")
    for command in (["list"], ["add", "x.txt"], ["ask", QUESTION], ["status"], ["config"]):
        result = run(*command, "--workspace", tmp_path / "file")
        assert (result.code, result.out) == (1, "")
        assert result.err == f"error: The workspace {tmp_path / 'file'} is not a folder.\n"


def test_init_makes_a_workspace_and_keeps_what_is_there(run, tmp_path):
    assert run("init", tmp_path, "--json").data == {"workspace": str(tmp_path), "sample": False}
    assert not list((tmp_path / "index/articles").iterdir())
    (tmp_path / "qa.toml").write_text("# mine\n")
    assert run("init", "--workspace", tmp_path, "--sample").code == 0
    assert (tmp_path / "qa.toml").read_text() == "# mine\n"
    assert len(list((tmp_path / "index/articles").iterdir())) == 12


def test_init_where_no_folder_can_be_made_exits_with_1(run, tmp_path):
    (tmp_path / "file").write_text("")
    result = run("init", tmp_path / "file" / "inside")
    assert result.code == 1
    assert result.err.startswith("error: No workspace could be made in ")


# adding


def article_line(number: int, text: str = "", **fields) -> str:
    text = text or f"The town of Number{number} sold {1000 + number} lamps in 2023. Nobody else did that year."
    return json.dumps({"id": f"n{number}", "title": f"Lamps {number}", "text": text, **fields}) + "\n"


def test_what_is_added_is_counted_and_can_be_found(run, empty, tmp_path):
    (tmp_path / "a.jsonl").write_text("".join(map(article_line, range(3))))
    first = run("add", tmp_path / "a.jsonl")
    assert (first.code, first.out) == (0, "3 added, 0 updated, 0 unchanged, 0 skipped\n")
    (tmp_path / "a.jsonl").write_text(
        article_line(0) + article_line(1, "The town burned down. It was old.") + "{broken\n"
    )
    again = run("add", tmp_path / "a.jsonl")
    assert (again.code, again.out) == (0, "0 added, 1 updated, 1 unchanged, 1 skipped\n")
    assert f"skipped {tmp_path / 'a.jsonl'}:3: not valid JSON at column" in again.err
    assert "1002 lamps" in run("ask", "How many lamps did the town of Number2 sell?").out


def test_an_addition_as_json_lists_ids_and_reasons(run, empty, tmp_path):
    (tmp_path / "a.jsonl").write_text(article_line(0) + "[]\n")
    result = run("add", tmp_path / "a.jsonl", "--json")
    assert set(result.data) == {"added", "updated", "unchanged", "skipped"}
    assert [len(result.data[name]) for name in ("added", "updated", "unchanged")] == [1, 0, 0]
    assert set(result.data["skipped"][0]) == {"source", "reason"}
    assert result.data["added"] == [article["id"] for article in run("list", "--json").data]


def test_standard_input_is_added_with_the_details_that_are_given(run, empty):
    text = b"The bridge was opened on a Monday by the mayor. Many came to see it that day.\n"
    details = ["--title", "A bridge", "--publisher", "BBC", "--author", "Ann", "--url", "https://example.org/b"]
    assert run("add", "-", *details, "--published", "5 July 2022", stdin=text).code == 0
    (article,) = run("list", "--json").data
    assert [article[name] for name in ("title", "publisher", "author", "url", "published")] == [
        *details[1::2],
        "2022-07-05",
    ]


def test_fields_with_other_names_are_mapped(run, empty, tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"story": "The mill closed in May. It was sold.", "kopf": "Mill"}))
    result = run("add", tmp_path / "a.jsonl", "--map", "text=story", "--map", "title=kopf")
    assert result.out.startswith("1 added")
    assert run("list", "--json").data[0]["title"] == "Mill"
    assert run("add", tmp_path / "a.jsonl", "--map", "text").code == 2
    unknown = run("add", tmp_path / "a.jsonl", "--map", "txt=story")
    assert unknown.code == 1
    assert "No field 'txt'. Did you mean 'text'?" in unknown.err


def test_articles_in_other_languages_are_told_of(run, empty, tmp_path):
    german = "Der Handel zwischen den beiden Ländern ist im vergangenen Jahr deutlich gewachsen, sagte der Minister."
    (tmp_path / "a.jsonl").write_text(article_line(1) + article_line(2, german) + article_line(3, german + " Ja."))
    result = run("add", tmp_path / "a.jsonl")
    assert result.err.splitlines()[-1] == (
        "2 articles are not in English (de 2): figures and rules of other languages are not covered yet."
    )
    assert "not in English" not in run("add", tmp_path / "a.jsonl").err


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("missing.txt", None, "No file or folder"),
        ("empty.txt", b"", "empty: it holds no text"),
        ("picture.png", b"\x89PNG", "not a format that is read"),
        ("binary.txt", b"\0\1\2" * 900, "looks binary"),
        ("broken.jsonl", b"{\n", "not valid JSON"),
        ("cut.jsonl.gz", gzip.compress(f'{{"text": "{os.urandom(4000).hex()}"}}'.encode())[:900], "damaged"),
        ("blank.html", b"<html><body></body></html>", "no article text found"),
    ],
)
def test_a_source_that_gives_no_article_exits_with_1_and_its_reason(run, empty, tmp_path, name, content, reason):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = run("add", tmp_path / name)
    assert (result.code, result.out) == (1, "0 added, 0 updated, 0 unchanged, 1 skipped\n")
    assert result.err.startswith("skipped ")
    assert reason in result.err


def test_what_can_be_added_is_added_beside_what_cannot(run, empty, tmp_path):
    (tmp_path / "good.txt").write_text("Good news\n\nThe road was built in a year. It is long.")
    result = run("add", tmp_path / "good.txt", tmp_path / "missing.txt")
    assert (result.code, result.out) == (0, "1 added, 0 updated, 0 unchanged, 1 skipped\n")


def test_removed_articles_are_gone(run, mine):
    first, second, *_ = (article["id"] for article in run("list", "--json").data)
    result = run("remove", first, second[:6], "--json")
    assert result.data == {"removed": [first, second]}
    assert result.err.count("Its file is still there and comes back when it is changed: index/articles/") == 2
    assert len(run("list", "--json").data) == 10
    assert run("show", first).code == 1
    assert run("remove", run("list", "--json").data[0]["id"]).out == "1 removed\n"


def test_nothing_is_removed_when_one_id_is_unknown(run, mine):
    first = run("list", "--json").data[0]["id"]
    assert run("remove", first, "nosuchid").code == 1
    assert len(run("list", "--json").data) == 12


# interruptions


def test_ctrl_c_while_adding_says_what_is_kept_and_sync_finishes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("QA_WORKSPACE", str(tmp_path / "w"))
    filler = " ".join(f"In the week the market sold {n} boxes of fish, and so it went." for n in range(6))
    (tmp_path / "big.jsonl").write_text("".join(article_line(n, f"Town {n}. {filler}") for n in range(150)))
    adding = subprocess.Popen(
        [sys.executable, "-m", "qa", "add", str(tmp_path / "big.jsonl")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert adding.stderr is not None
    assert any(row.startswith("embedding") for row in adding.stderr)
    adding.send_signal(signal.SIGINT)
    out, err = adding.communicate(timeout=30)
    assert (adding.returncode, out) == (130, "")
    assert err == "Interrupted: 150 articles are kept; go on with: qa sync\n"
    status = json.loads(call_program("status", "--json").stdout)
    assert status["articles"] == 150
    assert status["vectors"] < status["passages"]
    found = call_program("search", "How many lamps did Town 7 sell?", "--limit", "1")
    assert found.stdout.endswith("1 passage\n")
    assert found.stderr.endswith(" passages are found by their words only; go on with: qa sync\n")
    synced = call_program("sync")
    assert (synced.returncode, synced.stdout) == (0, "0 added, 0 updated, 0 unchanged, 0 skipped\n")
    status = json.loads(call_program("status", "--json").stdout)
    assert status["vectors"] == status["passages"] >= 150


def test_ctrl_c_while_reading_says_to_run_the_command_again(run, empty, monkeypatch):
    def interrupted(*_, on_progress, **__):
        on_progress(qa.Progress("reading", 1))
        raise KeyboardInterrupt

    monkeypatch.setattr("qa.archive.Archive.add", interrupted)
    result = run("add", "x.txt")
    assert (result.code, result.out) == (130, "")
    assert result.err == "reading articles\nInterrupted: 1 article is kept; go on with the same command\n"


def test_ctrl_c_anywhere_else_exits_with_130(run, sample, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("qa.archive.Archive.stream", interrupted)
    result = run("ask", QUESTION)
    assert (result.code, result.out, result.err) == (130, "", "Interrupted.\n")


# what else goes wrong


def test_a_bug_is_one_line_and_a_traceback_when_asked_for(run, sample, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("no way\n\x1b[31m")

    monkeypatch.setattr("qa.archive.Archive.status", broken)
    result = run("status")
    assert (result.code, result.out) == (1, "")
    assert result.err == "error: RuntimeError: no way \ufffd[31m. Where this happened is shown with QA_DEBUG=1.\n"
    monkeypatch.setenv("QA_DEBUG", "1")
    debugged = run("status").err
    assert debugged.startswith("Traceback ")
    assert "test_cli.py" in debugged
    assert not FOREIGN.search(debugged)


def test_a_reader_that_has_seen_enough_is_no_error(sample):
    listing = subprocess.Popen(
        [sys.executable, "-m", "qa", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPOSITORY
    )
    assert listing.stdout is not None
    listing.stdout.close()
    assert listing.wait(timeout=30) == 1
    assert listing.stderr is not None
    assert listing.stderr.read() == b""
    listing.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(sample):
    with Path("/dev/full").open("w") as full:
        result = call_program("list", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert result.returncode == 1
    assert result.stderr.startswith("error: OSError: ")
    assert result.stderr.count("\n") == 1


def test_output_in_another_encoding_is_no_error(sample):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    result = call_program("ask", QUESTION, env=environment)
    assert result.returncode == 0
    assert "    ?At the end of 2021" in result.stdout
    data = json.loads(call_program("ask", "--json", QUESTION, env=environment).stdout)
    assert data["short"] == "$24.2 billion"


def test_closed_streams_are_no_error(sample):
    command = f"exec {sys.executable} -m qa list >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], cwd=REPOSITORY, check=False).returncode == 0


@forks
def test_a_read_only_workspace_is_asked_as_it_is_and_refuses_changes(mine):
    (mine / "index/articles/new.md").write_text("# New\n\nThis is not indexed yet. It cannot be.\n")
    with write_protected(mine):
        asked = call_program("ask", QUESTION, preexec_fn=bind_root)
        added = call_program("add", mine / "index/articles/new.md", preexec_fn=bind_root)
    assert (asked.returncode, asked.stdout.startswith(README_EXAMPLE)) == (0, True), asked.stderr
    assert asked.stderr.count("\n") == 1
    assert asked.stderr.startswith("warning: New files of index/articles are not searched yet: ")
    assert (added.returncode, added.stdout) == (1, "")
    assert re.fullmatch(r"error: .* may not be written \(.*\)\. Check its permissions\.\n", added.stderr)


def test_while_another_process_writes_questions_are_answered_and_changes_refused(run, mine):
    (mine / "index/articles/new.md").write_text("# New\n\nThis is not indexed yet. It cannot be.\n")
    with FileLock(mine / "index/store/writer.lock"):
        asked, chatted = run("ask", QUESTION), run("chat", stdin=f"{QUESTION}\n{UNANSWERED}\n".encode())
        refused = [run("add", mine / "qa.toml"), run("sync"), run("remove", run("list", "--json").data[0]["id"])]
    assert asked.out.startswith(README_EXAMPLE)
    for result in (asked, chatted):
        assert result.err.count("\n") == 1
        assert result.err.startswith("warning: New files of index/articles are not searched yet: Another process")
    for result in refused:
        assert (result.code, result.out) == (1, "")
        assert result.err.startswith("error: Another process")
        assert result.err.count("\n") == 1
    assert run("sync").out == "1 added, 0 updated, 0 unchanged, 0 skipped\n"


def test_an_archive_of_a_newer_version_is_left_alone(run, mine):
    import sqlite3

    with contextlib.closing(sqlite3.connect(mine / "index/store/catalog.sqlite")) as catalog:
        catalog.execute("PRAGMA user_version = 99")
    for command in (["ask", QUESTION], ["add", mine / "qa.toml"], ["status"]):
        result = run(*command)
        assert (result.code, result.out) == (1, "")
        assert "was written by a newer version (schema 99" in result.err


# hostile articles


def test_nothing_of_a_hostile_article_reaches_a_stream_as_control(run, empty, tmp_path):
    payloads = [clean_text(text) for text in HOSTILE.values()]
    for number, text in enumerate(payloads):
        body = f"The secret number of Mr Quill is {4200 + number}, said {text} on Monday. It was {text}."
        record = article_line(number, body, publisher=f"P {text}", author=text, url=f"http://x/{text}")
        (tmp_path / f"h{number}.jsonl").write_text(record.replace("Lamps", json.dumps(f"Lamps {text}")[1:-1]))
    results = [run("add", *tmp_path.glob("h*.jsonl")), run("list"), run("list", "--json"), run("status")]
    assert results[0].out.startswith("12 added")
    for article in results[2].data:
        results += [run("show", article["id"]), run("show", article["id"], "--json", "--at", "5")]
        assert run("show", article["id"], "--json").data["text"].startswith("The secret number")
    question = "What is the secret number of Mr Quill?"
    results += [run("ask", question), run("ask", question, "--json"), run("search", question, "--limit", "50")]
    results += [run("search", question, "--json"), run("chat", stdin=question.encode())]
    results += [run("ask", f"{text} secret number", "--publisher", text) for text in HOSTILE.values()]
    results += [run("add", text) for text in HOSTILE.values()]
    results += [run("--workspace", tmp_path / text.replace("\0", ""), "status") for text in HOSTILE.values()]
    for result in results:
        assert not FOREIGN.search(result.out + result.err)
        assert "Traceback" not in result.err
        assert "QA_DEBUG" not in result.err


# a model


@pytest.fixture
def server(monkeypatch) -> Iterator[loopback.Loopback]:
    """A model's server, configured by the environment."""
    with loopback.serve() as found:
        found.list_models("tiny")
        monkeypatch.setenv("OPENAI_BASE_URL", found.url)
        yield found


RIGHT = ("Trade stood at $24.2 billion at the end of 2021, a record [1].",)


def announcement(server: loopback.Loopback, model: str = "the model") -> str:
    host = server.url.split("/")[2]
    return (
        f"Answers are written by {model} at {host}: the question and passages are sent there"
        " (--no-model keeps them here)\n"
    )


def test_a_model_writes_the_answer_and_it_is_said_where_the_text_goes(run, sample, server):
    server.replies = [loopback.whole_reply(*RIGHT)]
    result = run("ask", QUESTION)
    assert result.code == 0
    assert "Trade stood at $24.2 billion at the end of 2021, a record [1].\n" in result.out
    assert "· quote and figures checked\n" in result.out
    assert re.search(r"\d s · tiny · 7 tokens in, 1 out · 12 articles searched(?: \(“2021”[^)]+\))?\n$", result.out)
    assert result.err == announcement(server)


def test_a_wrong_figure_of_a_model_is_marked(run, sample, server):
    server.replies = [loopback.whole_reply(f"Trade stood at $42.2 billion at the end of 2021 [3]. {ON_RECORD} [3].")]
    shown = run("ask", QUESTION).out
    assert "✗ Trade stood at $42.2 billion" in shown
    assert re.search(r"^✗ “Trade stood at \$42.2 billion .*: \$42.2 billion is not in the quote", shown, re.MULTILINE)
    assert "· ✗ a figure is not in the quote\n" in shown


def test_no_model_sends_nothing_and_says_nothing(run, sample, server):
    result = run("ask", QUESTION, "--no-model")
    assert result.out.startswith(README_EXAMPLE)
    assert (result.err, server.requests) == ("", [])


def test_a_model_may_be_named_for_one_question(run, sample, server):
    server.replies = [loopback.whole_reply(*RIGHT)]
    result = run("ask", QUESTION, "--model", "tiny", "--json")
    assert (result.data["model"], result.data["mode"]) == ("tiny", "model")
    assert result.err == announcement(server, "tiny")
    unknown = run("ask", QUESTION, "--model", "tniy")
    assert (unknown.code, unknown.out) == (1, "")
    assert "has no model 'tniy'. Did you mean 'tiny'?" in unknown.err
    both = run("ask", QUESTION, "--model", "tiny", "--no-model")
    assert (both.code, both.err) == (2, "error: --model and --no-model exclude each other.\n")


@pytest.mark.parametrize("listed", [True, False])
def test_when_the_model_fails_the_answer_without_it_is_given_and_why(run, sample, server, monkeypatch, listed):
    if listed:
        server.replies = [loopback.failure(401, "bad key")]
    else:
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{loopback.closed_port()}/v1")
    result = run("ask", QUESTION)
    assert result.code == 0
    assert result.out.startswith("$24.2 billion\n")
    assert result.out.count("\nAnswered without the model: ") == 1
    assert FOOTER.search(result.out)


def test_a_model_that_does_not_know_makes_an_abstention(run, sample, server):
    server.replies = [loopback.whole_reply("NOT IN THESE ARTICLES")]
    result = run("ask", QUESTION)
    assert result.code == 3
    assert result.out.startswith("Not in these articles.\n")
    assert "Closest:" in result.out


def test_a_hostile_reply_reaches_no_stream_as_control(run, sample, server):
    server.replies = [loopback.whole_reply(*(clean_text(text) for text in HOSTILE.values()), "Trade [1].")]
    for options in ([], ["--json"]):
        result = run("ask", QUESTION, *options)
        assert result.code == 0
        assert not FOREIGN.search(result.out + result.err)


# chat from a pipe


def test_a_pipe_of_questions_is_a_conversation(run, sample):
    result = run("chat", stdin=f"{QUESTION}\n\nand in 2020?\n/quit\nNot asked?\n".encode())
    assert result.code == 0
    assert result.out.startswith(README_EXAMPLE)
    assert "Asked as: What was 2020 trade turnover?\n\nNot in these articles.\n" in result.out
    assert result.err == ""
    assert "Not asked" not in result.out


def test_a_pipe_of_questions_as_json_is_one_object_a_line(run, sample):
    result = run("chat", "--json", stdin=f"{QUESTION}\n{UNANSWERED}\n".encode())
    answers = [json.loads(row) for row in result.out.splitlines()]
    assert [answer["status"] for answer in answers] == ["answered", "abstained"]
    assert all(set(answer) == ANSWER_KEYS for answer in answers)


def test_a_question_that_cannot_be_asked_does_not_end_a_pipe(run, sample):
    result = run("chat", stdin=b"?!\n" + b"why " * 1000 + b"\n" + QUESTION.encode())
    assert result.code == 1
    assert result.out.startswith(README_EXAMPLE)
    assert result.err.count("error: ") == 2


def test_going_on_with_a_chat_needs_a_terminal(run, sample):
    result = run("chat", "--continue", stdin=QUESTION.encode())
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: --continue goes on with a chat on a terminal")


# a real terminal


@forks
def test_on_a_terminal_the_answer_is_styled_wrapped_and_its_span_marked(sample):
    with terminal("ask", QUESTION, columns=60) as child:
        shown = read_all(child)
    assert child.exitstatus == 0
    assert "searching 12 articles · 2022-07…" in shown
    assert "\x1b[1m$24.2 billion\x1b[0m\n\n" in shown
    assert "\x1b[1;32m$24.2 billion\x1b[0m" in shown
    rows = OURS.sub("", shown.split("\x1b[1m", 1)[1]).splitlines()
    assert max(map(len, rows)) <= 60
    assert not FOREIGN.search("\n".join(rows))
    words = " ".join(" ".join(rows).split())
    assert words.startswith(" ".join(README_EXAMPLE.split()))


@forks
@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_on_a_terminal_without_colour_there_is_no_escape_at_all(sample, plain):
    with terminal("ask", QUESTION, **plain) as child:
        shown = read_all(child)
    assert "\x1b" not in shown
    assert shown.startswith("$24.2 billion\n\n")


@forks
def test_on_a_terminal_indexing_shows_a_bar_that_goes_away(mine):
    (mine / "index/articles/new.md").write_text("# Bees\n\nThe hive of Mr Quill holds 4,211 bees.\n")
    with terminal("sync") as child:
        shown = read_all(child)
    assert "embedding" in shown
    assert "━" in shown
    assert OURS.sub("", shown).endswith("1 added, 0 updated, 0 unchanged, 0 skipped\n")


@forks
def test_ctrl_c_while_asking_on_a_terminal_exits_with_130(sample, server):
    server.replies = [loopback.Canned(loopback.sse(loopback.chunk("Trade"), done=False), drip=b": wait\n\n")]
    with terminal("ask", QUESTION) as child:
        child.expect_exact("Trade")
        child.sendintr()
        shown = read_all(child)
    assert child.exitstatus == 130
    assert OURS.sub("", shown).endswith("Interrupted.\n")
    assert "Traceback" not in shown


def test_the_command_is_installed_under_its_name():
    script = shutil.which("qa", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("needs the package to be installed")
    result = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert result.stdout == f"onrecord {qa.__version__}\n"
