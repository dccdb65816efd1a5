"""Intervals of a mean, pure: how far a measured average can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Z_95 = 1.959963984540054  # 97.5 % quantile of the standard normal distribution
RESAMPLES = 2_000
SEED = 20_220_705  # any number; fixed, so that equal values always give the equal interval
_CELLS_AT_ONCE = 1_000_000  # resampled values held in memory at one time: 8 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its two-sided 95 % confidence interval: `low <= mean <= high`, over `n` values."""

    mean: float
    low: float
    high: float
    n: int


def mean_interval(values: Sequence[float]) -> Interval | None:
    """The mean of independent values with its 95 % interval; None where there is no value.

    Values that are all 0 or 1 are taken as successes out of n: Wilson's score interval. Others get the
    percentile bootstrap, which does not leave the range of the values. Not done: weights, or cases that
    depend on one another (several questions on one article), whose true interval is wider.

    Raises:
        ValueError: a value is infinite or not a number.
    """
    if not values:
        return None
    if not all(map(math.isfinite, values)):
        raise ValueError("a mean needs finite values; drop what is not applicable before averaging")
    if all(value in (0, 1) for value in values):
        return wilson_interval(sum(1 for value in values if value), len(values))
    return bootstrap_interval(values)


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


def bootstrap_interval(values: Sequence[float]) -> Interval:
    """Percentile bootstrap interval, 95 %, of the mean of `values` (at least one).

    The 2.5 % and 97.5 % quantiles of the means of 2,000 resamples with replacement (Efron and Tibshirani
    1993, "An Introduction to the Bootstrap", chapter 13), from a fixed seed. The order of the values makes
    no difference. It is too narrow for few values (n below about 15), and for a single one, or for equal
    ones, it has no width: nothing is known of the spread.
    """
    import numpy as np

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    mean = float(ordered.mean())
    low, high = np.quantile(_resampled_means(ordered), (0.025, 0.975))
    return Interval(mean=mean, low=min(float(low), mean), high=max(float(high), mean), n=len(values))


def _resampled_means(values: np.ndarray) -> np.ndarray:
    """The means of `RESAMPLES` draws of as many values, with replacement, in blocks that fit in memory."""
    import numpy as np

    random = np.random.default_rng(SEED)
    block = max(1, _CELLS_AT_ONCE // len(values))
    sizes = [min(block, RESAMPLES - done) for done in range(0, RESAMPLES, block)]
    draws = (values[random.integers(len(values), size=(size, len(values)))] for size in sizes)
    return np.concatenate([draw.mean(axis=1) for draw in draws])
