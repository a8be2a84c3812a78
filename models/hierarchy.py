"""From all measurements to one GPU's coefficients: pooled, then pulled, level by level.

pool (every GPU and software, each with one weight) -> software (every GPU under one) -> cell
(one GPU under one software) -> series (one LLM in one precision there). Each level starts from
the one above and leaves it only as far as its own rows insist, so that a GPU with few rows
predicts as the pool does and one with many as they do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from .fitting import Pull, fit_coefficients
from .observation import N_TERMS
from .sample import HOLDOUTS, Sample
from .value import FloatArray

LOWER = np.tile([1.0, 1.0, *[0.0] * (N_TERMS - 2)], 2)
"""Nothing beats the hardware: matrix products and attention take at least their ideal time."""
UPPER = np.full(2 * N_TERMS, np.inf)
UPPER[[0, N_TERMS]] = 10.0
UPPER[[4, N_TERMS + 4]] = 2.0
"""Matrix products reach a tenth of their ideal rate: rows that say less lost time elsewhere.
An exchange gets at least half of its link; what small messages wait for is `sync_s`.
Without that bound, fast links teach multiples that are absurd on slow ones."""
SPECULATION = 4.0
"""Most tokens that a decode step yields under speculative decoding, which some published
series use without saying so: one LLM's own fit may beat the hardware by that much."""
CELL_WEIGHT = 100.0
"""Rows that a cell brings to the pool, however many it has."""
LEAST_SERIES = 3
"""Fewer rows than this leave an LLM with the calibration of its cell."""
SOFTWARE_PULL, CELL_PULL, SERIES_PULL = 0.5, 3.0, 1.0
"""Strengths of the pulls (`fitting.Pull`), chosen by the held-out error of both."""
SCALE = 0.1
"""Relative error from which a row weighs less, across sources that do not agree closely."""


TYPICAL = np.tile([1.5, 1.5, 5e-5, 1e-6, 1.0, 1e-5, 1.0, 1e-9], 2)
"""Usual sizes of the coefficients: where the pool starts, a weak pull beside thousands of rows."""


def fit_pool(sample: Sample, pull: Pull | None = None) -> FloatArray:
    """theta of many cells, each with the same weight, shape [2 `N_TERMS`]; of none, the start."""
    pull = pull or Pull(TYPICAL, TYPICAL)
    if not sample.rows:
        return pull.theta
    names, index = np.unique(sample.cells, return_inverse=True)
    total = np.bincount(index, weights=sample.weights, minlength=len(names))
    weights = sample.weights * (CELL_WEIGHT / total)[index]
    return fit_coefficients(
        sample.design,
        sample.seconds,
        LOWER,
        UPPER,
        weights=weights,
        pull=pull,
        scale=SCALE,
    )


def fit_start(sample: Sample, software: str) -> FloatArray:
    """theta that a GPU without rows under a software starts from: the software's, if measured."""
    alike = sample.take(np.array([row.software == software for row in sample.rows], dtype=bool))
    return fit_pool(alike, Pull(fit_pool(sample), TYPICAL, SOFTWARE_PULL))


PLAIN = np.array([1.5, 1.5, 5e-5, 1e-6, 1.0, 1e-5, 1.0, 1e-9])
"""Where the pool starts from: sizes only, one weak pull beside thousands of rows."""


def fit_gpu(sample: Sample, pool: FloatArray) -> FloatArray:
    """theta of one GPU whatever the software, each software with the same weight."""
    return fit_pool(sample, Pull(pool, TYPICAL, CELL_PULL))


def fit_cell(sample: Sample, pool: FloatArray, strength: float = CELL_PULL) -> FloatArray:
    """theta of one cell."""
    return _pulled(sample, pool, strength, LOWER)


def fit_series(sample: Sample, cell: FloatArray) -> FloatArray:
    """theta of one LLM in its cell."""
    return _pulled(sample, cell, SERIES_PULL, LOWER / SPECULATION)


