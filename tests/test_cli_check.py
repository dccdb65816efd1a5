"""`qa check`, `qa verify`, and what `qa ask` does with --save and --strict, through the real command line."""

from __future__ import annotations

import json
from pathlib import Path

import loopback
import pytest
from saved_answers import tamper
from test_cli import ARTICLE_KEYS, QUESTION, README_EXAMPLE, UNANSWERED, Run, call_program, empty, mine, run, sample
from test_terminal import FOREIGN, HOSTILE

__all__ = ["empty", "mine", "run", "sample"]  # fixtures

RIGHT = "At the end of 2021 trade between the two countries stood at $24.2 billion, a record."
WRONG = "Trade reached $42.2 billion in 2021."
LOST = "The king of Sweden visited the zinc mine."
QUOTED = f"    “{RIGHT}”\n"
PLACE = "    Trade with Russia sets a record · sample archive · 5 July 2022 · index/articles/trade-record.md:9\n"


@pytest.fixture(autouse=True)
def _own_log():
    yield
    import logging

    logging.getLogger("qa").handlers.clear()


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    file = tmp_path / "draft.md"
    file.write_text(f"# Trade\n\n{WRONG} {RIGHT}\n\n- {LOST}\n", encoding="utf-8")
    return file


# a draft


def test_each_statement_is_shown_with_its_mark_its_reason_and_its_quote(run: Run, sample, draft) -> None:
    result = run("check", draft)
    assert (result.code, result.err) == (4, "")
    wrong, right, lost, total = result.out.split("\n\n")
    reason = f"    $42.2 billion here; on record: $24.2 billion (5 July 2022, “{RIGHT}”)\n"
    assert wrong == f"✗ {WRONG}\n{reason}{QUOTED}{PLACE}".rstrip()
    assert right == f"✓ {RIGHT}\n{QUOTED}{PLACE}".rstrip()
    assert lost.startswith(f"? {LOST}\n    Sweden is not in the article\n    the quote does not say this (missing: ")
    assert "\n    nearest: “" in lost
    assert total == "3 statements: 1 supported, 1 contradicted, 1 not found\n"


def test_the_json_of_a_check_has_the_keys_of_the_contract(run: Run, sample, draft) -> None:
    result = run("check", draft, "--json")
    assert result.code == 4
    assert list(result.data) == ["statements"]
    statements = result.data["statements"]
    assert [statement["verdict"] for statement in statements] == ["contradicted", "supported", "not_found"]
    text = draft.read_text(encoding="utf-8")
    for statement in statements:
        assert set(statement) == {"text", "start", "end", "verdict", "problems", "citations"}
        assert text[statement["start"] : statement["end"]] == statement["text"]
        for citation in statement["citations"]:
            assert set(citation) == {"number", "quote", "start", "end", "line", "page", "article", "copies"}
            assert set(citation["article"]) == ARTICLE_KEYS


@pytest.mark.parametrize(("text", "code"), [(RIGHT, 0), (LOST, 0), (WRONG, 4), ("# only a heading", 0)])
def test_only_a_contradiction_exits_with_4(run: Run, sample, text: str, code: int) -> None:
    assert run("check", "-", stdin=text.encode()).code == code


def test_the_filters_of_a_check_are_those_of_a_question(run: Run, sample) -> None:
    for options in (["--until", "2022-07-04"], ["--publisher", "nobody"], ["--as-of", "2022-07-04"]):
        assert run("check", "-", *options, stdin=WRONG.encode()).code == 0
    assert run("check", "-", "--since", "2022-07-05", "--dated", stdin=WRONG.encode()).code == 4
    assert run("check", "-", "--since", "2022", "--until", "2021", stdin=b"x").code == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.md", None, "none.md cannot be read: No such file or directory."),
        ("empty.md", b" \n", "empty.md cannot be checked: empty: it holds no text."),
        ("binary.md", b"\0\1\2" * 99, "binary.md cannot be checked: looks binary"),
    ],
)
def test_a_draft_that_cannot_be_read_is_one_line(run: Run, sample, tmp_path, name, content, message) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = run("check", tmp_path / name)
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    assert message in result.err


