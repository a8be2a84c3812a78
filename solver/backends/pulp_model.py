"""A program as a PuLP model, solved in this process: all that touches PuLP itself."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from ...models.outcome import BackendError, Status
from ..program import Program, SolveOptions
from .finish import Answer, absolute_gap, whole_bounds

CBC = "cbc"
"""The CBC that PuLP bundles, as opposed to one found on PATH."""

GAPS = ("COIN_CMD", "CPLEX_CMD", "FSCIP_CMD", "GUROBI_CMD", "HiGHS", "HiGHS_CMD", "SCIP_CMD")
"""Solvers whose PuLP wrapper passes on the time limit, both gaps and the thread count."""

EXACT = ("GLPK_CMD",)
"""Solvers whose wrapper passes on the time limit alone, and which search to a gap of 0."""

OTHERS = (
    *("CHOCO_CMD", "COINMP_DLL", "COPT", "COPT_CMD", "COPT_DLL", "CPLEX_PY", "CUOPT", "CyLP"),
    *("GUROBI", "MIPCL_CMD", "MOSEK", "PYGLPK", "SAS94", "SASCAS", "SCIP_PY", "XPRESS"),
    "XPRESS_PY",
)
"""Solvers that PuLP knows and that would drop an option in silence."""

DIGITS = 1e-8
"""CBC hands values over as eight significant digits."""


def answer_here(program: Program, options: SolveOptions, solver: str, folder: str) -> Answer:
    """Build the model, solve it and read the answer, in this process.

    Raises:
        BackendError: PuLP gave up, or ended in a state that is no answer.
    """
    import pulp

    problem, columns = _build(pulp, program)
    tool = _tool(pulp, program, options, solver)
    tool.tmpDir = folder
    began = time.monotonic()
    try:
        problem.solve(tool)
    except pulp.PulpSolverError as error:
        raise BackendError(f"pulp:{solver} failed: {error}") from error
    # Some wrappers say optimal or infeasible when time was up: then neither is believed.
    late = time.monotonic() - began >= options.time_limit_s
    # `status` says "Optimal" of any point; `sol_status` alone tells a proof from a limit.
    if problem.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible):
        proved = problem.sol_status == pulp.LpSolutionOptimal and not late
        values, _ = whole_bounds(program)
        for j, column in enumerate(columns):
            if column.varValue is not None:  # None: in no row and at no cost, so left out
                values[j] = column.varValue
        claim = Status.OPTIMAL if proved else Status.FEASIBLE
        return Answer(claim, values, None, "" if proved else "time", DIGITS)
    # Without a point the values are left-overs and are not read.
    if problem.status == pulp.LpStatusInfeasible and not late:
        return Answer(Status.INFEASIBLE)
    if late or problem.status == pulp.LpStatusNotSolved:
        return Answer(Status.NO_PLAN, limit="time")
    raise BackendError(f"pulp:{solver} ended as {pulp.LpStatus[problem.status]!r}")


def _build(pulp: Any, program: Program) -> tuple[Any, list[Any]]:
    """The model, with names of our own making: a user's could collide or inject lines.

    The hint stays here: from a start of that kind CBC 2.10.3 called a plan optimal that was 10 %
    too dear. `finish` holds it against the answer.
    """
    problem = pulp.LpProblem("p", pulp.LpMinimize)  # duals of maximisation change their sign
    bounds = zip(program.lower.tolist(), program.upper.tolist(), strict=True)
    kinds = np.where(program.integer, pulp.LpInteger, pulp.LpContinuous).tolist()
    columns = [
        problem.add_variable(f"x{j}", low, high if math.isfinite(high) else None, kind)
        for j, ((low, high), kind) in enumerate(zip(bounds, kinds, strict=True))
    ]
    costs = enumerate(program.cost.tolist())
    problem.setObjective(pulp.LpAffineExpression({columns[j]: c for j, c in costs if c}))
    indices, data = program.indices.tolist(), program.data.tolist()
    sides = ((pulp.LpConstraintGE, program.row_lower), (pulp.LpConstraintLE, program.row_upper))
    for i in range(program.n_rows):
        part = range(program.indptr[i], program.indptr[i + 1])
        for sense, side in sides:
            if part and math.isfinite(side[i]):
                total = pulp.LpAffineExpression({columns[indices[k]]: data[k] for k in part})
                row = pulp.LpConstraint(total, sense, rhs=float(side[i]))
                problem.addConstraint(row, f"c{i}{'u' if sense == pulp.LpConstraintLE else 'l'}")
    return problem, columns


def _tool(pulp: Any, program: Program, options: SolveOptions, solver: str) -> Any:
    """PuLP's solver object, with every option that it can be given."""
    if solver in EXACT:
        return pulp.getSolver(solver, msg=False, timeLimit=math.ceil(options.time_limit_s))
    gaps = {"gapRel": options.relative_gap, "gapAbs": absolute_gap(program)}
    # One thread of a parallel search is not the serial search.
    threads = options.threads if options.threads > 1 else None
    if solver != CBC:
        limit = math.ceil(options.time_limit_s)
        return pulp.getSolver(solver, msg=False, timeLimit=limit, threads=threads or 1, **gaps)
    seed = 1 + options.seed % (2**31 - 2)  # 0 would mean the time of day
    native = [f"{name} {value}" for name, value in options.native.items()]  # checked: no blanks
    return pulp.COIN_CMD(
        path=pulp.PULP_CBC_CMD.pulp_cbc_path,  # left to itself PuLP prefers any cbc on PATH
        msg=False,
        timeLimit=options.time_limit_s,
        timeMode="elapsed",  # CBC counts CPU time by default
        threads=threads,
        options=[f"randomSeed {seed}", f"randomCbcSeed {seed}", *native],
        **gaps,
    )
