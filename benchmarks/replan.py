"""A planner of 1,000 services after one change: beside a solve from nothing, on the same problem.

    python benchmarks/replan.py [SERVICES] [CHANGES]

Every change is one demand, one price of a VM type in use or one of another, by a factor from 0.8 to
1.25, drawn from a seed, from the same running fleet. Both answers are proved within the same gap;
each must lie within the other's bound. "solve" has its solver processes running, as the planner
has. The last columns: answers at least ten times as fast, replicas that change (median), answers
that contradict.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator

import numpy as np
from rich.console import Console
from rich.table import Table

import infersave
from infersave import Disturbance, FleetPlan, FleetProblem, Planner, SolveOptions
from infersave.benchmarks.fleets import draw

GAP = 1e-4
SEED = 7
LEAST, MOST = 0.8, 1.25
COSTS = {
    "none": Disturbance(),
    "start 0.2, stop 0.05, move 0.2 USD": Disturbance(start_usd=0.2, stop_usd=0.05, move_usd=0.2),
}
KINDS = ("a demand", "a price in use", "another price")
FAST = 10.0
"""How many times as fast as a solve an answer is to be."""

Change = dict[str, dict[str, float]]


def changes(problem: FleetProblem, plan: FleetPlan, count: int) -> Iterator[tuple[str, Change]]:
    """One at a time, each kind in turn."""
    rng = np.random.default_rng(SEED)
    used = {vms.vm_type for vms in plan.vms}
    offers = {
        KINDS[1]: [offer for offer in problem.offers if offer.vm_type.name in used],
        KINDS[2]: [offer for offer in problem.offers if offer.vm_type.name not in used],
    }
    for number in range(count):
        kind, factor = KINDS[number % len(KINDS)], float(rng.uniform(LEAST, MOST))
        if kind in offers:
            offer = offers[kind][rng.integers(len(offers[kind]))]
            yield kind, {"usd_per_hour": {offer.key: offer.usd_per_hour * factor}}
        else:
            workload = problem.workloads[rng.integers(len(problem.workloads))]
            assert workload.requests_per_s is not None
            yield kind, {"requests_per_s": {workload.name: workload.requests_per_s * factor}}


def disagree(one: FleetPlan, other: FleetPlan) -> bool:
    """Whether a plan lies below the other's bound, or proves less than the other did."""
    assert one.usd_per_hour_bound is not None
    assert other.usd_per_hour_bound is not None
    slack = 1e-9 * one.usd_per_hour
    below = (
        one.usd_per_hour < other.usd_per_hour_bound - slack
        or other.usd_per_hour < one.usd_per_hour_bound - slack
    )
    return below or (other.gap or 0.0) > max(GAP, one.gap or 0.0) * 1.01


def main(arguments: list[str]) -> None:
    """Print a row for each cost of changes and kind of change."""
    n, count = (int(a) for a in [*arguments, *["1000", "60"][len(arguments) :]])
    problem, options = draw(n), SolveOptions(relative_gap=GAP)
    table = Table("changes cost", "what changed", "solve ms", "replan ms", "ratio", "p90 ms")
    for title in ("10 x", "changed", "contradict"):
        table.add_column(title)
    for name, disturbance in COSTS.items():
        planner = Planner(problem, disturbance=disturbance, options=options)
        planner.adopt(planner.replan())
        assert planner.running is not None
        rows: dict[str, list[tuple[float, float, int, bool]]] = {kind: [] for kind in KINDS}
        for kind, change in changes(problem, planner.running, count):
            planner.update(problem, **change)
            start = time.perf_counter()
            plan = infersave.solve(planner.problem, options=options)
            middle = time.perf_counter()
            found = planner.replan()
            end = time.perf_counter()
            wrong = disagree(plan, found.plan) if not disturbance.matters else False
            rows[kind].append((middle - start, end - middle, found.n_changes, wrong))
        for kind, of_kind in rows.items():
            table.add_row(name, kind, *_cells(of_kind))
    Console(width=120).print(table)


def _cells(rows: list[tuple[float, float, int, bool]]) -> list[str]:
    """Medians of one kind."""
    cold, warm, changed, wrong = zip(*rows, strict=True)
    solve_s, replan_s = statistics.median(cold), statistics.median(warm)
    quick = sum(before >= FAST * after for before, after in zip(cold, warm, strict=True))
    return [
        f"{1e3 * solve_s:.0f}",
        f"{1e3 * replan_s:.0f}",
        f"{solve_s / replan_s:.1f}",
        f"{1e3 * float(np.quantile(warm, 0.9)):.0f}",
        f"{quick} of {len(rows)}",
        f"{statistics.median(changed):.0f}",
        str(sum(wrong)),
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
