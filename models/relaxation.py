"""What to give up so that a problem has a plan: changes of its fields, in the user's units."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .field_path import with_field
from .fleet import FleetProblem
from .plan import SCHEMA_VERSION
from .value import Count, NonNegative, Positive, Value


class Change(Value):
    """One field of a problem, given another value.

    Attributes:
        field: its path, such as `workloads[0].slo.tpot_s` or `quotas[1].limit`.
        subject: the workload's or quota's name; empty for what belongs to the whole fleet.
        was, now: its values; None: it says nothing.
    """

    field: str
    subject: str = ""
    was: Any = None
    now: Any = None


class Relaxation(Value):
    """Changes that together give the problem a plan.

    Attributes:
        changes: what to change.
        usd_per_hour: cost of the plan that there is then.
        gap: of that plan; None: its bound is unknown.
        minimal: proved that none of the changes can be left out or be smaller by more than
            `TOLERANCE` of it.
    """

    changes: tuple[Change, ...] = Field(min_length=1)
    usd_per_hour: Positive
    gap: NonNegative | None = None
    minimal: bool = True

    def applied(self, problem: FleetProblem) -> FleetProblem:
        """The problem with the changes made.

        Raises:
            ProblemError: a value is not one its field may have.
        """
        for change in self.changes:
            problem = with_field(problem, change.field, change.now)
        return problem


TOLERANCE = 0.01
"""Part of a number within which the least change of it is looked for."""


class Explanation(Value):
    """Why a problem has no plan: what would give it one, cheapest first.

    Attributes:
        reasons: what stands in the way, as the error says it.
        relaxations: alternatives, each enough by itself.
        complete: whether every single change was tried before the time was over.
        solves: plans that were looked for.
    """

    schema_version: int = SCHEMA_VERSION
    reasons: tuple[str, ...]
    relaxations: tuple[Relaxation, ...]
    complete: bool
    solves: Count
