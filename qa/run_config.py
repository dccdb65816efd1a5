"""A run as a configuration file: what `qa eval export` writes and `qa eval run --config` takes."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from qa.errors import ContentError, UsageError
from qa.gold import WrongEntry, check_entry, read_utf8
from qa.origin import describe_differences, show_address
from qa.run_options import RunOptions
from qa.settings import Settings
from qa.text import one_line

_CONFIG_KEYS = {"suite": str, "options": dict, "settings": dict, "must_be": dict}
_OPTION_KEYS = {
    "system": str, "repeats": int, "limit": int, "cases": list, "tags": list, "splits": list, "seed": int,
    "concurrency": int, "max_seconds": float, "max_tokens": int, "max_cost_usd": float, "fresh": bool,
}  # fmt: skip
_SETTING_KEYS = {
    "base_url": str, "timeout_seconds": float, "context_tokens": int, "max_output_tokens": int,
    "usd_per_million_input_tokens": float, "usd_per_million_output_tokens": float,
}  # fmt: skip
_PRICES = ("usd_per_million_input_tokens", "usd_per_million_output_tokens")
_MUST_BE = ("gold_sha256", "archive_sha256", "embedder", "model", "prompts", "recipe")
_NOT_IN_TOML = re.compile("[\x7f\ud800-\udfff]")  # beside what JSON escapes


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What `qa eval export` gives: the suite, the options, the settings of the model, and what must be as it was.

    In `must_be` the model is False where none wrote the answers.
    """

    suite: str
    options: RunOptions
    settings: Mapping[str, Any]
    must_be: Mapping[str, Any]


def export_config(manifest: Mapping[str, Any]) -> str:
    """The configuration, as TOML, with which `qa eval run --config` gives this run again."""
    defaults = asdict(RunOptions())
    options = {"system": manifest["system"], "repeats": manifest["repeats"], "seed": manifest["seed"]}
    options |= manifest["selection"] or {}
    versions = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items() if version)
    parts = [
        f"# Run {one_line(manifest['suite'])} of {manifest['started']}: qa eval run --config THIS_FILE",
        f"# git {manifest['git'] or 'unknown'}; {one_line(versions)}",
        f"suite = {_toml(manifest.get('suite_file') or manifest['suite'])}",
        _table("options", {key: value for key, value in options.items() if value != defaults[key]}),
        _table("settings", {key: value for key, value in manifest["settings"].items() if key in _SETTING_KEYS}),
        "# What the run followed from; another is refused.",
        _table("must_be", {key: manifest[key] for key in _MUST_BE} | {"model": manifest["model"] or False}),
    ]
    return "\n\n".join(parts) + "\n"


def read_config(file: Path) -> RunConfig:
    """The configuration in a file.

    Raises:
        ContentError: it cannot be read or is no such file.
    """
    try:
        entry = check_entry(tomllib.loads(read_utf8(file)), _CONFIG_KEYS, required=("suite",), thing="a run")
        options = _check_table(entry.get("options", {}), _OPTION_KEYS, "options")
        settings, facts = _check_settings(entry.get("settings", {})), _check_facts(entry.get("must_be", {}))
        return RunConfig(entry["suite"], RunOptions(**options), settings, facts)
    except (tomllib.TOMLDecodeError, WrongEntry, UsageError) as error:
        raise ContentError(f"{file}: {error}") from error


def apply_config(config: RunConfig, settings: Settings) -> Settings:
    """The settings in effect with those of the run put in their place.

    The model's address is never taken from a file, since a key would be sent there; it must be set already. Where
    the run's model had no price, it has none again.

    Raises:
        ContentError: the run was asked elsewhere.
    """
    given = dict(config.settings)
    address = given.pop("base_url", None)
    if config.must_be.get("model") and address != show_address(settings.base_url):
        raise ContentError(f"The run was asked of {address or 'OpenAI'}. Set OPENAI_BASE_URL, or base_url in qa.toml.")
    values: dict[str, Any] = dict.fromkeys(_PRICES) | given
    return replace(settings, **values) if config.settings else settings


def check_config(config: RunConfig, origin: Mapping[str, Any]) -> None:
    """Refuse to run where something is not as it was.

    Raises:
        ContentError: it names what differs.
    """
    facts = {key: None if value is False else value for key, value in config.must_be.items()}
    differs = describe_differences(facts, {key: origin.get(key) for key in facts})
    if differs:
        raise ContentError(f"Not the run that was exported: {'; '.join(differs)}.")


# reading


def _check_table(entry: Mapping[str, Any], keys: Mapping[str, type], name: str) -> dict[str, Any]:
    """The values of a table by key, lists as tuples; where a number is asked for, a whole one is one too."""
    wanted = {key: int if kind is float and type(entry.get(key)) is int else kind for key, kind in keys.items()}
    checked = check_entry(entry, wanted, required=(), within=name)
    for key, value in checked.items():
        if isinstance(value, list) and not all(isinstance(item, str) for item in value):
            raise WrongEntry(f"'{key}' of '{name}' must be a list of texts.", key)
    return {key: tuple(value) if isinstance(value, list) else value for key, value in checked.items()}


def _check_settings(entry: Mapping[str, Any]) -> dict[str, Any]:
    checked = _check_table(entry, _SETTING_KEYS, "settings")
    for key, value in checked.items():
        if not isinstance(value, str) and not 0 <= value < float("inf"):
            raise WrongEntry(f"'{key}' of 'settings' must be a number from 0 on, not {value}.", key)
    return checked


def _check_facts(entry: Mapping[str, Any]) -> dict[str, Any]:
    kinds: dict[str, type] = dict.fromkeys(_MUST_BE, str)
    kinds |= {"prompts": dict, "recipe": dict, "model": bool if entry.get("model") is False else str}
    return check_entry(entry, kinds, required=(), within="must_be")


# writing


def _table(name: str, values: Mapping[str, Any]) -> str:
    return "\n".join([f"[{name}]", *_toml_lines(values)])


def _toml_lines(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        if value is not None:  # TOML has no word for it
            yield f"{_toml(key)} = {_toml(value)}"


def _toml(value: Any) -> str:  # noqa: ANN401 - what JSON can hold
    if isinstance(value, Mapping):
        return "{" + ", ".join(_toml_lines(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return _NOT_IN_TOML.sub(_escape, json.dumps(value, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    return "\\u007f" if match[0] == "\x7f" else "\ufffd"
