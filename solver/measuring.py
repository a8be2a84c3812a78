"""Which measurement would change a choice most: where the prediction's error matters.

A GPU that lost may be faster than predicted, the one that won faster or slower. Each GPU's prefill
and decode are put to an end of their 90 % interval, as if measured there, and the offers ranked
anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from ..models.calibration import Calibration, calibration_for
from ..models.fleet import FleetProblem
from ..models.outcome import InfeasibleError
from ..models.spread import LEVEL, Spread
from .candidates import cheapest_offers
from .recommend import Choice, Measurement, Phase, Recommendation, recommend

LEAST_CHANGE = 1e-6
"""Part of the cost below which a change is rounding."""
PHASES: tuple[Phase, ...] = ("prefill", "decode")


def worth_measuring(problem: FleetProblem, ranking: Recommendation) -> Recommendation:
    """The ranking with the measurement that could change its best choice most, if any could."""
    found = list(_changes(problem, ranking))
    if not found:
        return ranking
    return ranking.replace(measure=max(found, key=lambda m: (abs(m.change_usd_per_hour), m.gpu)))


def _changes(problem: FleetProblem, ranking: Recommendation) -> Iterator[Measurement]:
    best = ranking.choices[0]
    offers = tuple(cheapest_offers(problem.offers).values())
    gpu_of = {offer.vm_type.key: offer.vm_type.gpu.name for offer in offers}
    winner = gpu_of[f"{best.provider}:{best.vm_type}"]
    others = [c for c in ranking.choices if gpu_of[f"{c.provider}:{c.vm_type}"] != winner]
    for gpu in sorted(set(gpu_of.values())):
        mine = problem.replace(offers=tuple(o for o in offers if o.vm_type.gpu.name == gpu))
        for phase, slower in product(PHASES, (False, True) if gpu == winner else (False,)):
            factor, measured = _as_measured(mine, gpu, phase, slower)
            choice = _best(measured)
            # Slower, the winner may lose to the best of the others.
            left = [c for c in (choice, *(others[:1] if slower else ())) if c]
            found = min(left, key=lambda c: c.usd_per_hour, default=best)
            change = found.usd_per_hour - best.usd_per_hour
            if (change if slower else -change) > LEAST_CHANGE * best.usd_per_hour:
                yield _measurement(problem, gpu, phase, factor, choice or best, found, change)


def _as_measured(
    problem: FleetProblem, gpu: str, phase: Phase, slower: bool
) -> tuple[float, FleetProblem]:
    """The problem as if a phase had been measured at the end of its interval."""
    known = calibration_for(problem.calibrations, gpu, problem.workloads[0].engine)
    factor = known.factor(LEVEL if slower else 1.0 - LEVEL)[PHASES.index(phase)]
    theta = {"prefill": known.prefill, "decode": known.decode}[phase].times(factor)
    exact = Spread(below=0.0, above=0.0)
    measured = known.replace(**{phase: theta, f"{phase}_spread": exact})

    def changed(calibration: Calibration) -> Calibration:
        return measured if calibration is known else calibration

    return factor, problem.replace(calibrations=tuple(map(changed, problem.calibrations)))


def _best(problem: FleetProblem) -> Choice | None:
    try:
        return recommend(problem).choices[0]
    except InfeasibleError:
        return None


def _measurement(
    problem: FleetProblem,
    gpu: str,
    phase: Phase,
    factor: float,
    measured: Choice,
    found: Choice,
    change: float,
) -> Measurement:
    """What to measure: the GPU as the plan would use it, and its heaviest request class."""
    workload = problem.workloads[0]
    classes = workload.requests
    heaviest = max(measured.assignments, key=lambda a: classes[a.request_class].total_tokens)
    request = classes[heaviest.request_class]
    return Measurement(
        gpu=gpu,
        n_gpus=heaviest.deployment.n_gpus,
        phase=phase,
        batch=heaviest.deployment.batch if phase == "decode" else 1,
        input_tokens=request.input_tokens,
        output_tokens=request.output_tokens,
        factor=factor,
        vm_type=found.vm_type,
        usd_per_hour=found.usd_per_hour,
        change_usd_per_hour=change,
    )
