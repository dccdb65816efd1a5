"""The commands of a chat on a terminal, as a table: name, argument, a line of help, what it does, what completes it."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from qa import __version__, chat_lines
from qa.articles import Filters
from qa.chat_cases import SUITE, make_case, save_case
from qa.chat_choices import (
    NO_MODEL,
    Choice,
    offer_chats,
    offer_dates,
    offer_files,
    offer_models,
    offer_opinions,
    offer_publishers,
    offer_sources,
)
from qa.clipboard import copy_text
from qa.errors import UsageError
from qa.export import export_turns, web_address
from qa.layout import BLANK, Line, Piece, count, describe_article, line
from qa.models import UnreachedModel
from qa.options import parse_first_day, parse_last_day
from qa.talk import Talk
from qa.text import one_line, safe_text, shorten, suggest

_HITS = 8  # passages that /why lists


class Leave(Exception):
    """The chat is to end."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `/name argument`."""

    name: str
    argument: str
    help: str
    run: Callable[[Talk, str], None]
    choices: Callable[[Talk, str], Iterable[Choice]] = lambda _talk, _typed: ()


def run_command(talk: Talk, text: str) -> None:
    """Do what a line that begins with `/` says; a name may be cut where only one begins so.

    Raises:
        Leave: the chat is to end.
        QAError: there is no such command, or it cannot be done.
    """
    name, _, argument = text[1:].partition(" ")
    find_command(name).run(talk, argument.strip())


def find_command(name: str) -> Command:
    """The command of this name, or the only one whose name begins so.

    Raises:
        UsageError: there is none, or several begin so.
    """
    name = name.casefold()
    begin = [command for command in COMMANDS if command.name.startswith(name)]
    exact = [command for command in begin if command.name == name]
    if len(exact or begin) == 1 and name:
        return (exact or begin)[0]
    if begin and name:
        raise UsageError(f"/{name} may be {', '.join(f'/{command.name}' for command in begin)}.")
    nearest = suggest(name, [command.name for command in COMMANDS]).replace("'", "'/", 1)
    raise UsageError(f"No command '/{shorten(name, limit=40)}'.{nearest} All of them: /help")


def complete(talk: Talk, text: str) -> list[Choice]:
    """What can follow `text`, the line up to the cursor: names of commands, then arguments of one."""
    if not text.startswith("/") or "\n" in text:
        return []
    name, blank, argument = text[1:].partition(" ")
    if not blank:
        found = [command for command in COMMANDS if command.name.startswith(name.casefold())]
        return [
            Choice(f"/{command.name}{' ' if command.argument else ''}", command.help, -len(text)) for command in found
        ]
    try:
        offered = find_command(name).choices(talk, argument)
    except UsageError:
        return []
    typed = argument.casefold()
    return [
        Choice(one_line(choice.text), one_line(choice.note), -len(argument))
        for choice in offered
        if choice.text.casefold().startswith(typed)
    ]


# what the commands do


def _help(talk: Talk, _: str) -> None:
    width = max(len(f"/{command.name} {command.argument}") for command in COMMANDS)
    rows = [(f"/{command.name} {command.argument}".ljust(width), command.help) for command in COMMANDS]
    talk.screen.write(Line((Piece(head, "strong"), Piece(f"  {help_}"))) for head, help_ in rows)
    talk.screen.write([line('Meta-Enter or """ for more lines, Ctrl-R searches the history, Ctrl-C stops.', "quiet")])


def _quit(_: Talk, __: str) -> None:
    raise Leave


def _sources(talk: Talk, _: str) -> None:
    talk.screen.write(chat_lines.list_sources(talk.last_turn().answer))


def _open(talk: Talk, number: str) -> None:
    answer = talk.last_turn().answer
    numbers = chat_lines.source_numbers(answer)
    quotes = chat_lines.find_source(answer, number or (str(numbers[0]) if len(numbers) == 1 else number or "?"))
    article = quotes[0].article
    talk.screen.write([line(describe_article(article), "strong")])
    if article.url:
        talk.screen.write_link(one_line(article.url), web_address(article.url))
    talk.screen.write([line(f"{article.source}:{quotes[0].line} · {article.id}", "quiet")])
    for quote in quotes:
        talk.screen.write([BLANK, *chat_lines.show_in_context(quote)])


