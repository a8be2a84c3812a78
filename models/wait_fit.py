"""The fit of `waiting.Waiting`, level by level as `hierarchy.py` does for CTCF."""

from __future__ import annotations

import numpy as np

from .fitting import Pull, fit_coefficients
from .hierarchy import theta_of_rows
from .observation import N_TERMS
from .sample import Sample
from .value import FloatArray
from .waiting import waiting_features

TYPICAL = np.array([1.0, 0.05, 1.0, 0.1, 0.02])
"""Usual sizes of the coefficients."""
PULL = 1.0
SCALE = 0.3
"""Relative error from which a row weighs less: first tokens vary far more than steps."""
LEAST_SERIES = 3


def fit_waiting(sample: Sample, thetas: dict[str, FloatArray], start: FloatArray) -> FloatArray:
    """Coefficients of some rows' first tokens, pulled to `start`, shape [5].

    Rows without a measured first token are left out; without any, `start` stays.
    """
    waited, design = waiting_design(sample, thetas)
    if not len(waited):
        return start
    return fit_coefficients(design, waited, pull=Pull(start, TYPICAL, PULL), scale=SCALE)


def fit_waitings(
    sample: Sample, thetas: dict[str, FloatArray], start: FloatArray
) -> dict[str, FloatArray]:
    """Coefficients of a cell and of its series, by their names in the sample."""
    cell = fit_waiting(sample, thetas, start)
    found = {"": cell}
    for name in np.unique(sample.series):
        mine = sample.take(sample.series == name)
        if len(mine.rows) >= LEAST_SERIES:
            found[str(name)] = fit_waiting(mine, thetas, cell)
    return found


def waiting_errors(
    left: Sample, thetas: dict[str, FloatArray], waits: dict[str, FloatArray]
) -> tuple[FloatArray, list[int]]:
    """log(measured / predicted) of first tokens, and the rows that have one."""
    waited, design = waiting_design(left, thetas)
    rows = [i for i, row in enumerate(left.rows) if row.ttft_s is not None]
    w = np.array([waits.get(str(left.series[i]), waits[""]) for i in rows]).reshape(len(rows), 5)
    return np.log(waited / np.sum(design * w, axis=1)), rows


def waiting_design(sample: Sample, thetas: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Measured first tokens [s] and the features of their wait, of rows that have one."""
    theta = theta_of_rows(sample, thetas)
    prefill = np.sum(sample.work.prefill * theta[:, :N_TERMS], axis=1)
    decode = np.sum(sample.work.decode * theta[:, N_TERMS:], axis=1)
    has = np.array([row.ttft_s is not None for row in sample.rows], dtype=bool)
    batch = np.array([row.batch for row in sample.rows])
    waited = np.array([row.ttft_s for row in sample.rows if row.ttft_s is not None])
    return waited, waiting_features(batch, prefill, decode)[has]