def fit_both(sample: Sample, pool: FloatArray) -> dict[str, FloatArray]:
    """theta of a cell, and of each of its series, by their names in the sample."""
    if not sample.rows:
        return {}
    cell = fit_cell(sample, pool)
    found = {str(sample.cells[0]): cell}
    for name in np.unique(sample.series):
        mine = sample.take(sample.series == name)
        if len(mine.rows) >= LEAST_SERIES:
            found[str(name)] = fit_series(mine, cell)
    return found


@dataclass(frozen=True)
class HeldOut:
    """Rows that took no part in the fit that predicts them.

    Attributes:
        holdout: what was left out: one of `HOLDOUTS`; `GPU`, with all of its cells;
            `software`, with the GPU's other cells left; `both`.
        train: rows of the cell that were left; None where the whole cell was left out.
        sample: the rows left out.
        predicted: [s], shape [rows].
        outside: 1 where the value left out was the greatest, 0.5 the least, 0 one inside.
        thetas: coefficients by cell and series; the first serves rows that have none.
    """

    holdout: str
    train: Sample | None
    sample: Sample
    predicted: FloatArray
    outside: FloatArray
    thetas: dict[str, FloatArray]

    @property
    def errors(self) -> FloatArray:
        """log(measured / predicted)."""
        return np.log(self.sample.seconds / self.predicted)


def hold_out_cells(sample: Sample) -> Iterator[HeldOut]:
    """Every cell under every hold-out, and every GPU without any of its rows."""
    gpus = np.array([row.gpu.name for row in sample.rows])
    for cell in np.unique(sample.cells):
        mine = sample.take(sample.cells == cell)
        gpu, software = mine.rows[0].gpu.name, mine.rows[0].software
        elsewhere = sample.take(gpus != gpu)
        pool = fit_pool(elsewhere)
        if elsewhere.rows:
            yield _held("both", None, mine, {"": pool})
            yield _held("GPU", None, mine, {"": fit_start(elsewhere, software)})
        beside = sample.take((gpus == gpu) & (sample.cells != cell))
        if beside.rows:
            yield _held("software", None, mine, {"": fit_gpu(beside, pool)})
        yield from hold_out(mine, fit_start(sample.take(sample.cells != cell), software))


def hold_out(cell: Sample, pool: FloatArray) -> Iterator[HeldOut]:
    """One cell, one value at a time of each thing to hold out."""
    kinds = np.array([row.kind for row in cell.rows])
    for holdout in HOLDOUTS:
        labels = cell.labels(holdout)
        for name in np.unique(labels):
            left = labels == name
            # A kind of which nothing would remain is another question: leave it in.
            for kind in np.unique(kinds[left]):
                if np.all(left[kinds == kind]):
                    left &= kinds != kind
            if left.any():
                rest = cell.take(~left)
                outside = _edge(labels, str(name))
                yield _held(holdout, rest, cell.take(left), fit_both(rest, pool), outside)


def theta_of_rows(sample: Sample, thetas: dict[str, FloatArray]) -> FloatArray:
    """Coefficients of each row: its series', else its cell's, shape [rows, 2 `N_TERMS`]."""
    whole = next(iter(thetas.values()))
    found = [thetas.get(str(name), whole) for name in sample.series]
    return np.array(found).reshape(len(found), 2 * N_TERMS)


def _held(
    holdout: str,
    train: Sample | None,
    left: Sample,
    thetas: dict[str, FloatArray],
    outside: float = 0.0,
) -> HeldOut:
    predicted = np.sum(left.design * theta_of_rows(left, thetas), axis=1)
    return HeldOut(holdout, train, left, predicted, np.full(len(left.rows), outside), thetas)


def _edge(names: Iterable[str], name: str) -> float:
    """1 for the greatest of values that are numbers, 0.5 for the least, 0 inside or for others."""
    try:
        numbers = [float(n) for n in names]
    except ValueError:
        return 0.0
    return 1.0 if float(name) == max(numbers) else 0.5 * (float(name) == min(numbers))


def _pulled(sample: Sample, to: FloatArray, strength: float, lower: FloatArray) -> FloatArray:
    return fit_coefficients(
        sample.design,
        sample.seconds,
        lower,
        UPPER,
        weights=sample.weights,
        pull=Pull(to, TYPICAL, strength),
        scale=SCALE,
    )
