"""Paired comparisons: held against scipy's, against hand values, and against how often they must and must not alarm."""

from collections.abc import Hashable, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from qa.paired import (
    RESAMPLES,
    PairedInterval,
    cohen_kappa,
    holm,
    mcnemar_exact,
    paired_bootstrap,
    smallest_difference,
    smallest_discordant_difference,
)

NULLS = 2_000  # simulated comparisons without a true difference
CASES = 100
FEWER = 1_000  # resamples, where thousands of comparisons are made

DIFFERENCES = st.lists(st.sampled_from([-1.0, -0.4, -0.1, 0.0, 0.1, 0.3, 1.0]), min_size=2, max_size=20)
P_VALUES = st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=12)
LABELS = st.sampled_from(["right", "wrong", "partly"])


class Alarms(NamedTuple):
    """The shares of comparisons whose interval leaves zero out, and whose exact McNemar p is at most 0.05."""

    interval: float
    mcnemar: float


def _excludes_zero(interval: PairedInterval) -> bool:
    return interval.low > 0 or interval.high < 0


def _share_of_alarms(samples: np.ndarray, clusters: Sequence[Hashable] | None = None) -> float:
    intervals = (
        paired_bootstrap(sample.tolist(), clusters, resamples=FEWER, seed=seed) for seed, sample in enumerate(samples)
    )
    return sum(map(_excludes_zero, intervals)) / len(samples)


@cache
def _binary_null() -> Alarms:
    """Two systems that each answer 70 % of the cases rightly, and differ in 42 %."""
    right = np.random.default_rng(20).random((2, NULLS, CASES)) < 0.7
    differences = right[0].astype(float) - right[1]
    p_values = [mcnemar_exact(*pair) for pair in zip(*_discordant(differences), strict=True)]
    return Alarms(_share_of_alarms(differences), float(np.mean(np.array(p_values) <= 0.05)))


def _discordant(differences: np.ndarray) -> tuple[list[int], list[int]]:
    return (differences > 0).sum(axis=1).tolist(), (differences < 0).sum(axis=1).tolist()


# the bootstrap


@pytest.mark.parametrize(("n", "resamples"), [(2, 999), (7, 2_000), (100, 9_999), (263, RESAMPLES), (1_500, 1_700)])
def test_paired_bootstrap_is_scipys_bootstrap(n: int, resamples: int) -> None:
    differences = np.random.default_rng(n).normal(0.1, 1, size=n)
    known = scipy_stats.bootstrap(
        (differences,), np.mean, method="percentile", n_resamples=resamples, rng=np.random.default_rng(11)
    )
    ours = paired_bootstrap(differences.tolist(), resamples=resamples, seed=11)
    alone = paired_bootstrap(differences.tolist(), range(n), resamples=resamples, seed=11)
    assert ours.low == pytest.approx(known.confidence_interval.low, rel=0, abs=1e-12)
    assert ours.high == pytest.approx(known.confidence_interval.high, rel=0, abs=1e-12)
    assert ours.mean == pytest.approx(differences.mean(), rel=0, abs=1e-12)
    assert (ours.n, alone) == (n, ours)


def test_p_is_twice_the_smaller_share_of_scipys_draws_on_one_side_of_zero() -> None:
    differences = np.random.default_rng(4).normal(0.15, 1, size=80)
    draws = scipy_stats.bootstrap((differences,), np.mean, method="percentile", n_resamples=4_000, rng=3)
    below = float((draws.bootstrap_distribution <= 0).mean())
    assert 0.01 < below < 0.5
    assert paired_bootstrap(differences.tolist(), resamples=4_000, seed=3).p == pytest.approx(2 * below, abs=1e-12)


def test_a_known_effect_is_found_in_its_direction() -> None:
    random = np.random.default_rng(2)
    better = paired_bootstrap(random.normal(0.5, 1, size=CASES).tolist())
    worse = paired_bootstrap(random.normal(-0.5, 1, size=CASES).tolist())
    assert 0 < better.low < 0.5 < better.high
    assert worse.low < -0.5 < worse.high < 0
    assert max(better.p, worse.p) < 0.001


def test_no_difference_at_all_is_no_sign_of_one() -> None:
    assert paired_bootstrap([0.0] * 30) == PairedInterval(mean=0.0, low=0.0, high=0.0, n=30, p=1.0)


def test_p_is_never_below_what_the_number_of_draws_can_tell() -> None:
    assert paired_bootstrap([0.5, 0.7, 0.9] * 10, resamples=99).p == 0.01


