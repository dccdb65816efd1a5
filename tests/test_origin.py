from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelf import make

import qa
from qa.archive import Archive
from qa.errors import ContentError, UsageError
from qa.gold import Case, Evidence, read_gold
from qa.metrics import Gold
from qa.origin import (
    check_same_data,
    describe_differences,
    describe_origin,
    find_revision,
    hash_articles,
    hash_cases,
    hash_origin,
    show_address,
)
from qa.run_options import RunOptions
from qa.settings import Settings
from qa.suite import GateRule, Suite
from qa.testing import HashingEmbedder
from qa.workspace import Workspace

KEY = "sk-secret-1234"
HASH = "ab" * 32
CASES = tuple(
    Case(f"c-{n}", f"Question {n}?", Gold(answers=("5",)), (Evidence("a.md", "It was 5."),), True, "fact", ("money",))
    for n in range(1, 4)
)
SUITE = Suite("small", "A few questions.", None, Path("gold.jsonl"), CASES)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    (tmp_path / "w" / "index" / "articles").mkdir(parents=True)
    (tmp_path / "w" / "index" / "articles" / "a.md").write_text("It was 5.\n", encoding="utf-8")
    with qa.open(tmp_path / "w", embedder=HashingEmbedder()) as opened:
        opened.sync()
        yield opened


def with_settings(archive: Archive, **settings) -> Archive:
    return Archive(archive.workspace, Settings(**settings), embedder=HashingEmbedder(), reader=None, model=None)


def describe(archive: Archive, *, suite: Suite = SUITE, model: str | None = None, **options) -> dict:
    return describe_origin(suite, archive, archive.articles(), RunOptions(**options), model)


# what a run follows from


def test_the_origin_is_plain_data_that_says_what_a_run_follows_from(archive: Archive) -> None:
    rules = (
        GateRule("answer_match", "bound", 0.8),
        GateRule("hits@1", "not_worse_than", baseline=Path("/home/ann/eval/reports/baselines/small")),
    )
    origin = describe(
        archive, suite=replace(SUITE, gates=rules), model="tiny", repeats=2, limit=2, seed=7, tags=("fact",)
    )
    assert json.loads(json.dumps(origin)) == origin
    assert (origin["suite"], origin["system"], origin["model"], origin["seed"]) == ("small", "full", "tiny", 7)
    assert (origin["cases"], origin["repeats"], origin["selection"]) == (4, 2, {"limit": 2, "tags": ["fact"]})
    assert (origin["gold_sha256"], origin["archive_sha256"]) == (hash_cases(CASES), hash_articles(archive.articles()))
    desk = archive.desk()
    assert desk.splitting is not None
    used = (desk.prompt, archive.follow_up_prompt(), desk.splitting)
    assert origin["prompts"] == {prompt.name: prompt.sha256 for prompt in used}
    assert set(origin["prompts"]) == {"answer", "follow_up", "decompose"}
    assert (origin["recipe"]["budget_tokens"], origin["embedder"]) == (128, "hashing-64")
    assert origin["settings"]["context_tokens"] == 2_000
    assert [gate["kind"] for gate in origin["gates"]] == ["bound", "not_worse_than"]
    assert origin["gates"][1]["baseline"] == "small"  # not where it lies
    assert origin["versions"]["onrecord"] == qa.__version__
    assert "/home/ann" not in json.dumps(origin)


def test_without_a_model_no_prompt_plays_a_part(archive: Archive) -> None:
    assert describe(archive)["prompts"] == {}
    assert set(describe(archive, system="closed-book", model="tiny")["prompts"]) == {"closed_book", "follow_up"}


