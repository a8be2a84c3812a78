"""One independent part of a fleet, decided: as a program, or by splitting it by workload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

from ..models.outcome import InfeasibleError, NoPlanError, Status
from .backends.base import run
from .conflicts import binding_limits
from .decision import Decision, read_decision
from .formulation import Formulation, formulate
from .program import SolveOptions
from .variables import Estate


@dataclass(frozen=True, slots=True)
class Part:
    """What came of one part.

    Attributes:
        status: why it ended.
        limit: the limit that stopped it, or empty.
        bound: proved lower bound [USD/h]; None when the solver tells none.
        backend: who solved it, with version.
    """

    decision: Decision
    status: Status
    limit: str
    bound: float | None
    backend: str
    formulation: Formulation


def decide(estate: Estate, backend: str, options: SolveOptions, formulation: Formulation) -> Part:
    """Decide one part.

    Raises:
        InfeasibleError, NoPlanError, BackendError: as `solve`.
    """
    if formulation == "auto":
        formulation = "candidates"
    program, variables = formulate(estate, formulation)
    answer, scale = run(backend, program, options), program.usd_scale
    decision = None if answer.values is None else read_decision(variables, answer.values)
    if decision is None:
        raise _no_plan(answer.status, estate, backend, options)
    bound = None if answer.bound is None else max(answer.bound / scale, 0.0)
    return Part(decision, answer.status, answer.limit, bound, answer.backend, formulation)


def decide_all(
    estates: Sequence[Estate], backend: str, options: SolveOptions, formulation: Formulation
) -> list[Part]:
    """Decide the parts one after another; each gets its share of the time that is left."""
    deadline, parts = monotonic() + options.time_limit_s, list[Part]()
    sizes = [len(e.services) + len(e.orders) + len(e.shifts) for e in estates]
    for number, estate in enumerate(estates):
        left = max(deadline - monotonic(), 0.0) * sizes[number] / sum(sizes[number:])
        parts.append(decide(estate, backend, replace(options, time_limit_s=left), formulation))
    return parts


def _no_plan(status: Status, estate: Estate, backend: str, options: SolveOptions) -> NoPlanError:
    if status is not Status.INFEASIBLE:
        return NoPlanError(status.sentence)
    reasons = binding_limits(estate, backend, options)
    return InfeasibleError("these limits leave no plan:" if reasons else status.sentence, reasons)
