"""What came of one problem among many."""

from __future__ import annotations

from .outcome import InferSaveError, NoPlanError, status_word
from .plan import SCHEMA_VERSION, FleetPlan
from .value import NonNegative, Value, WholeNumber

CRASHED = "crashed"
"""The status of a problem whose process died every time it was tried."""


class Result(Value):
    """One problem, solved or not.

    Attributes:
        index: its place among the problems, from 0.
        status: of the plan, or `infeasible`, `no_plan`, `invalid`, `failed` and so on.
        plan: None where there is none.
        message, reasons: why there is none.
        seconds: wall time.
    """

    schema_version: int = SCHEMA_VERSION
    index: WholeNumber
    status: str
    plan: FleetPlan | None = None
    message: str = ""
    reasons: tuple[str, ...] = ()
    seconds: NonNegative = 0.0

    @classmethod
    def of_plan(cls, index: int, plan: FleetPlan, seconds: float) -> Result:
        """Solved."""
        return cls(index=index, status=plan.status.value, plan=plan, seconds=seconds)

    @classmethod
    def of_error(cls, index: int, error: InferSaveError | OSError, seconds: float) -> Result:
        """Not solved."""
        reasons = error.reasons if isinstance(error, NoPlanError) else ()
        message = error.message if isinstance(error, NoPlanError) else str(error)
        return cls(
            index=index,
            status=status_word(error),
            message=message,
            reasons=reasons,
            seconds=seconds,
        )
