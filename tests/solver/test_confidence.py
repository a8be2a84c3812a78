"""Confidence: plans on times that hold with a probability, not on the median."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from infersave import (
    FleetProblem,
    InfeasibleError,
    ProblemError,
    SolveOptions,
    VerificationError,
    solve,
    verify,
)
from infersave.models.held import HeldCalibrations
from infersave.models.spread import Spread

EXACT = SolveOptions(relative_gap=0.0, time_limit_s=30.0)
AGREE = 1e-6
LEVELS = (0.5, 0.75, 0.9, 0.99)
FleetMaker = Callable[[int], FleetProblem]


def cost(problem: FleetProblem, formulation: str = "candidates") -> float:
    """The proved least cost; infinite where no plan holds."""
    try:
        return solve(problem, options=EXACT, formulation=formulation).usd_per_hour  # type: ignore[arg-type]
    except InfeasibleError:
        return float("inf")


@pytest.mark.parametrize("seed", range(12))
def test_more_confidence_never_costs_less(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed)
    costs = [cost(problem.replace(confidence=level)) for level in LEVELS]
    for looser, tighter in pairwise(costs):
        assert tighter >= looser * (1 - AGREE)


def test_some_fleet_pays_for_confidence(random_fleet: FleetMaker) -> None:
    problems = [random_fleet(seed) for seed in range(12)]
    assert any(cost(p.replace(confidence=0.99)) > cost(p) * (1 + AGREE) for p in problems)


@pytest.mark.parametrize("seed", range(6))
def test_the_definition_agrees(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed).replace(confidence=0.9)
    assert cost(problem, "layers") == pytest.approx(cost(problem), rel=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_without_errors_it_changes_nothing(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed)
    none = Spread(below=0.0, above=0.0)
    exact = tuple(c.replace(prefill_spread=none, decode_spread=none) for c in problem.calibrations)
    problem = problem.replace(calibrations=exact)
    assert cost(problem.replace(confidence=0.99)) == pytest.approx(cost(problem), rel=AGREE)


def test_times_are_the_median_times_the_factor(random_fleet: FleetMaker) -> None:
    for median in random_fleet(1).calibrations:
        prefill, decode = median.factor(0.9)
        held = median.at(0.9)
        assert prefill > 1
        assert held.prefill.linear == pytest.approx(prefill * median.prefill.linear)
        assert held.decode.layer_s == pytest.approx(decode * median.decode.layer_s)


def test_a_plan_of_the_median_is_caught(random_fleet: FleetMaker) -> None:
    seed = next(seed for seed in range(20) if cost(random_fleet(seed)) < float("inf"))
    problem = random_fleet(seed)
    plan = solve(problem, options=EXACT)
    sure = problem.replace(confidence=0.9)
    with pytest.raises(VerificationError, match=r"confidence is 0\.9, the plan says 0\.5"):
        verify(sure, plan)
    claims = tuple(a.replace(confidence=0.9) for a in plan.assignments)
    with pytest.raises(VerificationError, match=r"prefill_s is"):
        verify(sure, plan.replace(assignments=claims))


@pytest.mark.parametrize("value", [0.49, 1.0, -1.0, float("nan"), "high", True])
def test_what_is_no_confidence(value: object, random_fleet: FleetMaker) -> None:
    with pytest.raises(ProblemError, match="confidence"):
        random_fleet(0).replace(confidence=value)


@pytest.mark.parametrize("seed", range(6))
def test_every_slo_may_ask_for_its_own(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed)

    def each(*levels: float) -> FleetProblem:
        pairs = zip(problem.workloads, levels, strict=True)
        slos = tuple(w.replace(slo=w.slo.replace(confidence=level)) for w, level in pairs)
        return problem.replace(workloads=slos)

    n = len(problem.workloads)
    whole = cost(problem.replace(confidence=0.9))
    assert cost(each(*[0.9] * n)) == pytest.approx(whole, rel=AGREE)
    assert cost(each(*[0.5] * n).replace(confidence=0.9)) == pytest.approx(cost(problem), rel=AGREE)
    first = cost(each(0.9, *[0.5] * (n - 1)))
    assert cost(problem) * (1 - AGREE) <= first <= whole * (1 + AGREE)


def test_a_plan_shows_the_margin_of_each(random_fleet: FleetMaker) -> None:
    problem = next(p for p in map(random_fleet, range(20)) if len(p.workloads) > 1)
    first, *rest = problem.workloads
    mixed = problem.replace(workloads=(first.replace(slo=first.slo.replace(confidence=0.8)), *rest))
    plan = solve(mixed, options=EXACT)
    gpu_of = {offer.vm_type.key: offer.vm_type.gpu.name for offer in problem.offers}
    by_gpu = {c.gpu: c for c in problem.calibrations}
    for a in plan.assignments:
        asked = 0.8 if a.workload == first.name else 0.5
        factors = by_gpu[gpu_of[a.vm_key]].factor(asked)
        assert (a.confidence, a.prefill_factor, a.decode_factor) == (asked, *factors)


def test_a_degree_nobody_measured_is_wider(random_fleet: FleetMaker) -> None:
    problem = random_fleet(1).replace(confidence=0.9)
    measured = tuple(
        c.replace(kind="fitted", degrees=(1,), max_gpus=8, degree_stretch=2.0)
        for c in problem.calibrations
    )
    held = HeldCalibrations(problem.replace(calibrations=measured))
    workload, gpu = problem.workloads[0], measured[0].gpu
    one, two = held.of(workload, gpu, 1), held.of(workload, gpu, 2)
    assert two.prefill_factor == pytest.approx(one.prefill_factor**2)
    assert two.calibration.decode.linear > one.calibration.decode.linear


def test_lengths_beyond_the_range_are_wider_where_rows_were(random_fleet: FleetMaker) -> None:
    problem = random_fleet(1).replace(confidence=0.9)
    fitted = {"kind": "fitted", "degrees": (1, 2, 4), "max_gpus": 8, "max_batch": 512}
    longest = max(w.longest_tokens for w in problem.workloads)
    ranged = [
        tuple(
            c.replace(**fitted, stretch=stretch, max_context_tokens=tokens)
            for c in problem.calibrations
        )
        for stretch, tokens in ((2.0, longest), (1.0, 1), (2.0, 1))
    ]
    inside, unstretched, beyond = (cost(problem.replace(calibrations=c)) for c in ranged)
    assert inside == pytest.approx(unstretched, rel=AGREE)
    held = HeldCalibrations(problem.replace(calibrations=ranged[2]))
    factor = held.of(problem.workloads[0], ranged[2][0].gpu, 1).prefill_factor
    assert factor == pytest.approx(ranged[2][0].factor(0.9)[0] ** 2)
    assert beyond >= inside * (1 - AGREE)
