from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qa
from qa.archive import Archive
from qa.errors import ContentError
from qa.origin import describe_origin
from qa.run_config import RunConfig, apply_config, check_config, export_config, read_config
from qa.run_options import RunOptions
from qa.settings import Settings, describe_settings
from qa.suite import Suite, load_suite
from qa.testing import HashingEmbedder

KEY = "sk-secret-1234"
ADDRESS = "http://localhost:11434/v1"
OPTIONS = RunOptions(system="bm25", repeats=3, limit=2, cases=("a", "b"), tags=("t",), splits=("dev",), seed=-7)
SETTINGS = Settings(
    model="tiny",
    base_url=ADDRESS,
    api_key=KEY,
    timeout_seconds=12.5,
    context_tokens=900,
    max_output_tokens=90,
    usd_per_million_input_tokens=0.25,
    usd_per_million_output_tokens=2.0,
)
HASHES = {"gold_sha256": "ab" * 32, "archive_sha256": "cd" * 32}
MANIFEST: dict[str, Any] = {
    "suite": "small",
    "suite_file": "small",
    "system": "full",
    "repeats": 1,
    "seed": 0,
    "selection": None,
    "started": "2031-07-05T09:30:00+00:00",
    "git": "0123abcd+",
    "versions": {"python": "3.11.9", "onrecord": "0.1.0", "chromadb": None},
    "model": "tiny",
    "prompts": {"answer": "12" * 32, "follow_up": "34" * 32},
    "settings": {"model": "tiny", "base_url": ADDRESS, "timeout_seconds": 60.0, "context_tokens": 2000},
    "recipe": {"budget_tokens": 128, "embedder": "mini", "exact_below": 200_000},
    "embedder": "mini",
    **HASHES,
}


def manifest(options: RunOptions = OPTIONS, settings: Settings = SETTINGS, **changes: Any) -> dict[str, Any]:
    """A manifest as a run with these options and settings would have it."""
    told = {name: getattr(settings, name) for name, _, _ in describe_settings(settings) if name != "api_key"}
    asked = {"system": options.system, "repeats": options.repeats, "seed": options.seed}
    return MANIFEST | asked | {"selection": options.selection(), "settings": told} | changes


def read(folder: Path, text: str) -> RunConfig:
    file = folder / "run.toml"
    file.write_text(text, encoding="utf-8", newline="\n")
    return read_config(file)


def exported(folder: Path, made: dict[str, Any]) -> RunConfig:
    return read(folder, export_config(made))


# there and back


def test_what_was_exported_gives_the_same_options_settings_and_facts(tmp_path: Path) -> None:
    config = exported(tmp_path, manifest())
    assert config.suite == "small"
    assert config.options == OPTIONS
    assert apply_config(config, replace(SETTINGS, timeout_seconds=1, context_tokens=300, model=None)) == replace(
        SETTINGS, model=None
    )
    assert config.must_be == {key: MANIFEST[key] for key in config.must_be}
    assert set(config.must_be) == {"gold_sha256", "archive_sha256", "embedder", "model", "prompts", "recipe"}
    check_config(config, MANIFEST)


def test_a_run_of_every_default_gives_every_default(tmp_path: Path) -> None:
    plain = manifest(RunOptions(), Settings(), model=None, prompts={})
    config = exported(tmp_path, plain)
    assert config.options == RunOptions()
    assert apply_config(config, SETTINGS) == replace(Settings(), model="tiny", base_url=ADDRESS, api_key=KEY)
    check_config(config, plain)


TEXT = st.text(max_size=12)


@given(
    st.builds(
        RunOptions,
        system=st.sampled_from(["full", "oracle", "always-answer"]),
        repeats=st.integers(1, 9),
        limit=st.none() | st.integers(1, 10**9),
        cases=st.lists(TEXT, max_size=3).map(tuple),
        tags=st.lists(TEXT, max_size=3).map(tuple),
        splits=st.lists(TEXT, max_size=3).map(tuple),
        seed=st.integers(-(2**40), 2**40),
    ),
    st.builds(
        replace,
        st.just(SETTINGS),
        timeout_seconds=st.floats(0.1, 1e9),
        context_tokens=st.integers(200, 10**9),
        usd_per_million_input_tokens=st.none() | st.floats(0, 1e6),
    ),
)
def test_any_options_and_settings_come_back(
    tmp_path_factory: pytest.TempPathFactory, options: RunOptions, settings: Settings
) -> None:
    config = exported(tmp_path_factory.getbasetemp(), manifest(options, settings))
    assert config.options == options
    assert apply_config(config, SETTINGS) == settings


# Letters that a file's name or a model's may have. A lone surrogate has no form in TOML; U+FFFD takes its place.
NAMES = st.text(st.characters() | st.sampled_from("\"'\\\n\r\t\x00\x1b\x7f\x85\u2028\ufeff\uffff\udcff🚢"), max_size=20)