def test_a_check_of_an_empty_archive_says_how_to_fill_it(run: Run, empty) -> None:
    result = run("check", "-", stdin=b"A thing.")
    assert (result.code, result.out) == (1, "")
    assert result.err == f"error: No articles in {empty} yet. Add some with: qa add SOURCE\n"


def test_a_hostile_draft_reaches_the_terminal_as_text(run: Run, sample) -> None:
    result = run(
        "check", "-", stdin="\n\n".join(f"Trade {text}." for text in HOSTILE.values()).encode("utf-8", "replace")
    )
    assert not FOREIGN.search(result.out + result.err)


# a saved answer


@pytest.mark.parametrize("name", ["a.json", "a.html"])
@pytest.mark.parametrize(("question", "code"), [(QUESTION, 0), (UNANSWERED, 3)])
def test_an_answer_that_was_saved_is_verified(run: Run, sample, tmp_path, name, question, code) -> None:
    asked = run("ask", question, "--save", tmp_path / name)
    assert (asked.code, asked.err) == (code, f"Saved: {tmp_path / name}. Verify it with: qa verify {tmp_path / name}\n")
    assert asked.out.startswith(README_EXAMPLE if code == 0 else "Not in these articles.\n")
    result = run("verify", tmp_path / name)
    assert (result.code, result.err) == (0, "")
    *lines, blank, total = result.out.splitlines()
    assert all(line.startswith("✓ ") for line in lines)
    assert (blank, total) == ("", f"All holds: {len(lines)} checked.")


def test_verifying_tells_each_part_on_a_line_of_its_own(run: Run, sample, tmp_path) -> None:
    run("ask", QUESTION, "--save", tmp_path / "a.html")
    said = "“At the end of 2021 trade between the two countries stood…”"
    quote, statement, text, page, *_ = run("verify", tmp_path / "a.html").out.splitlines()
    assert quote.startswith(f"✓ [1] {said} stands at 87:171 of index/articles/trade-record.md, sha256 ")
    assert statement == f"✓ {said} supported, as saved"
    assert text == "✓ the text says what its statements and quotes say"
    assert page == "✓ the page shows what is kept in it"


def test_a_forged_figure_exits_with_4(run: Run, sample, tmp_path) -> None:
    file = tmp_path / "a.json"
    run("ask", QUESTION, "--save", file)
    file.write_text(file.read_text(encoding="utf-8").replace("$24.2 billion", "$42.2 billion"), encoding="utf-8")
    result = run("verify", file)
    assert (result.code, result.err) == (4, "")
    assert "✗ [1] " in result.out
    assert "does not have these words at 87:171" in result.out
    found = run("verify", file, "--json")
    assert (found.code, found.data["holds"]) == (4, False)
    assert [set(row) for row in found.data["findings"]] == [{"about", "name", "status", "detail"}] * 3
    assert [row["status"] for row in found.data["findings"]] == ["quote_not_there", "not_checked", "holds"]


def test_a_changed_a_removed_and_a_forged_article_are_told_apart(run: Run, mine, tmp_path) -> None:
    file = tmp_path / "a.json"
    run("ask", QUESTION, "--save", file)
    article = mine / "index/articles/trade-record.md"
    text = article.read_text(encoding="utf-8")
    article.write_text(text.replace("a record.", "a great record."), encoding="utf-8")
    changed = run("verify", file, "--json")
    assert (changed.code, changed.data["findings"][0]["status"]) == (4, "article_changed")
    (id_,) = {row["article"]["id"] for row in json.loads(file.read_text(encoding="utf-8"))["citations"]}
    run("remove", id_)
    missing = run("verify", file, "--json")
    assert (missing.code, missing.data["findings"][0]["status"]) == (4, "article_missing")
    article.write_text(text, encoding="utf-8")
    assert run("verify", file).code == 0
    tamper(file, lambda data: data["citations"][0].update(start=86))
    forged = run("verify", file, "--json")
    assert (forged.code, forged.data["findings"][0]["status"]) == (4, "quote_not_there")


