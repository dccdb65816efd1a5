from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup_reader import pick, read_markup
from saved_answers import ARTICLES, MIXED, write
from test_terminal import FOREIGN, HOSTILE

from qa.conversation import Turn
from qa.errors import ContentError, UsageError
from qa.export import export_turns, web_address
from qa.ground import Citation

NOW = datetime(2031, 7, 5, 9, 30, tzinfo=UTC)
URL = "https://news.example/a b?x=(1)&y=2"
LINKED = [replace(ARTICLES[0], url=URL), replace(ARTICLES[1], url="javascript:alert(1)")]
TURNS = (
    Turn("What was it?", "What was it?", write(MIXED, LINKED)),
    Turn("and *why*?", "Why was it?", write("So [1]", LINKED), is_whole=False),
)


def export(folder: Path, name: str, turns=TURNS) -> str:
    file = folder / name
    export_turns(turns, file, title="What was it?", version="0.1.0", now=NOW)
    return file.read_text(encoding="utf-8")


def test_markdown_has_questions_answers_marks_quotes_and_links(tmp_path: Path) -> None:
    text = export(tmp_path, "chat.md")
    for part in (
        "# What was it?\n\nExported 5 July 2031, 09:30 UTC, by onrecord 0.1.0.",
        "## and \\*why\\*?\n\n*Asked as: Why was it?*",
        "✗ It was \\$7 trillion \\[1\\]. (",
        "> “Trade between the two countries stood at \\$24.2 billion in 2021, a record.”",
        "> \\[1\\] [Trade sets a record · 5 July 2022](<https://news.example/a%20b?x=%281%29&y=2>)",
        "> a1.md:1, characters 0–",
        "*Stopped before its end; nothing of it was checked.*",
    ):
        assert part in text
    assert "javascript" not in text


def test_a_page_has_the_same_and_its_links_lead_to_the_web_only(tmp_path: Path) -> None:
    elements = read_markup(export(tmp_path, "chat.html"))
    assert [heading.text for heading in pick(elements, "h2")] == [turn.question for turn in TURNS]
    assert {link.attributes["href"] for link in pick(elements, "a")} == {web_address(URL)}
    assert "unsupported" in [badge.text for badge in pick(elements, "span", "badge")]
    assert len(pick(elements, "figure", "quote")) == sum(len(turn.answer.citations) for turn in TURNS)


def test_json_has_every_answer_whole(tmp_path: Path) -> None:
    data = json.loads(export(tmp_path, "chat.json"))
    assert (data["format"], data["format_version"], data["exported_at"]) == ("onrecord chat", 1, "2031-07-05T09:30:00Z")
    assert [turn["answer"] for turn in data["turns"]] == [turn.answer.to_dict() for turn in TURNS]
    assert [(turn["standalone"], turn["is_whole"]) for turn in data["turns"]] == [
        ("What was it?", True),
        ("Why was it?", False),
    ]


@pytest.mark.parametrize("name", ["chat.md", "chat.html", "chat.json"])
def test_nothing_in_a_chat_is_control_or_markup_in_the_file(tmp_path: Path, name: str) -> None:
    payload = "".join(HOSTILE.values()) + "<script>x</script> [a](http://evil.example) # `x`"
    hostile = replace(ARTICLES[0], title=payload, publisher=payload, source=payload, url=f"http://{payload}")
    quote = replace(TURNS[0].answer.citations[0].quote, article=hostile, text=payload)
    answer = write(
        f"{payload} {MIXED}",
        question=payload,
        short=payload,
        notices=(payload,),
        citations=(Citation(1, quote),),
        nearest=(Citation(2, quote),),
    )
    text = export(tmp_path, name, [Turn(payload, payload + "?", answer)])
    assert not FOREIGN.search(text)
    assert "<script" not in text or name == "chat.json"
    assert "[a](" not in text or name != "chat.md"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("chat", "A chat is exported as .md, .html, .json, not as 'chat'."),
        ("chat.htm", "not as 'chat.htm'. Did you mean '.html'?"),
        ("none/chat.md", "none is not there"),
    ],
)
def test_a_file_in_no_known_form_or_place_is_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=r".") as refused:
        export(tmp_path, name)
    assert message in str(refused.value)


def test_an_empty_chat_and_a_file_that_cannot_be_written_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to export yet"):
        export(tmp_path, "chat.md", ())
    (tmp_path / "a.md").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        export(tmp_path, "a.md")
    with pytest.raises(ContentError, match="could not be written"):
        export(tmp_path, f"{'x' * 300}.md")


@pytest.mark.parametrize(
    "url", [None, "", "javascript:alert(1)", "file:///etc/passwd", "http://", "https://[x", "//a.b"]
)
def test_what_is_no_address_of_the_web_is_no_link(url: str | None) -> None:
    assert web_address(url) is None


@given(st.text())
def test_an_address_has_no_character_that_acts_anywhere(rest: str) -> None:
    address = web_address(f"https://a.example/{rest}")
    assert address is None or (address.isascii() and address.isprintable() and not set(address) & set(' <>"\\`()'))
