"""One answer of a planner: keep the running fleet, or change to the one that pays most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import NamedTuple

import numpy as np

from ..models.disturbance import Disturbance
from ..models.fleet import FleetProblem
from ..models.outcome import InfeasibleError, Status
from ..models.replan import Replan
from .backends.finish import PROOF
from .bulk import covers
from .canonical import canonical
from .contender import Contender, contender
from .current import Current
from .decision import Decision
from .disturbed import least_disturbed
from .dominance import without_dominated
from .estate import survey
from .keeping import keep
from .parts import FEW
from .precedent import Precedent
from .program import SolveOptions
from .solve import DEFAULT_BACKEND, Decided, checked, decide_estate, time_for_search, warm
from .stages import stages
from .variables import Estate

TIGHTENED = 3
"""Times that fewer changes are asked for, where seats had to move that the program cannot see."""

DISTURBANCE = "disturbance"
"""The `limit` of a plan that is dearer than the cheapest because changes cost."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a planner at one time.

    Attributes:
        precedent: the plan that runs, where it is known what it answered.
        known: the survey of the last answer.
    """

    problem: FleetProblem
    current: Current
    disturbance: Disturbance
    backend: str
    options: SolveOptions
    precedent: Precedent | None = None
    known: Estate | None = None


class Replanned(NamedTuple):
    """The answer, and the survey it rests on, for the next one."""

    replan: Replan
    estate: Estate


def replan(asked: Request) -> Replanned:
    """The fleet to run next.

    Raises:
        InfeasibleError, NoPlanError, BackendError, VerificationError: as `solve`.
    """
    start, options = perf_counter(), asked.options
    ends, current = options.deadline(), asked.current
    warm(asked.backend)
    problem = canonical(asked.problem)
    surveyed = survey(problem, DEFAULT_BACKEND, options, current.offers, asked.known)
    estate = without_dominated(surveyed)
    within = replace(options, time_limit_s=time_for_search(ends, options, start))
    best = decide_estate(estate, asked.backend, within)
    kept = keep(estate, current, asked.backend, within)
    running = None if kept.broken else contender(kept.decision, current, asked.disturbance)
    least = contender(best.decision, current, asked.disturbance)
    if running is None or _may_pay(asked, running, least, best.bound):
        left = replace(options, time_limit_s=time_for_search(ends, options, start))
        least = _least(replace(asked, options=left), estate, least, running)
    chosen, reason = _choice(asked, least, running, kept.broken)
    decided = _as_decided(chosen, best, options)
    plan = checked(asked.problem, decided, options, start, asked.precedent)
    answer = Replan(
        plan=plan,
        kept=chosen is running,
        reason=reason,
        running_usd_per_hour=None if running is None else running.usd_per_hour,
        broken=kept.broken if current.replicas else (),
        saving_usd_per_hour=None if running is None else running.usd_per_hour - least.usd_per_hour,
        change_usd=chosen.change_usd,
        changes=chosen.changes,
        steps=stages(chosen, current, plan),
    )
    return Replanned(answer, surveyed)


def _may_pay(asked: Request, running: Contender, best: Contender, bound: float | None) -> bool:
    """Whether some plan could cost less than the running fleet by as much as is asked."""
    floor = best.usd_per_hour if bound is None else bound
    most = running.usd_per_hour - floor
    least = asked.disturbance.threshold_usd_per_hour
    return most > PROOF * running.usd_per_hour and most >= least


def _least(asked: Request, estate: Estate, best: Contender, running: Contender | None) -> Contender:
    """Of the fleets found within the cap, the one that costs least together with its changes."""
    disturbance, most = asked.disturbance, asked.disturbance.most_changes
    found = [best]
    if disturbance.matters:
        known = [best.decision, *([running.decision] if running else [])]
        near = _near(estate, asked.current, known)
        cap = most
        for _ in range(TIGHTENED):
            answer = least_disturbed(
                near, asked.current, disturbance, cap, known, asked.backend, asked.options
            )
            if answer.decision is None:
                break
            found.append(contender(answer.decision, asked.current, disturbance))
            over = found[-1].n_changes - (found[-1].n_changes if most is None else most)
            if cap is None or over <= 0:
                break
            cap -= over
            if cap < 0:
                break
    allowed = [one for one in found if most is None or one.n_changes <= most]
    if running is not None:
        allowed.append(running)
    if not allowed:
        needed = min(one.n_changes for one in found)
        reason = f"disturbance.most_changes {most}: the fewest found are {needed}"
        raise InfeasibleError("the running fleet no longer serves, and", [reason])
    hours = disturbance.hours
    return min(allowed, key=lambda one: one.usd_per_hour + one.change_usd / hours)


def _near(estate: Estate, current: Current, known: list[Decision]) -> Estate:
    """The estate; of one too large for a whole program the items that some known plan uses."""
    if len(estate.services) < FEW or not covers(estate):
        return estate
    used = {service.demand.name: np.zeros(len(service.place), bool) for service in estate.services}
    for decision in known:
        for placed in decision.services:
            used[placed.service.demand.name][placed.item] = True
    services = tuple(s.on(used[s.demand.name]) for s in estate.services)
    return replace(estate, services=services)


def _choice(
    asked: Request, least: Contender, running: Contender | None, broken: tuple[str, ...]
) -> tuple[Contender, str]:
    """Keep or change, and why."""
    if running is None:
        if not asked.current.replicas:
            return least, "start: nothing runs yet"
        return least, f"change: the running fleet no longer serves: {broken[0]}"
    saving = running.usd_per_hour - least.usd_per_hour
    saves = f"the new plan saves USD {saving:.2f} per hour"
    disturbance = asked.disturbance
    if saving <= PROOF * running.usd_per_hour:
        return running, "keep: no plan found costs less"
    if saving < disturbance.threshold_usd_per_hour:
        threshold = disturbance.threshold_usd_per_hour
        return running, f"keep: {saves}, below your threshold of {threshold:.2f}"
    if saving * disturbance.hours <= least.change_usd:
        changing = f"changing to it costs USD {least.change_usd:.2f}"
        return running, f"keep: {saves}, but {changing}, as much in {disturbance.hours:g} h"
    return least, f"change: {saves}, and changes {least.n_changes} replicas"


def _as_decided(chosen: Contender, best: Decided, options: SolveOptions) -> Decided:
    """The fleet chosen, held against the bound that holds for all."""
    usd, bound = chosen.usd_per_hour, best.bound
    proved = best.status is Status.OPTIMAL
    if bound is not None:
        proved = usd - bound <= (options.relative_gap + PROOF) * usd
    limit = "" if proved else best.limit or DISTURBANCE
    status = Status.OPTIMAL if proved else Status.FEASIBLE
    return replace(best, decision=chosen.decision, status=status, limit=limit)
