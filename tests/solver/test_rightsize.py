"""Plans run the smallest batches that carry their demand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import infersave
from infersave import SLO, FleetProblem, RequestClass, Workload, solve
from infersave.models.calibration import calibration_for
from infersave.models.deployment import evaluate
from infersave.solver.candidates import enumerate_streams

CHAT = RequestClass(input_tokens=512, output_tokens=256)


def chat(rate: float) -> FleetProblem:
    workload = Workload(
        name="chat",
        architecture=infersave.load_architecture("meta-llama/Llama-3.1-8B"),
        requests_per_s=rate,
        requests=(CHAT,),
        slo=SLO(tpot_s=0.05),
    )
    offers = infersave.load_catalog().select(provider="aws", regions="us-east-1").offers
    return FleetProblem(
        workloads=(workload,), offers=offers, calibrations=infersave.load_calibrations()
    )


@pytest.mark.parametrize("rate", [0.1, 1.0, 3.0, 7.0])
def test_one_sequence_less_would_not_carry_the_demand(rate: float) -> None:
    problem = chat(rate)
    (workload,) = problem.workloads
    plan = solve(problem)
    if len(plan.assignments) != 1:
        pytest.skip("this demand is served by a mix")
    (found,) = plan.assignments
    offer = next(o for o in problem.offers if o.vm_type.key == found.deployment.key)
    calibration = calibration_for(problem.calibrations, offer.vm_type.gpu.name, "continuous")

    def carried(batch: int) -> float:
        deployment = found.deployment.replace(batch=batch)
        one = evaluate(workload, CHAT, offer.vm_type, calibration, deployment)
        return workload.target_utilization * found.replicas * one.requests_per_s

    batch = found.deployment.batch
    assert carried(batch) >= rate
    assert batch == 1 or carried(batch - 1) < rate


def test_less_demand_runs_faster_on_the_same_vm() -> None:
    times = [solve(chat(rate)).assignments[0].performance.tpot_s for rate in (0.1, 0.5, 1.0)]
    assert times == sorted(times)
    assert times[0] < times[-1]


@pytest.mark.parametrize("seed", range(700, 730))
def test_batches_never_grow_and_the_plan_still_holds(
    seed: int, random_fleet: Callable[[int], FleetProblem]
) -> None:
    problem = random_fleet(seed)
    try:
        plan = solve(problem)
    except infersave.InfeasibleError:
        pytest.skip("this fleet has no plan")
    largest = {
        (s.workload.name, s.machines.keys[k], int(s.machines.n_gpus[k])): s.trial.batch[k]
        for s in enumerate_streams(problem)
        for k in s.useful()
    }
    for a in plan.assignments:
        if a.job is None:
            key = (a.workload, a.deployment.key, a.deployment.n_gpus)
            assert a.deployment.batch <= largest.get(key, float("inf"))