def test_a_selection_that_leaves_no_case_is_refused(archive: Archive) -> None:
    with pytest.raises(UsageError, match="No case 'c-9' in this suite"):
        describe(archive, cases=("c-9",))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (None, None),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/"),
        (f"https://ann:{KEY}@models.example.org:8443/v1", "https://models.example.org:8443/v1"),
        (f"https://{KEY}@models.example.org/v1", "https://models.example.org/v1"),
        (f"https://a@b:{KEY}@models.example.org/v1", "https://models.example.org/v1"),
        (f"https://models.example.org/v1?key={KEY}", "https://models.example.org/v1"),
        (f"https://models.example.org/v1#{KEY}", "https://models.example.org/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        (f"http://ann:1/{KEY}@models.example.org/v1", "unreadable"),
        (f"http://ann:1#{KEY}@models.example.org/v1", "unreadable"),
        (f"http://ann:1?{KEY}@models.example.org/v1", "unreadable"),
        (f"http://ann:{KEY}#x@models.example.org/v1", "unreadable"),
        (f"http://ann:{KEY}/x@models.example.org/v1", "unreadable"),
        (f"ann:{KEY}@models.example.org/v1", "unreadable"),
        (f"http://[{KEY}", "unreadable"),
        ("models.example.org", "unreadable"),
        ("", "unreadable"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(address: str | None, shown: str | None) -> None:
    assert show_address(address) == shown


@pytest.mark.parametrize("system", ["full", "retrieval", "closed-book"])
def test_no_key_and_no_password_is_in_the_origin(archive: Archive, system: str) -> None:
    own = with_settings(archive, api_key=KEY, base_url=f"https://ann:{KEY}@models.example.org/v1?key={KEY}", model="m")
    origin = describe(own, model="tiny", system=system)
    assert KEY not in json.dumps(origin)
    assert "ann" not in json.dumps(origin["settings"])
    assert "api_key" not in origin["settings"]
    assert origin["settings"]["base_url"] == "https://models.example.org/v1"


# the hash of the whole


def test_a_run_is_the_same_run_whatever_moment_machine_and_bounds(archive: Archive) -> None:
    origin = describe(archive)
    same = describe(archive, concurrency=8, max_seconds=5, max_tokens=6, max_cost_usd=7, fresh=True)
    assert hash_origin(same) == hash_origin(origin)
    later = origin | {"started": "2032", "day": "2032-01-01", "git": "abc", "platform": "other"}
    assert hash_origin(later) == hash_origin(origin)


def test_a_run_of_anything_else_is_another_run(archive: Archive) -> None:
    gated = replace(SUITE, gates=(GateRule("answer_match", "mean", 0.8),))
    others = [
        describe(archive),
        describe(archive, system="bm25"),
        describe(archive, repeats=2),
        describe(archive, seed=1),
        describe(archive, limit=2),
        describe(archive, model="tiny"),
        describe(archive, suite=gated),
        describe(archive, suite=replace(SUITE, cases=CASES[:2])),
        describe(archive, suite=replace(SUITE, name="other")),
        describe(with_settings(archive, context_tokens=500)),
    ]
    assert len(set(map(hash_origin, others))) == len(others)


# the hash of the gold

ENTRY = {
    "id": "c-1",
    "question": "How much?",
    "answers": ["$24.2 billion"],
    "number": {"value": 24200000000, "unit": "USD"},
    "evidence": [{"article": "a.md", "quote": "It was $24.2 billion."}],
    "answerable": True,
    "kind": "fact",
}
OTHER = {"id": "c-2", "question": "Who?", "answerable": False, "kind": "fact"}


def hash_lines(folder: Path, *lines: str) -> str:
    (folder / "gold.jsonl").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return hash_cases(read_gold(folder / "gold.jsonl"))


def test_the_hash_of_the_gold_does_not_depend_on_how_its_file_is_laid_out(tmp_path: Path) -> None:
    one, two = json.dumps(ENTRY), json.dumps(OTHER)
    plain = hash_lines(tmp_path, one, two)
    turned = json.dumps(dict(reversed(ENTRY.items())), indent=None, separators=(" ,", ":  "))
    as_written = one.replace("24200000000", "2.42e10").replace('"unit"', '"tolerance": 0.0, "unit"')
    at_rest = json.dumps(ENTRY | {"tags": [], "split": None, "turns": [], "retrieval_only": False, "all_of": None})
    evidence = {"evidence": [{"part": 1, "start": None, **ENTRY["evidence"][0]}]}  # type: ignore[dict-item, index]
    escaped = one.replace("How", "\\u0048ow")
    for lines in (
        (two, one),
        ("", one, "", "  ", two),
        (turned, two),
        (as_written, two),
        (at_rest, two),
        (json.dumps(ENTRY | evidence), two),
        (escaped, two),
        ("\ufeff" + one, two),
    ):
        assert hash_lines(tmp_path, *lines) == plain


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "c-3"},
        {"question": "How many?"},
        {"answers": ["$24.3 billion"]},
        {"answers": ["$24.2 billion", "24.2 billion"]},
        {"number": {"value": 24200000001, "unit": "USD"}},
        {"number": {"value": 24200000000, "unit": "EUR"}},
        {"number": {"value": 24200000000, "unit": "USD", "tolerance": 1}},
        {"number": {"value": 24200000000, "unit": "USD", "period": "2021"}},
        {"number": None},
        {"evidence": []},
        {"evidence": [{"article": "b.md", "quote": "It was $24.2 billion."}]},
        {"evidence": [{"article": "a.md", "quote": "It was $24.2 billion.", "start": 0}]},
        {"evidence": [{"article": "a.md", "quote": "It was $24.2 billion.", "part": 2}]},
        {"kind": "paraphrase"},
        {"tags": ["money"]},
        {"split": "dev"},
        {"as_of": "2032-01-01"},
        {"turns": ["What was it?"]},
        {"answers": None, "all_of": ["$24.2 billion"], "number": None},
    ],
)
def test_another_meaning_of_the_gold_is_another_hash(tmp_path: Path, changes: dict) -> None:
    two = json.dumps(OTHER)
    assert hash_lines(tmp_path, json.dumps(ENTRY | changes), two) != hash_lines(tmp_path, json.dumps(ENTRY), two)


# the hash of the articles


