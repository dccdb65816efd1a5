"""Import a question set that others publish: its articles and questions → a suite that can be run."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, TextIO

from qa.errors import ContentError, UsageError
from qa.gold import Case, WrongEntry, case_dict, parse_case
from qa.gold_forms import FORMATS, Document
from qa.records import MAX_LINE_CHARS, clean_metadata
from qa.sources import parse_date
from qa.suite import SUITE_NAME
from qa.text import clean_text, fold, shorten, suggest

_ARTICLES, _GOLD = "articles.jsonl", "gold.jsonl"
_UNSAFE = re.compile(r"[^\w.-]+")
_MAX_NAME_CHARS = 80
_MAX_TEXT_CHARS = MAX_LINE_CHARS // 8  # in JSON a character takes six at most
_MAX_QUESTION_CHARS = 2_000  # what `qa.answer` takes; one longer question would stop the whole run


class Imported(NamedTuple):
    """The suite that was written, what it holds, and (place, reason) of each thing that was passed over."""

    suite: Path
    articles: int
    cases: int
    skipped: tuple[tuple[str, str], ...]


def import_gold(format: str, source: Path, folder: Path, *, name: str | None = None) -> Imported:  # noqa: A002
    """Write the data set `source`, of a format in `FORMATS`, to `folder`: articles, gold questions and their suite.

    The suite is `folder/<name>.toml`, called after `source` where no name is given. Nothing is written unless all
    is, and no file is overwritten.

    Raises:
        UsageError: there is no such format, the name cannot be a suite's, or the folder has such files already.
        ContentError: the data set is not of this format, holds no article or no question, or cannot be read; or
            the folder cannot be written.
    """
    if format not in FORMATS:
        shown, known = shorten(format, limit=40), ", ".join(FORMATS)
        raise UsageError(f"No format '{shown}' of questions.{suggest(format, FORMATS)} Known: {known}.")
    name = name or _name_after(source) or format
    _check_target(folder, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".import-") as made:
            written = _write(format, source, Path(made))
            (Path(made) / f"{name}.toml").write_text(_suite_text(name, format, source), encoding="utf-8")
            for file in (_ARTICLES, _GOLD, f"{name}.toml"):
                (Path(made) / file).replace(folder / file)
    except OSError as error:
        raise ContentError(f"{folder} cannot be written: {error.strerror}. Name another folder.") from error
    return Imported(folder / f"{name}.toml", len(written.keys), len(written.case_ids), tuple(written.skipped))


def _name_after(source: Path) -> str:
    """A name made of a file's or folder's, empty where that has no letter or digit that a name may have."""
    stem = source.absolute().name.removesuffix(".gz").removesuffix(".json")
    return re.sub(r"[^a-z0-9._-]+", "-", fold(stem)).strip("-._")


def _check_target(folder: Path, name: str) -> None:
    if not SUITE_NAME.fullmatch(name):
        shown = shorten(name, limit=40)
        raise UsageError(f"The name of a suite must be letters, digits, '.', '_' and '-', not {shown!r}.")
    if folder.absolute().parts[-2:] == ("eval", "suites"):
        raise UsageError(f"{folder} is where suites are known by name; name a folder of its own for what is imported.")
    for file in (_ARTICLES, _GOLD, f"{name}.toml"):
        if (folder / file).exists():
            raise UsageError(f"{folder / file} is there already: name another folder, or remove it first.")


def _write(form: str, source: Path, folder: Path) -> _Writer:
    with (
        (folder / _ARTICLES).open("w", encoding="utf-8") as articles,
        (folder / _GOLD).open("w", encoding="utf-8") as gold,
    ):
        writer = _Writer(articles, gold)
        FORMATS[form](source, writer)
    for found, what in ((writer.keys, "article"), (writer.case_ids, "question")):
        if not found:
            why = " {}: {}.".format(*writer.skipped[0]) if writer.skipped else ""
            raise ContentError(f"{source} holds no {what} that can be read as {form}.{why}")
    return writer


def _suite_text(name: str, form: str, source: Path) -> str:
    values = {
        "name": name,
        "description": f"Imported from {shorten(source.absolute().name, limit=80)}, which is of the form {form}.",
        "archive": _ARTICLES,
        "gold": _GOLD,
    }
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())


@dataclass(slots=True)
class _Writer:
    """The `Sink` that writes articles as `qa add` reads them, and cases as lines of a gold file."""

    articles: TextIO
    gold: TextIO
    keys: set[str] = field(default_factory=set)
    case_ids: set[str] = field(default_factory=set)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)

    def skip(self, place: str, reason: str) -> None:
        """Note what is passed over."""
        self.skipped.append((place, reason))

    def add_article(self, place: str, document: Document) -> str | None:
        """Write an article under a name that no other has, which is given, or note why not."""
        text = clean_text(document.text)
        reason = self._refuse_article(document, text)
        if reason:
            self.skip(place, reason)
            return None
        name = self._make_name(document.key)
        day = parse_date(document.published)
        details = {**document._asdict(), "published": day.isoformat() if day else None}
        kept = {key: clean_metadata(details[key]) for key in ("title", "publisher", "author", "published", "url")}
        entry = {"id": name, **{key: value for key, value in kept.items() if value}, "text": text}
        self.keys.add(document.key)
        self.articles.write(json.dumps(entry, ensure_ascii=False) + "\n")
        return name

    def add_case(self, place: str, entry: Mapping[str, object]) -> None:
        """Write a case, or note what is wrong with it."""
        try:
            case = parse_case(json.dumps(entry), len(self.case_ids) + 1)
        except WrongEntry as error:
            self.skip(place, str(error).removesuffix("."))
            return
        reason = self._refuse_case(case)
        if reason:
            self.skip(place, reason)
            return
        self.case_ids.add(case.id)
        self.gold.write(json.dumps(case_dict(case), ensure_ascii=False) + "\n")

    def _refuse_case(self, case: Case) -> str:
        if case.id in self.case_ids:
            return f"a second question with the id '{shorten(case.id, limit=80)}'"
        if not any(map(str.isalnum, case.question)):
            return "a question without words"
        size = len(case.question)
        too_long = f"its question has {size:,} characters; at most {_MAX_QUESTION_CHARS:,} are read"
        return too_long if size > _MAX_QUESTION_CHARS else ""

    def _refuse_article(self, document: Document, text: str) -> str:
        if not document.key:
            return "an article without an id"
        if document.key in self.keys:
            return f"a second article with the id '{shorten(document.key, limit=80)}'"
        if len(text) > _MAX_TEXT_CHARS:
            return f"longer than {_MAX_TEXT_CHARS:,} characters: not one article"
        return "" if text.strip() else "an article without text"

    def _make_name(self, key: str) -> str:
        """The key as an id that `qa add` keeps as it is and that ends no other source: without `/` and `#`."""
        name = _UNSAFE.sub("-", clean_text(key)).strip("-")[:_MAX_NAME_CHARS]
        name = name if clean_metadata(name) else f"article-{name}".rstrip("-")
        self.taken[name] += 1
        return name if self.taken[name] == 1 else self._make_name(f"{name[:60]}-{self.taken[name]}")
