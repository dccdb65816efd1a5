"""A run as people read it: an aligned table for the terminal, the same in Markdown for a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qa.errors import WorkspaceError
from qa.ground import bare_statement
from qa.runs import Measure, Record, Run
from qa.text import one_line, shorten

MAX_FAILURES = 20  # failing cases shown
_TEXT_LIMIT = 160  # characters of a question or answer
_NONE = "–"
_COLUMNS = ("measure", "mean", "95 % interval", "n")
_GATE_COLUMNS = ("gate", "at least", "is", "")
# Inside a line: what makes emphasis, code, links, images, tags, entities, mentions, formulas and bare addresses.
_MARKDOWN = re.compile(r"[\\`*_\[\]<>#~&@$]|:(?=//)|(?<=www)\.")

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that failed, in safe single lines."""

    id: str
    question: str
    gold: str
    answered: str
    why: str


def render_table(run: Run) -> str:
    """The run as plain text: measures, gates, at most 20 failing cases. Safe for a terminal; no newline at its end."""
    failures = find_failures(run)
    parts = [_describe_run(run), _align([_COLUMNS, *_measure_rows(run)])]
    if run.gates:
        parts.append(_align([_GATE_COLUMNS, *_gate_rows(run)]))
    parts.append(_head_failures(run, failures))
    parts += [_render_failure(failure) for failure in failures[:MAX_FAILURES]]
    return "\n\n".join(parts)


def write_report(run: Run, folder: Path) -> Path:
    """Write the run as `report.md` in a folder and give its path. Text of articles cannot act as Markdown or HTML.

    Raises:
        WorkspaceError: the file cannot be written.
    """
    file = folder / "report.md"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(_render_markdown(run) + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise WorkspaceError(f"{file} cannot be written: {error.strerror}.") from error
    return file


def find_failures(run: Run) -> list[Failure]:
    """The cases that were answered wrongly, should not have been answered, or cite a quote that does not stand."""
    reasons = [(record, _explain(record)) for record in run.records]
    return [_describe_failure(record, why) for record, why in reasons if why]


def _explain(record: Record) -> list[str]:
    """Why a case failed; nothing where it did not."""
    scores, abstained = record["scores"], record["prediction"] is None
    reasons = []
    if record["answerable"] and abstained:
        reasons.append("abstained, but the articles answer this")
    elif record["answerable"] and scores["answer_match"] == 0:
        reasons.append("another answer than the gold one")
    elif not record["answerable"] and not abstained:
        reasons.append("answered, but the articles do not answer this")
    if reasons and record["evidence"]:
        reasons.append(_place_evidence(record))
    validity = scores["quote_validity"]
    if validity is not None and validity < 1:
        reasons.append(f"{1 - validity:.0%} of its quotes do not stand")
    return reasons


def _place_evidence(record: Record) -> str:
    ranks = [rank for rank, hit in enumerate(record["hits"], start=1) if hit["relevant"]]
    return (
        f"evidence found in passage {ranks[0]}"
        if ranks
        else f"evidence found in none of {len(record['hits'])} passages"
    )


def _describe_failure(record: Record, why: Sequence[str]) -> Failure:
    said, prediction = record["answer"]["text"], record["prediction"]
    answered = said if prediction in (None, bare_statement(said)) else f"{prediction} — {said}"
    return Failure(
        id=shorten(record["id"], limit=40),
        question=shorten(record["question"], limit=_TEXT_LIMIT),
        gold=shorten(" | ".join(record["answers"]) or "not in these articles", limit=_TEXT_LIMIT),
        answered=shorten(answered, limit=_TEXT_LIMIT),
        why="; ".join(why),
    )


def _describe_run(run: Run) -> str:
    model = f"model {shorten(run.model, limit=60)}" if run.model is not None else "no model"
    line = f"suite {one_line(run.suite)} · {len(run.records)} cases · {model} · {run.seconds:.1f} s"
    if not run.fallbacks:
        return line
    reasons = [notice for record in run.fallbacks for notice in record["answer"]["notices"][:1]]
    first = f" · {shorten(reasons[0], limit=_TEXT_LIMIT)}" if reasons else ""
    return f"{line}\nthe model failed on {len(run.fallbacks)} of {len(run.records)} cases{first}"


def _head_failures(run: Run, failures: Sequence[Failure]) -> str:
    if not failures:
        return "no case failed"
    shown = f", the first {MAX_FAILURES} of them" if len(failures) > MAX_FAILURES else ""
    return f"{len(failures)} of {len(run.records)} cases failed{shown}"


def _measure_rows(run: Run) -> list[Row]:
    return [(name, _show(m.mean), _show_interval(m), str(m.n)) for name, m in run.measures.items()]


def _gate_rows(run: Run) -> list[Row]:
    return [
        (gate.name, f"{gate.threshold:.3f}", _show(gate.value), "passed" if gate.passed else "MISSED")
        for gate in run.gates
    ]


def _show(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"


def _show_interval(measure: Measure) -> str:
    if measure.low is None or measure.high is None:
        return _NONE
    return f"{measure.low:.3f} {_NONE} {measure.high:.3f}"


def _align(rows: Sequence[Row]) -> str:
    """Columns two spaces apart: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _render_failure(failure: Failure) -> str:
    lines = (("gold", failure.gold), ("answered", failure.answered), ("why", failure.why))
    return "\n".join([f"{failure.id}  {failure.question}", *(f"    {name:<8}  {text}" for name, text in lines)])


def _render_markdown(run: Run) -> str:
    failures = find_failures(run)
    title, *notes = _describe_run(run).splitlines()
    parts = [f"# {_escape(title)}", *map(_escape, notes), _markdown_table([_COLUMNS, *_measure_rows(run)])]
    if run.gates:
        parts += ["## Gates", _markdown_table([_GATE_COLUMNS, *_gate_rows(run)])]
    parts += ["## Failing cases", _escape(_head_failures(run, failures))]
    parts += [_markdown_failure(failure) for failure in failures[:MAX_FAILURES]]
    return "\n\n".join(parts)


def _markdown_table(rows: Sequence[Row]) -> str:
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    rule = "|:--" + "|--:" * (len(rows[0]) - 1) + "|"
    return "\n".join([head, rule, *body])


def _markdown_failure(failure: Failure) -> str:
    lines = (("gold", failure.gold), ("answered", failure.answered), ("why", failure.why))
    items = [f"- {name}: {_escape(text)}" for name, text in lines]
    return "\n".join([f"**{_escape(failure.id)}** {_escape(failure.question)}", "", *items])


def _escape(text: str) -> str:
    """Text as Markdown that shows it as it is: no emphasis, link, image, address, HTML or entity comes of it."""
    return _MARKDOWN.sub(r"\\\g<0>", one_line(text))
