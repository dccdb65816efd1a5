"""Intervals of a mean, pure: how far a measured average can be trusted."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Z_95 = 1.959963984540054  # 97.5 % quantile of the standard normal distribution
TAILS_95 = (0.025, 0.975)  # the shares of resamples below the two ends of a 95 % interval
RESAMPLES = 2_000
SEED = 20_220_705  # any number; fixed, so that equal values always give the equal interval
_CELLS_AT_ONCE = 1_000_000  # drawn values held in memory at one time: 8 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its two-sided 95 % confidence interval: `low <= mean <= high`, over `n` values."""

    mean: float
    low: float
    high: float
    n: int


def mean_interval(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> Interval | None:
    """The mean of values with its 95 % interval; None where there is no value.

    Values that are all 0 or 1 are taken as successes out of n: Wilson's score interval. Others get the
    percentile bootstrap, which does not leave the range of the values. Values that depend on one another
    (questions on one article, repeats of one case) share a cluster; then it is the clusters that are drawn,
    for 0 and 1 as well. Only where all are 0, or all 1, is there nothing to draw: Wilson's interval, with the
    clusters as its trials. `n` counts values in each case. Not done: weights.

    Args:
        values: the measured values, in any order.
        clusters: the cluster of each value; None where every value is independent of the others.

    Raises:
        ValueError: a value is infinite or not a number, or there are not as many clusters as values.
    """
    if not values:
        return None
    totals, _ = sum_clusters(values, clusters)
    trials, outcomes = len(totals), all(value in (0, 1) for value in values)
    if outcomes and trials == len(values):
        return wilson_interval(round(sum(totals)), trials)
    if outcomes and len(set(values)) == 1:
        return replace(wilson_interval(trials if values[0] else 0, trials), n=len(values))
    return bootstrap_interval(values, clusters)


def wilson_interval(successes: int, n: int) -> Interval:
    """Wilson's score interval, 95 %, for `successes` out of `n` trials, without continuity correction.

    Centre (p + z²/2n) / (1 + z²/n), half-width z √(p(1−p)/n + z²/4n²) / (1 + z²/n), where p is the share
    and z the normal quantile (Wilson 1927, "Probable inference, the law of succession, and statistical
    inference", JASA 22:209–212; recommended for small n by Brown, Cai and DasGupta 2001). `mean` is p.

    Raises:
        ValueError: no trials, or more successes than trials.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} successes out of {n} trials are no share")
    share = successes / n
    shrink = 1 + Z_95**2 / n
    centre = (share + Z_95**2 / (2 * n)) / shrink
    half = Z_95 * math.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2)) / shrink
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(mean=share, low=low, high=high, n=n)


def bootstrap_interval(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> Interval:
    """Percentile bootstrap interval, 95 %, of the mean of `values` (at least one).

    The 2.5 % and 97.5 % quantiles of the means of 2,000 resamples with replacement (Efron and Tibshirani
    1993, "An Introduction to the Bootstrap", chapter 13), from a fixed seed. With `clusters` whole clusters
    are drawn, as many as there are (Field and Welsh 2007, "Bootstrapping clustered data", JRSS B 69:369–390).
    The order of the values makes no difference. It is too narrow for few values (n below about 15) or few
    clusters (below about 30; Cameron, Gelbach and Miller 2008, REStat 90:414–427), and for a single one, or
    for equal ones, it has no width: nothing is known of the spread.

    Raises:
        ValueError: as for `mean_interval`.
    """
    import numpy as np

    totals, sizes = zip(*sorted(zip(*sum_clusters(values, clusters), strict=True)), strict=True)
    mean = float(np.sum(totals)) / len(values)
    low, high = np.quantile(resample_means(totals, sizes, resamples=RESAMPLES, seed=SEED), TAILS_95)
    return Interval(mean=mean, low=min(float(low), mean), high=max(float(high), mean), n=len(values))


def quantile(values: Sequence[float], q: float) -> float | None:
    """The value below which a share `q` of the values lies, q from 0 to 1; None where there is no value.

    Interpolated linearly between the two nearest ranks (Hyndman and Fan 1996, type 7: numpy's default).

    Raises:
        ValueError: a value is infinite or not a number, or q is no share.
    """
    import numpy as np

    if not values:
        return None
    _check_finite(values)
    return float(np.quantile(values, q))


def sum_clusters(values: Sequence[float], clusters: Sequence[Hashable] | None) -> tuple[list[float], list[int]]:
    """The sum and the number of the values of each cluster, in the order in which the clusters first appear.

    Without `clusters` each value is its own. Sums do not depend on the order within a cluster.

    Raises:
        ValueError: a value is infinite or not a number, or there are not as many clusters as values.
    """
    _check_finite(values)
    if clusters is None:
        return [float(value) for value in values], [1] * len(values)
    if len(clusters) != len(values):
        raise ValueError(f"{len(values)} values cannot belong to {len(clusters)} clusters: name one for each value")
    members: dict[Hashable, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        members.setdefault(cluster, []).append(value)
    return [math.fsum(group) for group in members.values()], [len(group) for group in members.values()]


def resample_means(totals: Sequence[float], sizes: Sequence[int], *, resamples: int, seed: int) -> np.ndarray:
    """The means of draws of as many clusters, with replacement, in blocks that fit in memory.

    The mean of a draw is the sum of its clusters' `totals` over the sum of their `sizes`, so that a large
    cluster counts for as many values as it has. Indices are drawn as `scipy.stats.bootstrap` draws them.
    """
    import numpy as np

    sums, counts, random = np.asarray(totals, dtype=np.float64), np.asarray(sizes), np.random.default_rng(seed)
    block = max(1, _CELLS_AT_ONCE // len(sums))
    rows = [min(block, resamples - done) for done in range(0, resamples, block)]
    draws = (random.integers(len(sums), size=(row, len(sums))) for row in rows)
    return np.concatenate([sums[draw].sum(axis=1) / counts[draw].sum(axis=1) for draw in draws])


def _check_finite(values: Sequence[float]) -> None:
    if not all(map(math.isfinite, values)):
        raise ValueError("statistics need finite values; drop what is not applicable beforehand")
