"""Suites about data of others: which form it has; the data itself is named when the suite is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from qa.errors import ContentError
from qa.gold import WrongEntry, check_entry, read_utf8
from qa.gold_forms import FORMATS
from qa.suite import find_line, find_suite_file, parse_suite_name, parse_suite_toml
from qa.text import shorten, suggest
from qa.workspace import Workspace

_KEYS = {"name": str, "description": str, "form": str}
_NEEDED: Mapping[str, str] = MappingProxyType({
    "squad": "a JSON file in the form of SQuAD",
    "beir": "a folder with corpus.jsonl, queries.jsonl and qrels/",
    "realtimeqa": "a folder with articles.jsonl and questions.jsonl, which may be .gz",
    "multihop-rag": "a folder with corpus.json and MultiHopRAG.json",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class DataSuite:
    """A suite that measures what is found in a data set of a form in `qa.gold_forms.FORMATS`."""

    name: str
    description: str
    form: str
    file: Path


def find_data_suite(path_or_name: str | Path, workspace: Workspace) -> DataSuite | None:
    """The suite of this name or file, as `load_suite` takes it; None where it is one of the other type.

    Raises:
        ContentError: there is no such suite, or it is not as it must be.
    """
    file = find_suite_file(path_or_name, workspace)
    text = read_utf8(file)
    table = parse_suite_toml(text, file)
    if "form" not in table:
        return None
    try:
        return _parse(table, file)
    except WrongEntry as error:
        raise ContentError(f"{file}:{find_line(text, error.key)}: {error}") from error


def check_data(suite: DataSuite, data: Path | None) -> Path:
    """The data that a suite is run on.

    Raises:
        ContentError: none is named, or it is not there.
    """
    needed = f"it needs --data {'FILE' if suite.form == 'squad' else 'DIR'}, {_NEEDED[suite.form]}"
    if data is None:
        raise ContentError(f"{suite.name} is skipped: {needed}.")
    if not data.exists():
        raise ContentError(f"{suite.name} is skipped: {needed}; there is no {shorten(str(data), limit=200)}.")
    return data


def _parse(table: Mapping[str, Any], file: Path) -> DataSuite:
    entry = check_entry(table, _KEYS, required=("form",), thing="a suite")
    form = entry["form"]
    if form not in FORMATS:
        nearest, known = suggest(form, FORMATS), ", ".join(FORMATS)
        raise WrongEntry(f"no form '{shorten(form, limit=40)}' of data.{nearest} Known: {known}.", "form")
    return DataSuite(parse_suite_name(entry, file), entry.get("description", ""), form, file)
