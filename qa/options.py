"""The options and arguments that commands share: their names, their help, and what their values mean."""

from __future__ import annotations

import calendar
import re
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from qa.answer import check_question
from qa.errors import SourceError, UsageError
from qa.formats import MAX_FILE_BYTES, check_bytes, decode_text
from qa.sources import parse_date
from qa.text import clean_text, shorten

_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")
_MAX_STDIN_BYTES = 1_000_000  # of a question; far more than is read of one, so that its length can be told


def parse_first_day(text: str) -> date:
    """The day, or the first day of the month or year, that a date of an option names.

    Raises:
        UsageError: it is not an ISO date.
    """
    return _parse_day(text, last=False)


def parse_last_day(text: str) -> date:
    """The day, or the last day of the month or year, that a date of an option names.

    Raises:
        UsageError: it is not an ISO date.
    """
    return _parse_day(text, last=True)


def parse_published(text: str) -> date:
    """The day that `--published` names.

    Raises:
        UsageError: it is not a full date.
    """
    day = parse_date(text)
    if day is None:
        raise UsageError(f"'{shorten(text, limit=40)}' is no full date. Write it like 2021-05-03 or 3 May 2021.")
    return day


def parse_fields(pairs: Sequence[str]) -> dict[str, str]:
    """The names of `--map ours=theirs`.

    Raises:
        UsageError: one is not of this form.
    """
    fields = {}
    for pair in pairs:
        ours, sign, theirs = (part.strip() for part in pair.partition("="))
        if not (ours and sign and theirs):
            raise UsageError(f"--map wants ours=theirs, as in text=body, not '{shorten(pair, limit=40)}'.")
        fields[ours] = theirs
    return fields


def read_question(argument: str) -> str:
    """The question of an argument, or of standard input for `-`.

    Raises:
        UsageError: it is empty or too long.
    """
    if argument != "-":
        return check_question(argument)
    raw = sys.stdin.buffer.read(_MAX_STDIN_BYTES) if sys.stdin else b""
    return check_question(raw.decode("utf-8", "replace"))


def read_draft(name: str) -> str:
    """The text of a file, or of standard input for `-`, in whichever encoding.

    Raises:
        SourceError: it cannot be read, or is empty or no text.
    """
    try:
        if name == "-":
            raw = sys.stdin.buffer.read(MAX_FILE_BYTES + 1) if sys.stdin else b""
        else:
            with Path(name).open("rb") as stream:
                raw = stream.read(MAX_FILE_BYTES + 1)
        check_bytes(raw)
        return decode_text(raw)
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error.strerror}.") from error
    except SourceError as error:
        raise SourceError(f"{'Standard input' if name == '-' else name} cannot be checked: {error}.") from error


def _parse_day(text: str, *, last: bool) -> date:
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"'{shorten(text, limit=40)}' is no date. Write it like 2021-05-03, 2021-05 or 2021.")
    year, month = int(found[1]), int(found[2] or (12 if last else 1))
    try:
        return date(year, month, int(found[3] or (calendar.monthrange(year, month)[1] if last else 1)))
    except ValueError as error:  # calendar's is one too
        raise UsageError(f"There is no day {text.strip()} in the calendar.") from error


def _inherit_workspace(context: typer.Context, value: Path | None) -> Path | None:
    """The option as given to this command, else before it."""
    before: Path | None = (context.find_root().obj or {}).get("workspace")
    return value or before


_WORKSPACE_HELP = "The workspace; else $QA_WORKSPACE, else the nearest folder upwards that is one, else your own."
RootWorkspaceOption = Annotated[Path | None, typer.Option("--workspace", metavar="DIR", help=_WORKSPACE_HELP)]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", metavar="DIR", callback=_inherit_workspace, help=_WORKSPACE_HELP),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

DirectoryArgument = Annotated[
    Path | None, typer.Argument(metavar="DIR", help="The folder; else the workspace named, else the current folder.")
]
SampleOption = Annotated[bool, typer.Option("--sample", help="Put the sample archive in.")]

SourcesArgument = Annotated[
    list[str], typer.Argument(metavar="SOURCE", help="Files, folders, JSON lines, tables; - is standard input.")
]
TitleOption = Annotated[str | None, typer.Option("--title", metavar="TEXT", help="The title of what is added.")]
AddedPublisherOption = Annotated[str | None, typer.Option("--publisher", metavar="NAME", help="Its publisher.")]
AuthorOption = Annotated[str | None, typer.Option("--author", metavar="NAME", help="Its author.")]
PublishedOption = Annotated[
    date | None, typer.Option("--published", metavar="DATE", parser=parse_published, help="The day it was published.")
]
UrlOption = Annotated[str | None, typer.Option("--url", metavar="URL", help="Its address.")]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="OURS=THEIRS", help="A field's name in JSON lines and tables, as in text=body."),
]

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", parser=clean_text, help="An article's id, or how it alone begins.")
]
IdsArgument = Annotated[
    list[str], typer.Argument(metavar="ID", parser=clean_text, help="Articles' ids, or how each alone begins.")
]
DuplicatesOption = Annotated[
    bool, typer.Option("--duplicates", help="Only copies of one story, by group: wire copies, versions, parts.")
]
AtOption = Annotated[
    int | None, typer.Option("--at", metavar="OFFSET", help="Mark the place at this character of the text, from 0.")
]

