"""One problem of a batch, from its text to its row; runs in any process."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

from .planning import Formulation


@dataclass(frozen=True, slots=True)
class Asked:
    """One problem as it was given.

    Attributes:
        index: its place among the problems, from 0.
        key: of its row.
        text: JSON.
    """

    index: int
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Settings:
    """How each is solved.

    Attributes:
        plans: whether rows hold the whole plan.
    """

    backend: str
    formulation: Formulation
    time_limit_s: float
    relative_gap: float
    seed: int
    plans: bool


def row_of(asked: Asked, settings: Settings) -> dict[str, Any]:
    """The row of one problem, whatever comes of it."""
    from ..catalogs.problem_file import parse_problem
    from ..catalogs.variations import parse_line
    from ..models.outcome import InferSaveError
    from ..models.result import Result
    from ..solver.program import SolveOptions
    from ..solver.solve import solve

    start = perf_counter()
    options = SolveOptions(
        time_limit_s=settings.time_limit_s,
        relative_gap=settings.relative_gap,
        seed=settings.seed,
    )
    try:
        problem = parse_problem(parse_line(asked.text, f"problem {asked.index + 1}"))
        plan = solve(
            problem, backend=settings.backend, options=options, formulation=settings.formulation
        )
        result = Result.of_plan(asked.index, plan, perf_counter() - start)
    except (InferSaveError, OSError) as error:
        result = Result.of_error(asked.index, error, perf_counter() - start)
    return as_row(asked, result, settings)


def as_row(asked: Asked, result: Any, settings: Settings) -> dict[str, Any]:
    """A result as plain data; the key first, so that a torn row is known by it."""
    plan = result.plan
    row: dict[str, Any] = {
        "key": asked.key,
        "schema_version": result.schema_version,
        "index": asked.index,
        "status": result.status,
        "usd_per_hour": None if plan is None else plan.usd_per_hour,
        "usd_per_hour_bound": None if plan is None else plan.usd_per_hour_bound,
        "gap": None if plan is None else plan.gap,
        "limit": None if plan is None else plan.limit,
        "vms": [] if plan is None else [_vm(vm) for vm in plan.vms],
        "message": result.message,
        "reasons": list(result.reasons),
        "seconds": result.seconds,
    }
    if settings.plans:
        row["plan"] = None if plan is None else plan.model_dump(mode="json")
    return row


def _vm(vm: Any) -> dict[str, Any]:
    names = ("provider", "vm_type", "region", "purchase", "zone", "period", "job", "count")
    data = vm.model_dump(mode="json")
    return {name: data[name] for name in names if data[name] is not None}
