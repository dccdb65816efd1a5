"""A small suite on disk, and models that need no server, for tests of runs: small enough to read, as real as any."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from qa.errors import ModelUnavailable
from qa.models import Message, ReplyPart, Usage
from qa.run_folder import Record
from qa.suite import Suite, load_suite
from qa.workspace import Workspace

NOWHERE = "NOT IN THESE ARTICLES"
# The shipped suites that ask an archive of their own, not data of others.
SHIPPED_SUITES = [
    file
    for file in sorted((Path(__file__).parents[1] / "eval/suites").glob("*.toml"))
    if "form" not in tomllib.loads(file.read_text(encoding="utf-8"))
]
ARTICLES = {
    "ann.md": "---\npublished: 2022-05-01\n---\nAnn paid $3 for bread. The baker of Brenn thanked her.\n",
    "ben.md": "---\npublished: 2022-06-01\n---\nBen sold 12 bicycles in 2021. Ben sold 15 bicycles in 2022.\n",
    "cia.md": "---\npublished: 2022-07-01\n---\nCia lives on a boat near Omsk. The boat is red.\n",
    "dan.md": "Dan owns the blue mill. The mill grinds wheat and rye.\n",
}
SUITE = """\
description = "Four articles, eight questions."
archive = "eval/archives/small"
gold = "eval/gold/small.jsonl"

[gates]
"hits@5" = 0.5
quote_validity = 1.0
"""


def prove(article: str, quote: str, **more: Any) -> dict[str, Any]:
    return {"article": article, "quote": quote, **more}


BREAD = {
    "id": "bread",
    "question": "What did Ann pay for bread?",
    "answers": ["$3", "three dollars"],
    "number": {"value": 3, "unit": "USD"},
    "evidence": [prove("ann.md", "Ann paid $3 for bread.")],
    "answerable": True,
    "kind": "fact",
    "tags": ["money", "food"],
    "split": "dev",
}
BICYCLES = {
    "id": "bicycles",
    "question": "How many bicycles did Ben sell in 2021?",
    "answers": ["12", "twelve"],
    "number": {"value": 12, "unit": "bicycles"},
    "evidence": [prove("ben.md", "Ben sold 12 bicycles in 2021.")],
    "answerable": True,
    "kind": "fact",
    "split": "dev",
}
NEXT_YEAR = {
    "id": "next-year",
    "question": "and in 2022?",
    "turns": ["How many bicycles did Ben sell in 2021?"],
    "answers": ["15"],
    "number": {"value": 15, "unit": "bicycles"},
    "evidence": [prove("ben.md", "Ben sold 15 bicycles in 2022.")],
    "answerable": True,
    "kind": "follow_up",
    "split": "test",
}
BOAT = {
    "id": "boat",
    "question": "Where does Cia live?",
    "answers": ["on a boat", "on a boat near Omsk"],
    "evidence": [prove("cia.md", "Cia lives on a boat near Omsk.")],
    "answerable": True,
    "kind": "paraphrase",
    "split": "test",
}
EARLIER = BOAT | {"id": "earlier", "kind": "temporal", "as_of": "2022-07-02"}
MILL = {
    "id": "mill",
    "question": "What does the blue mill of Dan grind?",
    "all_of": ["wheat", ["rye", "rye grain"]],
    "evidence": [
        prove("dan.md", "Dan owns the blue mill.", part=1),
        prove("dan.md", "The mill grinds wheat and rye.", part=2),
    ],
    "answerable": True,
    "kind": "multi_hop",
    "tags": ["food"],
}
FOUND = {
    "id": "found",
    "question": "The baker of Brenn",
    "evidence": [{"article": "ann.md"}],
    "answerable": True,
    "kind": "paraphrase",
    "retrieval_only": True,
}
PRICE = {"id": "price", "question": "What did the bicycles cost?", "answerable": False, "kind": "near_miss"}
CUP = {"id": "cup", "question": "Who won the cup in Omsk?", "answerable": False, "kind": "near_miss", "split": "dev"}
CASES = (BREAD, BICYCLES, NEXT_YEAR, BOAT, EARLIER, MILL, PRICE, CUP)


def write_suite(workspace: Workspace, cases: Sequence[dict[str, Any]] = CASES, *, suite: str = SUITE) -> Suite:
    """The suite `small` of a workspace, with its articles beside it."""
    root = workspace.root
    for name, text in ARTICLES.items():
        write(root / "eval/archives/small" / name, text)
    write(root / "eval/gold/small.jsonl", "".join(json.dumps(case) + "\n" for case in cases))
    write(root / "eval/suites/small.toml", suite)
    return load_suite("small", workspace)


def write_towns(workspace: Workspace, count: int) -> Suite:
    """The suite `towns`: so many questions, each about an article of its own, every fifth without an answer."""
    cases, root = [], workspace.root
    for n in range(count):
        said = f"In 20{n % 30:02} the ferry of Town{n} carried {n * 7 + 100} guests."
        write(root / f"eval/archives/towns/town{n}.md", f"{said} It lay in dock for the whole of May.\n")
        case = {"id": f"t{n}", "question": f"How many guests did the ferry of Town{n} carry?", "kind": "fact"}
        gold = {"answers": [str(n * 7 + 100)], "evidence": [prove(f"town{n}.md", said)], "answerable": True}
        none = {"question": f"Who steers the tram of Town{n}?", "answerable": False, "kind": "near_miss"}
        cases.append(case | (none if n % 5 == 4 else gold))
    write(root / "eval/gold/towns.jsonl", "".join(json.dumps(case) + "\n" for case in cases))
    write(root / "eval/suites/towns.toml", 'archive = "eval/archives/towns"\ngold = "eval/gold/towns.jsonl"\n')
    return load_suite("towns", workspace)


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


class Clerk:
    """A model that says the sentence of the passages that has most words of the question, or that there is none.

    It makes a follow-up whole by the question before it. The same question gets the same reply, whoever asks when.
    """

    def __init__(self, *, fails: Callable[[str], bool] = lambda _asked: False, name: str = "clerk") -> None:
        self.name = name
        self.calls: list[str] = []
        self._fails = fails
        self._lock = Lock()

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        asked = messages[-1].content
        with self._lock:
            self.calls.append(asked)
        yield ReplyPart("")
        if self._fails(asked):
            raise ModelUnavailable("127.0.0.1 failed (status 500). Try again later.")
        reply = self.say(asked)
        yield ReplyPart(reply[:5])
        yield ReplyPart(reply[5:])
        yield ReplyPart(usage=Usage(len(asked.split()), len(reply.split())), finish_reason="stop")

    def say(self, asked: str) -> str:
        if "Last question:" in asked:
            before, last = re.findall(r"^(?:Q|Last question): (.*)", asked, re.MULTILINE)[-2:]
            return re.sub(r"\b20\d\d\b", re.findall(r"\b20\d\d\b", last)[0], before)
        passages = re.findall(r"^\[(\d+)\] .*\n(.*)", asked, re.MULTILINE)
        words = set(re.findall(r"\w+", asked.rpartition("Question: ")[2].lower()))
        said = [(sentence, n) for n, text in passages for sentence in re.findall(r"[^.]+\.", text)]
        shared = [len(words & set(re.findall(r"\w+", sentence.lower()))) for sentence, _ in said]
        if not said or max(shared) < 3:
            return NOWHERE
        sentence, n = said[shared.index(max(shared))]
        return f"{sentence.strip()} [{n}]"


def without_times(records: Sequence[Record]) -> list[dict[str, Any]]:
    return [{**record, "seconds": None} for record in records]
