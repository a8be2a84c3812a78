"""The times a problem is planned on: each calibration at the confidence that is asked of it."""

from __future__ import annotations

from typing import NamedTuple

from .calibration import Calibration, calibration_for
from .fleet import FleetProblem
from .workload import Workload

Kind = tuple[str, float, frozenset[str]]


class Held(NamedTuple):
    """A calibration whose times hold with a probability.

    Attributes:
        calibration: with those times.
        confidence: the probability.
        prefill_factor, decode_factor: multiples of the median they are; 1 at one half.
    """

    calibration: Calibration
    confidence: float
    prefill_factor: float
    decode_factor: float


class HeldCalibrations:
    """Those of a problem, each worked out once.

    The margin is wider where the longest context or the tensor-parallel degree lie beyond the
    measured range and held-out rows beyond it were further off. It does not depend on the batch,
    which is still to be decided; plans say where that is beyond the range.
    """

    def __init__(self, problem: FleetProblem) -> None:
        self._problem = problem
        self._median: dict[tuple[str, str], Calibration] = {}
        self._held: dict[tuple[str, str, float, float], Held] = {}
        fitted = [c for c in problem.calibrations if c.kind == "fitted"]
        self._stretched = [c for c in fitted if c.plans and c.stretch > 1]

    def of(self, workload: Workload, gpu: str, n_gpus: int) -> Held:
        """What a workload is planned with on so many GPUs of a kind.

        Raises:
            CalibrationError: the GPU has no calibration.
        """
        median = self.median(gpu, workload.engine)
        stretch = median.widening(0, workload.longest_tokens, n_gpus)
        key = gpu, workload.engine, self._problem.confidence_of(workload), stretch
        if key not in self._held:
            confidence = key[2]
            factors = median.factor(confidence, stretch)
            self._held[key] = Held(median.at(confidence, stretch), confidence, *factors)
        return self._held[key]

    def median(self, gpu: str, engine: str) -> Calibration:
        """A GPU's calibration under an engine, as fitted.

        Raises:
            CalibrationError: it has none.
        """
        key = gpu, engine
        if key not in self._median:
            self._median[key] = calibration_for(self._problem.calibrations, gpu, engine)
        return self._median[key]

    def kind_of(self, workload: Workload) -> Kind:
        """Workloads of one kind are planned with the same on every GPU."""
        beyond = [c for c in self._stretched if workload.longest_tokens > c.max_context_tokens]
        wider = frozenset(f"{c.gpu} under {c.engine}" for c in beyond)
        return workload.engine, self._problem.confidence_of(workload), wider
