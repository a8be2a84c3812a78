r"""CTCF, the Compute Time Calibration Function: measured seconds from counted work.

One layer takes

$$ t = \theta \cdot \phi, \qquad \theta \ge 0 $$

with the features $\phi$ of `latency.LayerWork.features`. The paper's form (eq. 7),
$\alpha \cdot \mathrm{FLOPs}/\mathrm{peak} + \beta$, is the case of one feature and a constant.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from .outcome import CalibrationError
from .spread import Spread
from .value import FloatArray, Name, NonNegative, Positive, Real, Value, WholeNumber


@dataclass(frozen=True, slots=True)
class Features:
    """Counted work of one layer, each entry a float or an array over candidates.

    Attributes:
        linear_s: weights against activations: max(FLOPs / peak, weight bytes / bandwidth) [s].
        attention_s: scores and values: max(FLOPs / peak, KV bytes / bandwidth) [s].
        layers: 1 for a layer, 0 for the output head [layers].
        sequences: sequences in the batch x layers.
        exchange_s: tensor-parallel bytes / GPU link [s].
        exchanges: all-reduces, 0 on one GPU.
    """

    linear_s: Real
    attention_s: Real
    layers: Real
    sequences: Real
    exchange_s: Real
    exchanges: Real


FEATURES = tuple(field.name for field in fields(Features))


class Coefficients(Value):
    """One phase's theta, in the order of `Features`.

    Attributes:
        linear: multiple of the ideal time of the matrix products [-].
        attention: multiple of the ideal time of attention [-].
        layer_s: fixed cost of a layer: kernel launches, scheduling [s].
        sequence_s: cost of each further sequence in a layer [s].
        exchange: multiple of the ideal exchange time [-].
        sync_s: cost of one all-reduce [s].
    """

    linear: Positive
    attention: NonNegative
    layer_s: NonNegative
    sequence_s: NonNegative = 0.0
    exchange: NonNegative = 0.0
    sync_s: NonNegative = 0.0

    def as_tuple(self) -> tuple[float, ...]:
        """theta in the order of `FEATURES`."""
        return (
            self.linear,
            self.attention,
            self.layer_s,
            self.sequence_s,
            self.exchange,
            self.sync_s,
        )


class Calibration(Value):
    """CTCF of one GPU under one engine.

    Attributes:
        gpu: GPU it was measured on, or transferred to.
        engine: engine it holds for; `any` where no engine has one of its own.
        kind: `fitted` on rows of this GPU, or `prior` transferred from others.
        prefill_residual: relative error that 90 % of predictions stay within.
        decode_residual: the same for a decode step.
        prefill_spread, decode_spread: quantiles of the held-out errors; absent: those of a
            spread that the residual describes.
        stretch: multiple of the spread beyond the measured range.
        rows: measured rows behind it.
        max_batch, max_context_tokens, max_gpus: the range the rows cover; beyond it a
            prediction is an extrapolation and plans say so. 0 for a prior.
        source: where the rows come from.
    """

    gpu: Name
    engine: Name = "any"
    kind: Literal["fitted", "prior"]
    prefill: Coefficients
    decode: Coefficients
    prefill_residual: Positive
    decode_residual: Positive
    prefill_spread: Spread | None = None
    decode_spread: Spread | None = None
    stretch: Annotated[float, Field(ge=1, strict=True)] = 1.0
    rows: WholeNumber = 0
    max_batch: WholeNumber = 0
    max_context_tokens: WholeNumber = 0
    max_gpus: WholeNumber = 0
    source: str = ""
    date: str = ""

    @property
    def residual(self) -> float:
        """The wider of the two phases' residuals."""
        return max(self.prefill_residual, self.decode_residual)

    def factor(self, confidence: float, extrapolates: bool = False) -> tuple[float, float]:
        """Multiples of the predicted prefill and decode time that hold with a probability.

        measured <= factor * predicted with probability `confidence`; 1 at one half, rising.

        Args:
            confidence: inside (0, 1).
            extrapolates: whether the use lies beyond the measured range (`beyond`).

        Raises:
            CalibrationError: the confidence is not inside (0, 1).
        """
        stretch = self.stretch if extrapolates else 1.0
        prefill = self.prefill_spread or Spread.within(self.prefill_residual)
        decode = self.decode_spread or Spread.within(self.decode_residual)
        return prefill.factor(confidence, stretch), decode.factor(confidence, stretch)

    def beyond(self, batch: int, context_tokens: int, n_gpus: int) -> tuple[str, ...]:
        """What of a use lies beyond the measured range, in words."""
        if self.kind == "prior":
            return (f"no measured row of {self.gpu}",)
        pairs = (
            ("batch", batch, self.max_batch),
            ("context tokens", context_tokens, self.max_context_tokens),
            ("GPUs", n_gpus, self.max_gpus),
        )
        return tuple(
            f"{name} {used} > {most} measured" for name, used, most in pairs if used > most
        )


