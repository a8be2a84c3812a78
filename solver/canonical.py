"""One order for all that a problem lists, so that the order of its file never picks the plan.

Among plans of one cost a solver takes whichever its columns and rows lead it to; these follow the
names here. What a plan lists is put back in the order of the problem afterwards.
"""

from __future__ import annotations

from ..models.fleet import FleetProblem
from ..models.plan import FleetPlan, Host, Route, VMCount
from .market import offer_key
from .uses import limit_uses


def canonical(problem: FleetProblem) -> FleetProblem:
    """The problem with its demands, offers and quotas in the order of their names."""
    return problem.model_copy(
        update={
            "workloads": tuple(sorted(problem.workloads, key=lambda w: w.name)),
            "measured": tuple(sorted(problem.measured, key=lambda m: m.name)),
            "offers": tuple(sorted(problem.offers, key=offer_key)),
            "quotas": tuple(sorted(problem.quotas, key=lambda q: q.name)),
        }
    )


def in_order_of(problem: FleetProblem, plan: FleetPlan) -> FleetPlan:
    """A plan of the canonical problem as the problem lists things."""
    demand = {d.name: number for number, d in enumerate(problem.demands)}
    offer = {offer_key(o): number for number, o in enumerate(problem.offers)}

    def stands(vms: VMCount | Host) -> int:
        return offer[f"{vms.provider}:{vms.vm_type}", vms.region, vms.purchase]

    def place(route: Route) -> tuple[int, int]:
        return demand[route.workload], route.request_class

    return plan.model_copy(
        update={
            "assignments": tuple(sorted(plan.assignments, key=place)),
            "measured": tuple(sorted(plan.measured, key=place)),
            "vms": tuple(sorted(plan.vms, key=stands)),
            "hosts": tuple(sorted(plan.hosts, key=stands)),
            "limits": tuple(limit_uses(problem, plan.vms, plan.usd_per_hour)),
        }
    )
