r"""CTCF, the Compute Time Calibration Function: measured seconds from counted work.

One layer takes

$$ t = \theta \cdot \phi, \qquad \theta \ge 0 $$

with the features $\phi$ of `latency.LayerWork.features`. The paper's form (eq. 7),
$\alpha \cdot \mathrm{FLOPs}/\mathrm{peak} + \beta$, is the case of one feature and a constant.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Literal

from pydantic import Field

from .outcome import CalibrationError
from .spread import Spread
from .value import Name, NonNegative, Positive, Real, Value, WholeNumber
from .waiting import Waiting


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
        activation_s: one pass over the tokens' activations: bytes / bandwidth [s].
        logits: numbers the output head yields, 0 for a layer.
    """

    linear_s: Real
    attention_s: Real
    layers: Real
    sequences: Real
    exchange_s: Real
    exchanges: Real
    activation_s: Real
    logits: Real


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
        activation: passes over the activations: norms, rotations, copies [-].
        logit_s: cost of one logit: sampling works on all of the vocabulary [s].
    """

    linear: Positive
    attention: NonNegative
    layer_s: NonNegative
    sequence_s: NonNegative = 0.0
    exchange: NonNegative = 0.0
    sync_s: NonNegative = 0.0
    activation: NonNegative = 0.0
    logit_s: NonNegative = 0.0

    def as_tuple(self) -> tuple[float, ...]:
        """theta in the order of `FEATURES`."""
        return (
            self.linear,
            self.attention,
            self.layer_s,
            self.sequence_s,
            self.exchange,
            self.sync_s,
            self.activation,
            self.logit_s,
        )

    def times(self, factor: float) -> Coefficients:
        """Every coefficient, and so every time, multiplied."""
        return Coefficients(**{name: factor * value for name, value in self})


MEDIAN = 0.5
"""Confidence of the predictions as fitted: as often too slow as too fast."""

Confidence = Annotated[float, Field(ge=MEDIAN, lt=1, strict=True)]

ANY = "any"
"""In place of an engine, a software, an architecture: holds for all without one of their own."""


class Calibration(Value):
    """CTCF of one GPU, for planning under an engine or for predicting a measured software.

    Attributes:
        gpu: GPU it was measured on, or transferred to.
        engine: engine it holds for; `any` where no engine has one of its own.
        software: serving software it was measured with (vLLM, TensorRT-LLM, ...); `any` for
            plans, which do not name one.
        architecture, precision: the LLM and its weights where it was fitted to them alone.
        kind: `fitted` on rows of this GPU, or `prior` transferred from others.
        prefill_residual: relative error that 90 % of predictions stay within.
        decode_residual: the same for a decode step.
        prefill_spread, decode_spread: quantiles of the held-out errors; absent: those of a
            spread that the residual describes.
        waiting: how first tokens wait in a closed loop; absent where none was measured.
        stretch: multiple of the spread beyond the measured range.
        degree_stretch: the same at a tensor-parallel degree that no row has.
        degrees: tensor-parallel degrees of the rows.
        rows: measured rows behind it.
        max_batch, max_context_tokens, max_gpus: the range the rows cover; beyond it a
            prediction is an extrapolation and plans say so. 0 for a prior.
        source: where the rows come from.
    """

    gpu: Name
    engine: Name = ANY
    software: Name = ANY
    architecture: Name = ANY
    precision: Name = ANY
    kind: Literal["fitted", "prior"]
    prefill: Coefficients
    decode: Coefficients
    prefill_residual: Positive
    decode_residual: Positive
    prefill_spread: Spread | None = None
    decode_spread: Spread | None = None
    waiting: Waiting | None = None
    stretch: Annotated[float, Field(ge=1, strict=True)] = 1.0
    degree_stretch: Annotated[float, Field(ge=1, strict=True)] = 1.0
    degrees: tuple[int, ...] = ()
    rows: WholeNumber = 0
    max_batch: WholeNumber = 0
    max_context_tokens: WholeNumber = 0
    max_gpus: WholeNumber = 0
    source: str = ""
    date: str = ""

    @property
    def plans(self) -> bool:
        """Whether plans use it: it holds for every software and architecture."""
        return self.software == self.architecture == self.precision == ANY

    @property
    def residual(self) -> float:
        """The wider of the two phases' residuals."""
        return max(self.prefill_residual, self.decode_residual)

    def factor(self, confidence: float, stretch: float = 1.0) -> tuple[float, float]:
        """Multiples of the predicted prefill and decode time that hold with a probability.

        measured <= factor * predicted with probability `confidence`; 1 at one half, rising.

        Args:
            confidence: inside (0, 1).
            stretch: multiple of the spread, of a use beyond the measured range (`widening`).

        Raises:
            CalibrationError: the confidence is not inside (0, 1).
        """
        prefill = self.prefill_spread or Spread.within(self.prefill_residual)
        decode = self.decode_spread or Spread.within(self.decode_residual)
        return prefill.factor(confidence, stretch), decode.factor(confidence, stretch)

    def at(self, confidence: float, stretch: float = 1.0) -> Calibration:
        r"""The same with times that hold with a probability: $\theta$ times each phase's factor.

        Every service metric is a sum of the two phase times with factors that are not negative. It
        holds with exactly that probability if both phases err together. If they err independently
        it holds more often at high confidence, and a little less often near one half: medians do
        not add up. Transfers over the host link are not part of CTCF and stay as they are.

        >>> theta = Coefficients(linear=2.0, attention=1.0, layer_s=0.0)
        >>> median = Calibration(gpu="X", kind="prior", prefill=theta, decode=theta,
        ...                      prefill_residual=0.5, decode_residual=0.25)
        >>> median.at(0.5) is median, round(median.at(0.95).decode.linear, 9)
        (True, 2.5)
        """
        if confidence == MEDIAN:
            return self
        prefill, decode = self.factor(confidence, stretch)
        slower = {"prefill": self.prefill.times(prefill), "decode": self.decode.times(decode)}
        return self.replace(**slower)

    def widening(self, batch: int, context_tokens: int, n_gpus: int) -> float:
        """Multiple of the spread at a use: of the widest of what it goes beyond."""
        if self.kind == "prior":
            return 1.0  # its spread is already that of GPUs nobody measured
        beyond = self.stretch if self.beyond(batch, context_tokens, n_gpus) else 1.0
        return max(beyond, 1.0 if n_gpus in self.degrees else self.degree_stretch)

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


def calibration_for(calibrations: tuple[Calibration, ...], gpu: str, engine: str) -> Calibration:
    """The calibration of a GPU under an engine, else the GPU's `any`.

    Raises:
        CalibrationError: there is none for this GPU.
    """
    mine = {c.engine: c for c in calibrations if c.gpu == gpu and c.plans}
    found = mine.get(engine) or mine.get(ANY)
    if found is None:
        raise CalibrationError(f"no calibration for GPU {gpu!r} under engine {engine!r}")
    return found
