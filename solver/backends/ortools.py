"""HiGHS, SCIP and CP-SAT through OR-Tools MathOpt, arrays in and arrays out.

The program goes over in one message of whole arrays, 20 times faster than variable by
variable, and only MathOpt's core is loaded: the friendlier layers import pandas.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np

from ...models.outcome import BackendError, Status
from ..program import Program, Solution, SolveOptions
from ..progress import OnBounds, read_row
from .finish import Answer, absolute_gap, finish
from .watch import watched

NAMES = ("ortools:highs", "ortools:scip", "ortools:cp-sat")

GRACE_S = 2.0
"""How long past its time limit a solver is waited for [s], or a tenth of the limit if longer."""


@dataclass(frozen=True, slots=True)
class OrTools:
    """One of `NAMES`."""

    name: str

    def available(self) -> str | None:
        """Why OR-Tools cannot run in this process, or None."""
        if find_spec("ortools") is None:
            return "the package ortools is not installed"
        return _clash()

    def refusal(self, program: Program, options: SolveOptions) -> str | None:
        """CP-SAT wants pure integer programs, SCIP one thread."""
        if self.name == "ortools:cp-sat" and not program.pure_integer:
            return "it rounds real variables to integers in silence; use ortools:highs"
        if self.name == "ortools:scip" and options.threads > 1:
            return "this build of SCIP is reliable on 1 thread only"
        return None

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        """Solve in a thread of its own.

        HiGHS fixes its thread count per calling thread, and fails on another one: in a fresh
        thread the count holds whatever ran before.

        Raises:
            BackendError: the solver failed.
        """
        from ortools.math_opt.core.python import solver

        started = time.monotonic()
        label = f"{self.name} {version('ortools')}"
        arguments = _arguments(self.name, program, options)
        limit = options.time_limit_s
        try:
            result = watched(lambda: solver.solve(*arguments), limit + max(GRACE_S, 0.1 * limit))
        except Exception as error:
            # MathOpt may trip over its own error object; the true message is then the context.
            raise BackendError(f"{label} failed: {error.__context__ or error}") from error
        late = Answer(Status.NO_PLAN, limit="time")
        answer = late if result is None else _answer(result, program.n_columns, label)
        return finish(program, options, answer, label, started)


def _clash() -> str | None:
    """Why OR-Tools would crash if it were loaded now, or None."""
    if "highspy" not in sys.modules or "ortools.math_opt.core.python.solver" in sys.modules:
        return None
    try:
        highspy = version("highspy")
    except PackageNotFoundError:
        return None
    major, minor = (int(part) for part in highspy.split(".")[:2])
    # From 1.15 both bring a shared libhighs; before it, PuLP loads highspy's symbols globally.
    if (major, minor) >= (1, 15) or ("pulp" in sys.modules and highspy != "1.12.0"):
        return (
            f"highspy {highspy} is loaded in this process and the two crash together; "
            "solve in a fresh process"
        )
    return None


def _arguments(name: str, program: Program, options: SolveOptions) -> tuple[Any, ...]:
    """What MathOpt's `solve` takes: the program, the solver, its parameters and the hint."""
    from ortools.math_opt import (
        callback_pb2,
        model_parameters_pb2,
        model_pb2,
        parameters_pb2,
    )

    model = model_pb2.ModelProto()
    model.variables.ids.extend(range(program.n_columns))
    model.variables.lower_bounds.extend(program.lower.tolist())
    model.variables.upper_bounds.extend(program.upper.tolist())
    model.variables.integers.extend(program.integer.tolist())
    priced = np.flatnonzero(program.cost)
    model.objective.linear_coefficients.ids.extend(priced.tolist())
    model.objective.linear_coefficients.values.extend(program.cost[priced].tolist())
    model.linear_constraints.ids.extend(range(program.n_rows))
    model.linear_constraints.lower_bounds.extend(program.row_lower.tolist())
    model.linear_constraints.upper_bounds.extend(program.row_upper.tolist())
    rows = np.repeat(np.arange(program.n_rows), np.diff(program.indptr))
    model.linear_constraint_matrix.row_ids.extend(rows.tolist())
    model.linear_constraint_matrix.column_ids.extend(program.indices.tolist())
    model.linear_constraint_matrix.coefficients.extend(program.data.tolist())

    extra = model_parameters_pb2.ModelSolveParametersProto()
    if program.hint is not None:
        point = extra.solution_hints.add().variable_values
        point.ids.extend(range(program.n_columns))
        point.values.extend(program.hint.tolist())

    parameters = parameters_pb2.SolveParametersProto(
        relative_gap_tolerance=options.relative_gap,
        absolute_gap_tolerance=absolute_gap(program),
        random_seed=options.seed % 2**30,  # SCIP adds to it, past what it accepts itself
    )
    parameters.time_limit.FromTimedelta(timedelta(seconds=options.time_limit_s))
    if name == "ortools:highs":  # MathOpt refuses `threads` for HiGHS; its own option works
        parameters.highs.int_options["threads"] = options.threads
        solver = parameters_pb2.SOLVER_TYPE_HIGHS
    else:
        parameters.threads = options.threads
        scip = name == "ortools:scip"
        solver = parameters_pb2.SOLVER_TYPE_GSCIP if scip else parameters_pb2.SOLVER_TYPE_CP_SAT
    initializer = parameters_pb2.SolverInitializerProto()
    callbacks = callback_pb2.CallbackRegistrationProto()
    listener = None if options.on_bounds is None else _listener(options.on_bounds)
    return model, solver, initializer, parameters, extra, listener, callbacks, None, None


def _listener(on_bounds: OnBounds) -> Callable[[Sequence[str]], None]:
    """Reads a solver's log for bounds; what listens cannot stop the solve."""

    def listen(lines: Sequence[str]) -> None:
        rows = [row for row in map(read_row, lines) if row is not None]
        if rows:
            with suppress(Exception):
                on_bounds(*rows[-1])

    return listen


def _answer(result: Any, n_columns: int, label: str) -> Answer:
    """MathOpt's result: reason, limit, best bound and best point.

    Raises:
        BackendError: it stopped for a reason that is no answer.
    """
    from ortools.math_opt import result_pb2

    end = result.termination
    reason = result_pb2.TerminationReasonProto.Name(end.reason)
    claims = {
        "TERMINATION_REASON_OPTIMAL": Status.OPTIMAL,
        "TERMINATION_REASON_INFEASIBLE": Status.INFEASIBLE,
        # Costs and lower bounds are checked to be finite and costs not negative, so a
        # program cannot be unbounded.
        "TERMINATION_REASON_INFEASIBLE_OR_UNBOUNDED": Status.INFEASIBLE,
        "TERMINATION_REASON_FEASIBLE": Status.FEASIBLE,
        "TERMINATION_REASON_NO_SOLUTION_FOUND": Status.NO_PLAN,
    }
    if reason not in claims:
        raise BackendError(f"{label} stopped with {reason}: {end.detail}")
    claim = claims[reason]
    values = None
    if result.solutions and claim is not Status.INFEASIBLE:
        found = result.solutions[0].primal_solution.variable_values
        values = np.zeros(n_columns)
        values[np.asarray(found.ids, np.int64)] = np.asarray(found.values, float)
    limit = ""
    if claim in (Status.FEASIBLE, Status.NO_PLAN):
        limit = result_pb2.LimitProto.Name(end.limit).removeprefix("LIMIT_").lower()
        # CP-SAT often calls it undetermined; time is the one limit that it was given.
        limit = "time" if limit == "undetermined" else limit
    return Answer(claim, values, end.objective_bounds.dual_bound, limit)