def apply_ctcf(theta: tuple[Real, ...], features: Features) -> Real:
    """theta . phi [s]; entries broadcast over candidates."""
    total: Real = 0.0
    for coefficient, name in zip(theta, FEATURES, strict=True):
        total = total + coefficient * getattr(features, name)
    return total


def fit_coefficients(
    design: FloatArray,
    seconds: FloatArray,
    lower: FloatArray | None = None,
    upper: FloatArray | None = None,
) -> FloatArray:
    """Least squares on relative error, with bounds on theta.

    Rows are divided by the measured time, so that a 5 % miss weighs the same at 1 ms
    and at 1 s; a soft-L1 loss keeps single bad rows from steering.

    Args:
        design: features, shape [rows, coefficients].
        seconds: measured times [s], shape [rows].
        lower: least theta, shape [coefficients]; default 0.
        upper: greatest theta; default none.

    Raises:
        CalibrationError: fewer rows than coefficients that can move, or times that are
            not positive.
    """
    from scipy.optimize import least_squares, lsq_linear  # an extra: only fitting needs it

    low = np.zeros(design.shape[1]) if lower is None else lower
    high = np.full(design.shape[1], np.inf) if upper is None else upper
    if not (np.all(np.isfinite(design)) and np.all(seconds > 0)):
        raise CalibrationError("measured seconds must be positive and features finite")
    free = (high > low) & np.any(design != 0, axis=0)
    if len(seconds) < int(free.sum()):
        raise CalibrationError(f"{len(seconds)} rows cannot fix {int(free.sum())} coefficients")
    theta = np.where(free, 0.0, low)
    relative = design / seconds[:, None]
    target = 1.0 - relative @ theta
    scale = np.abs(relative[:, free]).mean(axis=0)
    scaled = relative[:, free] / scale
    bounds = (low[free] * scale, high[free] * scale)
    start = lsq_linear(scaled, target, bounds=bounds).x
    inside = np.clip(start, bounds[0] + 1e-12, np.maximum(bounds[1] - 1e-12, bounds[0] + 1e-12))

    def residuals(x: FloatArray) -> FloatArray:
        return np.asarray(scaled @ x - target)

    found = least_squares(residuals, inside, bounds=bounds, loss="soft_l1", f_scale=0.05)
    theta[free] = found.x / scale
    return np.asarray(theta, dtype=np.float64)


def calibration_for(calibrations: tuple[Calibration, ...], gpu: str, engine: str) -> Calibration:
    """The calibration of a GPU under an engine, else the GPU's `any`.

    Raises:
        CalibrationError: there is none for this GPU.
    """
    mine = {c.engine: c for c in calibrations if c.gpu == gpu}
    found = mine.get(engine) or mine.get("any")
    if found is None:
        raise CalibrationError(f"no calibration for GPU {gpu!r} under engine {engine!r}")
    return found