def test_the_hash_of_the_articles_does_not_depend_on_their_order() -> None:
    articles = [make("a"), make("b", text="The fair opened."), make("c", title="Fair")]
    assert hash_articles(articles[::-1]) == hash_articles(articles)
    assert hash_articles(articles[:2]) != hash_articles(articles)


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "other.md"},
        {"sha256": HASH},
        {"title": "Other"},
        {"publisher": "BBC"},
        {"author": "Ann"},
        {"published": date(2032, 1, 1)},
        {"url": "https://example.org/a"},
        {"language": "kk"},
    ],
)
def test_what_is_shown_or_read_of_an_article_is_in_the_hash(changes: dict) -> None:
    article = make("a")
    assert hash_articles([replace(article, **changes)]) != hash_articles([article])


def test_where_one_field_ends_and_the_next_begins_is_in_the_hash() -> None:
    one, other = make("a", title="Trade BBC", publisher="News"), make("a", title="Trade", publisher="BBC News")
    assert hash_articles([one]) != hash_articles([other])
    assert hash_articles([make("a", title="None")]) != hash_articles([replace(make("a"), title="", publisher="None")])


def test_names_that_are_no_utf8_can_be_hashed() -> None:
    assert hash_articles([make("wine-\udcff")]) != hash_articles([make("wine-\udcfe")])


# what differs

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["suite", "model", "recipe", "git"]), DATA))
def test_nothing_differs_from_itself(origin: dict) -> None:
    assert describe_differences(origin, json.loads(json.dumps(origin))) == []


def test_a_difference_is_named_with_its_place_and_what_was_and_is() -> None:
    a = {
        "model": None,
        "prompts": {},
        "recipe": {"budget_tokens": 128, "embedder": "mini"},
        "settings": {"context_tokens": 2_000},
        "gold_sha256": "ab" * 32,
        "selection": {"limit": 3},
        "gone": 1,
    }
    b = {
        "model": "gpt-5-mini",
        "prompts": {"answer": "cd" * 32},
        "recipe": {"budget_tokens": 64, "embedder": "mini"},
        "settings": {"context_tokens": 2_000},
        "gold_sha256": "ac" * 32,
        "selection": None,
        "long": "word " * 40,
    }
    assert describe_differences(a, b) == [
        "model: none → gpt-5-mini",
        "recipe.budget_tokens: 128 → 64",
        f"gold_sha256: {'ab' * 6}… → {'ac' * 6}…",
        "selection.limit: 3 → none",
        "gone: 1 → none",
        f"prompts.answer: none → {'cd' * 6}…",
        f"long: none → {'word ' * 10}word…",
    ]


def test_a_moment_and_its_bounds_are_no_difference() -> None:
    a = {"started": "2031", "day": "2031-01-01", "concurrency": 1, "limits": {"max_seconds": None}, "seed": 1}
    b = {"started": "2032", "day": "2032-01-01", "concurrency": 8, "limits": {"max_seconds": 5}, "seed": 1}
    assert describe_differences(a, b) == []


def test_text_that_a_terminal_could_act_on_is_made_safe() -> None:
    (line,) = describe_differences({"model": "a\x1b[31m\nb"}, {"model": "a"})
    assert line == "model: a\ufffd[31m b → a"


# runs over other data


def test_runs_over_the_same_data_may_be_compared(archive: Archive) -> None:
    check_same_data(describe(archive), describe(archive, system="bm25", model="tiny", repeats=3, seed=9))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"suite": "other"}, r"suite: small → other\.$"),
        ({"gold_sha256": "0" * 64}, r"gold_sha256: [0-9a-f]{12}… → 000000000000…\.$"),
        ({"archive_sha256": "0" * 64}, r"archive_sha256: [0-9a-f]{12}… → 000000000000…\.$"),
        ({"suite": "other", "archive_sha256": "0" * 64}, r"suite: small → other; archive_sha256: "),
    ],
)
def test_runs_over_other_data_are_refused_by_name(archive: Archive, changes: dict, named: str) -> None:
    origin = describe(archive)
    with pytest.raises(ContentError, match=rf"^These runs are over different data, .*: {named}"):
        check_same_data(origin, origin | changes)


# the revision


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def _no_git_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


@pytest.mark.usefixtures("_no_git_around")
def test_outside_a_repository_there_is_no_revision(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert find_revision(tmp_path / "plain") is None
    assert find_revision(tmp_path / "nowhere") is None


@pytest.mark.usefixtures("_no_git_around")
def test_the_revision_is_that_of_the_folder_with_a_mark_where_files_have_changed(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    (root / "deep").mkdir(parents=True)
    git(root, "init", "--quiet")
    assert find_revision(root) is None  # nothing is committed yet
    (root / "a.txt").write_text("one\n", encoding="utf-8")
    git(root, "add", "a.txt")
    git(root, "commit", "--quiet", "-m", "one")
    revision = git(root, "rev-parse", "HEAD")
    assert find_revision(root) == find_revision(root / "deep") == revision
    (root / "new.txt").write_text("new\n", encoding="utf-8")
    assert find_revision(root) == revision
    (root / "a.txt").write_text("two\n", encoding="utf-8")
    assert find_revision(root) == f"{revision}+"


def test_where_git_cannot_be_run_there_is_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_revision(Workspace(tmp_path, "named").root) is None
