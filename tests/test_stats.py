"""Intervals of a mean, held against scipy's."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from qa import stats
from qa.stats import RESAMPLES, Interval, bootstrap_interval, mean_interval, wilson_interval

OUTCOMES = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=80)
SCORES = st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=40)


def test_no_value_has_no_interval() -> None:
    assert mean_interval([]) is None


@settings(deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys_wilson(share: tuple[int, int]) -> None:
    successes, n = share
    interval = wilson_interval(successes, n)
    known = scipy_stats.binomtest(successes, n).proportion_ci(confidence_level=0.95, method="wilson")
    assert interval.low == pytest.approx(known.low, abs=1e-12)
    assert interval.high == pytest.approx(known.high, abs=1e-12)
    assert (interval.mean, interval.n) == (successes / n, n)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_wilson_gives_the_figures_of_the_literature(successes: int, n: int, low: float, high: float) -> None:
    """The last row is the example of Newcombe 1998, table I."""
    interval = wilson_interval(successes, n)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_all_right_answers_do_not_prove_certainty() -> None:
    interval = mean_interval([1.0] * 40)
    assert interval is not None
    assert interval.high == 1.0
    assert 0.9 < interval.low < 0.92


def test_outcomes_are_taken_as_a_share_whatever_their_type() -> None:
    assert mean_interval([True, False, True, True]) == mean_interval([1, 0, 1, 1]) == wilson_interval(3, 4)
    assert mean_interval([1.0, 0.0, 1.0, 1.0]) == wilson_interval(3, 4)


def test_other_values_are_bootstrapped() -> None:
    values = [0.0, 1.0, 0.5, 0.25]
    assert mean_interval(values) == bootstrap_interval(values) != wilson_interval(2, 4)


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (0, 0), (-1, 5), (6, 5)])
def test_an_impossible_share_is_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="are no share"):
        wilson_interval(successes, n)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_mean_of_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        mean_interval([0.5, value])


@pytest.mark.parametrize("n", [20, 60, 300])
def test_bootstrap_is_close_to_scipys_bootstrap(n: int) -> None:
    values = np.random.default_rng(n).beta(2, 3, size=n)
    known = scipy_stats.bootstrap((values,), np.mean, n_resamples=5_000, method="percentile", rng=1).confidence_interval
    interval = bootstrap_interval(list(values))
    width = known.high - known.low
    assert interval.low == pytest.approx(known.low, abs=0.05 * width)
    assert interval.high == pytest.approx(known.high, abs=0.05 * width)
    assert interval.mean == pytest.approx(values.mean())


def test_bootstrap_holds_the_true_mean_about_95_times_in_100() -> None:
    random = np.random.default_rng(7)
    intervals = [bootstrap_interval(list(random.uniform(size=40))) for _ in range(200)]
    held = sum(interval.low <= 0.5 <= interval.high for interval in intervals)
    assert 180 <= held <= 198


def test_bootstrap_gives_the_same_interval_each_time_and_in_any_order() -> None:
    values = [0.1, 0.9, 0.4, 0.4, 0.75]
    assert bootstrap_interval(values) == bootstrap_interval(values) == bootstrap_interval(values[::-1])


def test_bootstrap_in_blocks_covers_all_its_resamples() -> None:
    n = 1_500  # more than one block
    values = np.random.default_rng(3).uniform(size=n)
    interval = bootstrap_interval(list(values))
    normal = 1.96 * values.std() / n**0.5
    assert RESAMPLES * n > 1_000_000
    assert interval.high - interval.low == pytest.approx(2 * normal, rel=0.08)


def test_one_value_has_an_interval_without_width() -> None:
    assert bootstrap_interval([0.3]) == Interval(mean=0.3, low=0.3, high=0.3, n=1)


@settings(deadline=None, max_examples=50)
@given(SCORES | OUTCOMES)
def test_any_interval_holds_its_mean_and_stays_in_the_range_of_the_measure(values: list[float]) -> None:
    interval = mean_interval(values)
    assert interval is not None
    assert 0 <= interval.low <= interval.mean <= interval.high <= 1
    assert interval.n == len(values)
    assert interval.mean == pytest.approx(sum(values) / len(values))


@settings(deadline=None, max_examples=50)
@given(OUTCOMES)
def test_more_of_the_same_outcomes_never_widen_the_interval(values: list[float]) -> None:
    few, many = mean_interval(values), mean_interval(values * 4)
    assert few is not None
    assert many is not None
    assert many.high - many.low <= few.high - few.low


def test_importing_the_module_does_not_load_numpy() -> None:
    code = (
        "import sys, importlib.util as u\n"
        f"spec = u.spec_from_file_location('stats_alone', {stats.__file__!r})\n"
        "module = u.module_from_spec(spec); sys.modules['stats_alone'] = module\n"
        "spec.loader.exec_module(module)\n"
        "assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
