"""The InferSave paper's choices (arXiv:2504.11816, Tables V and VI) come out of the physics."""

from __future__ import annotations

import pytest

import infersave
from infersave import (
    SLO,
    Deployment,
    FleetProblem,
    OffloadSchedule,
    Recommendation,
    RequestClass,
    Status,
    Workload,
    evaluate,
)
from infersave.models.calibration import calibration_for
from infersave.models.engine import EngineName

ONLINE, OFFLINE = (128, 512), (1024, 128)

CHOICES = [
    (ONLINE, 400.0, ["g4dn.xlarge", "g6.xlarge"]),
    (ONLINE, 600.0, ["g6.xlarge", "g5.xlarge"]),
    (OFFLINE, 100.0, ["g4dn.xlarge", "g6.xlarge"]),
    (OFFLINE, 200.0, ["g6.xlarge", "g5.xlarge"]),
]

MEASURED = [
    (ONLINE, "g4dn.xlarge", 0.0, 620.17, 0.05),
    (ONLINE, "g6.xlarge", 0.0, 801.0, 0.05),
    (ONLINE, "g5.xlarge", 0.0, 1206.12, 0.05),
    (ONLINE, "g6e.xlarge", 0.0, 1506.0, 0.05),
    (OFFLINE, "g4dn.xlarge", 1.0, 169.17, 0.25),
    (OFFLINE, "g6.xlarge", 0.6, 414.0, 0.25),
    (OFFLINE, "g5.xlarge", 0.6, 414.01, 0.25),
    (OFFLINE, "g6e.xlarge", 0.0, 7600.0, 0.25),
]
"""Tokens, VM, the paper's offload fraction, its tokens/s, and the tolerance asked for.

The online rows are the ones that the calibration's one coefficient per GPU was fitted on.
"""


def paper_problem(
    tokens: tuple[int, int],
    tokens_per_s: float,
    engine: EngineName = "flexgen",
    offload: bool = True,
) -> FleetProblem:
    request = RequestClass(input_tokens=tokens[0], output_tokens=tokens[1])
    workload = Workload(
        name="paper",
        architecture=infersave.load_architecture("facebook/opt-2.7b"),
        engine=engine,
        requests=(request,),
        batch=32,
        slo=SLO(tokens_per_s=tokens_per_s),
        offload=offload,
    )
    catalog = infersave.load_catalog("paper").select(max_usd_per_hour=3.0)
    return FleetProblem(
        workloads=(workload,),
        offers=catalog.offers,
        calibrations=infersave.load_calibrations(),
    )


def ranked(
    tokens: tuple[int, int],
    tokens_per_s: float,
    engine: EngineName = "flexgen",
    offload: bool = True,
) -> Recommendation:
    return infersave.recommend(paper_problem(tokens, tokens_per_s, engine, offload))


@pytest.mark.parametrize(("tokens", "slo", "expected"), CHOICES)
def test_first_and_second_choice(tokens: tuple[int, int], slo: float, expected: list[str]) -> None:
    assert [choice.vm_type for choice in ranked(tokens, slo).choices[:2]] == expected


@pytest.mark.parametrize("slo", [100.0, 200.0])
def test_without_offload_only_the_largest_memory_serves(slo: float) -> None:
    found = ranked(OFFLINE, slo, offload=False)
    assert [choice.vm_type for choice in found.choices] == ["g6e.xlarge"]
    assert {r.vm_type for r in found.rejected} == {
        "g4dn.xlarge",
        "g5.xlarge",
        "g6.xlarge",
    }


def test_the_cheapest_offline_vm_offloads_most_of_its_kv() -> None:
    best = ranked(OFFLINE, 100.0).choices[0].assignments[0]
    assert 0.8 < best.performance.offloaded_fraction < 1.0
    assert best.performance.tokens_per_s == pytest.approx(160.0, rel=0.25)


@pytest.mark.parametrize(("tokens", "name", "offload", "measured", "tolerance"), MEASURED)
def test_predicted_throughput(
    tokens: tuple[int, int], name: str, offload: float, measured: float, tolerance: float
) -> None:
    problem = paper_problem(tokens, 1.0)
    (workload,) = problem.workloads
    vm_type = next(o.vm_type for o in problem.offers if o.vm_type.name == name)
    calibration = calibration_for(problem.calibrations, vm_type.gpu.name, "flexgen")
    deployment = Deployment(
        provider=vm_type.provider,
        vm_type=vm_type.name,
        n_gpus=1,
        batch=32,
        offload=OffloadSchedule.of(workload.architecture, (offload,)),
    )
    found = evaluate(workload, workload.requests[0], vm_type, calibration, deployment)
    assert found.tokens_per_s == pytest.approx(measured, rel=tolerance)


def test_a_leaner_memory_budget_needs_less_offload() -> None:
    lean = ranked(OFFLINE, 200.0, engine="static").choices[0]
    heavy = ranked(OFFLINE, 100.0).choices[0]
    assert (lean.vm_type, lean.usd_per_hour) == ("g4dn.xlarge", 0.71)
    lean_part, heavy_part = (
        choice.assignments[0].performance.offloaded_fraction for choice in (lean, heavy)
    )
    assert lean_part < heavy_part


def test_the_papers_saving() -> None:
    choices = ranked(ONLINE, 400.0).choices
    fastest = max(choices, key=lambda choice: choice.assignments[0].performance.tokens_per_s)
    assert 1 - choices[0].usd_per_hour / fastest.usd_per_hour == pytest.approx(0.737, abs=5e-4)


@pytest.mark.parametrize(("tokens", "slo", "expected"), CHOICES)
@pytest.mark.parametrize("backend", ["ortools:highs", "pulp:cbc", "exhaustive"])
def test_the_plan_agrees_with_the_ranking(
    backend: str, tokens: tuple[int, int], slo: float, expected: list[str]
) -> None:
    plan = infersave.solve(paper_problem(tokens, slo), backend=backend)
    assert plan.status is Status.OPTIMAL
    assert [vm.vm_type for vm in plan.vms] == expected[:1]
