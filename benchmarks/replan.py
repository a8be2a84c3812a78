"""A planner of 1,000 services after one change: beside a solve from nothing, on the same problem.

    python benchmarks/replan.py [SERVICES] [CHANGES]

Every change is one demand or one price, drawn from a seed and undone afterwards; both answers are
proved within the same gap, and each must lie within the other's bound. "solve" has its solver
processes running, as the planner has. Least disturbance is measured on the same changes, with
costs for starting and moving.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

import infersave
from infersave import Disturbance, FleetProblem, Planner, SolveOptions
from infersave.benchmarks.fleets import draw

GAP = 1e-4
SEED = 7
COSTS = Disturbance(start_usd=0.2, stop_usd=0.05, move_usd=0.2, hours=1.0)


def changes(problem: FleetProblem, count: int) -> list[tuple[str, dict[str, dict[str, float]]]]:
    """One demand or one price each, in turn."""
    rng = np.random.default_rng(SEED)
    used = {vm.vm_type for vm in infersave.solve(problem, options=SolveOptions(relative_gap=GAP)).vms}
    offers = [offer for offer in problem.offers if offer.vm_type.name in used]
    found = []
    for number in range(count):
        factor = float(rng.uniform(0.8, 1.25))
        if number % 2:
            offer = offers[rng.integers(len(offers))]
            found.append(("price", {"usd_per_hour": {offer.key: offer.usd_per_hour * factor}}))
        else:
            w = problem.workloads[rng.integers(len(problem.workloads))]
            rate = (w.requests_per_s or 1.0) * factor
            found.append(("demand", {"requests_per_s": {w.name: rate}}))
    return found


def main(arguments: list[str]) -> None:
    """Print medians and ratios."""
    n, count = (int(a) for a in [*arguments, *["1000", "20"][len(arguments) :]])
    problem, options = draw(n), SolveOptions(relative_gap=GAP)
    for name, disturbance in (("no cost of change", Disturbance()), ("with costs", COSTS)):
        planner = Planner(problem, disturbance=disturbance, options=options)
        planner.adopt(planner.replan())
        cold: dict[str, list[float]] = {}
        warm: dict[str, list[float]] = {}
        apart, moved = 0, []
        for kind, change in changes(problem, count):
            planner.update(problem, **change)
            start = time.perf_counter()
            plan = infersave.solve(planner.problem, options=options)
            cold.setdefault(kind, []).append(time.perf_counter() - start)
            start = time.perf_counter()
            found = planner.replan()
            warm.setdefault(kind, []).append(time.perf_counter() - start)
            moved.append(found.n_changes)
            both = plan.usd_per_hour_bound, found.plan.usd_per_hour_bound
            assert both[0] is not None
            assert both[1] is not None
            apart += plan.usd_per_hour < both[1] * (1 - 1e-9)
            apart += found.plan.usd_per_hour < both[0] * (1 - 1e-9)
            allowed = max(GAP, plan.gap or 0.0) * 1.01
            apart += not disturbance.matters and (found.plan.gap or 0.0) > allowed
        for kind in cold:
            a, b = statistics.median(cold[kind]), statistics.median(warm[kind])
            print(
                f"{name}, one {kind}: solve {1e3 * a:.0f} ms, replan {1e3 * b:.0f} ms, "
                f"ratio {a / b:.1f} (medians of {len(cold[kind])})"
            )
        print(f"{name}: {apart} disagreements, replicas changed: median {statistics.median(moved)}")


if __name__ == "__main__":
    main(sys.argv[1:])
