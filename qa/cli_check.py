"""The commands that check: a draft against the archive, a saved answer against its articles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import typer

from qa import __version__, options
from qa.answer_form import Answer
from qa.archive import Archive
from qa.articles import Article
from qa.errors import ArticleNotFound, UsageError
from qa.layout import lay_out_check, lay_out_findings
from qa.saved import load_answer, save_answer
from qa.session import bring_in_step, err, open_workspace, out
from qa.sources import read_sources
from qa.verify import Shelf, verify_answer

CHECK_FAILED = 4  # exit status


def check(
    file: options.DraftArgument,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    as_of: options.AsOfOption = None,
    publisher: options.PublisherOption = None,
    dated: options.DatedOption = False,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Check each sentence of a draft: supported, contradicted, or not found. A contradiction exits with 4."""
    text = options.read_draft(file)
    with open_workspace(workspace) as archive:
        bring_in_step(archive)
        checked = archive.check(text, since=since, until=until, as_of=as_of, publisher=publisher, dated=dated)
    if as_json:
        out().write_json(checked.to_dict())
    else:
        out().write(lay_out_check(checked))
    if checked.count("contradicted"):
        raise typer.Exit(CHECK_FAILED)


def verify(
    file: options.SavedArgument,
    articles: options.ArticlesOption = None,
    more: options.MoreArticlesArgument = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Verify a saved answer offline: its quotes, their places and hashes, its verdicts. What fails exits with 4."""
    if more and not articles:
        raise UsageError("One saved answer at a time; name the files of its articles with --articles.")
    saved = load_answer(file)
    with _open_shelf([*(articles or []), *(more or [])], workspace) as shelf:
        findings = verify_answer(saved, shelf, version=__version__)
    failed = any(not finding.holds for finding in findings)
    if as_json:
        rows = [finding.to_dict() for finding in findings]
        out().write_json({"file": str(file), "holds": not failed, "findings": rows})
    else:
        out().write(lay_out_findings(findings))
    if failed:
        raise typer.Exit(CHECK_FAILED)


def keep_answer(answer: Answer, file: Path) -> None:
    """Save an answer and say where."""
    save_answer(answer, file, version=__version__, now=datetime.now(UTC))
    err().say(f"Saved: {file}. Verify it with: qa verify {file}")


@contextmanager
def _open_shelf(paths: Sequence[str], workspace: Path | None) -> Iterator[Shelf]:
    """The articles of the files named, else those of the workspace."""
    if paths:
        yield Shelf.of(list(_read_articles(paths)))
        return
    with open_workspace(workspace) as archive:
        bring_in_step(archive)
        yield Shelf(lambda article_id: _get(archive, article_id), archive.articles)


def _read_articles(paths: Sequence[str]) -> Iterator[Article]:
    for item in read_sources(paths, root=Path.cwd()):
        if isinstance(item, Article):
            yield item
        else:
            err().say(f"skipped {item.source}: {item.reason}")


def _get(archive: Archive, article_id: str) -> Article | None:
    try:
        found = archive.get(article_id)
    except ArticleNotFound:
        return None
    return found if found.id == article_id else None
