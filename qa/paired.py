"""Two systems asked the same cases, pure: whether their difference is more than chance would bring."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from qa.stats import SEED, TAILS_95, Interval, resample_means, sum_clusters

RESAMPLES = 10_000  # p in steps of 0.0002, fine enough to adjust ten of them at 5 %
_ROUNDING = 1e-13  # a mean below this share of the largest difference is 0 but for rounding


@dataclass(frozen=True, slots=True)
class PairedInterval(Interval):
    """The mean of `n` paired differences with its 95 % interval, and the two-sided `p` of there being none."""

    p: float


def paired_bootstrap(
    differences: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> PairedInterval:
    """The mean difference of paired scores with its percentile bootstrap interval, 95 %, and its p.

    Differences are drawn with replacement in the order given (the same order and seed give the same result),
    or whole clusters of them where some depend on one another, as in `qa.stats.bootstrap_interval`. p is
    2 · min(share of draws with a mean ≤ 0, share ≥ 0), at least 1/(resamples + 1), at most 1. It comes from
    the interval's own draws: to within one draw, p is below 0.05 exactly where the interval leaves zero out.

    Both are too bold for few clusters (below about 30) and where few cases differ: of independent scores of
    0 or 1, `mcnemar_exact` gives the p that holds for any number. One cluster alone shows no spread: its
    interval has no width, and its p is 1.

    Args:
        differences: the score of the one system minus that of the other, of each case.
        clusters: the cluster of each case; None where every case is independent of the others.
        resamples: how many draws.
        seed: where the draws start.

    Raises:
        ValueError: no difference, one that is not finite, or not as many clusters as differences.
    """
    import numpy as np

    if not differences:
        raise ValueError("no paired differences: the two have no case in common that the measure applies to")
    totals, sizes = sum_clusters(differences, clusters)
    mean = float(np.sum(totals)) / len(differences)
    means = resample_means(totals, sizes, resamples=resamples, seed=seed)
    means[np.abs(means) <= _ROUNDING * max(map(abs, differences))] = 0.0
    low, high = np.quantile(means, TAILS_95)
    tail = min(float(np.mean(means <= 0)), float(np.mean(means >= 0)))
    return PairedInterval(
        mean=mean,
        low=min(float(low), mean),
        high=max(float(high), mean),
        n=len(differences),
        p=1.0 if len(totals) == 1 else min(1.0, max(2 * tail, 1 / (resamples + 1))),
    )


def mcnemar_exact(only_a: int, only_b: int) -> float:
    """Exact two-sided p of McNemar's test: `only_a` cases that only the one got right, `only_b` only the other.

    Twice the smaller tail of a binomial with p = ½ over these discordant pairs, at most 1; 1 where there are
    none (McNemar 1947, Psychometrika 12:153–157, in its exact form). Pairs must be independent: not valid for
    clusters of cases (Eliasziw and Donner 1991, Statistics in Medicine 10:1981–1991); take `paired_bootstrap`.

    Raises:
        ValueError: a negative count.
    """
    if min(only_a, only_b) < 0:
        raise ValueError(f"{min(only_a, only_b)} is no number of pairs")
    pairs, ways, tail = only_a + only_b, 1, 0
    for chosen in range(min(only_a, only_b) + 1):
        tail += ways
        ways = ways * (pairs - chosen) // (chosen + 1)
    return min(1.0, 2 * tail / (1 << pairs))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjust the p values of several tests made at once, so that any false alarm among them stays at its level.

    The i-th smallest of m is multiplied by m − i + 1, is at least the adjusted one before it, and at most 1
    (Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics
    6:65–70). The tests may depend on one another. In the order of `p_values`.

    Raises:
        ValueError: a value outside 0 to 1.
    """
    if wrong := [f"{name} = {p}" for name, p in p_values.items() if not 0 <= p <= 1]:
        raise ValueError(f"not a p value: {', '.join(wrong)}")
    adjusted, least = dict(p_values), 0.0
    for before, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - before) * p_values[name]))
        adjusted[name] = least
    return adjusted


def smallest_difference(
    differences: Sequence[float],
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    clusters: Sequence[Hashable] | None = None,
) -> float | None:
    """The smallest true mean difference that a comparison of this size and spread would show.

    (z of 1 − alpha/2 + z of power) · standard error of the mean difference, in the unit of the measure: a true
    difference of this size comes out at level `alpha` with probability `power`. With `clusters` the standard
    error is that of cluster totals. Where all differences are equal they show no spread: then the answer is
    `smallest_discordant_difference` of as many pairs as there are clusters. Where they are all −1, 0 or 1, a few
    discordant pairs show too little of it: then it is at least that of as many pairs as there are differences.

    None where nothing can be said: fewer than two independent differences, or too few for any to be shown.

    Raises:
        ValueError: as for `paired_bootstrap` (but no difference gives None), or `power` or `alpha` is no
            share between 0 and 1.
    """
    normal = NormalDist()
    deviations = normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)
    totals, sizes = sum_clusters(differences, clusters)
    if len(totals) < 2:
        return None
    shown = deviations * _standard_error(totals, sizes)
    if shown <= _ROUNDING * max(map(abs, differences)):
        return smallest_discordant_difference(len(totals), alpha=alpha)
    if all(difference in (-1, 0, 1) for difference in differences):
        least = smallest_discordant_difference(len(differences), alpha=alpha)
        return None if least is None else max(shown, least)
    return shown


def smallest_discordant_difference(n: int, *, alpha: float = 0.05) -> float | None:
    """The smallest difference between two shares of `n` pairs that exact McNemar can find at level `alpha`.

    k/n, where k is the smallest number of discordant pairs, all one way, with 2 · 0.5^k ≤ alpha: 6 at 5 %.
    It is a difference observed: what no comparison can go below, whatever its power. None where n < k.

    Raises:
        ValueError: `alpha` is not above 0.
    """
    fewest = math.ceil(1 - math.log2(alpha))
    return fewest / n if n >= fewest else None


def cohen_kappa(a: Sequence[str], b: Sequence[str]) -> float | None:
    """Agreement of two raters' labels beyond chance: 1 complete, 0 as by chance, below 0 less than that.

    (observed − expected) / (1 − expected), expected from each rater's own shares of the labels (Cohen 1960,
    "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20:37–46).
    None where it is undefined: nothing rated, or both gave everything the one same label.

    Raises:
        ValueError: not as many labels from the one as from the other.
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} labels cannot be paired")
    counts_a, counts_b = Counter(a), Counter(b)
    observed = len(a) * sum(one == other for one, other in zip(a, b, strict=True))  # both in units of 1/n²
    expected = sum(count * counts_b[label] for label, count in counts_a.items())
    undefined = expected == len(a) ** 2
    return None if undefined else (observed - expected) / (len(a) ** 2 - expected)


def _standard_error(totals: Sequence[float], sizes: Sequence[int]) -> float:
    """Of a mean of clusters, at least two: √(G/(G−1) · Σ residual total²) / n (Cameron, Gelbach and Miller 2008).

    Where each cluster has one value it is the sample standard deviation over √n.
    """
    n, clusters = sum(sizes), len(totals)
    mean = math.fsum(totals) / n
    residuals = (total - mean * size for total, size in zip(totals, sizes, strict=True))
    return math.sqrt(clusters / (clusters - 1)) * math.hypot(*residuals) / n
