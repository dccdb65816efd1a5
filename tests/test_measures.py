from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from run_maker import make_many, make_record

from qa.errors import ContentError
from qa.measures import GATED, MEASURES, RANKING, SCORES, Group
from qa.run_folder import Record
from qa.scoring import average, measure_costs, score_record
from qa.suite import load_suite
from qa.workspace import Workspace

COSTS = tuple(name for name, kind in MEASURES.items() if kind.group == "cost")
OF_MANY = ("abstention_f1", "aurc")


def test_every_score_of_a_record_is_a_measure_that_one_case_has_by_itself() -> None:
    scores, _ = score_record(make_record(case={"number": {"value": 24_200_000_000, "unit": "USD"}}), None)
    assert tuple(scores) == SCORES
    assert set(MEASURES) == {*SCORES, *OF_MANY, *COSTS}
    assert tuple(measure_costs(make_record())) == COSTS


def test_a_run_has_every_measure_in_its_order() -> None:
    assert list(average([])) == list(MEASURES)


def test_a_definition_is_one_line_in_plain_words() -> None:
    for name, kind in MEASURES.items():
        assert kind.name == name
        for text in (kind.definition, kind.over):
            assert text == " ".join(text.split())
            assert 3 < len(text) < 90
            assert not text.endswith(".")
    assert len({kind.definition for kind in MEASURES.values()}) == len(MEASURES)


def test_measures_of_one_group_stand_together_and_every_group_has_some() -> None:
    groups = [kind.group for kind in MEASURES.values()]
    assert list(dict.fromkeys(groups)) == list(get_args(Group))
    assert groups == sorted(groups, key=get_args(Group).index)


def test_a_ranking_has_the_measures_of_its_group() -> None:
    assert tuple(name for name in SCORES if MEASURES[name].group == "retrieval") == RANKING
    assert len(RANKING) == 8


def test_less_is_better_of_errors_risks_and_costs_alone() -> None:
    lower = {name for name, kind in MEASURES.items() if kind.lower_is_better}
    assert lower == {"incorrect", "not_attempted", "aurc", *COSTS}


def scored() -> list[Record]:
    """Records as a suite would give, scored."""
    records = make_many(40)
    for made in records:
        case = {key: value for key, value in made["case"].items() if value not in (None, [])}
        made["case"], made["relevant"] = case, sum(bool(hit["parts"]) for hit in made["hits"])
        made["scores"], made["unscorable"] = score_record(made, None)
    return records


def test_what_is_said_to_be_0_or_1_in_every_case_is_and_no_score_leaves_its_range() -> None:
    records = scored()
    for name in SCORES:
        values = {score for made in records if (score := made["scores"][name]) is not None}
        assert all(0 <= value <= 1 for value in values)
        if MEASURES[name].is_binary:
            assert values <= {0.0, 1.0}
    assert {name for name in SCORES if all(made["scores"][name] is None for made in records)} == {"numeric_match"}


# gates


def write_suite(folder: Path, gates: str) -> Path:
    (folder / "gold.jsonl").write_text('{"id": "a", "question": "Why?", "answerable": false, "kind": "fact"}\n')
    (folder / "suite.toml").write_text(f'gold = "gold.jsonl"\n[gates]\n{gates}\n', encoding="utf-8")
    return folder / "suite.toml"


def test_a_gate_may_be_set_on_every_measure_but_costs(tmp_path: Path) -> None:
    assert tuple(name for name in MEASURES if name not in COSTS) == GATED
    lines = "\n".join(f'"{name}" = {{mean = 0.25, bound = 0.5}}' for name in GATED)
    rules = load_suite(write_suite(tmp_path, lines), Workspace(tmp_path, "named")).gates
    assert [(rule.measure, rule.kind, rule.limit) for rule in rules] == [
        (name, kind, limit) for name in GATED for kind, limit in (("mean", 0.25), ("bound", 0.5))
    ]


@pytest.mark.parametrize("name", [*COSTS, "pass@3", "answermatch"])
def test_a_gate_on_anything_else_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ContentError, match=f"no measure '{name}'"):
        load_suite(write_suite(tmp_path, f'"{name}" = 0.5'), Workspace(tmp_path, "named"))
