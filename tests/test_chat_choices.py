from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from test_terminal import Tty

import qa
from qa.chat_commands import complete
from qa.talk import Talk
from qa.terminal import Screen
from qa.testing import HashingEmbedder


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    folder = tmp_path_factory.mktemp("choices")
    for name, publisher, day in (("a", "Post", "2021-03-04"), ("b", "\x1b[2JPress", "2023-11-05")):
        head = f"---\ntitle: Bees {name}\npublisher: {json.dumps(publisher)}\npublished: {day}\n---\n"
        (folder / f"{name}.md").write_text(f"{head}Mr Quill keeps bees.\n", encoding="utf-8")
    with qa.open(folder / "workspace", embedder=HashingEmbedder(), reader=False, model=False) as archive:
        archive.add(folder / "a.md", folder / "b.md")
        yield Talk(archive, Screen(Tty()), is_kept=False)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("/res", ["/resume "]),
        ("/QU", ["/quit"]),
        ("/since ", ["2023", "2022", "2021"]),
        ("/since 2023", [f"2023-{month:02}" for month in range(1, 13)]),
        ("/si 2023-1", ["2023-10", "2023-11", "2023-12"]),
        ("/until 2023-11-3", ["2023-11-30"]),
        ("/until 2023-13", []),
        ("/until 2023-13-", []),
        ("/publisher p", ["Post"]),
        ("/publisher ", ["\ufffd[2JPress", "Post"]),
        ("/open ", []),
        ("/resume ", []),
        ("/model n", ["none"]),
        ("/save-case w", ["wrong"]),
        ("/nothing x", []),
        ("/sources ", []),
        ("What", []),
        ("/so\nx", []),
        ("", []),
    ],
)
def test_tab_offers_what_can_follow(talk: Talk, typed: str, offered: list[str]) -> None:
    choices = complete(talk, typed)
    assert [choice.text for choice in choices] == offered
    argument = typed if " " not in typed else typed.partition(" ")[2]
    assert all(choice.start == -len(argument) for choice in choices)