def test_differences_that_cancel_out_but_for_rounding_are_zero_on_both_sides() -> None:
    """The mean of (0.1, 0.2, −0.3) is not 0 in floating point."""
    interval = paired_bootstrap([0.1, 0.2, -0.3] * 2, resamples=400)
    doubled = paired_bootstrap([1.0, 2.0, -3.0] * 2, resamples=400)
    assert 0.1 + 0.2 - 0.3 != 0
    assert interval.p == doubled.p


@settings(deadline=None, max_examples=60)
@given(DIFFERENCES)
def test_p_and_interval_say_the_same(differences: list[float]) -> None:
    interval = paired_bootstrap(differences)
    if interval.p != 0.05:
        assert _excludes_zero(interval) == (interval.p < 0.05)


@settings(deadline=None, max_examples=60)
@given(DIFFERENCES)
def test_the_interval_holds_its_mean_and_p_is_a_probability(differences: list[float]) -> None:
    interval = paired_bootstrap(differences, resamples=200)
    assert min(differences) - 1e-12 <= interval.low <= interval.mean <= interval.high <= max(differences) + 1e-12
    assert 1 / 201 <= interval.p <= 1


def test_the_same_seed_gives_the_same_and_another_seed_nearly_so() -> None:
    differences = np.random.default_rng(5).normal(0.1, 1, size=60).tolist()
    first, again, other = (paired_bootstrap(differences, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert other.low == pytest.approx(first.low, abs=0.02)
    assert other.p == pytest.approx(first.p, abs=0.02)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_differences_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        paired_bootstrap([0.1, value])
    with pytest.raises(ValueError, match="finite"):
        smallest_difference([0.1, value])


def test_without_a_pair_there_is_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="no paired differences"):
        paired_bootstrap([])


# how often it alarms


def test_the_interval_leaves_zero_out_in_about_5_of_100_comparisons_of_equals() -> None:
    random = np.random.default_rng(21)
    scores = random.beta(2, 3, size=(2, NULLS, CASES))
    assert 0.03 <= _share_of_alarms(scores[0] - scores[1]) <= 0.07


def test_the_interval_leaves_zero_out_in_about_5_of_100_comparisons_of_equals_scored_0_or_1() -> None:
    assert 0.03 <= _binary_null().interval <= 0.07


def test_exact_mcnemar_alarms_in_at_most_5_of_100_comparisons_of_equals() -> None:
    assert 0.01 <= _binary_null().mcnemar <= 0.055


def test_clusters_keep_the_alarms_down_that_dependent_cases_raise() -> None:
    """40 articles with 5 questions each, whose scores move together."""
    random = np.random.default_rng(22)
    together, apart = random.normal(size=(500, 40, 1)), 0.7 * random.normal(size=(500, 40, 5))
    samples = (together + apart).reshape(500, 200)
    assert _share_of_alarms(samples) > 0.2
    assert 0.03 <= _share_of_alarms(samples, [case // 5 for case in range(200)]) <= 0.075


def test_the_smallest_difference_is_found_as_often_as_its_power_says() -> None:
    random = np.random.default_rng(23)
    unit = np.tile([-1.0, 1.0], CASES // 2)
    smallest = smallest_difference((unit / unit.std(ddof=1)).tolist(), power=0.8)
    assert smallest is not None
    assert 0.75 <= _share_of_alarms(random.normal(smallest, 1, size=(600, CASES))) <= 0.86


# clusters


def test_copies_in_one_cluster_do_not_narrow_the_interval() -> None:
    single = np.random.default_rng(6).normal(0.2, 1, size=50)
    copies = np.repeat(single, 4).tolist()
    alone = paired_bootstrap(single.tolist())
    clustered = paired_bootstrap(copies, [case // 4 for case in range(200)])
    naive = paired_bootstrap(copies)
    assert (clustered.mean, clustered.low, clustered.high) == pytest.approx((alone.mean, alone.low, alone.high))
    assert (clustered.n, clustered.p) == (200, alone.p)
    assert naive.high - naive.low < 0.6 * (alone.high - alone.low)


def test_a_large_cluster_counts_for_as_many_cases_as_it_has() -> None:
    """Both clusters once give 1/4; the small one twice gives 1, the large one twice 0, each in a quarter of draws."""
    interval = paired_bootstrap([1.0, 0.0, 0.0, 0.0], ["small", "large", "large", "large"], resamples=4_000)
    assert (interval.mean, interval.low, interval.high) == (0.25, 0.0, 1.0)
    assert interval.p == pytest.approx(0.5, abs=0.05)


def test_members_of_a_cluster_need_not_stand_together() -> None:
    differences, clusters = [0.3, -0.1, 0.4, 0.2, -0.5, 0.1], ["a", "b", "c", "a", "b", "c"]
    together = [0.2, 0.3, -0.5, -0.1, 0.1, 0.4], ["a", "a", "b", "b", "c", "c"]
    assert paired_bootstrap(differences, clusters) == paired_bootstrap(*together)


def test_one_cluster_alone_proves_nothing() -> None:
    assert paired_bootstrap([0.5, 0.7], ["a", "a"]).p == paired_bootstrap([0.5]).p == 1.0
    assert smallest_difference([0.5, 0.7], clusters=["a", "a"]) is None


def test_a_cluster_is_named_for_each_difference() -> None:
    with pytest.raises(ValueError, match="3 values cannot belong to 2 clusters"):
        paired_bootstrap([0.1, 0.2, 0.3], ["a", "b"])


# McNemar


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_is_scipys_binomial_test_of_the_discordant_pairs(only_a: int, only_b: int) -> None:
    known = scipy_stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar_exact(only_a, only_b) == pytest.approx(known, rel=1e-9)
    assert mcnemar_exact(only_a, only_b) == mcnemar_exact(only_b, only_a)


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"), [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (12, 2, 0.012939453125)]
)
def test_mcnemar_gives_the_values_counted_by_hand(only_a: int, only_b: int, p: float) -> None:
    """The last row: 2 · (1 + 14 + 91) / 2^14; Armitage and Berry 1994 print 0.0129 for it."""
    assert mcnemar_exact(only_a, only_b) == p


def test_mcnemar_does_not_overflow_with_many_pairs() -> None:
    assert 0 < mcnemar_exact(2_400, 2_600) < 0.01
    assert mcnemar_exact(3_000, 3_000) == 1.0


def test_a_negative_number_of_pairs_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 is no number of pairs"):
        mcnemar_exact(3, -1)


# Holm


def test_holm_gives_the_values_reckoned_by_hand() -> None:
    """Times 4, 3, 2 and 1 by rank: 0.02, 0.03, 0.06 and 0.04, which may not fall below the 0.06 before it."""
    adjusted = holm({"recall": 0.03, "match": 0.005, "f1": 0.04, "mrr": 0.01})
    assert adjusted == pytest.approx({"recall": 0.06, "match": 0.02, "f1": 0.06, "mrr": 0.03})
    assert list(adjusted) == ["recall", "match", "f1", "mrr"]


def test_holm_leaves_a_single_test_and_no_test_as_they_are() -> None:
    assert holm({"match": 0.03}) == {"match": 0.03}
    assert holm({}) == {}


@settings(deadline=None)
@given(P_VALUES)
def test_holm_rejects_what_stepping_down_rejects(p_values: dict[str, float]) -> None:
    """The procedure as first described: walk up the p values, stop at the first that misses its level."""
    adjusted = holm(p_values)
    for level in (0.01, 0.05, 0.3):
        rejected = set()
        for left, name in zip(range(len(p_values), 0, -1), sorted(p_values, key=p_values.__getitem__), strict=True):
            if p_values[name] * left > level:
                break
            rejected.add(name)
        assert {name for name, p in adjusted.items() if p <= level} == rejected


@settings(deadline=None)
@given(P_VALUES)
def test_holm_keeps_the_order_of_the_tests_and_only_raises_p(p_values: dict[str, float]) -> None:
    adjusted = holm(p_values)
    by_p = [adjusted[name] for name in sorted(p_values, key=p_values.__getitem__)]
    assert by_p == sorted(by_p)
    assert all(p_values[name] <= p <= min(1.0, len(p_values) * p_values[name]) for name, p in adjusted.items())


@pytest.mark.parametrize("p", [-0.01, 1.01, float("nan")])
def test_holm_refuses_what_is_no_p_value(p: float) -> None:
    with pytest.raises(ValueError, match="not a p value: mrr"):
        holm({"match": 0.5, "mrr": p})


# the smallest difference


def test_the_smallest_difference_is_2_8_standard_errors() -> None:
    differences = np.random.default_rng(8).normal(size=50)
    error = scipy_stats.sem(differences)
    assert smallest_difference(differences.tolist()) == pytest.approx((1.959964 + 0.841621) * error, rel=1e-5)
    larger = smallest_difference(differences.tolist(), power=0.9, alpha=0.01)
    assert larger == pytest.approx((2.575829 + 1.281552) * error, rel=1e-5)


def test_copies_in_one_cluster_do_not_lower_the_smallest_difference() -> None:
    single = np.random.default_rng(9).normal(size=40).tolist()
    copies = [value for value in single for _ in range(3)]
    clustered = smallest_difference(copies, clusters=[case // 3 for case in range(120)])
    assert clustered == pytest.approx(smallest_difference(single))
    assert clustered == pytest.approx(smallest_difference(single, clusters=range(40)))


@pytest.mark.parametrize("differences", [[], [0.5]])
def test_too_few_differences_have_no_smallest_one(differences: list[float]) -> None:
    assert smallest_difference(differences) is None


def test_without_a_discordant_pair_the_smallest_difference_is_what_mcnemar_needs() -> None:
    assert smallest_difference([0.0] * 100) == 0.06
    assert smallest_difference([0.0] * 100, alpha=0.01) == 0.08
    assert smallest_difference([0.0] * 100, clusters=[case // 2 for case in range(100)]) == 6 / 50
    assert smallest_difference([0.0] * 5) is None


def test_a_single_discordant_pair_does_not_lower_the_smallest_difference() -> None:
    """2.8 standard errors of it would be 0.028."""
    clusters = [case // 2 for case in range(100)]
    assert smallest_difference([1.0] + [0.0] * 99) == smallest_difference([1.0] + [0.0] * 99, clusters=clusters) == 0.06
    assert smallest_difference([1.0, 0.0, 0.0]) is None
    assert smallest_difference([0.9] + [0.0] * 99) == pytest.approx(2.8016 * 0.009, rel=1e-4)


def test_many_discordant_pairs_leave_the_smallest_difference_to_their_spread() -> None:
    differences = [1.0] * 20 + [-1.0] * 15 + [0.0] * 65
    expected = 2.8016 * scipy_stats.sem(differences)
    assert smallest_difference(differences) == pytest.approx(expected, rel=1e-4)


def test_equal_differences_show_no_spread() -> None:
    assert smallest_difference([0.1] * 40) == 6 / 40


@pytest.mark.parametrize("alpha", [0.2, 0.1, 0.05, 0.03125, 0.01, 0.001])
def test_the_smallest_discordant_difference_is_the_first_that_mcnemar_finds(alpha: float) -> None:
    smallest = smallest_discordant_difference(1_000, alpha=alpha)
    assert smallest is not None
    fewest = round(smallest * 1_000)
    assert mcnemar_exact(fewest, 0) <= alpha < mcnemar_exact(fewest - 1, 0)


def test_fewer_pairs_than_mcnemar_needs_show_no_difference() -> None:
    assert smallest_discordant_difference(6) == 1.0
    assert smallest_discordant_difference(5) is None


@pytest.mark.parametrize(("power", "alpha"), [(0.0, 0.05), (1.0, 0.05), (0.8, 0.0), (0.8, 2.0)])
def test_a_power_or_level_that_is_no_share_is_refused(power: float, alpha: float) -> None:
    with pytest.raises(ValueError, match="range"):
        smallest_difference([0.1, 0.2], power=power, alpha=alpha)


# kappa


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ({"yes yes": 20, "yes no": 5, "no yes": 10, "no no": 15}, 0.4),
        ({"yes yes": 45, "yes no": 15, "no yes": 25, "no no": 15}, 3 / 23),
        ({"yes yes": 25, "yes no": 35, "no yes": 5, "no no": 35}, 7 / 27),
        ({"yes no": 5, "no yes": 5}, -1.0),
        ({"yes no": 5}, 0.0),
        ({"a a": 10, "b b": 10, "c c": 10, "a b": 5, "b c": 5, "c a": 5}, 0.5),
    ],
)
def test_kappa_gives_the_values_reckoned_by_hand(table: dict[str, int], kappa: float) -> None:
    """First row: observed 0.7, expected 0.5 · 0.6 + 0.5 · 0.4 = 0.5."""
    pairs = [pair.split() for pair, count in table.items() for _ in range(count)]
    assert cohen_kappa([a for a, _ in pairs], [b for _, b in pairs]) == pytest.approx(kappa)


@given(st.lists(st.tuples(LABELS, LABELS), max_size=30), st.randoms())
def test_kappa_is_symmetric_bounded_and_blind_to_order(pairs: list[tuple[str, str]], shuffle: Random) -> None:
    a, b = [one for one, _ in pairs], [other for _, other in pairs]
    kappa = cohen_kappa(a, b)
    shuffled = shuffle.sample(pairs, len(pairs))
    assert kappa == cohen_kappa(b, a) == cohen_kappa([one for one, _ in shuffled], [other for _, other in shuffled])
    assert (kappa is None) == (len(set(a + b)) < 2)
    assert kappa is None or -1 <= kappa <= 1
    assert kappa is None or (kappa == 1) == (a == b)


def test_labels_that_cannot_be_paired_are_refused() -> None:
    with pytest.raises(ValueError, match="3 and 2 labels"):
        cohen_kappa(["yes", "no", "no"], ["yes", "no"])
