"""One answer of a planner: keep the running fleet, or change to the one that pays most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import NamedTuple

import numpy as np

from ...models.disturbance import Disturbance
from ...models.fleet import FleetProblem
from ...models.outcome import InfeasibleError, Status
from ...models.replan import Replan
from ..backends.finish import PROOF
from ..canonical import canonical
from ..current import Current
from ..decision import Decision
from ..dominance import without_dominated
from ..estate import survey
from ..parts import FEW
from ..precedent import KnownRoutes, Precedent
from ..program import SolveOptions
from ..solve import DEFAULT_BACKEND, Decided, checked, decide_estate, time_for_search, warm
from ..splitting.bulk import covers
from ..variables import Estate
from ..verify import verify
from .contender import Contender, contender
from .disturbed import least_disturbed
from .keeping import Kept, keep
from .reproof import Knapsacks, Proof
from .stages import set_batches, stages
from .still import DISTURBANCE, still

TIGHTENED = 3
"""Times that fewer changes are asked for, where seats had to move that the program cannot see."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a planner at one time.

    Attributes:
        precedent: the plan that runs, where it is known what it answered.
        proof: what is proved of that.
        known: the survey of the last answer.
    """

    problem: FleetProblem
    current: Current
    disturbance: Disturbance
    backend: str
    options: SolveOptions
    precedent: Precedent | None = None
    proof: Proof | None = None
    known: Estate | None = None


class Replanned(NamedTuple):
    """The answer, and what the next one may rest on: a survey, and what is proved.

    `estate` is None where the running fleet stays without one.
    """

    replan: Replan
    estate: Estate | None
    proof: Proof | None


def replan(asked: Request) -> Replanned:
    """The fleet to run next.

    Raises:
        InfeasibleError, NoPlanError, BackendError, VerificationError: as `solve`.
    """
    start, options = perf_counter(), asked.options
    if not asked.problem.zoned:
        asked = replace(asked, current=asked.current.anywhere())
    known = {} if asked.precedent is None else asked.precedent.alike(asked.problem)
    if (quick := _still(asked, known, start)) is not None:
        return quick
    ends, current = options.deadline(), asked.current
    warm(asked.backend)
    begun, problem = perf_counter(), canonical(asked.problem)
    surveyed = survey(problem, DEFAULT_BACKEND, options, current.offers, asked.known)
    estate = without_dominated(surveyed)
    within = replace(options, time_limit_s=time_for_search(ends, options, begun))
    best = decide_estate(estate, asked.backend, within)
    kept = keep(estate, current, known, asked.backend, within)
    least = contender(best.decision, current, asked.disturbance)
    if kept.broken or _may_pay(asked, kept, least, best.bound):
        left = replace(options, time_limit_s=ends.left_s)
        least = _least(replace(asked, options=left), estate, least, kept)
    keeping, reason = _choice(asked, least, kept)
    chosen = contender(kept.decision, current, asked.disturbance) if keeping else least
    plan = checked(asked.problem, _as_decided(chosen, best, options), options, start, known)
    running = None if kept.broken else kept.usd_per_hour
    answer = Replan(
        plan=plan,
        kept=keeping,
        reason=reason,
        running_usd_per_hour=running,
        broken=kept.broken if current.replicas else (),
        saving_usd_per_hour=None if running is None else running - least.usd_per_hour,
        change_usd=chosen.change_usd,
        changes=chosen.changes,
        steps=stages(chosen, current, plan),
    )
    proof = None if best.bound is None else Proof(best.bound, Knapsacks(surveyed))
    return Replanned(answer, surveyed, proof)


def _still(asked: Request, known: KnownRoutes, start: float) -> Replanned | None:
    """The running fleet, where it serves and an old proof says that no plan is worth a change."""
    if asked.precedent is None or asked.proof is None:
        return None
    found = still(
        asked.problem, asked.precedent, asked.proof, asked.current, asked.backend, asked.options
    )
    worth = asked.disturbance.worth_usd_per_hour
    if found is None or not (found.proved or found.most_saving < worth):
        return None
    plan = found.plan.model_copy(update={"seconds": perf_counter() - start})
    verify(asked.problem, plan, known)
    reason = "keep: no plan found costs less"
    if not found.proved:
        most = f"no plan saves more than USD {found.most_saving:.2f} per hour"
        reason = f"keep: {most}, and {worth:.2f} is what makes a change worth while"
    answer = Replan(
        plan=plan,
        kept=True,
        reason=reason,
        running_usd_per_hour=plan.usd_per_hour,
        saving_usd_per_hour=0.0,
        steps=tuple(set_batches(asked.current, found.predicted)),
    )
    return Replanned(answer, None, found.proof)


def _may_pay(asked: Request, kept: Kept, best: Contender, bound: float | None) -> bool:
    """Whether some plan could cost less than the running fleet by as much as is asked."""
    floor = best.usd_per_hour if bound is None else bound
    most = kept.usd_per_hour - floor
    return most > PROOF * kept.usd_per_hour and most >= asked.disturbance.worth_usd_per_hour


def _least(asked: Request, estate: Estate, best: Contender, kept: Kept) -> Contender:
    """Of the fleets found within the cap, the one that costs least together with its changes."""
    disturbance, most = asked.disturbance, asked.disturbance.most_changes
    found = [best]
    if disturbance.matters:
        known = [best.decision, *([] if kept.broken else [kept.decision])]
        near = _near(estate, known)
        cap = most
        for _ in range(TIGHTENED):
            decision = least_disturbed(
                near, asked.current, disturbance, cap, known, asked.backend, asked.options
            )
            if decision is None:
                break
            found.append(contender(decision, asked.current, disturbance))
            over = 0 if most is None else found[-1].n_changes - most
            if cap is None or over <= 0 or over > cap:
                break
            cap -= over
    allowed = [one for one in found if most is None or one.n_changes <= most]
    if not allowed and kept.broken:
        needed = min(one.n_changes for one in found)
        reason = f"disturbance.most_changes {most}: the fewest found are {needed}"
        raise InfeasibleError("the running fleet no longer serves, and", [reason])
    hours = disturbance.hours
    # Without one within the cap the running fleet stays, and what it could save is told.
    return min(allowed or found, key=lambda one: one.usd_per_hour + one.change_usd / hours)


def _near(estate: Estate, known: list[Decision]) -> Estate:
    """The estate; of one too large for a whole program the items that some known plan uses."""
    if len(estate.services) < FEW or not covers(estate):
        return estate
    used = {service.demand.name: np.zeros(len(service.place), bool) for service in estate.services}
    for decision in known:
        for placed in decision.services:
            used[placed.service.demand.name][placed.item] = True
    services = tuple(s.on(used[s.demand.name]) for s in estate.services)
    return replace(estate, services=services)


def _choice(asked: Request, least: Contender, kept: Kept) -> tuple[bool, str]:
    """Whether to keep what runs, and why."""
    if kept.broken:
        if not asked.current.replicas:
            return False, "start: nothing runs yet"
        return False, f"change: the running fleet no longer serves: {kept.broken[0]}"
    saving = kept.usd_per_hour - least.usd_per_hour
    saves = f"the new plan saves USD {saving:.2f} per hour"
    disturbance, most = asked.disturbance, asked.disturbance.most_changes
    if saving <= PROOF * kept.usd_per_hour:
        return True, "keep: no plan found costs less"
    if saving < disturbance.threshold_usd_per_hour:
        threshold = disturbance.threshold_usd_per_hour
        return True, f"keep: {saves}, below your threshold of {threshold:.2f}"
    if most is not None and least.n_changes > most:
        return True, f"keep: {saves}, but changes {least.n_changes} replicas, more than {most}"
    if saving * disturbance.hours <= least.change_usd:
        changing = f"changing to it costs USD {least.change_usd:.2f}"
        return True, f"keep: {saves}, but {changing}, as much in {disturbance.hours:g} h"
    replicas = f"{least.n_changes} replica{'s' * (least.n_changes != 1)}"
    return False, f"change: {saves}, and changes {replicas}"


def _as_decided(chosen: Contender, best: Decided, options: SolveOptions) -> Decided:
    """The fleet chosen, held against the bound that holds for all."""
    usd, bound = chosen.usd_per_hour, best.bound
    proved = best.status is Status.OPTIMAL
    if bound is not None:
        proved = usd - bound <= (options.relative_gap + PROOF) * usd
    limit = "" if proved else best.limit or DISTURBANCE
    status = Status.OPTIMAL if proved else Status.FEASIBLE
    return replace(best, decision=chosen.decision, status=status, limit=limit)
