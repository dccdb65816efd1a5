from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from qa.errors import ContentError, UsageError
from qa.models import Price
from qa.settings import Recipe, Settings, describe_settings, load_recipe, load_settings
from qa.workspace import packaged_content

SECRET = "sk-secret-1234"


def write(folder: Path, text: str) -> Path:
    path = folder / "qa.toml"
    path.write_text(text, encoding="utf-8")
    return path


# precedence

FILE = """
[model]
name = "file-model"
base_url = "http://file.example/v1"
timeout_seconds = 5
context_tokens = 1000
max_output_tokens = 100
"""
PRICES = "[model]\nusd_per_million_input_tokens = 0.25\nusd_per_million_output_tokens = 2\n"
SENT, RECEIVED = "QA_USD_PER_MILLION_INPUT_TOKENS", "QA_USD_PER_MILLION_OUTPUT_TOKENS"


@pytest.mark.parametrize(
    ("field", "file", "environment", "option", "value", "origin"),
    [
        ("model", "", {}, None, None, "default"),
        ("model", FILE, {}, None, "file-model", "qa.toml"),
        ("model", FILE, {"QA_MODEL": "env-model"}, None, "env-model", "environment QA_MODEL"),
        ("model", FILE, {"QA_MODEL": "env-model"}, "option-model", "option-model", "option"),
        ("model", FILE, {"QA_MODEL": ""}, "", "file-model", "qa.toml"),
        ("base_url", FILE, {}, None, "http://file.example/v1", "qa.toml"),
        ("base_url", FILE, {"OPENAI_BASE_URL": "http://o/v1"}, None, "http://o/v1", "environment OPENAI_BASE_URL"),
        ("base_url", "", {"QA_BASE_URL": "http://q", "OPENAI_BASE_URL": "http://o"}, None, "http://q", "QA_BASE_URL"),
        ("api_key", "", {"OPENAI_API_KEY": "o"}, None, "o", "environment OPENAI_API_KEY"),
        ("api_key", "", {"QA_API_KEY": "q", "OPENAI_API_KEY": "o"}, None, "q", "environment QA_API_KEY"),
        ("timeout_seconds", "", {}, None, 60.0, "default"),
        ("timeout_seconds", FILE, {}, None, 5, "qa.toml"),
        ("timeout_seconds", FILE, {"QA_TIMEOUT_SECONDS": "0.5"}, None, 0.5, "environment QA_TIMEOUT_SECONDS"),
        ("context_tokens", FILE, {"QA_CONTEXT_TOKENS": " 300 "}, None, 300, "environment QA_CONTEXT_TOKENS"),
        ("max_output_tokens", FILE, {}, None, 100, "qa.toml"),
        ("max_output_tokens", FILE, {"QA_MAX_OUTPUT_TOKENS": "16"}, None, 16, "environment QA_MAX_OUTPUT_TOKENS"),
        ("usd_per_million_input_tokens", FILE, {}, None, None, "default"),
        ("usd_per_million_input_tokens", PRICES, {}, None, 0.25, "qa.toml"),
        ("usd_per_million_output_tokens", PRICES, {}, None, 2, "qa.toml"),
        ("usd_per_million_input_tokens", PRICES, {SENT: "0.5"}, None, 0.5, f"environment {SENT}"),
        ("usd_per_million_output_tokens", "", {RECEIVED: "0"}, None, 0.0, f"environment {RECEIVED}"),
    ],
)
def test_an_option_comes_before_the_environment_the_file_and_the_default(
    tmp_path, field, file, environment, option, value, origin
):
    settings = load_settings(write(tmp_path, file), environment, model=option)
    assert getattr(settings, field) == value
    rows = {name: (shown, where) for name, shown, where in describe_settings(settings)}
    assert rows[field][1].endswith(origin)


@pytest.mark.parametrize("file", [None, Path("none.toml")])
def test_without_a_file_everything_has_its_default(file):
    assert load_settings(file, {}) == Settings()
    assert not Settings().names_model


