"""What a run follows from: data, settings, prompts, versions; and whether two runs can be compared."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from qa.archive import Archive
from qa.articles import Article, hash_text
from qa.errors import ContentError
from qa.gold import Case, case_dict
from qa.run_options import RunOptions, select_cases
from qa.settings import describe_settings
from qa.suite import GateRule, Suite
from qa.systems import bench_prompts
from qa.text import shorten

_VERSIONS_OF = ("onrecord", "chromadb", "numpy", "onnxruntime", "openai", "sentencex", "tantivy", "tokenizers")
# What may be another in the same run continued, or says nothing of what is judged.
_NO_ORIGIN = ("started", "day", "platform", "git", "concurrency", "limits")
DATA = ("suite", "gold_sha256", "archive_sha256")  # must be the same for a comparison case by case
_GIT_SECONDS = 5


def describe_origin(
    suite: Suite, archive: Archive, articles: Sequence[Article], options: RunOptions, model: str | None
) -> dict[str, Any]:
    """What a run follows from, as plain data; no key of a server is in it, and no password of its address."""
    settings = {name: getattr(archive.settings, name) for name, _, _ in describe_settings(archive.settings)}
    del settings["api_key"]
    system = options.system
    return {
        "suite": suite.name,
        "system": system,
        "gold_sha256": hash_cases(suite.cases),
        "archive_sha256": hash_articles(articles),
        "cases": len(select_cases(suite.cases, options)) * options.repeats,
        "selection": options.selection(),
        "repeats": options.repeats,
        "seed": options.seed,
        "model": model,
        "prompts": {p.name: p.sha256 for p in bench_prompts(system, archive)} if model is not None else {},
        "settings": settings | {"base_url": show_address(archive.settings.base_url)},
        "recipe": asdict(archive.recipe),
        "embedder": archive.embedder.id,
        "reader": archive.reader.id if archive.reader else None,
        "gates": [_gate_dict(rule) for rule in suite.gates],
        "versions": {"python": platform.python_version()} | {name: _find_version(name) for name in _VERSIONS_OF},
        "platform": f"{platform.system()} {platform.machine()}",
        "concurrency": options.concurrency,
        "limits": {name: getattr(options, name) for name in ("max_seconds", "max_tokens", "max_cost_usd")},
    }


def hash_origin(origin: Mapping[str, Any]) -> str:
    """A hash of what makes a run this run: with the same one, an unfinished run can go on."""
    kept = {key: value for key, value in origin.items() if key not in _NO_ORIGIN}
    return hash_text(json.dumps(kept, sort_keys=True, default=str))


def hash_cases(cases: Sequence[Case]) -> str:
    """A SHA-256 of gold questions, as they mean, not as their file is written: keys and questions in any order."""
    return hash_text("\n".join(sorted(json.dumps(case_dict(case), sort_keys=True) for case in cases)))


def hash_articles(articles: Sequence[Article]) -> str:
    """A SHA-256 of articles, in any order: sources, texts, what is shown of them, and how they are read."""
    kept = ((a.source, a.sha256, a.title, a.publisher, a.author, str(a.published), a.url, a.language) for a in articles)
    return hash_text("\n".join(sorted(map(json.dumps, kept))))


def describe_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """What differs between the origins of two runs, a line for each: `model: none → gpt-5-mini`."""
    before, after = _flatten(a), _flatten(b)
    names = [
        name for name in (*before, *after) if name.split(".")[0] not in ("started", "day", "limits", "concurrency")
    ]
    return [
        f"{name}: {_show(before.get(name))} → {_show(after.get(name))}"
        for name in dict.fromkeys(names)
        if before.get(name) != after.get(name)
    ]


def check_same_data(a: Mapping[str, Any], b: Mapping[str, Any]) -> None:
    """Refuse two runs that are not about the same questions and articles.

    Raises:
        ContentError: they are not; it names what differs.
    """
    differs = [line for name in DATA for line in describe_differences({name: a.get(name)}, {name: b.get(name)})]
    if differs:
        raise ContentError(f"These runs are over different data, so no case can be paired: {'; '.join(differs)}.")


def show_address(address: str | None) -> str | None:
    """An address without what may be secret in it: user name, password, query; "unreadable" where it is no address."""
    if address is None:
        return None
    try:
        parts = urlsplit(address)
        # A password with "/", "?" or "#" in it ends the host too early: its beginning is read as a port.
        is_clear = bool(parts.hostname) and parts.port != 0 and "@" not in parts.path + parts.query + parts.fragment
    except ValueError:
        is_clear = False
    if not is_clear:
        return "unreadable"
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def find_revision(folder: Path) -> str | None:
    """The git revision of a folder, with `+` where files have changed since; None where there is none."""
    try:
        revision = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no") if revision else ""
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{revision}{'+' if changed else ''}" if revision else None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "--no-optional-locks", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_GIT_SECONDS,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _gate_dict(rule: GateRule) -> dict[str, Any]:
    return {**rule._asdict(), "baseline": rule.baseline.name if rule.baseline else None}


def _find_version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _show(value: object) -> str:
    text = "none" if value is None else str(value)
    return f"{text[:12]}…" if len(text) == 64 and text.isalnum() else shorten(text, limit=60)
