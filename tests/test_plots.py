from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.markup import Markup
from qa.outcomes import risk_coverage
from qa.plots import (
    Bin,
    Row,
    bin_confidences,
    draw_interval,
    plot_calibration,
    plot_latency,
    plot_risk_coverage,
    plot_rows,
)

SHARES = st.floats(0, 1)
OUTCOMES = st.lists(st.tuples(SHARES, st.booleans()), max_size=30)
SECONDS = st.lists(st.floats(0, 1e5), max_size=30)


def draw_outcomes(outcomes: Sequence[tuple[float, bool]]) -> list[Markup]:
    return [plot_risk_coverage(risk_coverage(outcomes)), plot_calibration(bin_confidences(outcomes))]


def texts(image: str) -> list[str]:
    return [element.text or "" for element in Xml.fromstring(image).iter("text")]


def description(image: str) -> str:
    return Xml.fromstring(image).findtext("desc") or ""


def shapes(image: str, name: str, css: str) -> list[dict[str, float]]:
    """The numbers of the elements of a name and a class."""
    return [
        {key: float(value) for key, value in element.attrib.items() if key not in ("class", "d")}
        for element in Xml.fromstring(image).iter(name)
        if css in element.attrib["class"].split()
    ]


def check_image(image: str) -> None:
    """An image is well formed, named and described, and nothing of it lies outside of what it shows."""
    root = Xml.fromstring(image)
    width, height = (float(size) for size in root.attrib["viewBox"].split()[2:])
    assert root.attrib["role"] == "img"
    assert root.findtext("title")
    assert root.findtext("desc")
    for element in root.iter():
        for key, value in element.attrib.items():
            if key in ("x", "x1", "x2", "cx"):
                assert 0 <= float(value) <= width
            elif key in ("y", "y1", "y2", "cy"):
                assert 0 <= float(value) <= height
            elif key == "d":
                numbers = [float(number) for number in re.findall(r"-?[\d.]+", value)]
                assert all(0 <= number <= max(width, height) for number in numbers)
        assert {"style", "href", "onload", "fill", "stroke"}.isdisjoint(element.attrib)


@given(OUTCOMES)
def test_any_confidences_give_an_image_and_equal_ones_the_same(outcomes: list[tuple[float, bool]]) -> None:
    for image, again in zip(draw_outcomes(outcomes), draw_outcomes(list(outcomes)), strict=True):
        check_image(image)
        assert image == again


@given(SECONDS)
def test_any_times_give_an_image_whose_bars_count_every_case(seconds: list[float]) -> None:
    image = plot_latency(seconds)
    check_image(image)
    titles = [bar.findtext("title") or "" for bar in Xml.fromstring(image).iter("rect")]
    assert sum(int(title.split()[0]) for title in titles) == len(seconds)


@given(st.lists(st.tuples(SHARES, SHARES, SHARES).map(sorted), max_size=9))
def test_any_rows_give_an_image(intervals: list[list[float]]) -> None:
    check_image(plot_rows([Row("fact", mean, low, high, 3) for low, mean, high in intervals], "kinds"))


@given(st.tuples(SHARES, SHARES, SHARES).map(sorted), st.sampled_from([(0, 1), (-1, 1)]))
def test_any_interval_gives_an_image(interval: list[float], scale: tuple[float, float]) -> None:
    low, mean, high = interval
    check_image(draw_interval((low, mean, high), scale))


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (plot_risk_coverage([]), "No answer has a confidence."),
        (plot_calibration([]), "No answer has a confidence."),
        (plot_latency([]), "No case has a time."),
        (plot_rows([], "kinds"), "There is nothing to show."),
    ],
)
def test_no_data_is_said_to_be_none(image: str, said: str) -> None:
    check_image(image)
    assert texts(image) == [said]


def test_the_curve_goes_through_its_points_and_names_the_last() -> None:
    image = plot_risk_coverage([(0.25, 0.0), (0.5, 0.5), (0.75, 1 / 3)])
    curve = next(e.attrib["d"] for e in Xml.fromstring(image).iter("path") if e.attrib["class"] == "curve")
    assert curve.count("L") == 2
    assert texts(image)[-2:] == ["75% answered", "33% wrong"]
    assert description(image) == "With every answer given: 75% answered, 33% wrong."


def test_one_answer_is_a_point() -> None:
    (outcome,) = [(0.9, True)]
    for image in draw_outcomes([outcome]):
        assert len(shapes(image, "circle", "dot")) == 1


