"""What can be set: `Settings` for how questions are answered, `Recipe` for how the index is made."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from qa.errors import ContentError, UsageError
from qa.models import Price
from qa.redact import hide_password
from qa.text import suggest

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective settings.

    `origins` says for each field that is not a default where it came from; `trust_environment` whether proxies
    and certificates of the environment count too.
    """

    model: str | None = None
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout_seconds: float = 60.0
    context_tokens: int = 2_000
    max_output_tokens: int = 300
    usd_per_million_input_tokens: float | None = None
    usd_per_million_output_tokens: float | None = None
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    trust_environment: bool = field(default=False, compare=False)

    @property
    def names_model(self) -> bool:
        """Whether any of model, address or key is set, so that answers are written by a model."""
        return bool(self.model or self.base_url or self.api_key)

    @property
    def price(self) -> Price | None:
        """What the model costs, where both prices are set; never guessed."""
        sent, received = self.usd_per_million_input_tokens, self.usd_per_million_output_tokens
        return None if sent is None or received is None else Price(sent, received)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides the identity of an index, from `index/recipe.toml`."""

    budget_tokens: int = 128
    embedder: str = "all-MiniLM-L6-v2-int8"
    exact_below: int = 200_000


# key in the file -> field
_SETTINGS_KEYS = {
    "model.name": "model",
    "model.base_url": "base_url",
    "model.timeout_seconds": "timeout_seconds",
    "model.context_tokens": "context_tokens",
    "model.max_output_tokens": "max_output_tokens",
    "model.usd_per_million_input_tokens": "usd_per_million_input_tokens",
    "model.usd_per_million_output_tokens": "usd_per_million_output_tokens",
}
_PRICES = ("usd_per_million_input_tokens", "usd_per_million_output_tokens")  # numbers, without a default
_RECIPE_KEYS = {
    "passages.budget_tokens": "budget_tokens",
    "embedding.embedder": "embedder",
    "search.exact_below": "exact_below",
}
# later names win; the key is never read from a file, so that it is never committed with one
_ENVIRONMENT = {
    "OPENAI_API_KEY": "api_key",
    "OPENAI_BASE_URL": "base_url",
    "QA_MODEL": "model",
    "QA_BASE_URL": "base_url",
    "QA_API_KEY": "api_key",
    "QA_TIMEOUT_SECONDS": "timeout_seconds",
    "QA_CONTEXT_TOKENS": "context_tokens",
    "QA_MAX_OUTPUT_TOKENS": "max_output_tokens",
    "QA_USD_PER_MILLION_INPUT_TOKENS": "usd_per_million_input_tokens",
    "QA_USD_PER_MILLION_OUTPUT_TOKENS": "usd_per_million_output_tokens",
}
_KEY_HINT = " The key is never read from a file: set OPENAI_API_KEY or QA_API_KEY in the environment."
_LOWEST = {
    "timeout_seconds": 0.1,
    "context_tokens": 200,
    "max_output_tokens": 16,
    "budget_tokens": 16,
    "exact_below": 0,
    "usd_per_million_input_tokens": 0,
    "usd_per_million_output_tokens": 0,
}


def load_settings(file: Path | None, environment: Mapping[str, str], *, model: str | None = None) -> Settings:
    """Settings by order of precedence: `model` > environment > file > default.

    Raises:
        ContentError: the file is not TOML, has an unknown key or a value of the wrong type.
        UsageError: a variable of the environment has a value of the wrong type.
    """
    values: dict[str, Value] = {}
    origins: dict[str, str] = {}
    if file is not None and file.is_file():
        found = _read_fields(file, _SETTINGS_KEYS, Settings)
        values |= found
        origins |= dict.fromkeys(found, str(file))
    for variable, name in _ENVIRONMENT.items():
        if environment.get(variable):
            values[name] = _parse_variable(variable, environment[variable], name)
            origins[name] = f"environment {variable}"
    if model:
        values["model"], origins["model"] = model, "option"
    if _would_leak(values, origins):
        del values["api_key"], origins["api_key"]
    return replace(Settings(), **values, origins=origins, trust_environment=bool(environment))  # type: ignore[arg-type]


def _would_leak(values: Mapping[str, Value], origins: Mapping[str, str]) -> bool:
    """Whether the key meant for OpenAI would go to an address that a file names: a workspace may be someone else's.

    Such a server gets a key from QA_API_KEY, or from OPENAI_API_KEY when OPENAI_BASE_URL names it too.
    """
    address = str(values.get("base_url") or "")
    named_by_file = bool(address) and not origins["base_url"].startswith("environment")
    is_openai = address.startswith("https://api.openai.com/")
    return named_by_file and not is_openai and origins.get("api_key") == "environment OPENAI_API_KEY"


def load_recipe(file: Path) -> Recipe:
    """The recipe in a file; what it leaves out has its default.

    Raises:
        ContentError: the file is missing or not TOML, has an unknown key or a value of the wrong type.
    """
    return replace(Recipe(), **_read_fields(file, _RECIPE_KEYS, Recipe))  # type: ignore[arg-type]


def describe_settings(settings: Settings) -> list[tuple[str, str, str]]:
    """(name, value, origin) of each setting; no key or password is shown, of the key only whether there is one."""
    rows = []
    for name in (f.name for f in fields(Settings) if f.name not in ("origins", "trust_environment")):
        value = getattr(settings, name)
        value = hide_password(value) if name == "base_url" and value else value
        shown = ("set" if value else "none") if name == "api_key" else "none" if value is None else str(value)
        rows.append((name, shown, settings.origins.get(name, "default")))
    return rows


def _read_fields(file: Path, keys: Mapping[str, str], kind: type[Settings] | type[Recipe]) -> dict[str, Value]:
    return {keys[key]: _check_value(file, key, keys[key], value, kind) for key, value in _read_keys(file, keys).items()}


def _read_keys(file: Path, keys: Mapping[str, str]) -> dict[str, object]:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ContentError(f"{file} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContentError(f"{file} is not valid TOML: {error}.") from error
    flat: dict[str, object] = {}
    for table, content in tables.items():
        if isinstance(content, dict) and (content or any(key.startswith(f"{table}.") for key in keys)):
            flat |= {f"{table}.{key}": value for key, value in content.items()}
        else:
            flat[table] = content
    for key in flat:
        if key not in keys:
            hint = _KEY_HINT if key.endswith("api_key") else suggest(key, keys)
            raise ContentError(f"{file}: unknown key '{key}'.{hint} Known: {', '.join(keys)}.")
    return flat


def _check_value(file: Path, key: str, name: str, value: object, kind: type[Settings] | type[Recipe]) -> Value:
    example = 0.0 if name in _PRICES else getattr(kind(), name)
    wanted: tuple[type, ...] = (
        (str,) if example is None else (int, float) if isinstance(example, float) else (type(example),)
    )
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise ContentError(f"{file}: '{key}' must be {_kind_name(wanted)}, not {value!r}.")
    problem = _out_of_range(name, value)
    if problem:
        raise ContentError(f"{file}: '{key}' {problem}.")
    return value  # type: ignore[return-value]


def _parse_variable(variable: str, text: str, name: str) -> Value:
    example = 0.0 if name in _PRICES else getattr(Settings(), name)
    if example is None:
        return text
    kind = type(example)
    try:
        value = kind(text)
    except ValueError as error:
        raise UsageError(f"{variable} must be {_kind_name((kind,))}, not '{text}'.") from error
    problem = _out_of_range(name, value)
    if problem:
        raise UsageError(f"{variable} {problem}.")
    return value


def _out_of_range(name: str, value: object) -> str | None:
    lowest = _LOWEST.get(name)
    if lowest is not None and isinstance(value, int | float) and not lowest <= value < float("inf"):
        return f"must be at least {lowest}, not {value}"
    return None


def _kind_name(wanted: tuple[type, ...]) -> str:
    return "text" if wanted == (str,) else "a whole number" if wanted == (int,) else "a number"
