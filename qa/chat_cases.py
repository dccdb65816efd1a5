"""A turn of a chat and what its reader says of it → a case of an evaluation suite in the workspace."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from qa.articles import hash_text
from qa.conversation import Turn
from qa.errors import ContentError, UsageError
from qa.gold import Case, Evidence, WrongEntry, case_dict, parse_case, read_gold, read_utf8
from qa.metrics import Gold

SUITE = "chat-cases"  # qa eval run chat-cases

OpinionWord = Literal["right", "wrong", "none"]
OPINIONS: tuple[OpinionWord, ...] = get_args(OpinionWord)

_GOLD_FILE = Path("eval", "gold", f"{SUITE}.jsonl")
_SUITE_FILE = Path("eval", "suites", f"{SUITE}.toml")
_SUITE_TEXT = f"""\
name = "{SUITE}"
description = "Questions of chats about this archive, with the answers that their readers took for right."
gold = "{_GOLD_FILE.as_posix()}"
"""
_USAGE = (
    "Write /save-case right [ANSWER], /save-case wrong ANSWER, or /save-case none where the articles do not answer."
)


def make_case(turns: Sequence[Turn], opinion: str, right_answer: str = "") -> Case:
    """The case of the last of some turns.

    `right`: the short answer, or `right_answer`, with the quotes of the supported sentences as evidence; of an
    abstention, that the articles do not answer. `wrong`: `right_answer` is the answer. `none`: the articles do not
    answer. A question that was completed is of kind `follow_up`, with the questions before it. A lone `as_of` of the
    filters goes into the case; other filters have no place in one.

    Raises:
        UsageError: the opinion is none of these, no answer is given where one is needed, or the turn was stopped.
    """
    if not turns or not turns[-1].is_whole:
        raise UsageError("There is no whole answer to make a case of.")
    if opinion not in OPINIONS:
        raise UsageError(_USAGE)
    turn, before = turns[-1], tuple(turn.question for turn in turns[:-1])
    answerable = opinion == "wrong" or (opinion == "right" and turn.answer.status == "answered")
    known = turn.answer.short if opinion == "right" else None
    gold = right_answer.strip() or known or ""
    if answerable and not gold:
        raise UsageError(f"This case needs the right answer in a few words. {_USAGE}")
    is_follow_up = bool(before) and " ".join(turn.question.split()) != turn.standalone
    return Case(
        id=f"chat-{hash_text('|'.join([*before, turn.question] if is_follow_up else [turn.question]))[:12]}",
        question=turn.question,
        gold=Gold(answers=(gold,)) if answerable else Gold(),
        evidence=_find_evidence(turn) if answerable and opinion == "right" else (),
        answerable=answerable,
        kind="follow_up" if is_follow_up else "fact" if answerable else "near_miss",
        tags=("chat",),
        as_of=turn.answer.searched.filters.as_of,
        turns=before if is_follow_up else (),
    )


def save_case(case: Case, root: Path) -> Path:
    """Put a case into the gold file of the workspace at `root`, in place of one with its id; that file.

    The suite that runs it is made where it is missing.

    Raises:
        ContentError: the file holds something else, or cannot be written.
    """
    gold, suite = root / _GOLD_FILE, root / _SUITE_FILE
    line = json.dumps(case_dict(case), ensure_ascii=False)
    try:
        parse_case(line, 1)
    except WrongEntry as error:
        raise ContentError(f"This turn makes no case: {error}") from error
    lines = []
    if gold.exists():
        replaced = {known.line for known in read_gold(gold) if known.id == case.id}
        held = read_utf8(gold).split("\n")
        lines = [text for number, text in enumerate(held, start=1) if text.strip() and number not in replaced]
    try:
        for file in (gold, suite):
            file.parent.mkdir(parents=True, exist_ok=True)
        _replace(gold, "".join(f"{text}\n" for text in [*lines, line]))
        if not suite.exists():
            suite.write_text(_SUITE_TEXT, encoding="utf-8")
    except OSError as error:
        raise ContentError(f"The case could not be written to {gold}: {error.strerror}.") from error
    return gold


def _find_evidence(turn: Turn) -> tuple[Evidence, ...]:
    answer = turn.answer
    places = dict.fromkeys(place for s in answer.statements if s.verdict == "supported" for place in s.quotes)
    quotes = [answer.citations[place].quote for place in places]
    return tuple(Evidence(quote.article.source, quote.text, quote.start) for quote in quotes)


def _replace(file: Path, text: str) -> None:
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    aside.write_text(text, encoding="utf-8", newline="\n")
    aside.replace(file)