@pytest.mark.parametrize(
    "settings", [Settings(model="m"), Settings(base_url="http://localhost"), Settings(api_key=SECRET)]
)
def test_any_of_name_address_and_key_chooses_a_model(settings):
    assert settings.names_model


def test_settings_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Settings().model = "other"


# the key


def test_the_key_is_never_shown():
    settings = load_settings(None, {"OPENAI_API_KEY": SECRET})
    assert settings.api_key == SECRET
    assert SECRET not in f"{settings!r} {settings} {describe_settings(settings)}"
    assert ("api_key", "set", "environment OPENAI_API_KEY") in describe_settings(settings)
    assert ("api_key", "none", "default") in describe_settings(Settings())


@pytest.mark.parametrize("key", ["model.api_key", "api_key"])
def test_the_key_is_not_read_from_a_file_and_not_repeated(tmp_path, key):
    table, _, name = key.rpartition(".")
    file = write(tmp_path, f'[{table}]\n{name} = "{SECRET}"' if table else f'{name} = "{SECRET}"')
    with pytest.raises(ContentError, match="never read from a file: set OPENAI_API_KEY or QA_API_KEY") as caught:
        load_settings(file, {})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "environment", "sent"),
    [
        ("http://file.example/v1", {"OPENAI_API_KEY": SECRET}, False),
        ("http://file.example/v1", {"QA_API_KEY": SECRET}, True),
        ("http://file.example/v1", {"OPENAI_API_KEY": SECRET, "OPENAI_BASE_URL": "http://o/v1"}, True),
        ("https://api.openai.com/v1", {"OPENAI_API_KEY": SECRET}, True),
        ("https://api.openai.com.example.org/v1", {"OPENAI_API_KEY": SECRET}, False),
        ("http://api.openai.com/v1", {"OPENAI_API_KEY": SECRET}, False),
    ],
)
def test_the_key_for_openai_is_not_sent_to_an_address_that_only_a_file_names(tmp_path, address, environment, sent):
    settings = load_settings(write(tmp_path, f'[model]\nbase_url = "{address}"'), environment)
    assert settings.api_key == (SECRET if sent else None)


# prices


@pytest.mark.parametrize(
    ("settings", "price"),
    [
        (Settings(usd_per_million_input_tokens=0.25, usd_per_million_output_tokens=2), Price(0.25, 2)),
        (Settings(usd_per_million_input_tokens=0, usd_per_million_output_tokens=0), Price(0, 0)),
        (Settings(usd_per_million_input_tokens=0.25), None),
        (Settings(usd_per_million_output_tokens=2), None),
        (Settings(), None),
    ],
)
def test_a_price_is_known_only_where_both_halves_are_set(settings, price):
    assert settings.price == price


def test_a_price_alone_chooses_no_model(tmp_path):
    assert not load_settings(write(tmp_path, PRICES), {}).names_model


