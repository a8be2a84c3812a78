"""How much the time to a proof depends on the fleet drawn: the same sizes, several seeds.

    python benchmarks/seeds.py [SIZES] [SEEDS] [TIME_LIMIT_S]

Fleets as in `scale.py`, without limits and with all of them but the budget. Each cell: seconds to
the checked plan, and its proved gap.
"""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.table import Table

import infersave
from infersave import FleetProblem, NoPlanError, SolveOptions
from infersave.benchmarks.fleets import draw, limit

SIZES = (100, 300, 1_000)
SEEDS = 6
TIME_LIMIT_S = 20.0
GAP = 1e-4
NO_BUDGET = 1e12


def cell(problem: FleetProblem, time_limit_s: float) -> str:
    """One run."""
    options = SolveOptions(relative_gap=GAP, time_limit_s=time_limit_s)
    start = time.perf_counter()
    try:
        plan = infersave.solve(problem, options=options)
    except NoPlanError as error:
        return f"{time.perf_counter() - start:.2f} s, {type(error).__name__}"
    return f"{time.perf_counter() - start:.2f} s, {plan.gap:.4%}"


def main() -> None:
    """Print one table."""
    sizes = [int(n) for n in sys.argv[1].split(",")] if len(sys.argv) > 1 else list(SIZES)
    seeds = range(1, 1 + (int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS))
    time_limit_s = float(sys.argv[3]) if len(sys.argv) > 3 else TIME_LIMIT_S
    infersave.solve(draw(3))  # loads the solver
    table = Table("services", "limits", *(f"seed {seed}" for seed in seeds))
    for n in sizes:
        for limited in (False, True):
            problems = (draw(n, seed) for seed in seeds)
            cells = [cell(limit(p, NO_BUDGET) if limited else p, time_limit_s) for p in problems]
            table.add_row(f"{n:,}", "all" if limited else "none", *cells)
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
