from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import UsageError
from qa.gold import Case
from qa.metrics import Gold
from qa.run_options import RunOptions, select_cases
from qa.systems import SYSTEMS


def case(id_: str, kind: str = "fact", tags: tuple[str, ...] = (), split: str | None = None) -> Case:
    return Case(id_, "What?", Gold(answers=("5",)), (), True, kind, tags, split)


CASES = [
    case("a", "fact", ("trade", "money"), "dev"),
    case("b", "paraphrase", ("trade",), "dev"),
    case("c", "fact", (), "test"),
    case("d", "near_miss", ("money",)),
    case("e", "follow_up", ("fact-like",), "test"),
]


def chosen(**options) -> str:
    return "".join(one.id for one in select_cases(CASES, RunOptions(**options)))


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({}, "abcde"),
        ({"cases": ("d", "b")}, "bd"),
        ({"cases": ("b", "b")}, "b"),
        ({"tags": ("trade",)}, "ab"),
        ({"tags": ("money", "trade")}, "abd"),
        ({"tags": ("fact",)}, "ac"),  # a kind; "fact-like" is another tag
        ({"tags": ("near_miss", "trade")}, "abd"),
        ({"splits": ("test",)}, "ce"),
        ({"splits": ("dev", "test")}, "abce"),
        ({"tags": ("money",), "splits": ("dev",)}, "a"),
        ({"cases": ("a", "c"), "tags": ("fact",), "splits": ("test",)}, "c"),
        ({"limit": 5}, "abcde"),
        ({"limit": 99}, "abcde"),
    ],
)
def test_cases_are_chosen_by_id_tag_kind_and_split_in_the_suites_order(options: dict, ids: str) -> None:
    assert chosen(**options) == ids


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cases": ("f",)}, r"^No case 'f' in this suite\.$"),
        ({"cases": ("a", "news-a-01")}, r"^No case 'news-a-01' in this suite\.$"),
        ({"tags": ("trades",)}, r"^No tag or kind 'trades' in this suite\. Did you mean 'trade'\?$"),
        ({"tags": ("money", "paraphrased")}, r"Did you mean 'paraphrase'\?$"),
        ({"tags": ("multi_hop",)}, r"^No tag or kind 'multi_hop' in this suite\."),
        ({"splits": ("tests",)}, r"^No split 'tests' in this suite\. Did you mean 'test'\?$"),
        ({"tags": ("paraphrase",), "splits": ("test",)}, r"^No case of this suite is left by --case, --tag, --split"),
        ({"cases": ("a\x1b[31m\n" + "x" * 99,)}, "^No case 'a\ufffd\\[31m x+…' in this suite"),
    ],
)
def test_what_no_case_has_is_refused_by_name(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        chosen(**options)


def test_a_suite_without_a_case_has_none_to_ask() -> None:
    with pytest.raises(UsageError, match="No case of this suite is left"):
        select_cases([], RunOptions())


IDS = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=12, unique=True)


@given(IDS, st.integers(1, 14), st.integers(-5, 5))
def test_a_limit_draws_so_many_by_the_seed_and_more_with_a_higher_one(ids: list[str], limit: int, seed: int) -> None:
    cases = [case(id_) for id_ in ids]
    drawn = select_cases(cases, RunOptions(limit=limit, seed=seed))
    assert len(drawn) == min(limit, len(ids))
    assert drawn == [one for one in cases if one in drawn]  # in the suite's order
    assert drawn == select_cases(cases, RunOptions(limit=limit, seed=seed))
    more = select_cases(cases, RunOptions(limit=limit + 1, seed=seed))
    assert {one.id for one in drawn} <= {one.id for one in more}


@given(IDS, st.integers(1, 14), st.randoms())
def test_which_cases_are_drawn_does_not_depend_on_their_order(ids: list[str], limit: int, chance) -> None:
    cases = [case(id_) for id_ in ids]
    turned = chance.sample(cases, len(cases))
    one, other = (select_cases(some, RunOptions(limit=limit)) for some in (cases, turned))
    assert {a.id for a in one} == {b.id for b in other}


def test_another_seed_draws_others() -> None:
    cases = [case(f"c-{n}") for n in range(40)]
    drawn = {tuple(one.id for one in select_cases(cases, RunOptions(limit=10, seed=seed))) for seed in range(5)}
    assert len(drawn) == 5


def test_a_limit_draws_among_those_that_are_chosen() -> None:
    for seed in range(5):
        assert set(chosen(tags=("money",), limit=1, seed=seed)) <= set("ad")


# the selection as data


@pytest.mark.parametrize(
    ("options", "selection"),
    [
        ({}, None),
        ({"repeats": 3, "seed": 4, "concurrency": 2, "max_seconds": 1, "fresh": True, "system": "bm25"}, None),
        ({"limit": 3}, {"limit": 3}),
        ({"cases": ("a", "b")}, {"cases": ["a", "b"]}),
        (
            {"limit": 1, "tags": ("t",), "splits": ("dev",), "cases": ("a",)},
            {"limit": 1, "cases": ["a"], "tags": ["t"], "splits": ["dev"]},
        ),
    ],
)
def test_the_selection_says_what_leaves_cases_out(options: dict, selection: dict | None) -> None:
    made = RunOptions(**options)
    assert made.selection() == selection
    assert made.selects == (selection is not None)


# what cannot be


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"repeats": 0}, r"^repeats must be at least 1, not 0\.$"),
        ({"limit": 0}, "limit must be at least 1, not 0"),
        ({"limit": -1}, "limit must be at least 1, not -1"),
        ({"concurrency": 0}, "concurrency must be at least 1, not 0"),
        ({"max_seconds": -0.5}, r"max_seconds must be at least 0, not -0\.5"),
        ({"max_seconds": float("nan")}, "max_seconds must be at least 0, not nan"),
        ({"max_tokens": -1}, "max_tokens must be at least 0"),
        ({"max_cost_usd": -1}, "max_cost_usd must be at least 0"),
        ({"system": "fulll"}, r"^No system 'fulll'\. Did you mean 'full'\?"),
    ],
)
def test_options_that_mean_nothing_are_refused_when_they_are_made(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RunOptions(**options)
    (name,) = options
    with pytest.raises(UsageError, match=message):
        dataclasses.replace(RunOptions(), **{name: options[name]})


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_may_be_asked_for(system: str) -> None:
    assert RunOptions(system=system).system == system  # type: ignore[arg-type]


def test_options_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RunOptions().seed = 1  # type: ignore[misc]