def _why(talk: Talk, _: str) -> None:
    turn = talk.last_turn()
    filters = turn.answer.searched.filters
    hits = talk.archive.desk().retriever.search(turn.standalone, limit=_HITS, filters=filters)
    talk.screen.write(chat_lines.explain_answer(turn, hits))


def _since(talk: Talk, date: str) -> None:
    _set_filters(talk, replace(talk.filters, since=parse_first_day(date) if date else None))


def _until(talk: Talk, date: str) -> None:
    _set_filters(talk, replace(talk.filters, until=parse_last_day(date) if date else None))


def _as_of(talk: Talk, date: str) -> None:
    _set_filters(talk, replace(talk.filters, as_of=parse_last_day(date) if date else None))


def _publisher(talk: Talk, argument: str) -> None:
    known = talk.archive.desk().retriever.catalog.publishers()
    # what was completed is the name as it is shown
    name = next((publisher for publisher in known if one_line(publisher) == argument), argument or None)
    wanted = Filters(publisher=name)
    if name and not any(Filters(publisher=publisher).publisher_key == wanted.publisher_key for publisher in known):
        raise UsageError(f"No article has the publisher '{shorten(name, limit=60)}'.{suggest(name, known)}")
    _set_filters(talk, replace(talk.filters, publisher=name))


def _dated(talk: Talk, _: str) -> None:
    _set_filters(talk, replace(talk.filters, dated=not talk.filters.dated))


def _clear(talk: Talk, _: str) -> None:
    _set_filters(talk, Filters())


def _set_filters(talk: Talk, filters: Filters) -> None:
    talk.set_filters(filters)
    searched = talk.archive.desk().retriever.catalog.count_admitted(filters)[0]
    scope = chat_lines.describe_scope(filters)
    _say(talk, f"{scope or 'No filter'}: {count(searched, 'article')} searched from here on.")


def _raw(talk: Talk, _: str) -> None:
    talk.is_raw = not talk.is_raw
    _say(talk, "Questions are asked as typed." if talk.is_raw else "Follow-ups are completed again.")


def _model(talk: Talk, name: str) -> None:
    conversation = talk.conversation
    if name == NO_MODEL:
        conversation.model = None
    elif name:
        model = talk.archive.choose_model(name)
        if isinstance(model, UnreachedModel):
            raise model.error
        conversation.model = model
    there = f" at {talk.archive.endpoint().host}: questions and passages are sent there" if conversation.model else ""
    _say(talk, f"Answers are by {talk.model_name()}{there}.")


def _retry(talk: Talk, _: str) -> None:
    talk.retry()


def _undo(talk: Talk, _: str) -> None:
    turn = talk.undo()
    _say(talk, f"Taken back: {shorten(turn.question, limit=80)}")


def _edit(talk: Talk, text: str) -> None:
    question = open_editor(text)
    if not question:
        raise UsageError("Nothing was written, so nothing is asked.")
    talk.screen.write([*(line(f"> {row}") for row in question.split("\n")), BLANK])
    talk.ask(question)


def _copy(talk: Talk, _: str) -> None:
    answer = talk.last_turn().answer
    sources = {c.number: describe_article(c.quote.article) for c in (*answer.citations, *answer.nearest)}
    text = "\n".join([answer.text, *(f"[{number}] {about}" for number, about in sources.items())])
    _say(talk, copy_text(safe_text(text), talk.screen))


def _export(talk: Talk, name: str) -> None:
    if not name:
        raise UsageError("Name the file: /export FILE.md, FILE.html or FILE.json")
    file = Path(name).expanduser()
    title = next((turn.question for turn in talk.turns), "")
    export_turns(talk.turns, file, title=shorten(title, limit=80), version=__version__, now=datetime.now(UTC))
    _say(talk, f"{count(len(talk.turns), 'turn')} written to {file}")


def _save_case(talk: Talk, argument: str) -> None:
    opinion, _, right_answer = argument.partition(" ")
    talk.last_turn()
    case = make_case(talk.turns, opinion, right_answer)
    file = save_case(case, talk.archive.workspace.root)
    _say(talk, f"Case {case.id} is in {file}. Run it with: qa eval run {SUITE}")
    filters = talk.turns[-1].answer.searched.filters
    if replace(filters, as_of=None) != Filters():
        _say(talk, "The filters besides --as-of are no part of it: the case is asked of all articles.")