QuestionArgument = Annotated[
    str, typer.Argument(metavar="QUESTION", help="The question; - reads it from standard input.")
]
NoModelOption = Annotated[bool, typer.Option("--no-model", help="Answer without a model, whatever is configured.")]
ModelOption = Annotated[str | None, typer.Option("--model", metavar="NAME", help="The model that writes answers.")]
SinceOption = Annotated[
    date | None,
    typer.Option(
        "--since", metavar="DATE", parser=parse_first_day, help="Only articles from this day, month or year on."
    ),
]
UntilOption = Annotated[
    date | None,
    typer.Option("--until", metavar="DATE", parser=parse_last_day, help="Only articles up to this day, month or year."),
]
AsOfOption = Annotated[
    date | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        parser=parse_last_day,
        help="As on this day: later articles and those without a date are hidden.",
    ),
]
PublisherOption = Annotated[
    str | None, typer.Option("--publisher", metavar="NAME", parser=clean_text, help="Only articles of this publisher.")
]
DatedOption = Annotated[bool, typer.Option("--dated", help="Only articles that have a date.")]
LimitOption = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="How many passages at most.")]

SuiteArgument = Annotated[str, typer.Argument(metavar="SUITE", help="A name in eval/suites, or a .toml file.")]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's folder, its name in eval/reports, how that begins, or last.")
]
SystemOption = Annotated[
    str,
    typer.Option(
        "--system",
        metavar="NAME",
        help="What is judged: full, retrieval, oracle, closed-book; baselines: bm25, by-rule, always-abstain,"
        " always-answer.",
    ),
]
RepeatOption = Annotated[int, typer.Option("--repeat", metavar="K", min=1, max=100, help="Ask every case K times.")]
CasesLimitOption = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, help="Ask N cases only, drawn by --seed.")
]
CaseOption = Annotated[list[str] | None, typer.Option("--case", metavar="ID", help="Ask this case; may be repeated.")]
TagOption = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TAG", help="Ask the cases of this tag or kind; may be repeated.")
]
SplitOption = Annotated[
    list[str] | None, typer.Option("--split", metavar="NAME", help="Ask the cases of this split; may be repeated.")
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="Where every choice by chance starts.")]
ConcurrencyOption = Annotated[
    int, typer.Option("--concurrency", metavar="N", min=1, max=64, help="Cases asked at a time.")
]
MaxSecondsOption = Annotated[
    float | None, typer.Option("--max-seconds", metavar="S", min=0, help="Stop before the next case after S seconds.")
]
MaxTokensOption = Annotated[
    int | None, typer.Option("--max-tokens", metavar="N", min=1, help="Stop once models read and wrote N tokens.")
]
MaxCostOption = Annotated[
    float | None, typer.Option("--max-cost", metavar="USD", min=0, help="Stop once the models' replies cost this much.")
]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Begin anew, though an unfinished run could go on.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Run again what `qa eval export` wrote.")
]
JunitOption = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML for a CI server.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", metavar="DIR", help="The run's folder; else a new one in eval/reports.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="PATH", help="The data that a suite without questions is run on.")
]
GoldOption = Annotated[
    Path | None, typer.Option("--gold", metavar="FILE", help="Take the labels of this gold file instead.")
]
HtmlOption = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page for a browser.")]
ShownCaseOption = Annotated[str | None, typer.Option("--case", metavar="ID", help="Show one case in full.")]

ContinueOption = Annotated[bool, typer.Option("--continue", help="Go on with the last chat, on a terminal.")]
NoSaveOption = Annotated[bool, typer.Option("--no-save", help="Keep neither this chat nor what is typed.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Withhold the sentences that are not supported.")]
SaveOption = Annotated[
    Path | None, typer.Option("--save", metavar="FILE", help="Keep the answer in a .json or .html for: qa verify FILE")
]
DraftArgument = Annotated[str, typer.Argument(metavar="FILE", help="A text or Markdown file; - is standard input.")]
SavedArgument = Annotated[Path, typer.Argument(metavar="FILE", help="An answer that qa ask --save kept.")]
ArticlesOption = Annotated[
    list[str] | None,
    typer.Option("--articles", metavar="PATH", help="Verify against these files and folders, without a workspace."),
]
MoreArticlesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="PATH", help="More of --articles.", show_default=False)
]
