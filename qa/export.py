"""A chat as a document: Markdown, a page for a browser, or JSON; each answer with its quotes and where they stand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from qa.answer_form import Answer
from qa.articles import Article
from qa.conversation import Turn
from qa.errors import ContentError, UsageError
from qa.ground import Citation
from qa.html_answer import Shown, ShownQuote, name_nearest, render_quote, render_words
from qa.html_page import format_moment, quoted, render_page
from qa.markup import Markup, tag
from qa.saved import read_shown
from qa.text import format_date, one_line, shorten, suggest

FORMAT = "onrecord chat"
FORMAT_VERSION = 1

ENDINGS = (".md", ".html", ".json")
_SIGNS = {"supported": "", "unsupported": "✗ ", "uncited": "? "}
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#+!|~&$^]|^-|(?<=^\d)[.)]|(?<=^\d\d)[.)]")
_PRINTABLE_OF_URL = ":/?#[]@!$&'*+,;=%~-._"  # neither blanks nor brackets that end a Markdown link
_INCOMPLETE = "Stopped before its end; nothing of it was checked."


def export_turns(turns: Sequence[Turn], file: Path, *, title: str, version: str, now: datetime) -> None:
    """Write a chat to a file, in the form that its ending says; what was there is replaced.

    Raises:
        UsageError: there is no turn, the ending says no form, or the folder is not there.
        ContentError: it cannot be written.
    """
    if not turns:
        raise UsageError("There is nothing to export yet: ask a question first.")
    ending = file.suffix.lower()
    if ending not in ENDINGS:
        known = ", ".join(ENDINGS)
        raise UsageError(f"A chat is exported as {known}, not as '{file.name}'.{suggest(ending, ENDINGS)}")
    if ending == ".json":
        text = json.dumps(_chat_dict(turns, title, version, now), indent=1) + "\n"
    elif ending == ".html":
        text = _render_html(turns, title, version, now)
    else:
        text = "\n".join(_write_markdown(turns, title, version, now))
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"The folder {file.parent} is not there: name a file in a folder that is.") from error
    except IsADirectoryError as error:
        raise UsageError(f"{file} is a folder: name a file in it.") from error
    except OSError as error:
        raise ContentError(f"The chat could not be written to {file}: {error.strerror}.") from error


def web_address(url: str | None) -> str | None:
    """An address of the web in characters that can act nowhere, or None where it is anything else."""
    try:
        parts = urlsplit((url or "").strip())
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not parts.netloc:
        return None
    return quote((url or "").strip().encode("utf-8", "replace"), safe=_PRINTABLE_OF_URL)


# JSON


def _chat_dict(turns: Iterable[Turn], title: str, version: str, now: datetime) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "program_version": version,
        "exported_at": _moment(now),
        "title": title,
        "turns": [
            {
                "question": turn.question,
                "standalone": turn.standalone,
                "is_whole": turn.is_whole,
                "answer": turn.answer.to_dict(),
            }
            for turn in turns
        ],
    }


def _moment(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# a page


def _render_html(turns: Iterable[Turn], title: str, version: str, now: datetime) -> str:
    body = [tag("h1", quoted(title)), tag("p", f"Exported {format_moment(now)}, by onrecord {version}", css="note")]
    body += [_render_turn(number, turn, version, now) for number, turn in enumerate(turns, start=1)]
    return render_page(shorten(title, limit=80), body)


def _render_turn(number: int, turn: Turn, version: str, now: datetime) -> Markup:
    shown = _show(turn.answer, version, now)
    parts = [tag("h2", quoted(turn.question))]
    if turn.standalone != turn.question:
        parts.append(tag("p", "Asked as: ", quoted(turn.standalone), css="note"))
    parts += render_words(shown)
    if not turn.is_whole:
        parts.append(tag("p", _INCOMPLETE))
    parts += map(_render_linked, shown.citations)
    if shown.nearest:
        parts += [tag("h3", name_nearest(shown)), *map(_render_linked, shown.nearest)]
    return tag("section", *parts, attributes={"id": f"turn-{number}"})


def _show(answer: Answer, version: str, now: datetime) -> Shown:
    return read_shown({**answer.to_dict(), "program_version": version, "saved_at": _moment(now)})


def _render_linked(shown: ShownQuote) -> Markup:
    address = web_address(shown.url)
    link = tag("a", "the article", attributes={"href": address, "rel": "noreferrer noopener"}) if address else ""
    return tag("div", render_quote(shown), link)


# Markdown


def _write_markdown(turns: Iterable[Turn], title: str, version: str, now: datetime) -> Iterator[str]:
    yield from (f"# {_escape(title)}", "", f"Exported {format_moment(now)}, by onrecord {version}.", "")
    for turn in turns:
        yield from (f"## {_escape(turn.question)}", "")
        if turn.standalone != turn.question:
            yield from (f"*Asked as: {_escape(turn.standalone)}*", "")
        yield from _write_answer(turn.answer)
        if not turn.is_whole:
            yield from (f"*{_INCOMPLETE}*", "")


def _write_answer(answer: Answer) -> Iterator[str]:
    if answer.short:
        yield from (f"**{_escape(answer.short)}**", "")
    if not answer.statements:
        yield from (_escape(answer.text), "")
    for statement in answer.statements:
        details = "; ".join(problem.detail for problem in statement.problems)
        yield _SIGNS[statement.verdict] + _escape(statement.text) + (f" ({_escape(details)})" if details else "")
    yield from ("", *(f"- {_escape(notice)}" for notice in answer.notices))
    yield from _write_quotes(answer.citations)
    if answer.nearest:
        yield from ("Against it:" if answer.citations else "Closest:", "")
        yield from _write_quotes(answer.nearest)


def _write_quotes(citations: Iterable[Citation]) -> Iterator[str]:
    for citation in citations:
        number, said = citation.number, citation.quote
        place = f"{_escape(f'{said.article.source}:{said.line}')}, characters {said.start}–{said.end}"
        yield from (
            "",
            f"> “{_escape(said.text)}”",
            ">",
            f"> \\[{number}\\] {_describe(said.article)}",
            f"> {place}",
            "",
        )


def _describe(article: Article) -> str:
    published = format_date(article.published) if article.published else "no date"
    about = " · ".join(_escape(part) for part in (article.title, article.publisher, published) if part)
    address = web_address(article.url)
    return f"[{about}](<{address}>)" if address else about


def _escape(text: str) -> str:
    """Text as one line of Markdown that shows it and nothing else."""
    escaped = _MARKDOWN.sub(lambda found: f"\\{found[0]}", one_line(text))
    return escaped.replace("\\<", "&lt;")
