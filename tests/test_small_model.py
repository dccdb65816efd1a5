"""What a real small model said to 200 questions, recorded once: no wrong figure of it is shown as supported."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import REPOSITORY

from qa.clauses import read_sentence
from qa.gold import Case, Evidence
from qa.metrics import Gold
from qa.testing import HashingEmbedder, ScriptedChat

BENCH = REPOSITORY / "eval" / "bench"

# Sentences on record whose figure an article has since corrected. They are true to what they quote; that a later
# article has another figure is for a notice to tell.
SUPERSEDED = {f"newswire-{name}" for name in ("c-002", "c-040", "c-060")}


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The scripts, which are no package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        import small_model
        import small_model_record
        import small_model_replay

        yield SimpleNamespace(main=small_model, record=small_model_record, replay=small_model_replay)
        for name in ("small_model", "small_model_record", "small_model_replay", "local_model"):
            del sys.modules[name]


@pytest.fixture(scope="module")
def replayed(bench: SimpleNamespace) -> list:
    return bench.replay.replay(bench.record.RECORDING)


def write(bench: SimpleNamespace, file: Path, *kept: object) -> Path:
    setting = bench.record.RECORDING.read_text(encoding="utf-8").split("\n", 1)[0]
    file.write_text(setting + "\n" + "".join(map(bench.record._write_line, kept)), encoding="utf-8")
    return file


def first(bench: SimpleNamespace) -> object:
    _, kept = bench.record.read_recording()
    return next(one for one in kept if one.case == "newswire-a-001")


# the recording


def test_the_recording_has_200_questions(bench: SimpleNamespace) -> None:
    _, kept = bench.record.read_recording()
    assert len(kept) == len({(one.suite, one.case) for one in kept}) == 200


def test_the_recording_was_made_with_the_setting_that_is_told(bench: SimpleNamespace) -> None:
    setting, kept = bench.record.read_recording()
    assert setting == bench.record.Setting()
    known = {(suite.name, case.id) for suite in bench.record.load_suites() for case in suite.cases}
    assert {(one.suite, one.case) for one in kept} <= known


def test_every_question_with_a_figure_for_an_answer_is_chosen_first(bench: SimpleNamespace) -> None:
    suites = bench.record.load_suites()
    figures = [case.id for suite in suites for case in suite.cases if case.gold.number]
    chosen = [case for _, case in bench.record.choose_cases(suites)]
    assert [case.id for case in chosen[: len(figures)]] == figures
    assert sum(not case.answerable for case in chosen) >= 60


def test_a_recording_that_was_stopped_goes_on_where_it_was(
    bench: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = bench.record.read_recording()[1][:5]
    monkeypatch.setattr(bench.record, "QUESTIONS", len(kept))
    file = write(bench, tmp_path / "stopped.jsonl", *kept[:-1])
    said: list[str] = []
    bench.record.record(file, said.append, model=ScriptedChat(["No word of it."]), embedder=HashingEmbedder())
    _, again = bench.record.read_recording(file)
    assert again[:-1] == kept[:-1]
    assert (again[-1].case, again[-1].question, again[-1].reply) == (kept[-1].case, kept[-1].question, "No word of it.")
    assert [line.split(":")[0] for line in said] == [f"5/5 {kept[-1].suite} {kept[-1].case}"]


# what is shown


def test_no_wrong_figure_is_shown_as_supported(bench: SimpleNamespace, replayed: list) -> None:
    judged = bench.main.read_judged()
    findings = bench.replay.find_findings(replayed)
    assert [one.key for one in findings if one.key not in judged] == []
    failed = bench.main.find_failed(findings, judged)
    assert [one.key for one in failed if one.by != "record" or one.kept.case not in SUPERSEDED] == []


def test_the_table_counts_every_question(bench: SimpleNamespace, replayed: list) -> None:
    lines = list(bench.main.describe(replayed))
    assert lines[0].startswith(f"{len(replayed)} questions, ")
    assert any(line.startswith("raw accuracy") for line in lines)
    assert sum(line.startswith("shown accuracy") for line in lines) == 2


def test_a_judgement_is_one_of_four_and_has_a_reason(bench: SimpleNamespace) -> None:
    lines = [json.loads(line) for line in bench.main.JUDGED.read_text(encoding="utf-8").splitlines()]
    assert {line["judged"] for line in lines} <= {"other_measure", "other_period", "superseded", "wrong"}
    assert all(line["reason"] for line in lines)
    keys = [(line["suite"], line["case"], line["statement"]) for line in lines]
    assert len(keys) == len(set(keys))


# that it can fail


def test_a_spoiled_recording_is_caught(
    bench: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = first(bench)
    place = next(n for n, p in enumerate(kept.passages, start=1) if p.file == "a-trade-marovia-2031.md")
    said = f"Trade in goods and services with Marovia reached $7.6 billion in 2030 [{place}]."
    recording = write(bench, tmp_path / "spoiled.jsonl", replace(kept, reply=said, finish_reason="stop"))
    monkeypatch.setattr(sys, "argv", ["small_model.py", "--recording", str(recording)])
    assert bench.main.main() == 1
    printed = capsys.readouterr().out
    assert "1 with another figure than the gold's, written by the model and shown as supported" in printed
    assert "NOT JUDGED" in printed


def test_passages_that_are_not_those_of_the_recording_are_refused(bench: SimpleNamespace, tmp_path: Path) -> None:
    kept = first(bench)
    moved = replace(kept, passages=(replace(kept.passages[0], end=kept.passages[0].end - 5), *kept.passages[1:]))
    with pytest.raises(SystemExit, match="its articles have changed"):
        bench.replay.replay(write(bench, tmp_path / "moved.jsonl", moved))
    with pytest.raises(SystemExit, match="passages are shown, then it was 1"):
        bench.replay.replay(write(bench, tmp_path / "other.jsonl", replace(kept, shown=1)))


@pytest.mark.parametrize(
    ("verdict", "by", "is_told", "fails"),
    [
        ("other_period", "model", False, False),
        ("wrong", "model", False, True),
        ("wrong", "record", True, True),
        ("wrong", "cited", False, False),  # nobody is shown it
        ("superseded", "record", False, True),
        ("superseded", "record", True, False),
        (None, "cited", False, True),
    ],
)
def test_what_fails(bench: SimpleNamespace, verdict: str | None, by: str, is_told: bool, fails: bool) -> None:
    finding = bench.replay.Finding(
        first(bench), "$8.4 billion", "It was $7.6 billion.", ("$7.6 billion",), (), by, is_told
    )
    judged = {finding.key: bench.main.Judgement(verdict, "a reason")} if verdict else {}
    assert bool(bench.main.find_failed([finding], judged)) is fails


# the mechanical rule


@pytest.mark.parametrize(
    ("sentence", "others"),
    [
        ("Trade was $8.4 billion in 2031.", []),
        ("Trade was 8,400 million dollars in 2031.", []),
        ("Trade was $7.6 billion.", ["$7.6 billion"]),
        ("Trade rose from $7.6 billion to $8.4 billion.", ["$7.6 billion"]),
        ("Trade grew by 10.5 percent.", []),  # of another kind
        ("It was $7.6 billion in 2030.", []),  # gold evidence
    ],
)
def test_a_figure_of_the_golds_kind_that_is_not_the_golds_is_found(
    bench: SimpleNamespace, sentence: str, others: list[str]
) -> None:
    gold = Gold(answers=("$8.4 billion",), number=bench_number("8400000000", "USD"))
    evidence = (Evidence("a.md", "The office said: It was $7.6 billion in 2030."),)
    case = Case("a", "What was trade?", gold, evidence, True, "fact")
    assert [figure.text for figure in bench.replay.find_others(sentence, case)] == others


def bench_number(value: str, unit: str) -> object:
    from decimal import Decimal

    from qa.metrics import Number

    return Number(Decimal(value), unit)


def test_of_a_question_without_an_answer_every_figure_is_found(bench: SimpleNamespace) -> None:
    case = Case("a", "What was trade in 1999?", Gold(), (), False, "near_miss")
    found = bench.replay.find_others("It was $7.6 billion, up 2 percent, in 2030.", case)
    assert [figure.text for figure in found] == ["$7.6 billion", "2 percent"]


def test_a_sentence_without_a_marker_gets_that_of_a_passage_that_bears_it_out(
    bench: SimpleNamespace, replayed: list
) -> None:
    kept = next(one.kept for one in replayed if one.kept.case == "newswire-a-001")
    articles = {a.source.rsplit("/", 1)[-1]: a for a in read_newswire()}
    hits = bench.replay._rebuild_hits(kept, articles)
    place = next(n for n, p in enumerate(kept.passages, start=1) if p.file == "a-trade-marovia-2031.md")
    reply = "Trade with Marovia reached $7.6 billion in 2030. It snowed. It rained [9]."
    marked = bench.replay.put_markers_in(reply, read_sentence(kept.question), hits)
    assert marked == f"Trade with Marovia reached $7.6 billion in 2030. [{place}]\nIt snowed. [1]\nIt rained [9]."


def read_newswire() -> list:
    from qa.sources import read_sources

    return list(read_sources([str(REPOSITORY / "eval/archives/newswire")], root=REPOSITORY))
