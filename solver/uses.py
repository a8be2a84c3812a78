"""What a plan takes: of each quota and budget in its worst period, and VMs by type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..models.fleet import FleetProblem
from ..models.hardware import Offer
from ..models.plan import FleetPlan, LimitUse, VMCount
from ..models.reasons import VMs


def limit_uses(
    problem: FleetProblem, vms: Sequence[VMCount], usd_per_hour: float
) -> Iterator[LimitUse]:
    """Each quota and budget with what is taken of it."""
    offers = {(o.vm_type.key, o.region, o.purchase): o for o in problem.offers}
    rented = [(vm, offers[f"{vm.provider}:{vm.vm_type}", vm.region, vm.purchase]) for vm in vms]
    for quota in problem.quotas:
        used = _worst(
            problem,
            [(vm, vm.count * quota.weight(o.vm_type)) for vm, o in rented if quota.matches(o)],
        )
        yield LimitUse(name=quota.name, unit=quota.unit, used=used, limit=quota.limit)
    budget = problem.budget
    if budget.usd_per_hour is not None:
        used = _worst(problem, [(vm, vm.usd_per_hour) for vm in vms])
        yield LimitUse(name="budget", unit="usd_per_hour", used=used, limit=budget.usd_per_hour)
    if budget.usd is not None:
        used = usd_per_hour * sum(problem.hours)
        yield LimitUse(name="budget", unit="usd", used=used, limit=budget.usd)


def _worst(problem: FleetProblem, taken: Sequence[tuple[VMCount, float]]) -> float:
    """The most that is taken at one time; what has no period is there all the time."""
    always = sum(amount for vm, amount in taken if vm.period is None)
    by_period = [
        sum(amount for vm, amount in taken if vm.period == t) for t in range(len(problem.hours))
    ]
    return always + max(by_period)


def offers_by_place(problem: FleetProblem) -> dict[tuple[str, str, str], Offer]:
    """Offers by VM type key, region and purchase option."""
    return {(o.vm_type.key, o.region, o.purchase): o for o in problem.offers}


def vms_by_type(problem: FleetProblem, plan: FleetPlan) -> tuple[VMs, ...]:
    """VMs by type, on average over the horizon."""
    mean: dict[tuple[str, str], float] = {}
    for vm in plan.vms:
        part = 1.0 if vm.period is None else problem.hours[vm.period] / sum(problem.hours)
        key = vm.provider, vm.vm_type
        mean[key] = mean.get(key, 0.0) + vm.count * part
    return tuple(VMs(provider=p, vm_type=name, count=n) for (p, name), n in mean.items())
