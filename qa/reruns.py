"""An old run once more: asked again with the calls it recorded, or its answers scored anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from qa.archive import Archive
from qa.articles import Article
from qa.asking import Examiner, find_clusters, same_but_for_time
from qa.errors import ContentError
from qa.gates import check_gates
from qa.gold import Case, case_dict
from qa.origin import describe_differences, hash_articles, hash_cases
from qa.replay import CallLog, NeverAsked, RecordedEmbedder, RecordedReader
from qa.run_folder import CALLS, Gate, Record, Run, key_of, read_manifest, read_records
from qa.scoring import average, find_failure, score_record
from qa.settings import Settings, load_recipe
from qa.suite import GateRule, Suite, load_suite, suite_names
from qa.suite_archive import open_suite_archive
from qa.sync import OnProgress, Progress
from qa.systems import Bench, check_system, set_up_bench
from qa.text import shorten
from qa.workspace import Workspace

# What a replay needs of a manifest, besides what is checked as it is read.
_NEEDED = (
    "suite_file", "day", "seed", "settings", "recipe", "embedder", "gates", "selection",
    "gold_sha256", "archive_sha256",
)  # fmt: skip


@dataclass(frozen=True)
class Replayed:
    """A run asked again with its recorded calls; `differs` are the cases that came out otherwise, by id and repeat."""

    run: Run
    differs: tuple[tuple[str, int], ...]


def replay_run(
    folder: Path,
    workspace: Workspace,
    *,
    settings: Settings,
    suite: Suite | None = None,
    on_progress: OnProgress | None = None,
) -> Replayed:
    """Ask every case of a run again with the calls that were recorded, and no other: no model, embedder, network.

    Times are those of the run. Gold and articles must be the same; program and prompts may have changed, and the
    cases that come out otherwise are named. `suite` is needed where a program made it; else it is found again by
    what the run says of it. The folder stays as it is.

    Raises:
        ContentError: the run or its suite cannot be read, the data have changed, or a call was never recorded.
    """
    manifest, records = _read_whole_manifest(folder), read_records(folder)
    if not (folder / CALLS).is_file():
        raise ContentError(f"{folder} has no recorded calls ({CALLS}).")
    suite = _set_back(suite or _find_suite(manifest, workspace), manifest)
    _check_gold(suite, manifest, records)
    _check_recipe(workspace, manifest)
    with (
        closing(CallLog(folder / CALLS, read_only=True)) as log,
        open_suite_archive(
            suite,
            workspace,
            settings=_set_back_settings(settings, manifest),
            embedder=RecordedEmbedder(manifest["embedder"], log.dimension(manifest["embedder"]), log, embedder=None),
            reader=RecordedReader(manifest["reader"], log, reader=None) if manifest.get("reader") else False,
            on_progress=on_progress,
            kept=False,
            check=lambda articles: _check_articles(articles, manifest),
        ) as archive,
        closing(_set_up_again(archive, manifest, log)) as bench,
    ):
        examiner = Examiner(bench, archive.articles(), find_clusters(suite.cases))
        again = _ask_again(examiner, suite.cases, records, on_progress)
    differs = tuple(key_of(b) for a, b in zip(again, records, strict=True) if not same_but_for_time(a, b))
    gates = _judge_gates(_find_rules(manifest, suite), manifest, again)
    return Replayed(Run(folder, manifest, again, average(again), gates), differs)


def _read_whole_manifest(folder: Path) -> dict[str, Any]:
    manifest = read_manifest(folder)
    missing = [name for name in _NEEDED if name not in manifest]
    if missing:
        raise ContentError(f"{folder} cannot be replayed: its manifest lacks {', '.join(missing)}.")
    return manifest


def _find_suite(manifest: Mapping[str, Any], workspace: Workspace) -> Suite:
    name = manifest["suite_file"]
    if name is None:
        raise ContentError(f"The suite '{manifest['suite']}' was made by a program: only that can replay it.")
    return load_suite(name if name in suite_names(workspace) else workspace.root / name, workspace)


def _set_back(suite: Suite, manifest: Mapping[str, Any]) -> Suite:
    """The suite as it was run: of the workspace's own articles, if those were asked."""
    return replace(suite, archive=None) if manifest.get("own_articles") else suite


def _set_back_settings(settings: Settings, manifest: Mapping[str, Any]) -> Settings:
    """The settings with those of the run that decide what a model is shown and asked."""
    shown = manifest["settings"]
    return replace(settings, context_tokens=shown["context_tokens"], max_output_tokens=shown["max_output_tokens"])


