from __future__ import annotations

import math
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.svg import Frame, Point, Scale, axes, box, dot, drawing, line, path, whisker, words

FINITE = st.floats(-1e9, 1e9)


@given(FINITE, FINITE, FINITE)
def test_a_scale_puts_every_number_between_its_ends(low: float, high: float, value: float) -> None:
    assert -1e-9 <= Scale(min(low, high), max(low, high), 0, 100)(value) <= 100 + 1e-9


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.floats(-1e7, 1e7))
def test_a_logarithmic_scale_does_so_too(low: float, high: float, value: float) -> None:
    assert -1e-9 <= Scale(min(low, high), max(low, high), 0, 100, is_log=True)(value) <= 100 + 1e-9


def test_a_scale_is_even_in_differences_or_in_ratios() -> None:
    assert [Scale(0, 4, 10, 20)(value) for value in (0, 1, 4)] == [10, 12.5, 20]
    assert [round(Scale(1, 100, 0, 2, is_log=True)(value), 9) for value in (1, 10, 100)] == [0, 1, 2]
    assert Scale(3, 3, 0, 10)(3) == 5


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (Scale(0, 1, 0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (Scale(0, 0.3, 0, 1), [0, 0.1, 0.2, 0.3]),
        (Scale(0, 47, 0, 1), [0, 10, 20, 30, 40]),
        (Scale(0, 2, 0, 1, smallest_step=1), [0, 1, 2]),
        (Scale(7, 7, 0, 1), [7]),
        (Scale(0.1, 10, 0, 1, is_log=True), [0.1, 0.3, 1, 3, 10]),
        (Scale(0.03, 0.6, 0, 1, is_log=True), [0.05, 0.1, 0.2, 0.5]),
        (Scale(1e-3, 1e3, 0, 1, is_log=True), [0.001, 0.01, 0.1, 1, 10, 100, 1000]),
    ],
)
def test_ticks_are_round_numbers(scale: Scale, ticks: list[float]) -> None:
    assert scale.ticks() == ticks


@given(st.floats(0, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_and_inside(low: float, width: float) -> None:
    scale = Scale(low, low + width, 0, 1)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 7
    assert all(low - width * 1e-3 <= tick <= low + width * 1.001 or math.isclose(tick, low) for tick in ticks)


def test_every_shape_is_well_formed_and_has_only_numbers_and_classes() -> None:
    frame = Frame(Scale(0, 1, 10, 90), Scale(0, 1, 50, 10), "to the <right>", "up")
    shapes = [
        *axes(frame),
        line(Point(0, 0), Point(1, 1), "axis"),
        box(Point(0, 0), Point(-1, 2), "bar", "3 < 4"),
        dot(Point(1, 2), 3, "dot"),
        path([Point(0, 0), Point(1 / 3, 2)], "curve"),
        *whisker(Point(0, 1), Point(5, 1), "whisker"),
        words(Point(0, 0), "a & b"),
    ]
    root = Xml.fromstring(drawing(Point(100, 60), shapes, "title", "description"))
    assert [child.tag for child in root][:2] == ["title", "desc"]
    assert root.attrib["role"] == "img"
    assert root.attrib["viewBox"] == "0 0 100 60"
    allowed = {"class", "viewBox", "role", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "cx", "cy", "r", "d"}
    assert {name for element in root.iter() for name in element.attrib} <= allowed
    assert root.find("rect").attrib["width"] == "0"  # type: ignore[union-attr]
    assert "M0.00 0.00 L0.33 2.00" in [element.attrib.get("d") for element in root.iter("path")]
