"""A comparison of two runs as people read it on a terminal: what differs, what changed, which cases turned."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from qa.compare import ALPHA, COSTS, Change, Comparison, Flip
from qa.measures import MEASURES
from qa.run_folder import Run
from qa.text import one_line, shorten
from qa.wording import align, count_of, format_seconds, format_value, name_measure

MAX_FLIPS = 20  # cases that turned, shown on the terminal
_TEXT_LIMIT = 160  # characters of a line of free text
_COLUMNS = ("measure", "A", "B", "B − A", "95 % interval", "p", "n", "")
_LEFT = (0, 7)  # columns of words

_Cells = Sequence[str]


def render_comparison(comparison: Comparison) -> str:
    """The comparison as plain text, with at most 20 cases that turned. Safe for a terminal; no newline at its end.

    The p of a score is Holm's; a cost has its own, and no part in his adjustment.
    """
    flips = comparison.flips
    parts = ["\n".join(_head_lines(comparison))]
    if comparison.changes:
        parts.append(align(_change_rows(comparison.changes), left=_LEFT))
    if comparison.notes:
        parts.append("\n".join(shorten(note, limit=4 * _TEXT_LIMIT) for note in comparison.notes))
    parts += [_head_flips(flips), *map(_render_flip, flips[:MAX_FLIPS]), _conclude(comparison.changes)]
    return "\n\n".join(parts)


def _head_lines(comparison: Comparison) -> list[str]:
    differs = [f"  {shorten(line, limit=_TEXT_LIMIT)}" for line in comparison.differs]
    return [
        f"A  {_describe_run(comparison.a)}",
        f"B  {_describe_run(comparison.b)}",
        f"{one_line(comparison.a.suite)}: {count_of(comparison.cases, 'case')} in both",
        *(["what differs:", *differs] if differs else ["nothing differs in their settings"]),
    ]


def _describe_run(run: Run) -> str:
    model = f"model {shorten(run.model, limit=60)}" if run.model is not None else "no model"
    parts = [shorten(run.folder.name, limit=80), one_line(run.system), model]
    parts += [f"partial: {shorten(run.partial, limit=_TEXT_LIMIT)}"] if run.partial else []
    return " · ".join(part for part in parts if part)


def _change_rows(changes: Sequence[Change]) -> list[_Cells]:
    rows: list[_Cells] = [_COLUMNS]
    for group, members in groupby(changes, key=lambda change: MEASURES[change.name].group):
        rows += [(group,), *map(_change_cells, members)]
    return rows


def _change_cells(change: Change) -> _Cells:
    ends = (_write_signed(change.name, end) for end in (change.low, change.high))
    return (
        f"  {name_measure(change.name)}",
        _write(change.name, change.a),
        _write(change.name, change.b),
        _write_signed(change.name, change.difference),
        " to ".join(ends),
        "< 0.001" if change.p_adjusted < 0.001 else f"{change.p_adjusted:.3f}",
        f"{change.n:,}",
        change.words,
    )


def _write(name: str, value: float) -> str:
    return format_seconds(value) if name == "seconds" else format_value(name, value)


def _write_signed(name: str, value: float) -> str:
    return f"{'−' if value < 0 else '+' if value > 0 else ''}{_write(name, abs(value))}"


def _head_flips(flips: Sequence[Flip]) -> str:
    if not flips:
        return "no case turned from right to wrong or back"
    gained = sum(flip.better == "b" for flip in flips)
    cut = f", the first {MAX_FLIPS} of them" if len(flips) > MAX_FLIPS else ""
    return f"{count_of(gained, 'case')} turned right in B, {len(flips) - gained} turned wrong{cut}"


def _render_flip(flip: Flip) -> str:
    sides = ((letter, text, flip.better == letter.lower()) for letter, text in (("A", flip.a), ("B", flip.b)))
    said = [
        f"    {letter} {'right' if right else 'wrong'}  {shorten(text, limit=_TEXT_LIMIT)}"
        for letter, text, right in sides
    ]
    head = f"{shorten(flip.id, limit=40)}  {shorten(flip.question, limit=_TEXT_LIMIT)}"
    return "\n".join([head, f"    gold     {shorten(flip.gold, limit=_TEXT_LIMIT)}", *said])


def _conclude(changes: Sequence[Change]) -> str:
    """What was found, in a sentence; costs are no merit."""
    scores = [change for change in changes if change.name not in COSTS]
    if not scores:
        return "No measure applies to two cases of both, so nothing can be said of which is better."
    better, worse = (
        [change.name for change in scores if change.words == words] for words in ("B is better", "B is worse")
    )
    if all(change.words == "the same in every case" for change in scores):
        return "A and B are the same in every case."
    rest = count_of(len(scores) - len(better) - len(worse), "measure")
    if not better and not worse:
        return f"No difference is shown in {rest}; that does not prove that there is none."
    said = [f"{word} in {', '.join(names)}" for word, names in (("better", better), ("worse", worse)) if names]
    others = f"; no difference is shown in {rest} more" if len(scores) > len(better) + len(worse) else ""
    return f"B is {' and '.join(said)} (level {ALPHA:g}, Holm){others}."
