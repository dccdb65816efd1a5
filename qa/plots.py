"""The plots of a report, from numbers to SVG: pure, equal numbers give equal bytes, and any numbers give a picture."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from qa.markup import Markup
from qa.stats import quantile, wilson_interval
from qa.svg import Frame, Point, Scale, axes, box, dot, drawing, line, path, whisker, words
from qa.wording import format_seconds

_WIDTH, _HEIGHT = 380.0, 270.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 38.0, 364.0, 30.0, 226.0
_NAME_WIDTH = 104.0  # of a few words beside a line
_BINS = 10  # of confidence
_BARS = 20  # of latency, about
_SHORTEST = 1e-6  # seconds: times are kept to the microsecond
_SKEWED = 8.0  # times the median: a longest time above it is drawn on a logarithmic axis
_BAR_WIDTH, _BAR_HEIGHT = 140.0, 16.0  # of an interval in a table


class Bin(NamedTuple):
    """Answers of about one confidence: its mean, how many of them, and how many are right."""

    confidence: float
    n: int
    right: int


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a plot of means: its name, the mean and its 95 % interval, the number of values."""

    label: str
    mean: float
    low: float
    high: float
    n: int


def plot_risk_coverage(points: Sequence[tuple[float, float]]) -> Markup:
    """The risk–coverage curve: the share that is wrong, over the share of all cases that is answered.

    `points` are those of `qa.outcomes.risk_coverage`, (coverage, risk) with coverage rising; both lie in 0..1.
    """
    title = "Risk–coverage curve"
    if not points:
        return _nothing(title, "No answer has a confidence.")
    frame = Frame(
        Scale(0, 1, _LEFT, _RIGHT),
        Scale(0, _round_up(max(risk for _, risk in points)), _BOTTOM, _TOP),
        "share of cases answered",
        "share of the answers that is wrong",
    )
    places = [Point(frame.x(coverage), frame.y(risk)) for coverage, risk in points]
    shade = [Point(places[0].x, _BOTTOM), *places, Point(places[-1].x, _BOTTOM)]
    parts = [path(shade, "area"), *axes(frame, x_format="{:.0%}", y_format="{:.0%}"), path(places, "curve")]
    said = f"{points[-1][0]:.0%} answered, {points[-1][1]:.0%} wrong"
    parts += [dot(places[-1], 4, "dot", said), *_name_end(places[-1], said.split(", "))]
    return drawing(Point(_WIDTH, _HEIGHT), parts, title, f"With every answer given: {said}.")


def bin_confidences(outcomes: Sequence[tuple[float, bool]]) -> list[Bin]:
    """(confidence, right) of each answer in ten bins of equal width; those without an answer are left out."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in outcomes:
        bins.setdefault(min(max(int(confidence * _BINS), 0), _BINS - 1), []).append((confidence, right))
    return [
        Bin(math.fsum(confidence for confidence, _ in some) / len(some), len(some), sum(right for _, right in some))
        for _, some in sorted(bins.items())
    ]


def plot_calibration(bins: Sequence[Bin]) -> Markup:
    """The share of right answers over their confidence, with Wilson's 95 % intervals; below, how many they are."""
    title = "Calibration"
    if not bins:
        return _nothing(title, "No answer has a confidence.")
    floor = _BOTTOM
    frame = Frame(Scale(0, 1, _LEFT, _RIGHT), Scale(0, 1, floor, _TOP), "confidence", "share of the answers right")
    most, height = max(some.n for some in bins), _HEIGHT + 50
    counts = Scale(0, most, height, height - 32)
    parts = [line(Point(_LEFT, floor), Point(_RIGHT, _TOP), "diagonal"), *axes(frame, y_format="{:.0%}")]
    for some in bins:
        share, x = wilson_interval(some.right, some.n), frame.x(some.confidence)
        said = f"confidence {some.confidence:.2f}: {some.right} of {some.n} right"
        parts += whisker(Point(x, frame.y(share.low)), Point(x, frame.y(share.high)), "whisker")
        parts.append(dot(Point(x, frame.y(share.mean)), 4, "dot", said))
        parts.append(box(Point(x - 9, counts(some.n)), Point(18, height - counts(some.n)), "bar", said))
        parts.append(words(Point(x, counts(some.n) - 3), f"{some.n}", "label middle small"))
    described = "; ".join(f"{some.right} of {some.n} right at {some.confidence:.2f}" for some in bins)
    return drawing(Point(_WIDTH, height), parts, title, f"Share of right answers by confidence: {described}.")


def plot_latency(seconds: Sequence[float]) -> Markup:
    """How many cases took how long, with the median and the 95th percentile.

    Seconds are 0 or more. The axis is logarithmic where a few took very much longer than most.
    """
    title = "Time per case"
    p50, p95 = quantile(seconds, 0.5), quantile(seconds, 0.95)
    if p50 is None or p95 is None:
        return _nothing(title, "No case has a time.")
    x = _scale_seconds(seconds, p50)
    edges = _edges(x)
    counts = _count_between([max(value, x.low) for value in seconds], edges)
    frame = Frame(x, Scale(0, max(counts), _BOTTOM, _TOP + 22, smallest_step=1), "seconds", "cases")
    bars = [
        box(
            Point(x(low) + 0.5, frame.y(n)),
            Point(x(high) - x(low) - 1, _BOTTOM - frame.y(n)),
            "bar",
            f"{n} between {format_seconds(low)} and {format_seconds(high)}",
        )
        for (low, high), n in zip(pairwise(edges), counts, strict=True)
        if n
    ]
    # The left one is named above the right one, so that no name lies on a line.
    marks = [line(Point(x(p50), _TOP - 10), Point(x(p50), _BOTTOM), "mark")]
    marks += [line(Point(x(p95), _TOP + 4), Point(x(p95), _BOTTOM), "mark")]
    marks += [_name_mark(Point(x(p50), _TOP - 2), f"half within {format_seconds(p50)}")]
    marks += [_name_mark(Point(x(p95), _TOP + 12), f"95 % within {format_seconds(p95)}")]
    described = f"{len(seconds)} cases; half within {format_seconds(p50)}, 95 % within {format_seconds(p95)}."
    return drawing(Point(_WIDTH, _HEIGHT), [*axes(frame), *bars, *marks], title, described)


