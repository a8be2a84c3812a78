r"""Prices of GPUs and of limits: the Lagrangian bound of a covering problem.

Let the rows `fit`, the limits and the owned VMs go, at prices \(\lambda_p \ge 0\) a GPU,
\(\mu_q \ge 0\) a unit of limit q and \(\sigma_p \ge 0\) an owned VM. The VMs then leave the
problem if they cost what their GPUs sell for,

\[ \text{room}_p \lambda_p = \text{price}_p + \sum_q \mu_q \text{weight}_{qp} - \sigma_p , \]

and what is left falls apart into one knapsack \(K_w\) a workload (`patterns.py`):

\[ \text{cost} \;\ge\; \sum_w K_w(\lambda) - \sum_q \mu_q \text{limit}_q
   + \sum_p \sigma_p \text{owned}_p . \]

For a plan that takes pattern j of cost \(K_w + r_j\) for workload w, the excess over the bound
is a sum of terms none of which is negative:

\[ \sum r_j + \sum_p \lambda_p \, \text{idle GPUs}_p + \sum_p \sigma_p (n_p - \text{owned}_p)
   + \sum_q \mu_q (\text{limit}_q - \textstyle\sum_p \text{weight}_{qp} n_p) . \]

Without limits and owned VMs nothing is left to choose: \(\lambda_p = \text{price}_p /
\text{room}_p\) is best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...models.value import FloatArray
from ..program import BoolArray, IntArray
from .covering import LIMIT_SLACK, Covering
from .pricing import Priced

BOUND_SLACK = 3e-9
"""Taken off a bound, relative to the sums it is the difference of: three times the
`patterns.ROUNDING` that a knapsack may be out by."""


@dataclass(frozen=True, slots=True)
class Prices:
    """A point of the dual.

    Attributes:
        limit: mu of each row of `Limits`, shape [R].
        owned: sigma of each place, shape [P], at most what its VM costs with the limits.
    """

    limit: FloatArray
    owned: FloatArray


@dataclass(frozen=True, slots=True)
class Limits:
    """Every upper limit as a row: the problem's, and the most VMs of each place.

    Attributes:
        weight: shape [R, P].
        limit: shape [R].
    """

    weight: FloatArray
    limit: FloatArray

    @classmethod
    def of(cls, covering: Covering) -> Limits:
        """The problem's limits, then `most`."""
        weight = np.concatenate([covering.weight, np.eye(covering.n_places)])
        limit = np.concatenate([covering.limit, covering.most.astype(float)])
        return cls(weight, _in_whole_steps(weight, limit))

    def kept(self, vms: IntArray) -> BoolArray:
        """Which rows the VMs keep, shape [R]."""
        slack = LIMIT_SLACK * np.maximum(self.limit, 1.0)
        return np.asarray(self.weight @ vms <= self.limit + slack)

    def no_prices(self) -> Prices:
        """All zero."""
        return Prices(np.zeros(len(self.limit)), np.zeros(self.weight.shape[1]))


def _in_whole_steps(weight: FloatArray, limit: FloatArray) -> FloatArray:
    """Limits cut to the largest multiple of their weights' greatest common divisor.

    VMs are whole, so nothing is lost; only rows of whole numbers are cut.
    """
    whole = (weight == np.rint(weight)).all(axis=1) & (weight.max(axis=1, initial=0.0) < 2**53)
    divisor = np.gcd.reduce(np.where(whole[:, None], weight, 0).astype(np.int64), axis=1)
    unit = np.maximum(divisor, 1).astype(float)
    cut = np.floor(limit / unit * (1.0 + LIMIT_SLACK)) * unit
    return np.where(whole & (divisor > 0), np.minimum(cut, limit), limit)


def vm_price(covering: Covering, limits: Limits, prices: Prices) -> FloatArray:
    """What a VM costs with the limits it uses up, shape [P]."""
    return np.asarray(covering.price + prices.limit @ limits.weight)


def gpu_price(covering: Covering, limits: Limits, prices: Prices) -> FloatArray:
    """lambda, shape [P]."""
    net = vm_price(covering, limits, prices) - prices.owned
    return np.asarray(np.maximum(net, 0.0) / covering.room)


def constant(covering: Covering, limits: Limits, prices: Prices) -> float:
    """The part of the bound that no workload changes."""
    return float(prices.owned @ covering.owned - prices.limit @ limits.limit)


def bound_at(covering: Covering, limits: Limits, prices: Prices, priced: Priced) -> float:
    """The proved lower bound, rounding taken off."""
    fixed = constant(covering, limits, prices)
    parts = float(priced.bound.sum())
    return parts + fixed - BOUND_SLACK * (abs(parts) + abs(fixed))