@pytest.mark.parametrize(
    ("outcomes", "bins"),
    [
        ([], []),
        ([(0.0, True), (0.1, False), (0.19, True)], [Bin(0.0, 1, 1), Bin(0.145, 2, 1)]),
        ([(1.0, True), (0.95, False)], [Bin(0.975, 2, 1)]),
        ([(0.5, True)] * 3, [Bin(0.5, 3, 3)]),
        ([(-0.2, False), (1.7, True)], [Bin(-0.2, 1, 0), Bin(1.7, 1, 1)]),
    ],
)
def test_confidences_fall_into_ten_bins(outcomes: list[tuple[float, bool]], bins: list[Bin]) -> None:
    found = bin_confidences(outcomes)
    assert [(some.n, some.right) for some in found] == [(some.n, some.right) for some in bins]
    assert [some.confidence for some in found] == pytest.approx([some.confidence for some in bins])


@given(OUTCOMES)
def test_every_answer_is_in_one_bin(outcomes: list[tuple[float, bool]]) -> None:
    bins = bin_confidences(outcomes)
    assert sum(some.n for some in bins) == len(outcomes)
    assert sum(some.right for some in bins) == sum(right for _, right in outcomes)


def test_calibration_puts_a_bin_at_its_confidence_and_share() -> None:
    image = plot_calibration([Bin(0.5, 4, 2), Bin(1.0, 1, 1)])
    half, whole = shapes(image, "circle", "dot")
    assert whole["cx"] > half["cx"]
    assert whole["cy"] < half["cy"]
    assert {"4", "1"} <= set(texts(image))
    assert description(image) == "Share of right answers by confidence: 2 of 4 right at 0.50; 1 of 1 right at 1.00."


def test_times_have_their_median_and_their_95th_percentile_marked() -> None:
    image = plot_latency([n / 100 for n in range(1, 101)])
    assert {"half within 505 ms", "95 % within 950 ms"} <= set(texts(image))
    median, most = [mark["x1"] for mark in shapes(image, "line", "mark")]
    assert median < most
    assert description(image) == "100 cases; half within 505 ms, 95 % within 950 ms."


def test_a_few_very_long_times_do_not_press_the_others_into_one_bar() -> None:
    seconds = [0.01 * n for n in range(5, 25)] + [60.0]
    even = shapes(plot_latency(seconds[:-1]), "rect", "bar")
    skewed = shapes(plot_latency(seconds), "rect", "bar")
    assert len(even) > 5
    assert len(skewed) > 3


@pytest.mark.parametrize("seconds", [[0.0], [0.0, 0.0, 0.0], [0.3], [0.3] * 5, [0.0, 0.0, 0.0, 9.0]])
def test_equal_times_are_one_bar(seconds: list[float]) -> None:
    assert len(shapes(plot_latency(seconds), "rect", "bar")) == len(set(seconds))


def test_rows_stand_below_one_another_in_their_order() -> None:
    image = plot_rows([Row("fact", 0.5, 0.25, 0.75, 8), Row("temporal", 1.0, 0.6, 1.0, 6)], "kinds")
    first, second = shapes(image, "circle", "dot")
    assert first["cy"] < second["cy"]
    assert first["cx"] < second["cx"]
    assert texts(image).index("fact") < texts(image).index("temporal")
    assert description(image) == "fact 0.500 (0.250 to 0.750, n 8); temporal 1.000 (0.600 to 1.000, n 6)"


def test_the_name_of_a_row_cannot_act() -> None:
    image = plot_rows([Row("</svg><script>", 0.5, 0.25, 0.75, 8)], "kinds")
    assert "</svg><script>" in texts(image)


def test_an_interval_of_a_difference_has_a_line_at_zero() -> None:
    image = draw_interval((-0.1, 0.2, 0.5), (-1, 1), "good")
    (zero,) = shapes(image, "line", "zero")
    (bar,) = shapes(image, "rect", "good")
    (mean,) = shapes(image, "circle", "good")
    assert bar["x"] < zero["x1"] < mean["cx"] < bar["x"] + bar["width"]
    assert shapes(draw_interval((0.1, 0.2, 0.5), (0, 1)), "line", "zero") == []


def test_an_interval_without_width_can_be_seen() -> None:
    (bar,) = shapes(draw_interval((0.5, 0.5, 0.5), (0, 1)), "rect", "interval")
    assert bar["width"] > 1