def plot_rows(rows: Sequence[Row], title: str) -> Markup:
    """A mean with its 95 % interval for each row, between 0 and 1, one below the other."""
    if not rows:
        return _nothing(title, "There is nothing to show.")
    left, step = 96.0, 26.0
    bottom = _TOP + step * len(rows)
    x = Scale(0, 1, left, _RIGHT - 48)
    parts = []
    for tick in x.ticks():
        parts.append(line(Point(x(tick), _TOP - 4), Point(x(tick), bottom), "grid"))
        parts.append(words(Point(x(tick), _TOP - 10), f"{tick:.0%}", "label middle"))
    for place, row in enumerate(rows):
        y = _TOP + step * (place + 0.5)
        said = f"{row.label}: {row.mean:.3f}, 95 % interval {row.low:.3f} to {row.high:.3f}, {row.n} cases"
        parts.append(words(Point(left - 14, y + 4), row.label, "label end strong"))
        parts += whisker(Point(x(row.low), y), Point(x(row.high), y), "whisker")
        parts.append(dot(Point(x(row.mean), y), 5, "dot", said))
        parts.append(words(Point(_RIGHT, y + 4), f"{row.n}", "label end"))
    parts.append(words(Point(_RIGHT, _TOP - 10), "cases", "label end"))
    described = "; ".join(f"{row.label} {row.mean:.3f} ({row.low:.3f} to {row.high:.3f}, n {row.n})" for row in rows)
    return drawing(Point(_WIDTH, bottom + 6), parts, title, described)


def draw_interval(interval: tuple[float, float, float], scale: tuple[float, float], css: str = "") -> Markup:
    """A mean with its interval, (low, mean, high), as a bar of one line of a table over a scale from low to high.

    Where the scale goes below 0, a line marks 0: the bar is then of a difference.
    """
    low, mean, high = interval
    x = Scale(*scale, 4, _BAR_WIDTH - 4)
    middle = _BAR_HEIGHT / 2
    parts = [line(Point(x.start, middle), Point(x.end, middle), "track")]
    if scale[0] < 0:
        parts.append(line(Point(x(0), 1), Point(x(0), _BAR_HEIGHT - 1), "zero"))
    width = max(x(high) - x(low), 1.5)
    parts.append(box(Point(x(low), middle - 3), Point(width, 6), f"interval {css}".strip()))
    parts.append(dot(Point(x(mean), middle), 3.5, f"dot {css}".strip()))
    described = f"95 % interval from {low:.3f} to {high:.3f}"
    return drawing(Point(_BAR_WIDTH, _BAR_HEIGHT), parts, f"{mean:.3f}", described)


def _nothing(title: str, reason: str) -> Markup:
    """A picture that says why it is empty."""
    return drawing(Point(_WIDTH, 60), [words(Point(_WIDTH / 2, 34), reason, "label middle")], title, reason)


def _round_up(risk: float) -> float:
    """The end of an axis of shares: the next tenth above, at least 0.1."""
    return min(1.0, max(1, math.ceil(risk * 10 - 1e-9)) / 10)


def _scale_seconds(seconds: Sequence[float], median: float) -> Scale:
    longest = max(seconds)
    if longest < _SHORTEST:
        return Scale(0, 1, _LEFT, _RIGHT)
    if median > 0 and longest > _SKEWED * median:
        shortest = max(min(seconds), longest / 1e5)
        return Scale(shortest * 0.95, longest * 1.05, _LEFT, _RIGHT, is_log=True)
    return Scale(0, longest * 1.05, _LEFT, _RIGHT)


def _edges(scale: Scale) -> list[float]:
    """The borders of the bars, equally far from one another on the scale."""
    if scale.is_log:
        ratio = (scale.high / scale.low) ** (1 / _BARS)
        return [scale.low * ratio**place for place in range(_BARS + 1)]
    return [scale.high * place / _BARS for place in range(_BARS + 1)]


def _count_between(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    """How many values lie in each interval; what is at the very end belongs to the last."""
    counts = [0] * (len(edges) - 1)
    for value in values:
        counts[min(max(bisect_right(edges, value) - 1, 0), len(counts) - 1)] += 1
    return counts


def _name_mark(top: Point, said: str) -> Markup:
    """Words beside the upper end of a line, on the right where there is room."""
    is_right = top.x + _NAME_WIDTH < _RIGHT
    return words(
        Point(top.x + 4 if is_right else top.x - 4, top.y), said, "label halo" if is_right else "label halo end"
    )


def _name_end(end: Point, lines: Sequence[str]) -> list[Markup]:
    """Words beside the end of a curve, on the right where there is room."""
    is_right = end.x + _NAME_WIDTH < _RIGHT + 14
    css, x = ("label halo strong", end.x + 9) if is_right else ("label halo end strong", end.x - 9)
    first = min(max(end.y, _TOP + 10), _BOTTOM - 22)
    return [words(Point(x, first + 13 * place), text, css) for place, text in enumerate(lines)]
