"""What ways of finding passages found, as tables: for a terminal, and in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qa.paired import PairedInterval
from qa.retrieval import COMPARED, MEASURES, OURS, JudgedCase, average_all, compare_all, measure_latency, names_of
from qa.retrieval_run import RetrievalRun
from qa.stats import Interval
from qa.text import one_line, shorten
from qa.wording import NONE, align, count_of, format_seconds

_QUESTION_LIMIT = 160  # characters
_LATENCY = ("p50", "p95")

Rows = list[tuple[str, ...]]
Table = Mapping[str, Mapping[str, Interval | None]]


def render_retrieval(run: RetrievalRun) -> str:
    """The run as plain text: a row for each way, then ours minus each other; intervals stand under the means.

    Safe for a terminal; no newline at its end.
    """
    parts = ["\n".join([describe_retrieval(run), *_describe_selection(run)]), _render_means(run.judged)]
    if differences := compare_all(run.judged):
        parts.append(_render_differences(differences))
    return "\n\n".join([*parts, _LEGEND])


def render_retrieval_case(case: JudgedCase) -> str:
    """One case: of each way the rank of the first relevant passage, the measures, the time. Safe as above."""
    rows: Rows = [("", "first", *MEASURES, "time")]
    for name, found in case.found.items():
        values = [found.scores[measure] for measure in MEASURES]
        cells = [NONE if value is None else f"{value:.3f}" for value in values]
        first = NONE if found.first is None else str(found.first)
        rows.append((one_line(name), first, *cells, format_seconds(found.seconds)))
    return f"{one_line(case.id)}  {shorten(case.question, limit=_QUESTION_LIMIT)}\n\n{align(rows)}"


def describe_retrieval(run: RetrievalRun) -> str:
    """Suite, data, how much, and how long, in one safe line."""
    told = run.manifest
    parts = (
        one_line(run.manifest["suite"]),
        one_line(str(told.get("data", ""))),
        count_of(told.get("articles", 0), "article"),
        count_of(told.get("passages", 0), "passage"),
        f"{len(run.judged):,} of {count_of(told.get('asked', len(run.judged)), 'question')} can be judged",
        format_seconds(float(told.get("seconds", 0))),
    )
    return " · ".join(parts)


def markdown_retrieval(judged: Sequence[JudgedCase]) -> str:
    """Both tables in Markdown, without times, which belong to a machine; no newline at the end."""
    means, differences = average_all(judged), compare_all(judged)
    lines = [*_markdown_rows("", means, MEASURES, _cell)]
    if differences:
        lines += ["", *_markdown_rows(f"{OURS} −", differences, COMPARED, _signed_cell)]
    return "\n".join(lines)


_LEGEND = (
    "Under a mean: its 95 % interval. n: the questions that a measure applies to."
    "\nanswer@B: the share of questions whose answer stands in the first B tokens of what was found."
    "\n* the 95 % interval leaves zero out. p50, p95: time of a question, warm, on this machine as busy as it was."
)


def _render_means(judged: Sequence[JudgedCase]) -> str:
    means, latency, names = average_all(judged), measure_latency(judged), names_of(judged)
    counted = [means[names[0]][measure] for measure in MEASURES]
    rows: Rows = [("", *MEASURES, *_LATENCY), ("n", *(str(one.n) if one else "0" for one in counted))]
    for name in names:
        found = [means[name][measure] for measure in MEASURES]
        times = [format_seconds(seconds) for seconds in latency[name]]
        rows.append((one_line(name), *(f"{one.mean:.3f}" if one else NONE for one in found), *times))
        rows.append(("", *(f"{_short(one.low)}{NONE}{_short(one.high)}" if one else "" for one in found)))
    return align(rows)


def _render_differences(differences: Mapping[str, Mapping[str, PairedInterval | None]]) -> str:
    rows: Rows = [(f"{OURS} minus", *COMPARED)]
    for name, row in differences.items():
        rows.append((one_line(name), *(_signed(row[measure]) for measure in COMPARED)))
        rows.append(("", *(_signed_range(row[measure]) for measure in COMPARED)))
    return align(rows)


def _describe_selection(run: RetrievalRun) -> list[str]:
    selection = run.manifest.get("selection") or {}
    chosen = "; ".join(f"{name} {value}" for name, value in selection.items())
    return [f"only a part of the data: {shorten(chosen, limit=_QUESTION_LIMIT)}"] if chosen else []


def _markdown_rows(
    corner: str, table: Table, measures: Sequence[str], cell: Callable[[Interval | None], str]
) -> Sequence[str]:
    head = [f"| {corner} | " + " | ".join(measures) + " |", "|:--" + "|--:" * len(measures) + "|"]
    return head + [
        f"| {one_line(name)} | " + " | ".join(cell(row[measure]) for measure in measures) + " |"
        for name, row in table.items()
    ]


def _cell(interval: Interval | None) -> str:
    if interval is None:
        return NONE
    return f"{interval.mean:.3f} ({interval.low:.3f}{NONE}{interval.high:.3f}) · {interval.n}"


def _signed_cell(interval: Interval | None) -> str:
    if interval is None:
        return NONE
    shown = f"{interval.mean:+.3f} ({interval.low:+.3f} {NONE} {interval.high:+.3f})"
    return f"**{shown}**" if _is_shown(interval) else shown


def _signed(interval: Interval | None) -> str:
    if interval is None:
        return NONE
    return f"{interval.mean:+.3f}{'*' if _is_shown(interval) else ' '}"


def _signed_range(interval: Interval | None) -> str:
    return f"{interval.low:+.3f} {NONE} {interval.high:+.3f}" if interval else ""


def _is_shown(interval: Interval) -> bool:
    """Whether the interval of a difference leaves zero out."""
    return interval.low > 0 or interval.high < 0


def _short(share: float) -> str:
    """A share with two decimals and no leading zero."""
    return f"{share:.2f}".removeprefix("0")
