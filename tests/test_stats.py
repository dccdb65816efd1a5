"""Intervals of a mean, held against scipy's."""

import math
import subprocess
import sys
import tracemalloc
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from qa import stats
from qa.stats import (
    RESAMPLES,
    Interval,
    bootstrap_interval,
    mean_interval,
    quantile,
    sum_clusters,
    wilson_interval,
)

OUTCOMES = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=80)
SCORES = st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=40)
CLUSTERED = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.7, 1.0]), st.integers(0, 5)), min_size=1, max_size=30)


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


def test_a_cluster_for_each_value_changes_nothing() -> None:
    outcomes, scores = [1.0, 0.0, 1.0, 1.0], [0.1, 0.9, 0.4, 0.4, 0.75]
    assert mean_interval(outcomes, "abcd") == mean_interval(outcomes)
    assert mean_interval(scores, range(5)) == mean_interval(scores)


def test_copies_in_one_cluster_do_not_narrow_the_interval() -> None:
    scores = np.random.default_rng(4).uniform(size=60).tolist()
    copies = [score for score in scores for _ in range(5)]
    alone, clustered = mean_interval(scores), mean_interval(copies, [copy // 5 for copy in range(300)])
    naive = mean_interval(copies)
    assert alone is not None
    assert clustered is not None
    assert naive is not None
    assert (clustered.mean, clustered.low, clustered.high) == pytest.approx((alone.mean, alone.low, alone.high))
    assert clustered.n == naive.n == 300
    assert naive.high - naive.low < 0.5 * (alone.high - alone.low)


def test_repeats_of_outcomes_give_about_the_interval_of_the_outcomes_asked_once() -> None:
    outcomes = [1.0] * 70 + [0.0] * 30
    clustered = mean_interval(outcomes * 3, [*range(100)] * 3)
    once = wilson_interval(70, 100)
    assert clustered is not None
    assert (clustered.low, clustered.high) == pytest.approx((once.low, once.high), abs=0.015)


def test_values_of_a_cluster_that_differ_as_any_others_do_leave_the_interval_as_it_is() -> None:
    scores = np.random.default_rng(5).uniform(size=400).tolist()
    clustered, alone = bootstrap_interval(scores, [case // 2 for case in range(400)]), bootstrap_interval(scores)
    assert clustered.high - clustered.low == pytest.approx(alone.high - alone.low, rel=0.15)


def test_the_mean_of_a_draw_counts_each_value_once() -> None:
    """Of the two clusters the large one twice gives 0 and the small one twice gives 1; the mean is of values."""
    assert mean_interval([1.0, 0.0, 0.0, 0.0], "abbb") == Interval(mean=0.25, low=0.0, high=1.0, n=4)


def test_a_cluster_bootstrap_holds_the_true_mean_about_95_times_in_100() -> None:
    """40 articles of 1 to 7 questions each, whose outcomes move together; taken as independent it fails."""
    random = np.random.default_rng(6)
    held = naively = 0
    for _ in range(200):
        clusters = np.repeat(np.arange(40), random.integers(1, 8, size=40))
        easy = random.beta(0.7, 0.7, size=40)
        outcomes = (random.random(len(clusters)) < easy[clusters]).astype(float).tolist()
        clustered, naive = mean_interval(outcomes, clusters.tolist()), mean_interval(outcomes)
        assert clustered is not None
        assert naive is not None
        held += clustered.low <= 0.5 <= clustered.high
        naively += naive.low <= 0.5 <= naive.high
    assert 180 <= held <= 198
    assert naively < 170


@pytest.mark.parametrize(("value", "successes"), [(1.0, 12), (0.0, 0)])
def test_equal_outcomes_are_as_many_trials_as_there_are_clusters(value: float, successes: int) -> None:
    interval, known = mean_interval([value] * 60, [case % 12 for case in range(60)]), wilson_interval(successes, 12)
    assert interval == Interval(mean=value, low=known.low, high=known.high, n=60)


@settings(deadline=None, max_examples=60)
@given(CLUSTERED, st.randoms())
def test_the_order_of_the_cases_makes_no_difference(cases: list[tuple[float, int]], shuffle: Random) -> None:
    shuffled = shuffle.sample(cases, len(cases))
    assert mean_interval(*_columns(cases)) == mean_interval(*_columns(shuffled))


@settings(deadline=None, max_examples=60)
@given(CLUSTERED)
def test_an_interval_of_clusters_holds_its_mean_and_stays_in_the_range_of_the_measure(
    cases: list[tuple[float, int]],
) -> None:
    values, clusters = _columns(cases)
    interval = mean_interval(values, clusters)
    assert interval is not None
    assert 0 <= interval.low <= interval.mean <= interval.high <= 1
    assert interval.mean == pytest.approx(sum(values) / len(values))
    assert interval.n == len(values)


@pytest.mark.parametrize("values", [[1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [0.1, 0.2, 0.3]])
@pytest.mark.parametrize("clusters", [["a", "b"], ["a", "b", "c", "d"], []])
def test_a_cluster_is_named_for_each_value(values: list[float], clusters: list[str]) -> None:
    with pytest.raises(ValueError, match=f"3 values cannot belong to {len(clusters)} clusters"):
        mean_interval(values, clusters)


def test_clusters_are_summed_in_the_order_in_which_they_first_appear() -> None:
    values = [0.1, 5.0, 0.2, 7.0, 0.3]
    assert sum_clusters(values, ["b", "a", "b", "c", "b"]) == ([math.fsum([0.1, 0.2, 0.3]), 5.0, 7.0], [3, 1, 1])
    assert sum_clusters(values, None) == (values, [1] * 5)


def test_bootstrap_of_many_values_does_not_hold_all_its_draws_in_memory() -> None:
    n = 5_000
    values = np.random.default_rng(8).uniform(size=n).tolist()
    tracemalloc.start()
    try:
        bootstrap_interval(values)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * RESAMPLES * n / 2  # bytes: half of what the drawn values alone would take


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.5),
        ([5.0, 1.0, 3.0], 0.5, 3.0),
        ([0.0, 10.0], 0.95, 9.5),
        ([*range(1, 21)], 0.95, 19.05),
        ([7.0], 0.95, 7.0),
        ([3.0, 1.0, 2.0], 0.0, 1.0),
        ([3.0, 1.0, 2.0], 1.0, 3.0),
    ],
)
def test_quantile_lies_between_the_two_nearest_ranks(values: list[float], q: float, expected: float) -> None:
    assert quantile(values, q) == pytest.approx(expected)


def test_no_value_has_no_quantile() -> None:
    assert quantile([], 0.5) is None


@given(SCORES, st.floats(0, 1), st.floats(0, 1))
def test_quantile_grows_with_its_share_and_stays_among_the_values(values: list[float], one: float, two: float) -> None:
    low, high = quantile(values, min(one, two)), quantile(values, max(one, two))
    assert low is not None
    assert high is not None
    assert min(values) <= low <= high + 1e-12 <= max(values) + 1e-12


@pytest.mark.parametrize(("values", "q"), [([1.0, float("nan")], 0.5), ([1.0, float("inf")], 0.5), ([1.0], 1.5)])
def test_quantile_of_what_is_not_finite_or_at_no_share_is_refused(values: list[float], q: float) -> None:
    with pytest.raises(ValueError, match=r"finite|range"):
        quantile(values, q)


def _columns(cases: list[tuple[float, int]]) -> tuple[list[float], list[int]]:
    return [value for value, _ in cases], [cluster for _, cluster in cases]


def test_importing_the_module_does_not_load_numpy() -> None:
    code = (
        "import sys, importlib.util as u\n"
        f"spec = u.spec_from_file_location('stats_alone', {stats.__file__!r})\n"
        "module = u.module_from_spec(spec); sys.modules['stats_alone'] = module\n"
        "spec.loader.exec_module(module)\n"
        "assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
