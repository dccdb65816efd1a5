"""What the checks let through of a real small model's answers: 200 recorded replies, replayed.

    python eval/bench/small_model.py             replay and print; exit status 1 where a wrong figure is shown
    python eval/bench/small_model.py --record    ask the model what is not recorded yet (an hour; it can be stopped)

Accuracy is counted by `qa.metrics.answer_match` over the questions that have an answer: raw, where any sentence of the
reply is right; shown, where any sentence is that the reader sees as supported.

Each supported sentence is listed that has a figure of the gold's kind which is not the gold's; of a question without
an answer, any figure. Since it may be true of something else, each is judged in `small_model_judged.jsonl`: it is of an
`other_measure` or an `other_period` than the question asks for, `superseded` where an article says so of the very thing
and a later one corrects it, or `wrong`. The exit status is 1 where one that is shown is wrong, or is superseded and no
notice of the answer gives the later figure, and where any is not judged.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from small_model_record import QUESTIONS, RECORDING, record
from small_model_replay import Finding, Replayed, find_findings, is_right, read_reply, read_shown, replay

from qa.answer_form import Answer
from qa.ground import cited_numbers

JUDGED = Path(__file__).with_name("small_model_judged.jsonl")
Verdict = Literal["other_measure", "other_period", "superseded", "wrong"]
_WHO = {
    "model": "written by the model and shown as supported",
    "record": "on record, shown in place of what the model wrote",
    "cited": "written by the model, supported if it had cited the passage",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of what a figure is that is not the gold's, and how that was seen."""

    judged: Verdict
    reason: str


Judgements = Mapping[tuple[str, str, str], Judgement]  # by suite, case and sentence


def main() -> int:
    """Record, or replay and print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="ask the model what is not recorded yet")
    parser.add_argument("--recording", type=Path, default=RECORDING, metavar="FILE", help="other replies")
    parser.add_argument("--judged", type=Path, default=JUDGED, metavar="FILE", help="other judgements")
    arguments = parser.parse_args()
    if arguments.record:
        record(arguments.recording, tell=lambda line: print(line, flush=True))
        return 0
    replayed = replay(arguments.recording)
    print("\n".join(describe(replayed)))
    findings, judged = find_findings(replayed), read_judged(arguments.judged)
    print("\n".join(line for by in _WHO for line in list_findings(by, findings, judged)))
    failed = find_failed(findings, judged)
    print(f"\n{len(replayed)} of {QUESTIONS} questions; wrong or not judged: {len(failed)}")
    print("\n".join(f"  {one.kept.case}: {one.statement}" for one in failed))
    return int(bool(failed) or len(replayed) < QUESTIONS)


def read_judged(file: Path = JUDGED) -> Judgements:
    """The judgements of a file."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    entries = [json.loads(line) for line in lines]
    return {(e["suite"], e["case"], e["statement"]): Judgement(e["judged"], e["reason"]) for e in entries}


def find_failed(findings: Sequence[Finding], judged: Judgements) -> list[Finding]:
    """The findings that are shown and wrong, or superseded without a notice, and those that are not judged."""
    return [one for one in findings if one.key not in judged or _is_shown_wrong(one, judged[one.key].judged)]


def _is_shown_wrong(finding: Finding, verdict: Verdict) -> bool:
    if finding.by == "cited":  # nobody is shown it
        return False
    return verdict == "wrong" or (verdict == "superseded" and not finding.is_told)


def list_findings(by: str, findings: Sequence[Finding], judged: Judgements) -> Iterator[str]:
    """Those of one sort, each with its question, gold, quotes and judgement."""
    some = [one for one in findings if one.by == by]
    yield f"\n{len(some)} with another figure than the gold's, {_WHO[by]}"
    for one in some:
        judgement = judged.get(one.key)
        yield f"\n  {one.kept.suite} {one.kept.case}: {one.kept.question}"
        yield f"    gold       {one.gold}"
        yield f"    statement  {one.statement}"
        if by != "record":  # whose statement is its quote
            yield from (f"    quote      {' '.join(quote.split())}" for quote in one.quotes)
        yield f"    judged     {f'{judgement.judged}: {judgement.reason}' if judgement else 'NOT JUDGED'}"


def describe(replayed: Sequence[Replayed]) -> Iterator[str]:
    """How much is right of what the model says and of what is shown, and who is shown."""
    known = [one for one in replayed if one.case.answerable]
    yield f"{len(replayed)} questions, {len(known)} with an answer in the archive"
    yield f"replies that cite a passage   {_share([bool(cited_numbers(one.kept.reply)) for one in replayed])}"
    yield f"raw accuracy                  {_share([is_right(read_reply(one.kept), one.case.gold) for one in known])}"
    yield from _describe_shown("As it is", [(one, one.answer) for one in replayed])
    yield from _describe_shown("If it had cited well", [(one, one.cited) for one in replayed])


def _describe_shown(title: str, pairs: Sequence[tuple[Replayed, Answer]]) -> Iterator[str]:
    known = [(one, answer) for one, answer in pairs if one.case.answerable]
    unknown = [answer for one, answer in pairs if not one.case.answerable]
    shown = [answer for _, answer in pairs if answer.status == "answered"]
    right = [is_right(read_shown(answer), one.case.gold) for one, answer in known]
    yield f"\n{title}"
    yield f"shown accuracy                {_share(right)}"
    yield f"right, of what is shown       {sum(right)} of {sum(answer.status == 'answered' for _, answer in known)}"
    yield f"abstains, with an answer      {_share([answer.status == 'abstained' for _, answer in known])}"
    yield f"abstains, without one         {_share([answer.status == 'abstained' for answer in unknown])}"
    yield f"shown in the model's words    {sum(answer.mode == 'model' for answer in shown)}"
    yield f"shown in those on record      {sum(answer.mode == 'extract' for answer in shown)}"


def _share(flags: Sequence[bool]) -> str:
    return f"{sum(flags)} of {len(flags)} ({sum(flags) / max(1, len(flags)):.3f})"


if __name__ == "__main__":
    sys.exit(main())
