"""Plans looked for on behalf of one what-if, in the time and number allowed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from ...models.fleet import FleetProblem
from ...models.outcome import InfeasibleError, NoPlanError, Status
from ...models.plan import FleetPlan
from ..deadline import Deadline
from ..decision import Decision
from ..program import SolveOptions
from ..reasons.asking import OnSolve
from ..solve import plan_and_decision

LEAST_S, MOST_S = 1.0, 20.0
"""Time for one plan [s]."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one problem: a plan with its decision, or the reason why there is none."""

    status: Status
    plan: FleetPlan | None = None
    decision: Decision | None = None
    reason: str = ""

    @property
    def usd(self) -> float:
        """Cost of the plan; infinite where there is none."""
        return inf if self.plan is None else self.plan.usd_per_hour

    @property
    def bound(self) -> float:
        """No plan costs less; infinite where it is proved that there is none."""
        if self.plan is None:
            return inf if self.status is Status.INFEASIBLE else 0.0
        return self.plan.usd_per_hour_bound or 0.0

    @property
    def proved(self) -> bool:
        """Whether it cannot be done better, within the gap."""
        return self.status in (Status.OPTIMAL, Status.INFEASIBLE)


@dataclass
class Attempts:
    """Counts and times the solves of one what-if.

    Attributes:
        most: solves allowed.
        on_solve: told how many there were.
    """

    backend: str
    options: SolveOptions
    ends: Deadline
    most: float
    on_solve: OnSolve
    solves: int = 0

    @property
    def over(self) -> bool:
        """Whether to stop."""
        return self.ends.over or self.solves >= self.most

    def solve(self, problem: FleetProblem) -> Outcome:
        """The best plan of a problem.

        Raises:
            BackendError, VerificationError: as `solve`.
        """
        self.solves += 1
        limit_s = min(max(self.ends.left_s, LEAST_S), MOST_S)
        options = replace(self.options, time_limit_s=limit_s)
        try:
            plan, decision = plan_and_decision(problem, self.backend, options)
        except InfeasibleError as error:
            return Outcome(Status.INFEASIBLE, reason=str(error))
        except NoPlanError as error:
            return Outcome(Status.NO_PLAN, reason=str(error))
        finally:
            self.on_solve(self.solves)
        return Outcome(plan.status, plan, decision)
