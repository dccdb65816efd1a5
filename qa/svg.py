"""Drawing in SVG: scales, axes and shapes, coloured by the classes of `qa/data/report.css` alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qa.markup import Markup, tag


class Point(NamedTuple):
    """A place in a drawing: to the right and down from its upper left corner."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Scale:
    """Where numbers from `low` to `high` stand between `start` and `end` of a drawing; what is outside is at its rim.

    With `is_log` equal ratios have equal distances; `low` must then be above 0. Numbers along the axis are at least
    `smallest_step` apart.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False
    smallest_step: float = 0.0

    def __call__(self, value: float) -> float:
        """The place of a number."""
        low, high, at = (math.log(v) if self.is_log else v for v in (self.low, self.high, max(value, self.low)))
        share = (min(at, high) - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Round numbers within the scale, at most about `most`."""
        if self.is_log:
            return _log_ticks(self.low, self.high, most)
        return _ticks(self.low, self.high, max((self.high - self.low) / most, self.smallest_step))


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle in which numbers are drawn, with what its axes say."""

    x: Scale
    y: Scale
    x_label: str
    y_label: str


def drawing(size: Point, parts: Sequence[Markup], title: str, description: str) -> Markup:
    """An SVG image of this size, with a title and a description for those who cannot see it."""
    attributes: dict[str, str | float] = {"viewBox": f"0 0 {size.x:g} {size.y:g}", "role": "img"}
    return tag("svg", tag("title", title), tag("desc", description), *parts, css="plot", attributes=attributes)


def line(start: Point, end: Point, css: str) -> Markup:
    """A straight line."""
    return tag("line", css=css, attributes={"x1": start.x, "y1": start.y, "x2": end.x, "y2": end.y})


def box(corner: Point, size: Point, css: str, title: str = "") -> Markup:
    """A rectangle from its upper left corner; `title` shows when it is pointed at."""
    attributes = {"x": corner.x, "y": corner.y, "width": max(size.x, 0), "height": max(size.y, 0)}
    return tag("rect", *_titles(title), css=css, attributes=attributes)


def dot(centre: Point, radius: float, css: str, title: str = "") -> Markup:
    """A filled circle; `title` shows when it is pointed at."""
    return tag("circle", *_titles(title), css=css, attributes={"cx": centre.x, "cy": centre.y, "r": radius})


def path(points: Sequence[Point], css: str) -> Markup:
    """Straight lines through points."""
    steps = " ".join(f"{'L' if place else 'M'}{point.x:.2f} {point.y:.2f}" for place, point in enumerate(points))
    return tag("path", css=css, attributes={"d": steps})


def words(at: Point, text: str, css: str = "label") -> Markup:
    """Text on a base line that begins at `at`, or ends or is centred there with the class `end` or `middle`."""
    return tag("text", text, css=css, attributes={"x": at.x, "y": at.y})


def axes(frame: Frame, *, x_format: str = "{:g}", y_format: str = "{:g}") -> list[Markup]:
    """A grid with its numbers, and what is counted along each side."""
    left, right, bottom = frame.x.start, frame.x.end, frame.y.start
    parts = []
    for value in frame.y.ticks():
        y = frame.y(value)
        parts += [line(Point(left, y), Point(right, y), "grid")]
        parts += [words(Point(left - 6, y + 3.5), y_format.format(value), "label end")]
    parts.append(line(Point(left, bottom), Point(right, bottom), "axis"))
    for value in frame.x.ticks():
        x = frame.x(value)
        parts += [line(Point(x, bottom), Point(x, bottom + 4), "axis")]
        parts += [words(Point(x, bottom + 16), x_format.format(value), "label middle")]
    parts.append(words(Point(right, bottom + 31), frame.x_label, "label end title"))
    parts.append(words(Point(left, frame.y.end - 9), frame.y_label, "label title"))
    return parts


def whisker(low: Point, high: Point, css: str) -> list[Markup]:
    """A 95 % interval: a line with short caps, lying or standing."""
    cap = Point(0, 3) if low.y == high.y else Point(3, 0)
    ends = [line(Point(at.x - cap.x, at.y - cap.y), Point(at.x + cap.x, at.y + cap.y), css) for at in (low, high)]
    return [line(low, high, css), *ends]


def _titles(title: str) -> list[Markup]:
    return [tag("title", title)] if title else []


def _ticks(low: float, high: float, rough: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, at least `rough` apart."""
    if not high > low:
        return [low]
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    """Powers of ten with their 2 and 5 fold, or the powers alone where these are many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{factor}e{power}") for power in powers for factor in factors]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= most + 1:
            break
    return inside or [low]
