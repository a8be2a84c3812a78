"""A planner that holds a problem and a running fleet, and answers each change with the least."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from time import perf_counter

from ...models.disturbance import Disturbance
from ...models.fleet import FleetProblem
from ...models.outcome import ProblemError
from ...models.plan import FleetPlan
from ...models.replan import Replan
from ..current import Current, current_of
from ..precedent import Precedent
from ..program import SolveOptions
from ..solve import DEFAULT_BACKEND
from ..variables import Estate
from .news import sold_out_quotas, with_news
from .replan import Request, replan
from .reproof import Proof


class Planner:
    """What an autoscaler holds: asked again whenever demand, prices, quotas or stock change.

        planner = Planner(problem, disturbance=Disturbance(start_usd=0.1, move_usd=0.05))
        planner.adopt(planner.replan())
        planner.update(requests_per_s={"chat": 14.0})
        step = planner.replan()  # what to run, and in which order to get there
        planner.adopt(step)      # once it runs

    One thread at a time may use it.
    """

    def __init__(
        self,
        problem: FleetProblem,
        *,
        running: FleetPlan | None = None,
        disturbance: Disturbance | None = None,
        backend: str = DEFAULT_BACKEND,
        options: SolveOptions | None = None,
    ) -> None:
        """Hold a problem.

        Args:
            running: the plan that runs now; None: nothing does.
            disturbance: what changing it costs.
            backend, options: as for `solve`.

        Raises:
            ProblemError: a problem or plan over a horizon, which is no one fleet.
        """
        self._problem = _steady(problem)
        self._running = running
        self._current = Current.nothing() if running is None else current_of(running)
        self._sold_out: frozenset[str] = frozenset()
        self._surveyed: Estate | None = None
        self._answered: tuple[Precedent, Proof | None] | None = None
        self._precedent: Precedent | None = None
        self._proof: Proof | None = None
        self.disturbance = disturbance or Disturbance()
        self.backend, self.options = backend, options or SolveOptions()

    @property
    def problem(self) -> FleetProblem:
        """What is asked, without what is sold out."""
        return self._problem

    @property
    def effective(self) -> FleetProblem:
        """What `replan` answers: the problem, with what is sold out as quotas of what runs."""
        more = sold_out_quotas(self._problem, self._sold_out, self._current)
        if not more:
            return self._problem
        return self._problem.replace(quotas=(*self._problem.quotas, *more))

    @property
    def running(self) -> FleetPlan | None:
        """The plan that runs."""
        return self._running

    def update(
        self,
        problem: FleetProblem | None = None,
        *,
        requests_per_s: Mapping[str, float] | None = None,
        usd_per_hour: Mapping[str, float] | None = None,
        quotas: Mapping[str, float] | None = None,
        sold_out: Iterable[str] | None = None,
    ) -> None:
        """Take note of what has changed.

        Args:
            problem: another problem altogether.
            requests_per_s: mean demand by workload.
            usd_per_hour: price by offer (`Offer.key`: `aws:g6.xlarge@us-east-1/spot`).
            quotas: limit by quota.
            sold_out: offers of which no more VMs can be had; those that run stay. Replaces
                what was sold out before.

        Raises:
            ProblemError: a name that the problem does not have, or a number out of its range;
                then nothing changes.
        """
        held = self._problem if problem is None else _steady(problem)
        changed = with_news(held, requests_per_s, usd_per_hour, quotas)
        gone = self._sold_out if sold_out is None else frozenset(sold_out)
        sold_out_quotas(changed, gone, self._current)
        self._problem, self._sold_out = changed, gone

    def replan(self) -> Replan:
        """The fleet to run next, checked; nothing is adopted.

        Raises:
            InfeasibleError, NoPlanError, BackendError, VerificationError: as `solve`; the
                running fleet stays what it was.
        """
        started = perf_counter()
        problem = self.effective
        found, estate, proof = replan(
            Request(
                problem=problem,
                current=self._current,
                disturbance=self.disturbance,
                backend=self.backend,
                options=self.options,
                precedent=self._precedent,
                proof=self._proof,
                known=self._surveyed,
            )
        )
        self._surveyed = estate or self._surveyed
        self._answered = Precedent(problem, found.plan), proof
        more = problem.quotas[len(self._problem.quotas) :]
        return found.replace(sold_out=more, seconds=perf_counter() - started)

    def adopt(self, step: Replan | FleetPlan) -> None:
        """Say that a plan runs now.

        Raises:
            ProblemError: a plan over a horizon.
        """
        plan = step.plan if isinstance(step, Replan) else step
        self._current = current_of(plan)
        self._running = plan
        if self._answered is not None and self._answered[0].plan is plan:
            self._precedent, self._proof = self._answered
        else:
            self._precedent = self._proof = None


def _steady(problem: FleetProblem) -> FleetProblem:
    """A problem without a horizon.

    Raises:
        ProblemError: it has one.
    """
    if problem.horizon is not None:
        hours = f"{len(problem.hours)} periods"
        raise ProblemError("horizon", hours, "a planner plans one steady state, so leave it out")
    return problem
