r"""How far measured times lie from predicted ones: quantiles of held-out errors.

The error of a prediction is $\log(\mathrm{measured}/\mathrm{predicted})$, so that twice too
long and half as long are equally far off. Its quantile at a probability p is

$$ q(p) = s_{\pm} \cdot \frac{\operatorname{logit} p}{\operatorname{logit} 0.95} $$

with $s_+$ the 95th and $-s_-$ the 5th percentile of rows that took no part in the fit. The
shape in between and beyond (a logistic distribution, one scale on each side of the median)
is the assumption that can fail; at 5, 50 and 95 % it is what was measured.
"""

from __future__ import annotations

import math

from .outcome import CalibrationError
from .value import NonNegative, Value

LEVEL = 0.95
"""Probability of `Spread.above`; 1 - `LEVEL` of `Spread.below`. 90 % lie between the two."""


class Spread(Value):
    """Quantiles of log(measured / predicted) on held-out rows; the median is 0.

    Attributes:
        below: minus the 5th percentile: how much faster than predicted.
        above: the 95th percentile: how much slower than predicted.
    """

    below: NonNegative
    above: NonNegative

    @classmethod
    def within(cls, residual: float) -> Spread:
        """The spread of which 90 % stay within a relative error, the same on both sides.

        >>> round(Spread.within(0.25).factor(0.95), 6)
        1.25
        """
        return cls(below=math.log1p(residual), above=math.log1p(residual))

    def factor(self, probability: float, stretch: float = 1.0) -> float:
        """f with P(measured <= f * predicted) = probability; 1 at one half, rising.

        Args:
            probability: inside (0, 1).
            stretch: multiple of the spread, above 1 beyond the measured range.

        Raises:
            CalibrationError: the probability is not inside (0, 1).

        >>> spread = Spread(below=0.1, above=0.2)
        >>> [round(spread.factor(p), 3) for p in (0.05, 0.5, 0.95)]
        [0.905, 1.0, 1.221]
        """
        if not 0.0 < probability < 1.0:
            raise CalibrationError(f"confidence = {probability}: should be inside (0, 1)")
        side = self.above if probability > 0.5 else self.below
        return math.exp(side * stretch * _logit(probability) / _logit(LEVEL))


def _logit(probability: float) -> float:
    return math.log(probability / (1.0 - probability))