def whole(text: str) -> str:
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


@given(NAMES, NAMES, NAMES)
def test_the_file_is_valid_toml_whatever_the_names(suite: str, model: str, prompt: str) -> None:
    made = manifest(suite=suite, suite_file=None, model=model or "m", prompts={prompt: "ab"}, git=None)
    made["selection"] = {"cases": [suite, model], "tags": [prompt]}
    made["versions"] = {prompt: model}
    parsed = tomllib.loads(export_config(made))
    assert parsed["suite"] == whole(suite)
    assert parsed["must_be"]["model"] == whole(model or "m")
    assert parsed["options"]["cases"] == [whole(suite), whole(model)]
    assert parsed["options"]["tags"] == [whole(prompt)]
    assert parsed["must_be"]["prompts"] == {whole(prompt): "ab"}


@pytest.mark.parametrize(
    "name",
    [
        'a "quoted" one',
        "it's",
        "back\\slash",
        "two\nlines",
        "a\tb",
        "\x7f\x1b[31m",
        "Қазақстан 🚢",
        "# no comment",
        "] = [",
    ],
)
def test_hostile_names_come_back_as_they_were(tmp_path: Path, name: str) -> None:
    made = manifest(suite=name, suite_file=name, model=name, prompts={name: "ab" * 32}, embedder=name)
    made["selection"] = {"cases": [name], "splits": [name]}
    config = exported(tmp_path, made)
    assert (config.suite, config.options.cases, config.options.splits) == (name, (name,), (name,))
    check_config(config, made)


def test_a_lone_surrogate_becomes_the_replacement_character(tmp_path: Path) -> None:
    assert exported(tmp_path, manifest(suite_file="wine-\udcff.toml")).suite == "wine-\ufffd.toml"


def test_a_suite_that_is_a_file_is_named_by_its_file(tmp_path: Path) -> None:
    assert exported(tmp_path, manifest(suite_file="news/own.toml")).suite == "news/own.toml"
    assert exported(tmp_path, manifest(suite_file=None)).suite == "small"


def test_the_file_tells_a_reader_when_and_with_what_the_run_was_made() -> None:
    first, second, *_ = export_config(manifest()).split("\n\n")
    assert first == "# Run small of 2031-07-05T09:30:00+00:00: qa eval run --config THIS_FILE"
    assert second == "# git 0123abcd+; python 3.11.9, onrecord 0.1.0"


def test_no_key_is_in_the_file() -> None:
    assert KEY not in export_config(manifest())


