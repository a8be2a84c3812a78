r"""The fit of CTCF: least squares on relative error, bounded, robust, pulled to what is known.

$$ \min_{\underline\theta \le \theta \le \bar\theta}
   \sum_i w_i\,\rho\!\left(\frac{\phi_i \theta}{t_i} - 1\right)
   + \sum_j \lambda^2 s_j^2 (\theta_j - \theta^0_j)^2 $$

$\rho$ is the soft-L1 loss: rows far off weigh less, so no single bad one steers. $\theta^0$ is
the fit of a larger group of rows (all GPUs, then one GPU, then one LLM on it) and $s_j$ the
size of term j in the relative error, so that a term which these rows cannot tell keeps the
group's value and a term they know well leaves it. Solved by iteratively reweighted bounded
least squares on the triangular factor: a few milliseconds for thousands of rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .outcome import CalibrationError
from .value import FloatArray

SCALE = 0.05
"""Relative error from which on a row counts as bad."""
LEAST_PART = 0.05
"""A term that these rows hardly contain is still pulled as if it were this part of the time."""
ROUNDS = 15
CONVERGED = 1e-4


@dataclass(frozen=True)
class Pull:
    """Where coefficients are drawn to, and how strongly.

    Attributes:
        theta: shape [coefficients].
        typical: usual size of each coefficient, which sizes the pull of one that is 0.
        strength: lambda; 1 weighs the whole of a term like one row.
    """

    theta: FloatArray
    typical: FloatArray
    strength: float = 1.0

    @property
    def least_size(self) -> FloatArray:
        """Least size of a term in the relative error, shape [coefficients]."""
        return np.asarray(LEAST_PART / np.maximum(self.theta, self.typical))


def fit_coefficients(
    design: FloatArray,
    seconds: FloatArray,
    lower: FloatArray | None = None,
    upper: FloatArray | None = None,
    weights: FloatArray | None = None,
    pull: Pull | None = None,
    scale: float = SCALE,
) -> FloatArray:
    """theta, shape [coefficients].

    Args:
        design: features, shape [rows, coefficients].
        seconds: measured times [s], shape [rows].
        lower, upper: bounds on theta; default 0 and none.
        weights: of the rows; default 1.
        pull: without one every coefficient must be told by the rows.
        scale: relative error from which on a row weighs less.

    Raises:
        CalibrationError: times that are not positive, features that are not finite, or,
            without a pull, rows that cannot tell the coefficients apart.
    """
    n_terms = design.shape[1]
    low = np.zeros(n_terms) if lower is None else lower
    high = np.full(n_terms, np.inf) if upper is None else upper
    if not (np.all(np.isfinite(design)) and np.all(seconds > 0)):
        raise CalibrationError("measured seconds must be positive and features finite")
    relative = design / seconds[:, None]
    row = np.sqrt(np.ones(len(seconds)) if weights is None else weights)
    size = np.sqrt(np.mean(relative**2, axis=0))
    if pull is None:
        free = (high > low) & (size > 0)
        _refuse_unidentified(len(seconds), int(free.sum()))
        pulled, goal = np.zeros((0, n_terms)), np.zeros(0)
    else:
        free = high > low
        size = np.maximum(size, pull.least_size)
        strength = pull.strength * size
        pulled, goal = np.diag(strength), strength * (pull.theta - low)
    unit = np.where(size > 0, size, 1.0)
    excess = _robust(
        (relative / unit)[:, free],
        1.0 - relative @ low,
        row,
        (pulled / unit)[:, free],
        goal,
        ((high - low) * unit)[free],
        scale,
    )
    theta = low.copy()
    theta[free] += excess / unit[free]
    return np.asarray(np.clip(theta, low, high))


def _robust(
    rows: FloatArray,
    target: FloatArray,
    weight: FloatArray,
    pulled: FloatArray,
    goal: FloatArray,
    most: FloatArray,
    scale: float,
) -> FloatArray:
    """Iteratively reweighted least squares in [0, most], shape [free coefficients]."""
    from scipy.optimize import lsq_linear  # slow to load: only fitting needs it

    doubt = np.ones(len(target))
    found = np.zeros(rows.shape[1])
    for _ in range(ROUNDS):
        w = weight * doubt
        stacked = np.column_stack([np.vstack([rows * w[:, None], pulled]), [*(target * w), *goal]])
        triangle: FloatArray = np.asarray(np.linalg.qr(stacked, mode="r"))
        last, bounds = found, (0.0, np.maximum(most, np.finfo(float).tiny))
        found = lsq_linear(triangle[:, :-1], triangle[:, -1], bounds=bounds, method="bvls").x
        if np.abs(found - last).max(initial=0.0) < CONVERGED * max(np.abs(found).max(), 1e-12):
            break
        doubt = (1.0 + ((target - rows @ found) / scale) ** 2) ** -0.25
    return np.asarray(found, dtype=np.float64)


def _refuse_unidentified(rows: int, terms: int) -> None:
    if rows < terms:
        raise CalibrationError(f"{rows} rows cannot fix {terms} coefficients")