def _sessions(talk: Talk, _: str) -> None:
    talk.screen.write(chat_lines.list_chats(talk.kept().summaries(), talk.session))


def _resume(talk: Talk, label: str) -> None:
    if not label:
        raise UsageError("Name the chat: /resume NUMBER or NAME. List them with: /sessions")
    summaries = talk.kept().summaries()
    shown = next((summary for summary in summaries if one_line(summary.label) == label), None)
    summary = shown or talk.kept().find(label)
    if summary is None:
        nearest = suggest(label, [one_line(known.label) for known in summaries])
        raise UsageError(f"No chat '{shorten(label, limit=40)}'.{nearest} List them with: /sessions")
    talk.resume(summary)


def _rename(talk: Talk, name: str) -> None:
    talk.rename(name)
    _say(talk, f"This chat is called '{one_line(name)}' now.")


def _fork(talk: Talk, _: str) -> None:
    talk.fork()
    _say(talk, f"This is chat {talk.session} now; the other one stays as it was.")


def _new(talk: Talk, _: str) -> None:
    talk.begin()
    _say(talk, "A new chat.")


def _say(talk: Talk, message: str) -> None:
    talk.screen.write([line(message, "quiet")])


def open_editor(text: str) -> str:
    """What was written in $VISUAL, $EDITOR or vi, begun with `text`.

    Raises:
        UsageError: the editor cannot be started or failed.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="onrecord-") as folder:
        file = Path(folder, "question.md")
        file.write_text(f"{text}\n" if text else "", encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(command), str(file)], check=False)
            written = file.read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError) as error:
            raise UsageError(f"The editor '{shorten(command, limit=40)}' cannot be started: set $EDITOR.") from error
    if done.returncode:
        raise UsageError(f"The editor ended with status {done.returncode}, so nothing is asked.")
    return safe_text(written).strip()


COMMANDS = (
    Command("sources", "", "List the sources of the last answer by number.", _sources),
    Command("open", "N", "Show the quotes of source N in their context.", _open, offer_sources),
    Command("why", "", "Say what was searched, with scores, verdicts and reasons.", _why),
    Command("since", "DATE", "Only articles from this day, month or year on; no date lifts it.", _since, offer_dates),
    Command("until", "DATE", "Only articles up to this day, month or year; no date lifts it.", _until, offer_dates),
    Command("as-of", "DATE", "Answer as on this day; no date lifts it.", _as_of, offer_dates),
    Command("publisher", "NAME", "Only articles of this publisher; no name lifts it.", _publisher, offer_publishers),
    Command("dated", "", "Only articles that have a date, or all again.", _dated),
    Command("clear", "", "Lift all filters.", _clear),
    Command("raw", "", "Ask follow-ups as they are typed, or complete them again.", _raw),
    Command("model", "NAME", "Let this model write the answers; none takes it away.", _model, offer_models),
    Command("retry", "", "Ask the last question again, in place of its answer.", _retry),
    Command("undo", "", "Take the last turn back.", _undo),
    Command("edit", "TEXT", "Write a question in $EDITOR.", _edit),
    Command("copy", "", "Copy the last answer with its sources to the clipboard.", _copy),
    Command("export", "FILE", "Write the chat with its quotes to FILE.md, .html or .json.", _export, offer_files),
    Command("save-case", "WORD", "Keep for qa eval: right [ANSWER], wrong ANSWER, none.", _save_case, offer_opinions),
    Command("sessions", "", "List the chats that are kept.", _sessions),
    Command("resume", "CHAT", "Go on with a chat by its number or name.", _resume, offer_chats),
    Command("rename", "NAME", "Give this chat a name.", _rename),
    Command("fork", "", "Go on in a copy of this chat.", _fork),
    Command("new", "", "Begin a new chat.", _new),
    Command("help", "", "List the commands.", _help),
    Command("quit", "", "Leave; so does Ctrl-D.", _quit),
    Command("exit", "", "Leave.", _quit),
)  # fmt: skip
