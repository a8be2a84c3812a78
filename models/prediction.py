"""What a calibration says of a row, with the interval that 90 % of such rows fell into."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .calibration import ANY, Calibration
from .observation import Observation, Work, count_work, sequences_held
from .spread import LEVEL, Spread
from .value import FloatArray

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and the interval that holds it in 90 % of cases."""

    value: float
    low: float
    high: float

    @classmethod
    def within(cls, value: float, spread: Spread, stretch: float) -> Estimate:
        """The interval of a spread around a value."""
        low, high = (spread.factor(p, stretch) for p in (1.0 - LEVEL, LEVEL))
        return cls(value, value * low, value * high)


@dataclass(frozen=True, slots=True)
class Prediction:
    """Of one row.

    Attributes:
        seconds: the time that the row's kind asks for [s].
        ttft_s: of serving rows whose software has measured first tokens [s].
        tokens_per_s: input and output, of serving and batch rows.
        calibration: the one that predicted.
        held: sequences at once, fewer than the batch where memory does not hold it.
        extrapolates: what lies beyond the measured range, in words.
    """

    seconds: Estimate
    ttft_s: Estimate | None
    tokens_per_s: Estimate | None
    calibration: Calibration
    held: float
    extrapolates: tuple[str, ...]


class Predictor:
    """Predictions of many rows by the calibration nearest to each.

    Order: the LLM on this GPU and software; the GPU and software; then the software on any
    GPU or the GPU under any software, whichever erred less on rows held out; then the pool.
    """

    def __init__(self, calibrations: Iterable[Calibration]) -> None:
        self.known: dict[Key, Calibration] = {
            (c.gpu, c.software, c.architecture, c.precision): c
            for c in calibrations
            if c.engine == ANY
        }

    def choose(self, row: Observation) -> Calibration:
        """The calibration of a row."""
        gpu, software = row.gpu.name, row.software
        for key in (
            (gpu, software, row.architecture.name, row.precision),
            (gpu, software, ANY, ANY),
        ):
            if key in self.known:
                return self.known[key]
        return self.choose_elsewhere(row)

    def choose_elsewhere(self, row: Observation) -> Calibration:
        """The calibration of a row as if its GPU had none under its software."""
        gpu, software = row.gpu.name, row.software
        base = software.split(",")[0]
        near = ((ANY, software), (gpu, base), (ANY, base), (gpu, ANY), (ANY, ANY))
        found = [self.known[*key, ANY, ANY] for key in near if (*key, ANY, ANY) in self.known]
        prefill = row.kind == "prefill"
        return min(found, key=lambda c: c.prefill_residual if prefill else c.decode_residual)

    def predict(self, rows: Sequence[Observation], serial: Iterable[int] = ()) -> list[Prediction]:
        """Predictions in the order of the rows.

        Args:
            rows: what is asked.
            serial: rows whose stated batch did not run at once although memory holds it.
        """
        one_by_one = set(serial)
        held = [_held(row, i in one_by_one) for i, row in enumerate(rows)]
        work = count_work([replace(row, batch=h) for row, h in zip(rows, held, strict=True)])
        return [self._one(row, work, i, held[i]) for i, row in enumerate(rows)]

    def _one(self, row: Observation, work: Work, i: int, held: float) -> Prediction:
        calibration = self.choose(row)
        prefill = _dot(work.prefill[i], calibration.prefill.as_tuple())
        decode = _dot(work.decode[i], calibration.decode.as_tuple())
        mine = replace(row, batch=held)
        share = mine.shares[0] * prefill
        seconds = share + mine.shares[1] * decode
        use = int(row.batch), int(row.context_tokens), row.n_gpus
        beyond, stretch = calibration.beyond(*use), calibration.widening(*use)
        first, second = calibration.prefill_spread, calibration.decode_spread
        whole = first if share > seconds / 2 else second
        spread = whole or Spread.within(calibration.residual)
        waves = row.batch / held
        if row.kind == "batch":
            seconds *= waves
        estimate = Estimate.within(seconds, spread, stretch)
        ttft = rate = None
        tokens = row.batch * (row.input_tokens + row.output_tokens)
        if row.kind == "batch":
            rate = Estimate(tokens / seconds, tokens / estimate.high, tokens / estimate.low)
        if row.kind == "serving" and (waiting := calibration.waiting) is not None:
            wait = float(waiting.ttft_s(held, prefill, decode))
            wait += (waves - 1.0) * (wait + row.steps * seconds)
            ttft = Estimate.within(wait, waiting.spread, stretch)
            rate = _rate(tokens, row.steps, estimate, ttft)
        return Prediction(estimate, ttft, rate, calibration, held, beyond)


def _held(row: Observation, serial: bool) -> float:
    """Sequences at once. Where not even one fits, the row says it ran: take its batch."""
    if row.kind not in ("batch", "serving"):
        return row.batch
    held = sequences_held(row)
    if serial and held >= row.batch:
        return 1.0
    return held if held >= 1.0 else row.batch


def _rate(tokens: float, steps: float, tpot: Estimate, ttft: Estimate) -> Estimate:
    """Tokens per second of a closed loop; the errors of its parts are taken as one."""
    total = ttft.value + steps * tpot.value
    waiting = ttft.value / total

    def scaled(of_wait: float, of_step: float) -> float:
        part = waiting * np.log(of_wait / ttft.value) + (1 - waiting) * np.log(of_step / tpot.value)
        return float(tokens / (total * np.exp(part)))

    return Estimate(tokens / total, scaled(ttft.high, tpot.high), scaled(ttft.low, tpot.low))


def _dot(features: FloatArray, theta: tuple[float, ...]) -> float:
    return float(features @ np.array(theta))
