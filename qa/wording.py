"""Numbers, times and gates as people read them, the same on the terminal, in Markdown and in HTML."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from qa.measures import MEASURES
from qa.run_folder import Gate, Measure

NONE = "–"  # where a measure applies to nothing
_DECIMALS = {"input_tokens": 1, "output_tokens": 1, "cost_usd": 5}


def count_of(number: int, thing: str) -> str:
    """A number of things: `1 case`, `1,200 cases`."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def format_seconds(seconds: float) -> str:
    """A time: `0 ms`, `0.4 ms`, `85 ms`, `2.4 s`, `3 min 10 s`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms" if seconds == 0 or seconds >= 0.00995 else f"{seconds * 1000:.1f} ms"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def format_percent(share: float) -> str:
    """A share as a percentage that no line breaks: 0 and 100 are said of these alone, else `99.6 %`, `> 99.9 %`."""
    if share in (0, 1) or 0.01 <= share < 0.99:
        number = f"{100 * share:.0f}"
    elif 0.001 <= share < 0.999:
        number = f"{100 * share:.1f}"
    else:
        number = "< 0.1" if share < 0.5 else "> 99.9"
    return f"{number} %".replace(" ", "\u00a0")


def format_value(measure: str, value: float | None) -> str:
    """The value of a measure, in its own unit where it has one; a dash where there is none."""
    return NONE if value is None else f"{value:,.{_DECIMALS.get(measure, 3)}f}"


def format_interval(name: str, measure: Measure) -> str:
    """The 95 % interval of a measure."""
    if measure.low is None or measure.high is None:
        return NONE
    return f"{format_value(name, measure.low)} {NONE} {format_value(name, measure.high)}"


def describe_gate(gate: Gate) -> str:
    """The rule of a gate: what must be on which side of what."""
    if gate.kind == "not_worse_than":
        # The last part of a path is the run's name; where it lies differs from machine to machine.
        name = (gate.baseline or "the baseline").replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
        return f"{gate.measure} not significantly worse than in {name}"
    lower_is_better = gate.measure in MEASURES and MEASURES[gate.measure].lower_is_better
    bound = "at most" if lower_is_better else "at least"
    end = "upper" if lower_is_better else "lower"
    subject = f"{end} end of the interval of {gate.measure}" if gate.kind == "bound" else gate.measure
    return f"{subject} {bound} {format_value(gate.measure, gate.limit)}"


def name_measure(name: str) -> str:
    """A measure with an arrow where lower is better."""
    return f"{name} ↓" if name in MEASURES and MEASURES[name].lower_is_better else name


def align(rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> str:
    """Columns two spaces apart: those of `left` to the left, the others to the right; short rows end early."""
    widths = [max(len(row[place]) for row in rows if len(row) > place) for place in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        for row in rows
    )


def describe_gold(case: Mapping[str, Any]) -> str:
    """The gold of a record's case: alternatives with a bar between them, parts that are all needed with a plus."""
    if not case["answerable"]:
        return "not in these articles"
    if parts := case.get("all_of"):
        return " + ".join(" | ".join(part) for part in parts)
    tolerance = (case.get("number") or {}).get("tolerance")
    answers = " | ".join(case.get("answers", ())) or "none is given"
    return answers + (f" (± {tolerance:g})" if tolerance else "")