def test_article_files_are_enough_to_verify_an_answer_anywhere(sample: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    call_program("ask", QUESTION, "--save", file, env=None, cwd=sample)
    articles = sample / "index/articles"
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    for given in ([articles], [articles / "week-in-brief.md", articles / "trade-record.md"]):
        verified = call_program("verify", file, "--articles", *given, cwd=nowhere)
        assert (verified.returncode, verified.stderr) == (0, "")
        assert "All holds: 3 checked." in verified.stdout
    lacking = call_program(
        "verify", file, "--articles", articles / "week-in-brief.md", tmp_path / "none.md", cwd=nowhere
    )
    assert lacking.returncode == 4
    assert "its article is not here" in lacking.stdout
    assert lacking.stderr.startswith(f"skipped {tmp_path / 'none.md'}: ")
    assert list(nowhere.iterdir()) == []


def test_what_cannot_be_saved_is_refused_before_anything_is_asked(run: Run, sample, tmp_path) -> None:
    for name, message in (("a.txt", "saved as .json or .html"), ("none/a.json", "is not there")):
        result = run("ask", QUESTION, "--save", tmp_path / name)
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
        assert message in result.err


def test_what_is_no_saved_answer_is_one_line(run: Run, sample, draft, tmp_path) -> None:
    result = run("verify", draft)
    assert (result.code, result.out) == (1, "")
    assert result.err == f"error: {draft} is no saved answer. Make one with: qa ask QUESTION --save FILE\n"
    assert run("verify", tmp_path / "none.json").code == 1
    two = run("verify", draft, draft)
    assert two.code == 2
    assert "with --articles" in two.err


# strict


@pytest.fixture
def server(monkeypatch):
    with loopback.serve() as found:
        found.list_models("the model")
        monkeypatch.setenv("OPENAI_BASE_URL", found.url)
        yield found


def reply(server: loopback.Loopback, text: str) -> None:
    server.replies = [loopback.whole_reply(*(f"{word} " for word in text.split()))]


def test_strict_withholds_what_is_not_supported_and_says_so(run: Run, sample, server, tmp_path) -> None:
    reply(server, f"{RIGHT} [3] It was $42.2 billion in 2020 [3]. So it is.")
    loose = run("ask", QUESTION)
    assert loose.code == 0
    assert "✗ It was $42.2 billion in 2020 [3]. ? So it is." in loose.out
    assert "✗ “It was $42.2 billion in 2020 .”: " in loose.out
    strict = run("ask", QUESTION, "--strict", "--save", tmp_path / "a.html")
    assert strict.code == 0
    assert "✗" not in strict.out
    assert "Withheld: “It was $42.2 billion in 2020.” ($42.2 billion is not in the quote" in strict.out
    assert "Withheld: “So it is.” (no passage is named as its source)" in strict.out
    found = run("ask", QUESTION, "--strict", "--json").data
    assert found["text"] == f"{RIGHT} [1]"
    assert (found["mode"], found["usage"]["output_tokens"] > 0) == ("model", True)
    assert run("verify", tmp_path / "a.html").code == 0


def test_where_nothing_of_the_model_holds_the_sentence_on_record_is_given(run: Run, sample, server) -> None:
    reply(server, "It was $42.2 billion in 2021 [1].")
    for options in ([], ["--strict"]):
        result = run("ask", QUESTION, "--json", *options)
        assert (result.code, result.data["mode"], result.data["text"]) == (0, "extract", f"{RIGHT} [1]")
        assert result.data["model"]
        assert result.data["usage"]["output_tokens"] > 0
        assert result.data["notices"][0].endswith("; this is the sentence on record.")
        assert result.data["notices"][1].startswith("Withheld: “It was $42.2 billion in 2021.” (")
    shown = run("ask", QUESTION).out
    assert shown.startswith("$24.2 billion\n")
    assert "tokens in, " in shown


def test_where_the_articles_do_not_answer_either_it_exits_with_3(run: Run, sample, server) -> None:
    reply(server, "Trade was $5 billion [1].")
    result = run("ask", "How much was trade turnover in 2019?", "--strict")
    assert result.code == 3
    assert result.out.startswith("Not in these articles.\n")
    assert "Withheld: “Trade was $5 billion.” (" in result.out
    assert "\nClosest:\n" in result.out
