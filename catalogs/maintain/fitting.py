"""The fit itself: pooled over GPUs, then pulled to each GPU's own rows, and held-out errors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infersave.models.calibration import fit_coefficients
from infersave.models.value import FloatArray
from measured import N_FEATURES, Row

IndexArray = NDArray[np.intp] | NDArray[np.bool_]

LOWER = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0] * 2)
"""Nothing beats the hardware: matrix products and attention take at least their ideal time."""
UPPER = np.array([np.inf, np.inf, np.inf, 0.0, 2.0, np.inf, *[np.inf] * 4, 2.0, np.inf])
"""Prefill has no cost per sequence: its prompts are one matrix product, and most measured
prefills are of one prompt, where the term cannot be told from the cost of a layer.
An exchange gets at least half of its link; what small messages wait for is `sync_s`.
Without that bound, fast links teach multiples that are absurd on slow ones."""
SOURCE_ROWS = 100
"""Rows each source brings to a GPU's fit (thinned or repeated): sources run different
engines, and the one that published most must not speak for all."""
POOL_ROWS = 300
"""Rows each GPU brings to the pooled fit, likewise: one GPU, one weight."""
PULL_ROWS = 1
"""A coefficient's pull to its pooled value weighs as much as this many of those rows."""
NEGLIGIBLE = 1e-8
"""Coefficients below are solver dust on a bound at 0."""
QUANTILE = 0.9
LEAST_DOMINATED = 10
"""Held-out rows that a phase must dominate before their error is called that phase's: a
90th percentile of fewer is only a maximum."""


@dataclass(frozen=True)
class Rows:
    """The measured rows of one GPU, with their features."""

    gpu: str
    rows: tuple[Row, ...]
    design: FloatArray
    seconds: FloatArray

    @property
    def architectures(self) -> set[str]:
        """Names of the LLMs that were run."""
        return {row.architecture.name for row in self.rows}

    def take(self, keep: IndexArray) -> Rows:
        """The rows at indices or where a mask holds."""
        index = np.arange(len(self.rows))[keep]
        chosen = tuple(self.rows[i] for i in index)
        return Rows(self.gpu, chosen, self.design[index], self.seconds[index])

    def even(self) -> Rows:
        """The same number of rows from each source."""
        sources = np.array([row.source for row in self.rows])
        parts = [np.flatnonzero(sources == name) for name in sorted(set(sources))]
        return self.take(np.concatenate([part[spread(len(part), SOURCE_ROWS)] for part in parts]))


@dataclass(frozen=True)
class Errors:
    """Held-out relative errors: of rows that prefill dominates, and that decode does."""

    prefill: FloatArray
    decode: FloatArray

    def quantiles(self) -> tuple[float | None, float | None]:
        """90th percentile per phase; None where too few rows speak of it."""
        first, second = (
            float(np.quantile(x, QUANTILE)) if len(x) >= LEAST_DOMINATED else None
            for x in (self.prefill, self.decode)
        )
        return first, second


def fit_pooled(parts: Iterable[Rows]) -> FloatArray:
    """One theta for several GPUs, each with the same weight, shape [12]."""
    designs, seconds = [], []
    for part in parts:
        even = part.even()
        even = even.take(spread(len(even.rows), POOL_ROWS))
        designs.append(even.design)
        seconds.append(even.seconds)
    return fit_coefficients(np.concatenate(designs), np.concatenate(seconds), LOWER, UPPER)


def fit_pulled(part: Rows, pooled: FloatArray) -> FloatArray:
    """theta of one GPU, shape [12].

    Pull: pseudo-rows `theta_i / pooled_i = 1`. The loss is linear beyond a few percent,
    so rows that know a coefficient overrule them, and rows that do not leave it at the
    pooled value.
    """
    known = np.flatnonzero(pooled > NEGLIGIBLE)
    pull = np.zeros((len(known), len(pooled)))
    pull[np.arange(len(known)), known] = 1.0 / pooled[known]
    pull = np.tile(pull, (PULL_ROWS, 1))
    even = part.even()
    design = np.concatenate([even.design, pull])
    seconds = np.concatenate([even.seconds, np.ones(len(pull))])
    return fit_coefficients(design, seconds, LOWER, UPPER)


def folds(part: Rows) -> list[NDArray[np.bool_]]:
    """Masks of rows to hold out: one LLM at a time; with one LLM, a third of its sizes."""
    names = np.array([row.architecture.name for row in part.rows])
    if len(set(names)) > 1:
        return [names == name for name in sorted(set(names))]
    is_prefill = np.array([row.kind == "prefill" for row in part.rows])
    sizes = np.array([r.input_tokens if r.kind == "prefill" else r.batch for r in part.rows])
    third = np.zeros(len(sizes), dtype=int)
    for phase in (is_prefill, ~is_prefill):
        if phase.any():
            cuts = np.quantile(sizes[phase], [1 / 3, 2 / 3])
            third[phase] = np.searchsorted(cuts, sizes[phase])
    return [third == k for k in range(3) if (third == k).any()]


def held_out(part: Rows, pooled: FloatArray) -> Errors:
    """Errors on rows that took no part in the fit that predicts them."""
    predicted = np.zeros((len(part.rows), 2))
    for mask in folds(part):
        predicted[mask] = by_phase(part.take(mask), fit_pulled(part.take(~mask), pooled))
    return errors(part, predicted)


def by_phase(part: Rows, theta: FloatArray) -> FloatArray:
    """Predicted seconds of prefill and of decode, shape [rows, 2]."""
    terms = part.design * theta
    return np.stack([terms[:, :N_FEATURES].sum(axis=1), terms[:, N_FEATURES:].sum(axis=1)], axis=1)


def errors(part: Rows, predicted: FloatArray) -> Errors:
    """Relative errors, by the phase that takes most of the predicted time."""
    total = predicted.sum(axis=1)
    relative = np.abs(total / part.seconds - 1.0)
    mostly_prefill = predicted[:, 0] > total / 2
    return Errors(relative[mostly_prefill], relative[~mostly_prefill])


def balanced_quantile(parts: Iterable[FloatArray]) -> float:
    """90th percentile over GPUs, each with the same weight."""
    even = np.linspace(0.0, 1.0, POOL_ROWS)
    alike = [np.quantile(part, even) for part in parts if len(part) >= LEAST_DOMINATED]
    return float(np.quantile(np.concatenate(alike), QUANTILE))


def spread(have: int, want: int) -> IndexArray:
    """`want` indices, evenly over `have` rows."""
    return np.linspace(0, have - 1, want).round().astype(np.intp)
