"""HiGHS, SCIP and CP-SAT through OR-Tools MathOpt, arrays in and arrays out.

The program goes over in one message of whole arrays, 20 times faster than variable by
variable, and only MathOpt's core is loaded: the friendlier layers import pandas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from threading import Event, Thread
from typing import Any

import numpy as np

from ...models.outcome import BackendError, Status
from ..deadline import TIME
from ..program import Program, SolveOptions
from ..progress import OnBounds, read_row
from .finish import Answer, absolute_gap
from .native import HIGHS, refusal, scip_refusal
from .native_mathopt import apply_native

NAMES = ("ortools:highs", "ortools:scip", "ortools:cp-sat")

NATIVE = "native"
"""The limit that stopped a solver which says only that it was some other than time."""

RELAY_S = 0.05
"""How often a running solver's thread looks whether it is to stop [s]."""


@cache
def _version() -> str:
    """Read once: it takes a millisecond."""
    return version("ortools")


@dataclass(frozen=True, slots=True)
class OrTools:
    """One of `NAMES`."""

    name: str
    library: str = "ortools"

    def version(self) -> str:
        """Of OR-Tools."""
        return _version()

    def available(self) -> str | None:
        """Whether OR-Tools is installed."""
        return None if find_spec("ortools") else "the package ortools is not installed"

    def loadable(self) -> str | None:
        """Whether its native libraries load."""
        try:
            from ortools.math_opt.core.python import solver  # noqa: F401
        except ImportError as error:  # such as a clash of two copies of one library
            return f"ortools cannot be loaded: {error}"
        return None

    def refusal(self, program: Program, options: SolveOptions) -> str | None:
        """CP-SAT wants pure integer programs, SCIP one thread."""
        if self.name == "ortools:cp-sat" and not program.pure_integer:
            return "it rounds real variables to integers in silence; use ortools:highs"
        if self.name == "ortools:scip" and options.threads > 1:
            return "this build of SCIP is reliable on 1 thread only"
        if self.name == "ortools:highs":
            return refusal(options.native, HIGHS)
        if self.name == "ortools:scip":
            return scip_refusal(options.native)
        if options.native:
            return "no native options are passed on to CP-SAT; use ortools:highs or ortools:scip"
        return None

    def answer(self, program: Program, options: SolveOptions, say: OnBounds, stop: Event) -> Answer:
        """What the solver claims. HiGHS cannot be stopped, nor can some stages of the others.

        Raises:
            UnsupportedOption: it does not take a native option.
            BackendError: the solver failed.
        """
        from ortools.math_opt.core.python import solver

        arguments = mathopt_arguments(self.name, program, options, say)
        apply_native(self.name, options, arguments)
        try:
            with _interrupter(self.name, stop) as interrupter:
                result = solver.solve(*arguments, interrupter)
        except Exception as error:
            # MathOpt may trip over its own error object; the true message is then the context.
            raise BackendError(f"{self.name} failed: {error.__context__ or error}") from error
        return _answer(result, program.n_columns, self.name, NATIVE if options.native else TIME)


@contextmanager
def _interrupter(name: str, stop: Event) -> Iterator[Any]:
    """What stops a solver of this name once `stop` is set; None for HiGHS, which ignores it."""
    if name == "ortools:highs":
        yield None
        return
    from ortools.util.python.pybind_solve_interrupter import PySolveInterrupter

    interrupter, done = PySolveInterrupter(), Event()

    def relay() -> None:
        while not done.is_set():
            if stop.wait(RELAY_S):
                interrupter.interrupt()
                return

    Thread(target=relay, daemon=True).start()
    try:
        yield interrupter
    finally:
        done.set()


def mathopt_arguments(
    name: str, program: Program, options: SolveOptions, say: OnBounds
) -> tuple[Any, ...]:
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
    if program.feasibility is not None:
        parameters.highs.double_options["mip_feasibility_tolerance"] = program.feasibility
        parameters.gscip.real_params["numerics/feastol"] = program.feasibility
    initializer = parameters_pb2.SolverInitializerProto()
    callbacks = callback_pb2.CallbackRegistrationProto()
    return model, solver, initializer, parameters, extra, _listener(say), callbacks, None


def _listener(say: OnBounds) -> Callable[[Sequence[str]], None]:
    """Reads a solver's log for bounds."""

    def listen(lines: Sequence[str]) -> None:
        rows = [row for row in map(read_row, lines) if row is not None]
        if rows:
            say(*rows[-1])

    return listen


def _answer(result: Any, n_columns: int, label: str, other: str) -> Answer:
    """MathOpt's result: reason, limit, best bound and best point.

    Args:
        other: the limit where MathOpt calls it undetermined.

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
        limit = other if limit == "undetermined" else limit
    return Answer(claim, values, end.objective_bounds.dual_bound, limit)