def _check_gold(suite: Suite, manifest: Mapping[str, Any], records: Sequence[Record]) -> None:
    now = {case.id: case_dict(case) for case in suite.cases}
    ids = dict.fromkeys(id_ for record in records if now.get(id_ := record["case"]["id"]) != record["case"])
    cases = f" (case {shorten(', '.join(ids), limit=80)})" if ids else ""
    _refuse_changes(manifest, {"suite": suite.name, "gold_sha256": hash_cases(suite.cases)}, cases)


def _check_articles(articles: Sequence[Article], manifest: Mapping[str, Any]) -> None:
    _refuse_changes(manifest, {"archive_sha256": hash_articles(articles)})


def _check_recipe(workspace: Workspace, manifest: Mapping[str, Any]) -> None:
    """Refuse a recipe by which articles would be cut otherwise; the embedder is the recorded one in any case."""
    recipe = asdict(load_recipe(workspace.content("index/recipe.toml"))) | {"embedder": manifest["recipe"]["embedder"]}
    _refuse_changes(manifest, {"recipe": recipe})


def _refuse_changes(manifest: Mapping[str, Any], now: Mapping[str, Any], note: str = "") -> None:
    differs = describe_differences({name: manifest[name] for name in now}, now)
    if differs:
        raise ContentError(f"The run cannot be replayed, since this has changed: {'; '.join(differs)}{note}.")


def _set_up_again(archive: Archive, manifest: Mapping[str, Any], log: CallLog) -> Bench:
    """The bench of the run, with what was recorded in the place of its model."""
    _check_articles(archive.articles(), manifest)
    name, day = manifest["model"], date.fromisoformat(manifest["day"])
    chat = NeverAsked(name) if name is not None else None
    return set_up_bench(archive, check_system(manifest["system"]), log, model=chat, day=day, seed=manifest["seed"])


def _ask_again(
    examiner: Examiner, cases: Sequence[Case], records: Sequence[Record], on_progress: OnProgress | None
) -> tuple[Record, ...]:
    by_id = {case.id: case for case in cases}
    again: list[Record] = []
    for record in records:
        if on_progress:
            on_progress(Progress("replaying", len(again), len(records)))
        id_, repeat = key_of(record)
        made = examiner.examine((by_id[id_], repeat))
        # as it is read from a file, where 1.0 and 1, tuples and lists are told apart no more
        again.append(json.loads(json.dumps({**made, "seconds": record["seconds"]})))
    return tuple(again)


def rescore_run(folder: Path, gold: Sequence[Case] | None = None) -> Run:
    """Score the answers of a run with the measures of this version, without asking anything; the folder stays as it is.

    `gold` takes the place of the labels that the run was scored with, by case id; cases that it lacks are left out.

    Raises:
        ContentError: the run cannot be read, or `gold` has none of its cases.
    """
    manifest, records = read_manifest(folder), read_records(folder)
    labels = {case.id: case_dict(case) for case in gold} if gold is not None else None
    kept = [record for record in records if labels is None or record["case"]["id"] in labels]
    if labels is not None and not kept:
        raise ContentError(f"No case of {folder} is in that gold file.")
    scored = tuple(
        _rescore({**record, "case": (labels or {}).get(record["case"]["id"], record["case"])}) for record in kept
    )
    is_whole = len(kept) == len(records)
    gates = _judge_gates(_find_rules(manifest), manifest, scored) if is_whole else ()
    return Run(folder, manifest, scored, average(scored), gates)


def _rescore(record: Record) -> Record:
    scores, unscorable = score_record(record, find_failure(record))
    return {**record, "scores": scores, "unscorable": unscorable}


def _find_rules(manifest: Mapping[str, Any], suite: Suite | None = None) -> list[GateRule]:
    """The run's rules. Where a run to compare with lies, only the suite knows: without it those are left out."""
    kept = {rule.baseline.name: rule.baseline for rule in suite.gates if rule.baseline} if suite else {}
    rules = [GateRule(**{**rule, "baseline": kept.get(rule["baseline"])}) for rule in manifest["gates"]]
    return [rule for rule in rules if rule.baseline or rule.kind != "not_worse_than" or suite]


def _judge_gates(rules: Sequence[GateRule], manifest: Mapping[str, Any], records: Sequence[Record]) -> tuple[Gate, ...]:
    if manifest.get("partial") or manifest["selection"]:
        return ()
    return check_gates(rules, average(records), records, manifest)
