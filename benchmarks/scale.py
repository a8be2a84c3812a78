"""Fleets of 100 to 100,000 services: our plan beside the plain program on HiGHS and SCIP.

    python benchmarks/scale.py [SIZES] [TIME_LIMIT_S]

The last line under a table is the exponent with which our time grows in the number of services,
from 1,000 or the smallest size on.

Each run is a process of its own: wall time from problem to checked plan (model evaluation
included), cost, proved bound, gap and peak memory. "plain" is the same program in one piece,
normalised and with needless VM types left out, given whole to a solver. "limit" is what no method
that looks at every candidate can beat by much: one vectorised pass over all candidates, plus one
linear program of the reduced program.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.table import Table

import infersave
from infersave import FleetProblem, NoPlanError, SolveOptions
from infersave.benchmarks.fleets import draw, limit
from infersave.solver.backends.running import run
from infersave.solver.block import enumerate_blocks
from infersave.solver.dominance import without_dominated
from infersave.solver.estate import survey
from infersave.solver.formulation import formulate

WIDTH = 110
SIZES = (100, 300, 1_000, 10_000, 100_000)
PLAIN_UP_TO = 1_000
LIMIT_UP_TO = 10_000
TIME_LIMIT_S, LARGE_TIME_LIMIT_S = 60.0, 300.0
"""Of fleets that are also given whole to a solver, and of larger ones."""
BUDGET_GAP = 1e-2
GAP = 1e-4
ROOM = 1.05
"""The budget of limited fleets, as a multiple of what the same fleet costs without it."""
METHODS = {
    "ours": ("ortools:highs", "auto"),
    "plain HiGHS": ("ortools:highs", "candidates"),
    "plain SCIP": ("ortools:scip", "candidates"),
}


def fleet(n: int, limited: bool) -> FleetProblem:
    """The registered fleet of a size; with everything switched on its budget must be found."""
    problem = draw(n)
    if not limited:
        return problem
    free = limit(problem, usd_per_hour=1e12)
    usd = infersave.solve(free, options=SolveOptions(relative_gap=BUDGET_GAP)).usd_per_hour
    return limit(problem, usd_per_hour=usd * ROOM)


def one(n: int, limited: bool, method: str, time_limit_s: float) -> dict[str, object]:
    """One run, in this process."""
    problem = fleet(n, limited)
    infersave.solve(draw(3))  # loads the solver
    start = time.perf_counter()
    row: dict[str, object] = {}
    try:
        if method == "limit":
            return {"s": _limit(problem)}
        else:
            backend, formulation = METHODS[method]
            options = SolveOptions(relative_gap=GAP, time_limit_s=time_limit_s)
            plan = infersave.solve(
                problem,
                backend=backend,
                options=options,
                formulation=formulation,  # type: ignore[arg-type]
            )
            row = {
                "usd": plan.usd_per_hour,
                "bound": plan.usd_per_hour_bound,
                "gap": plan.gap,
                "status": plan.status.value,
            }
    except NoPlanError as error:
        row = {"status": type(error).__name__}
    row["s"] = time.perf_counter() - start
    row["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return row


def _limit(problem: FleetProblem) -> float:
    """Seconds of one pass over all candidates and of one linear program, no more."""
    options = SolveOptions()
    start = time.perf_counter()
    enumerate_blocks(problem)
    passed = time.perf_counter() - start
    estate = without_dominated(survey(problem, "ortools:highs", options))
    program, _ = formulate(estate, "candidates")
    relaxed = replace(program, integer=np.zeros(program.n_columns, bool), hint=None)
    start = time.perf_counter()
    run("ortools:highs", relaxed, options)
    return passed + time.perf_counter() - start


def main() -> None:
    """Print one table without limits and one with all of them."""
    sizes = [int(n) for n in sys.argv[1].split(",")] if len(sys.argv) > 1 else list(SIZES)
    time_limit_s = float(sys.argv[2]) if len(sys.argv) > 2 else TIME_LIMIT_S
    console = Console(width=WIDTH)
    for limited in (False, True):
        ours: dict[int, float] = {}
        table = Table("services", "method", "s", "USD/h", "bound", "gap", "status", "peak MiB")
        for n in sizes:
            for method in (*METHODS, "limit"):
                if n > PLAIN_UP_TO and method.startswith("plain"):
                    continue
                if method == "limit" and (limited or n > LIMIT_UP_TO):
                    continue
                row = _child(
                    n,
                    limited,
                    method,
                    time_limit_s if n <= PLAIN_UP_TO else LARGE_TIME_LIMIT_S,
                )
                if method == "ours" and isinstance(seconds := row.get("s"), float):
                    ours[n] = seconds
                table.add_row(f"{n:,}", method, *_cells(row))
        console.print("all limits on" if limited else "no limits", table, _growth(ours), "")


def _growth(ours: dict[int, float]) -> str:
    """The exponent of our time in the number of services, between the ends of the range."""
    sizes = [n for n in ours if n >= PLAIN_UP_TO] or list(ours)
    if len(sizes) < 2:
        return ""
    low, high = min(sizes), max(sizes)
    exponent = np.log(ours[high] / ours[low]) / np.log(high / low)
    return f"growth exponent from {low:,} to {high:,}: {exponent:.2f}"


def _child(n: int, limited: bool, method: str, time_limit_s: float) -> dict[str, object]:
    code = (
        "import json; from infersave.benchmarks.scale import one; "
        f"print(json.dumps(one({n}, {limited}, {method!r}, {time_limit_s})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        return {"status": done.stderr.strip().splitlines()[-1][:40]}
    row: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return row


def _cells(row: dict[str, object]) -> list[str]:
    def shown(key: str, form: str) -> str:
        value = row.get(key)
        return "-" if value is None else format(value, form)

    return [
        shown("s", ".3f"),
        shown("usd", ",.2f"),
        shown("bound", ",.2f"),
        shown("gap", ".4%"),
        str(row.get("status", "")),
        shown("mib", ",.0f"),
    ]


if __name__ == "__main__":
    main()
