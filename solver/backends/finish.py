"""What is believed of a solver's answer: its point, measured again, and little else.

Every backend ends in `finish`. It rounds integers to the nearest (never truncates), keeps
bounds, measures every row, prices the point, and decides the status itself. A feasible
`Program.hint` is an incumbent like any other: it stands in when the solver found nothing
or something dearer, and it refutes a claim that no such point exists.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from ...models.outcome import BackendError, Status
from ...models.value import FloatArray
from ..program import Program, Solution, SolveOptions

INTEGRALITY = 1e-5
"""Farthest that a solver's integer may lie from a whole number."""

FEASIBILITY = 1e-6
"""Greatest violation of a bound or row, relative to the row's own numbers where they exceed 1."""

PROOF = 1e-6
"""Slack on a proof, relative to the cost: what rounding and row tolerances can shift it by."""

ABSOLUTE_GAP = 1e-9
"""Absolute gap as a share of the dearest column. Left alone, solvers stop 1e-6 to 1e-4 short
in whatever the money is, so that small prices give wrong fleets."""

CONTRADICTED = "contradicted"
"""The `limit` of a solution whose solver claimed something that a checked point refutes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a solver claims, before anything is checked.

    Attributes:
        claim: OPTIMAL, FEASIBLE (a point, no proof), INFEASIBLE or NO_PLAN (no point, no proof).
        values: x, shape [n], or None.
        bound: lower bound on the cost; None when the solver tells none.
        limit: the limit that stopped it, or empty.
        precision: relative error of `values`, where they travelled as short decimals.
    """

    claim: Status
    values: FloatArray | None = None
    bound: float | None = None
    limit: str = ""
    precision: float = 0.0


def absolute_gap(program: Program) -> float:
    """The absolute gap to ask of a solver, in the program's money."""
    return ABSOLUTE_GAP * float(program.cost.max(initial=0.0))


def whole_bounds(program: Program) -> tuple[FloatArray, FloatArray]:
    """Bounds of x, those of integer columns moved inwards to whole numbers; shape [n] each."""
    low = np.where(program.integer, np.ceil(program.lower - FEASIBILITY), program.lower)
    high = np.where(program.integer, np.floor(program.upper + FEASIBILITY), program.upper)
    return low, high


def crossed(program: Program) -> bool:
    """Whether some bound or row admits no value at all, whatever the others say."""
    low, high = whole_bounds(program)
    rows = program.row_lower > program.row_upper
    never = np.isposinf(program.row_lower) | np.isneginf(program.row_upper)
    empty = np.diff(program.indptr) == 0
    short = empty & ((program.row_lower > FEASIBILITY) | (program.row_upper < -FEASIBILITY))
    return bool((low > high).any() or (rows | never | short).any())


def finish(
    program: Program, options: SolveOptions, answer: Answer, backend: str, started: float
) -> Solution:
    """The solution that an answer amounts to once everything in it is measured again.

    Args:
        program, options: what was asked.
        answer: what the solver claims.
        backend: who solved it, with version.
        started: `time.monotonic()` at the start.

    Raises:
        BackendError: the point is no point of this program and no hint is, or it is missing.
    """
    if answer.values is not None:
        try:
            answer = replace(answer, values=_checked(program, answer, backend))
        except BackendError:
            if feasible_hint(program) is None:
                raise
            answer = Answer(Status.NO_PLAN, limit=CONTRADICTED)  # the hint stands in
    elif answer.claim in (Status.OPTIMAL, Status.FEASIBLE):
        raise BackendError(f"{backend} claimed {answer.claim.name} and returned no point")
    answer = _with_hint(program, options, answer)
    x = answer.values
    objective = None if x is None else float(program.cost @ x)
    status, limit, bound = _judged(program, options, answer, objective)
    return Solution(status, limit, x, objective, bound, backend, time.monotonic() - started)