# what is wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[model]\nnmae = 'x'", r"unknown key 'model\.nmae'\. Did you mean 'model\.name'\?"),
        ("[model]\ntimeout = 5", r"Did you mean 'model\.timeout_seconds'\? Known: model\.name, model\.base_url"),
        ("model = 'x'", r"unknown key 'model'\. Did you mean 'model\.name'"),
        ("[modle]\nname = 'x'", r"unknown key 'modle\.name'\. Did you mean 'model\.name'"),
        ("[modle]", "unknown key 'modle'"),
        ("[model.name]\nx = 1", r"'model\.name' must be text"),
        ("[[model]]\nname = 'x'", "unknown key 'model'"),
        ("[model]\nname = 5", r"'model\.name' must be text, not 5"),
        ("[model]\ntimeout_seconds = '5'", r"'model\.timeout_seconds' must be a number, not '5'"),
        ("[model]\ntimeout_seconds = true", "must be a number, not True"),
        ("[model]\ncontext_tokens = 2000.0", "must be a whole number, not 2000"),
        ("[model]\ncontext_tokens = 199", r"'model\.context_tokens' must be at least 200, not 199"),
        ("[model]\nmax_output_tokens = -1", "must be at least 16, not -1"),
        ("[model]\ntimeout_seconds = 0", r"must be at least 0\.1, not 0"),
        ("[model]\ntimeout_seconds = nan", "must be at least 0.1, not nan"),
        ("[model]\ntimeout_seconds = inf", "not inf"),
        ("[model]\nusd_per_million_input_tokens = -0.1", "must be at least 0, not -0.1"),
        ("[model]\nusd_per_million_input_tokens = inf", "must be at least 0, not inf"),
        ("[model]\nusd_per_million_output_tokens = '2'", "must be a number, not '2'"),
        ("[model]\nusd_per_million_output_tokens = true", "must be a number, not True"),
        ("[model]\nusd_per_million_tokens = 2", r"Did you mean 'model\.usd_per_million_(in|out)put_tokens'"),
        ("[model\nname = 'x'", r"is not valid TOML: .* line 1"),
        ("[model]\nname = 'x'\nname = 'y'", "is not valid TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_the_file(tmp_path, text, message):
    file = write(tmp_path, text)
    with pytest.raises(ContentError, match=message) as caught:
        load_settings(file, {})
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"QA_TIMEOUT_SECONDS": "soon"}, "QA_TIMEOUT_SECONDS must be a number, not 'soon'"),
        ({"QA_TIMEOUT_SECONDS": "nan"}, "QA_TIMEOUT_SECONDS must be at least 0.1, not nan"),
        ({"QA_CONTEXT_TOKENS": "2.5"}, "QA_CONTEXT_TOKENS must be a whole number, not '2.5'"),
        ({SENT: "a cent"}, f"{SENT} must be a number, not 'a cent'"),
        ({RECEIVED: "-1"}, f"{RECEIVED} must be at least 0, not -1"),
        ({"QA_CONTEXT_TOKENS": "5"}, "QA_CONTEXT_TOKENS must be at least 200, not 5"),
    ],
)
def test_a_mistake_in_the_environment_is_named_with_the_variable(environment, message):
    with pytest.raises(UsageError, match=message):
        load_settings(None, environment)


def test_a_file_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "qa.toml").write_bytes("[model]\nname = 'é'".encode("latin-1"))
    with pytest.raises(ContentError, match="is not valid TOML"):
        load_settings(tmp_path / "qa.toml", {})


def test_a_byte_order_mark_in_front_of_the_file_does_not_matter(tmp_path):
    assert load_settings(write(tmp_path, "\ufeff[model]\nname = 'x'"), {}).model == "x"


# the recipe


def test_the_packaged_recipe_is_the_default():
    assert load_recipe(packaged_content() / "index" / "recipe.toml") == Recipe()


def test_a_recipe_overrides_what_it_names(tmp_path):
    assert load_recipe(write(tmp_path, "[passages]\nbudget_tokens = 64\n[embedding]")) == Recipe(budget_tokens=64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[passages]\nbudget = 64", r"unknown key 'passages\.budget'\. Did you mean 'passages\.budget_tokens'"),
        ("[passages]\nbudget_tokens = 15", "must be at least 16, not 15"),
        ("[search]\nexact_below = -1", "must be at least 0, not -1"),
        ("[search]\nexact_below = 0.5", "must be a whole number"),
        ("[embedding]\nembedder = 1", "must be text"),
        ("[model]\nname = 'x'", "unknown key"),
    ],
)
def test_a_mistake_in_the_recipe_is_named(tmp_path, text, message):
    with pytest.raises(ContentError, match=message):
        load_recipe(write(tmp_path, text))


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(ContentError, match=r"none\.toml cannot be read: No such file"):
        load_recipe(tmp_path / "none.toml")


def test_the_password_of_an_address_is_not_shown() -> None:
    settings = load_settings(None, {"QA_BASE_URL": "http://ann:pass-word@127.0.0.1:8000/v1"})
    rows = {name: value for name, value, _ in describe_settings(settings)}
    assert rows["base_url"] == "http://ann:[key]@127.0.0.1:8000/v1"