# what must be as it was


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gold_sha256": "0" * 64}, "gold_sha256: abababababab… → 000000000000…"),
        ({"archive_sha256": "0" * 64}, "archive_sha256: cdcdcdcdcdcd… → 000000000000…"),
        ({"model": "other"}, "model: tiny → other"),
        ({"model": None, "prompts": {}}, "model: tiny → none; prompts.answer: 121212121212… → none; prompts.follow_up"),
        ({"prompts": {"answer": "99" * 32, "follow_up": "34" * 32}}, "prompts.answer: 121212121212… → 999999999999…"),
        ({"prompts": MANIFEST["prompts"] | {"judge": "56" * 32}}, "prompts.judge: none → 565656565656…"),
        ({"recipe": MANIFEST["recipe"] | {"budget_tokens": 64}}, "recipe.budget_tokens: 128 → 64"),
        ({"embedder": "other"}, "embedder: mini → other"),
    ],
)
def test_what_is_not_as_it_was_is_refused_by_name(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    config = exported(tmp_path, MANIFEST)
    with pytest.raises(ContentError, match=r"^Not the run that was exported: ") as caught:
        check_config(config, MANIFEST | changes)
    assert message in str(caught.value)


def test_a_run_without_a_model_is_not_run_again_with_one(tmp_path: Path) -> None:
    alone = MANIFEST | {"model": None, "prompts": {}}
    config = exported(tmp_path, alone)
    assert config.must_be["model"] is False
    check_config(config, alone)
    with pytest.raises(ContentError, match=r"model: none → tiny; prompts\.answer: none → 1212"):
        check_config(config, MANIFEST)


def test_what_plays_no_part_may_change(tmp_path: Path) -> None:
    config = exported(tmp_path, MANIFEST)
    check_config(config, MANIFEST | {"started": "2040", "git": None, "versions": {}, "platform": "other", "gates": []})


def test_a_fact_that_the_new_run_does_not_have_is_refused(tmp_path: Path) -> None:
    config = exported(tmp_path, MANIFEST)
    with pytest.raises(ContentError, match="embedder: mini → none"):
        check_config(config, {key: value for key, value in MANIFEST.items() if key != "embedder"})


# the address


@pytest.mark.parametrize(
    ("recorded", "own", "wanted"),
    [
        (ADDRESS, None, "http://localhost:11434/v1"),
        (ADDRESS, "http://localhost:11435/v1", "http://localhost:11434/v1"),
        (None, ADDRESS, "OpenAI"),
    ],
)
def test_the_address_is_never_taken_from_the_file(
    tmp_path: Path, recorded: str | None, own: str | None, wanted: str
) -> None:
    config = exported(tmp_path, manifest(settings=replace(SETTINGS, base_url=recorded)))
    with pytest.raises(ContentError, match=f"^The run was asked of {wanted}. Set OPENAI_BASE_URL, or base_url in"):
        apply_config(config, replace(SETTINGS, base_url=own))
    alone = exported(tmp_path, manifest(settings=replace(SETTINGS, base_url=recorded), model=None))
    assert apply_config(alone, replace(SETTINGS, base_url=own)).base_url == own


def test_an_address_with_a_password_is_the_same_though_the_file_does_not_have_it(tmp_path: Path) -> None:
    own = replace(SETTINGS, base_url=f"http://ann:{KEY}@localhost:11434/v1")
    assert apply_config(exported(tmp_path, manifest()), own).base_url == own.base_url


def test_a_file_without_settings_leaves_those_in_effect(tmp_path: Path) -> None:
    config = read(tmp_path, 'suite = "small"\n')
    assert (config.options, dict(config.settings), dict(config.must_be)) == (RunOptions(), {}, {})
    assert apply_config(config, SETTINGS) is SETTINGS
    check_config(config, MANIFEST)


def test_a_run_without_prices_has_none_again(tmp_path: Path) -> None:
    unpriced = replace(SETTINGS, usd_per_million_input_tokens=None, usd_per_million_output_tokens=None)
    assert apply_config(exported(tmp_path, manifest(settings=unpriced)), SETTINGS).price is None


# what is wrong with a file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"'suite' is missing\.$"),
        ("suite = 5", "'suite' must be text, not 5"),
        ('suite = "s"\nsiute = "t"', r"unknown key 'siute'\. Did you mean 'suite'\?"),
        ('suite = "s"\noptions = 5', "'options' must be keys and values, not 5"),
        ('suite = "s"\n[options]\nrepeat = 5', r"unknown key 'repeat' of 'options'\. Did you mean 'repeats'\?"),
        ('suite = "s"\n[options]\nrepeats = "5"', "'repeats' of 'options' must be a whole number, not"),
        ('suite = "s"\n[options]\nrepeats = 2.0', "'repeats' of 'options' must be a whole number, not"),
        ('suite = "s"\n[options]\nrepeats = true', "'repeats' of 'options' must be a whole number, not true"),
        ('suite = "s"\n[options]\nrepeats = 0', "repeats must be at least 1, not 0"),
        ('suite = "s"\n[options]\ncases = "a"', "'cases' of 'options' must be a list, not"),
        ('suite = "s"\n[options]\ncases = ["a", 5]', "'cases' of 'options' must be a list of texts"),
        ('suite = "s"\n[options]\nfresh = 1', "'fresh' of 'options' must be true or false, not 1"),
        ('suite = "s"\n[options]\nmax_seconds = "soon"', "'max_seconds' of 'options' must be a number, not"),
        ('suite = "s"\n[options]\nmax_seconds = nan', "max_seconds must be at least 0, not nan"),
        ('suite = "s"\n[options]\nsystem = "orakel"', r"No system 'orakel'\. Did you mean 'oracle'\?"),
        ('suite = "s"\n[options]\nsystem = 5', "'system' of 'options' must be text, not 5"),
        ('suite = "s"\n[settings]\napi_key = "sk-x"', "unknown key 'api_key' of 'settings'"),
        ('suite = "s"\n[settings]\nmodel = "m"', "unknown key 'model' of 'settings'"),
        ('suite = "s"\n[settings]\ntrust_environment = true', "unknown key 'trust_environment' of 'settings'"),
        ('suite = "s"\n[settings]\ncontext_tokens = "9"', "'context_tokens' of 'settings' must be a whole number"),
        ('suite = "s"\n[settings]\ntimeout_seconds = -1', "'timeout_seconds' of 'settings' must be a number from 0 on"),
        (
            'suite = "s"\n[settings]\ntimeout_seconds = inf',
            "'timeout_seconds' of 'settings' must be a number from 0 on",
        ),
        ('suite = "s"\n[must_be]\ngold = "ab"', r"unknown key 'gold' of 'must_be'\. Did you mean 'gold_sha256'\?"),
        ('suite = "s"\n[must_be]\nmodel = true', "'model' of 'must_be' must be text, not true"),
        ('suite = "s"\n[must_be]\nprompts = "ab"', "'prompts' of 'must_be' must be keys and values"),
        ('suite = "s', "Illegal|Unterminated|Expected"),
        ('suite = "s"\nsuite = "t"', "Cannot overwrite a value"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_the_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ContentError, match=message) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'run.toml'}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"none\.toml cannot be read: No such file"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "run.toml").write_bytes(b"suite = '\xff'")
    with pytest.raises(ContentError, match=r"run\.toml is not UTF-8 text"):
        read_config(tmp_path / "run.toml")