def _judged(
    program: Program, options: SolveOptions, answer: Answer, objective: float | None
) -> tuple[Status, str, float | None]:
    """Status, limit and bound that the claim, the price and the bound support together."""
    limit = answer.limit
    bound = answer.bound if answer.bound is not None and np.isfinite(answer.bound) else None
    if objective is None:
        proved = answer.claim is Status.INFEASIBLE and not limit
        return (Status.INFEASIBLE, "", None) if proved else (Status.NO_PLAN, limit, bound)
    if bound is not None and bound > objective + PROOF * abs(bound) + absolute_gap(program):
        return Status.FEASIBLE, CONTRADICTED, None
    if bound is not None:
        bound = min(bound, objective)
    if answer.claim is not Status.OPTIMAL or limit:  # stopped by a limit is never proved
        return Status.FEASIBLE, limit, bound
    if bound is not None and not _within_gap(program, options, objective, bound):
        return Status.FEASIBLE, "gap", bound
    return Status.OPTIMAL, "", bound


def _within_gap(program: Program, options: SolveOptions, objective: float, bound: float) -> bool:
    """Whether the cost is within the requested gap of the bound, but for `PROOF`."""
    allowed = (options.relative_gap + PROOF) * abs(objective) + absolute_gap(program)
    return objective - bound <= allowed


def _with_hint(program: Program, options: SolveOptions, answer: Answer) -> Answer:
    """The answer, or the program's hint where that is feasible and cheaper.

    A limit can leave a solver with nothing, or with a point far dearer than a greedy one.
    A hint that beats a claimed proof by more than the gap refutes it.
    """
    hint = feasible_hint(program)
    if hint is None:
        return answer
    worth = float(program.cost @ hint)
    price = None if answer.values is None else float(program.cost @ answer.values)
    if price is not None and price <= worth:
        return answer
    claims_proof = answer.claim in (Status.OPTIMAL, Status.INFEASIBLE) and not answer.limit
    if claims_proof and (price is None or not _within_gap(program, options, price, worth)):
        return Answer(Status.FEASIBLE, hint, None, CONTRADICTED)
    claim = Status.OPTIMAL if claims_proof else Status.FEASIBLE
    return replace(answer, claim=claim, values=hint)


def feasible_hint(program: Program) -> FloatArray | None:
    """The program's hint, rounded, if it is a point of the program."""
    try:
        hint = program.hint
        return None if hint is None else _checked(program, Answer(Status.FEASIBLE, hint), "hint")
    except BackendError:
        return None


def _checked(program: Program, answer: Answer, backend: str) -> FloatArray:
    """The point with integers rounded and bounds kept, if it satisfies every row.

    Raises:
        BackendError: names the column or row, and by how much it is broken.
    """
    raw = np.asarray(answer.values, float)
    if raw.shape != program.cost.shape or not np.isfinite(raw).all():
        raise BackendError(f"{backend} returned a point that is not {program.n_columns} numbers")
    x = np.where(program.integer, np.rint(raw), raw)
    inside = np.clip(x, *whole_bounds(program)) + 0.0  # + 0.0 makes -0.0 a plain zero
    moves = (
        ("an integer", np.abs(x - raw), INTEGRALITY),
        ("a bound", np.abs(inside - x), FEASIBILITY * np.maximum(1.0, np.abs(inside))),
    )
    for what, moved, allowed in moves:
        wrong = np.flatnonzero(moved > allowed)
        if wrong.size:
            column = wrong[0]
            raise BackendError(
                f"{backend} returned a point that breaks {what}: "
                f"column {column} = {raw[column]:.9g}, off by {moved[column]:.3g}"
            )
    excess = _excess(program, inside, answer.precision)
    if excess.size and excess.max() > 0:
        row = int(excess.argmax())
        raise BackendError(
            f"{backend} returned a point that breaks row {row} by {excess[row]:.3g} "
            "beyond the tolerance"
        )
    return inside


def _excess(program: Program, x: FloatArray, precision: float) -> FloatArray:
    """How far each row is violated beyond its tolerance, shape [m]; 0 or less when it holds."""
    rows = np.repeat(np.arange(program.n_rows), np.diff(program.indptr))
    terms = np.abs(program.data * x[program.indices])
    scale = np.ones(program.n_rows)
    np.maximum.at(scale, rows, np.abs(program.data))
    for side in (program.row_lower, program.row_upper):
        scale = np.maximum(scale, np.where(np.isfinite(side), np.abs(side), 0.0))
    noise = precision * np.bincount(rows, terms, minlength=program.n_rows)
    activity = program.activity(x)
    gap = np.maximum(program.row_lower - activity, activity - program.row_upper)
    return np.asarray(gap - FEASIBILITY * scale - noise)
