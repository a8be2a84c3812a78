"""The independent check accepts true plans and refuses every corrupted one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infersave import (
    FleetPlan,
    FleetProblem,
    InfeasibleError,
    Status,
    VerificationError,
    solve,
    verify,
)
from infersave.models.deployment import SLOCheck
from infersave.models.plan import LimitUse
from infersave.solver.seats import Load, seat_all
from infersave.solver.verify import find_violations

FleetMaker = Callable[[int], FleetProblem]
SEEDS = range(400, 425)


def planned(problem: FleetProblem) -> FleetPlan:
    try:
        return solve(problem)
    except InfeasibleError:
        pytest.skip("this fleet has no plan")


def corruptions(plan: FleetPlan) -> dict[str, FleetPlan]:
    """One small lie each."""
    first, vm = plan.assignments[0], plan.vms[0]
    deployment, performance = first.deployment, first.performance
    offload = deployment.offload
    cent = 0.01

    def with_first(**changes: Any) -> FleetPlan:
        return plan.replace(assignments=(first.replace(**changes), *plan.assignments[1:]))

    def with_vm(**changes: Any) -> FleetPlan:
        return plan.replace(vms=(vm.replace(**changes), *plan.vms[1:]))

    slo = SLOCheck(slo="ttft_s", bound=1.0, predicted=0.5, slack=0.5)
    raised = tuple(min(1.0, f + 0.01) if f < 1 else 0.98 for f in offload.fractions)
    return {
        "cost one cent off": plan.replace(usd_per_hour=plan.usd_per_hour + cent),
        "VM cost one cent off": with_vm(usd_per_hour=vm.usd_per_hour + cent),
        "bound above cost": plan.replace(usd_per_hour_bound=plan.usd_per_hour * 1.01),
        "gap off": plan.replace(gap=0.5),
        "one VM more": with_vm(count=vm.count + 1),
        "one GPU more": with_vm(gpus=vm.gpus + 1),
        "one used GPU less": with_vm(gpus_used=vm.gpus_used + 1),
        "VM elsewhere": with_vm(region="elsewhere"),
        "VM missing": plan.replace(vms=plan.vms[1:]),
        "one replica more": with_first(replicas=first.replicas + 1),
        "a part more": with_first(part=first.part + 0.5),
        "no seats": plan.replace(hosts=()),
        "another VM's number": plan.replace(
            hosts=(plan.hosts[0].replace(first=plan.hosts[0].first + 1), *plan.hosts[1:])
        ),
        "a seat too many": plan.replace(
            hosts=(plan.hosts[0].replace(seats=plan.hosts[0].seats * 2), *plan.hosts[1:])
        ),
        "a limit of its own": plan.replace(
            limits=(LimitUse(name="budget", unit="usd", used=0.0, limit=1.0),)
        ),
        "a zone": with_first(zone=0),
        "a period": with_first(period=0),
        "unknown workload": with_first(workload="nobody"),
        "unknown class": with_first(request_class=7),
        "served by nothing": plan.replace(assignments=plan.assignments[1:]),
        "batch doubled": with_first(deployment=deployment.replace(batch=deployment.batch * 2)),
        "faster than it is": with_first(
            performance=performance.replace(tpot_s=performance.tpot_s * 0.9 + 1e-4)
        ),
        "offload changed": with_first(
            deployment=deployment.replace(offload=offload.replace(fractions=raised))
        ),
        "schedule of another LLM": with_first(
            deployment=deployment.replace(
                offload=offload.replace(fractions=(*offload.fractions, 0.0))
            )
        ),
        "another schema": plan.replace(schema_version=99),
        "no plan's status": plan.replace(status=Status.INFEASIBLE),
        "proved by nothing": plan.replace(usd_per_hour_bound=0.0, gap=1.0),
        "another engine": with_first(engine="nobody"),
        "offloads otherwise": with_first(offload_semantics="magic"),
        "measured after all": with_first(calibration="fitted"),
        "more exact than it is": with_first(prediction_error=0.001),
        "nothing extrapolated": with_first(extrapolates=()),
        "another SLO": with_first(slos=(*first.slos, slo)),
        "slack of its own": with_first(
            slos=tuple(c.replace(slack=9.0) for c in first.slos) or (slo,)
        ),
        "another price date": with_vm(price_date="tomorrow"),
        "layers that are not there": with_first(
            deployment=deployment.replace(
                offload=offload.replace(layers=tuple(n + 1 for n in offload.layers))
            )
        ),
        "a rate out of the air": with_first(requests_per_s=1e9),
        "three GPUs": with_first(deployment=deployment.replace(n_gpus=3)),
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_true_plans_hold_and_lies_are_caught(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed)
    plan = planned(problem)
    verify(problem, plan)
    verify(problem, FleetPlan.model_validate_json(plan.model_dump_json()))
    for lie, corrupted in corruptions(plan).items():
        assert list(find_violations(problem, corrupted)), f"not caught: {lie}"


def test_demand_beyond_capacity_is_caught(random_fleet: FleetMaker) -> None:
    caught = 0
    for seed in SEEDS:
        problem = random_fleet(seed)
        plan = planned(problem)
        more = tuple(
            w.replace(requests_per_s=w.requests_per_s * 1.001) if w.requests_per_s else w
            for w in problem.workloads
        )
        if more == problem.workloads:
            continue
        with pytest.raises(VerificationError, match="requests/s"):
            verify(problem.replace(workloads=more), plan)
        caught += 1
    assert caught > 1


@pytest.mark.parametrize(
    ("room", "replicas", "needed"),
    [
        (8, [(8, 1), (4, 2), (2, 3), (1, 2)], 3),
        (8, [(4, 3), (2, 1), (1, 1)], 2),
        (8, [(1, 17)], 3),
        (6, [(2, 2), (1, 2), (6, 1)], 2),
    ],
)
def test_replicas_are_packed_without_crossing_a_vm(
    room: int, replicas: list[tuple[int, int]], needed: int
) -> None:
    rooms = seat_all(room, 0, [Load("chat", size, 1, count) for size, count in replicas])
    assert len(rooms) == needed
    assert sum(r.free for r in rooms) == room * needed - sum(s * c for s, c in replicas)


def test_demand_routed_past_a_replica_is_caught(random_fleet: FleetMaker) -> None:
    caught = 0
    for seed in range(440, 600):
        problem = random_fleet(seed)
        try:
            plan = solve(problem)
        except InfeasibleError:
            continue
        for index, first in enumerate(plan.assignments):
            if first.requests_per_s is None or first.job is not None or first.replicas < 2:
                continue
            one = first.replace(part=1.0)
            rest = first.replace(part=first.replicas - 1.0, requests_per_s=1e-9)
            others = (*plan.assignments[:index], *plan.assignments[index + 1 :])
            lie = plan.replace(assignments=(one, rest, *others))
            assert any("to replicas that carry" in text for text in find_violations(problem, lie))
            caught += 1
    assert caught > 1


def test_every_violation_is_listed(random_fleet: FleetMaker) -> None:
    problem = random_fleet(401)
    plan = planned(problem)
    wrong = plan.replace(usd_per_hour=plan.usd_per_hour * 2, gap=0.9)
    with pytest.raises(VerificationError) as caught:
        verify(problem, wrong)
    assert len(caught.value.violations) >= 2