def test_whole_numbers_are_numbers_and_bounds_may_be_set_by_hand(tmp_path: Path) -> None:
    text = 'suite = "s"\n[options]\nmax_seconds = 5\nmax_cost_usd = 1\nconcurrency = 4\nfresh = true\n'
    config = read(tmp_path, text + "[settings]\ntimeout_seconds = 5\n")
    assert config.options == RunOptions(max_seconds=5, max_cost_usd=1, concurrency=4, fresh=True)
    assert apply_config(config, Settings()).timeout_seconds == 5


# a real run


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    root = tmp_path / "w"
    for name, text in {
        "index/articles/a.md": "Zinc cost $5 in 2031.\n",
        "eval/suites/zinc.toml": 'gold = "eval/gold/zinc.jsonl"\n',
        "eval/gold/zinc.jsonl": '{"id": "z", "question": "What did zinc cost?", "answers": ["$5"], "answerable": true,'
        ' "kind": "fact", "evidence": [{"article": "a.md", "quote": "Zinc cost $5 in 2031."}]}\n',
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    with qa.open(root, embedder=HashingEmbedder()) as opened:
        yield opened


def describe(archive: Archive, suite: Suite, model: str | None = None) -> dict[str, Any]:
    return describe_origin(suite, archive, archive.articles(), RunOptions(), model)


def test_a_real_run_may_be_run_again_until_its_gold_prompt_or_recipe_changes(archive: Archive, tmp_path: Path) -> None:
    run = qa.evaluate(archive, "zinc", folder=tmp_path / "run")
    config = exported(tmp_path, dict(run.manifest))
    assert (config.suite, config.options) == ("zinc", RunOptions())
    assert apply_config(config, archive.settings) == archive.settings
    check_config(config, describe(archive, load_suite("zinc", archive.workspace)))

    root = archive.workspace.root
    gold = root / "eval" / "gold" / "zinc.jsonl"
    gold.write_text("\n" + gold.read_text(encoding="utf-8"), encoding="utf-8")
    check_config(config, describe(archive, load_suite("zinc", archive.workspace)))
    gold.write_text(gold.read_text(encoding="utf-8").replace("What", "How much"), encoding="utf-8")
    with pytest.raises(ContentError, match=r"^Not the run that was exported: gold_sha256: \w+… → \w+…\.$"):
        check_config(config, describe(archive, load_suite("zinc", archive.workspace)))

    (root / "index" / "recipe.toml").write_text("[passages]\nbudget_tokens = 64\n", encoding="utf-8")
    with qa.open(root, embedder=HashingEmbedder()) as other:
        anew = describe(other, load_suite("zinc", other.workspace))
    with pytest.raises(ContentError, match=r"recipe\.budget_tokens: 128 → 64"):
        check_config(config, anew)


def test_a_prompt_that_was_changed_is_refused_by_its_name(archive: Archive, tmp_path: Path) -> None:
    archive.sync()
    suite = load_suite("zinc", archive.workspace)
    config = exported(tmp_path, MANIFEST | {"settings": {}} | describe(archive, suite, "tiny"))
    check_config(config, describe(archive, suite, "tiny"))
    packaged = archive.workspace.content("prompts/answer.md").read_text(encoding="utf-8")
    own = archive.workspace.root / "prompts" / "answer.md"
    own.parent.mkdir()
    own.write_text(packaged.replace("short sentences", "long sentences"), encoding="utf-8")
    with pytest.raises(ContentError, match=r"^Not the run that was exported: prompts\.answer: \w+… → \w+…\.$"):
        check_config(config, describe(archive, suite, "tiny"))


def test_every_option_can_be_read_and_every_setting_but_model_key_and_address(tmp_path: Path) -> None:
    limits = {"concurrency": 2, "max_seconds": 1.5, "max_tokens": 5, "max_cost_usd": 0.5, "fresh": True}
    every = replace(OPTIONS, **limits)
    text = "\n".join(f"{name} = {json.dumps(value)}" for name, value in asdict(every).items())
    assert read(tmp_path, f'suite = "s"\n[options]\n{text}\n').options == every
    told = {name for name, _, _ in describe_settings(SETTINGS)} - {"model", "api_key", "base_url"}
    written = tomllib.loads(export_config(manifest()))["settings"]
    assert set(written) == told | {"base_url"}
