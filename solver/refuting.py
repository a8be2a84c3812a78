"""A short search for a cheaper point than one that a solver calls optimal.

It moves replicas from one candidate to another, or takes a few services out and puts them back
where they cost least then, at random, now and then to something dearer; the VMs follow. It proves
nothing; but what it finds is checked, and a proof that it contradicts is none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..models.outcome import Status
from ..models.value import FloatArray
from .backends.finish import FEASIBILITY, PROOF
from .lifting import Lifting
from .logs import LOG
from .program import IntArray, Program, Solution
from .variables import Variables

LEAST_S, SHARE = 0.005, 0.1
"""Time that the search may take [s], and in shares of what the solver took."""

WARMTH = 0.02
"""Part of the cost that a move may add at first; it falls to nothing."""

TOGETHER, NOISE, IDLE = 4, 0.2, 0.5
"""Most services taken out at once, and what is random or supposed where they are put back."""

BLIND, MIXED = 0.2, 0.3
"""Part of the services put back anywhere, so that others may join them there, and part of the
moves that leave a service on two candidates."""

SEARCH = "local search"
"""Who holds the opinion that every proof is tried with."""

REFUTED = "refuted"
"""The `limit` of a plan whose solver claimed a proof that a cheaper plan contradicts."""


Step = Callable[["Ground", FloatArray, np.random.Generator], FloatArray | None]
"""Another point from one, before the VMs follow; None where it leads nowhere."""


@dataclass(frozen=True, slots=True)
class Mover:
    """One service and its candidates, shape [J].

    Attributes:
        columns: of its replicas.
        gives: what each carries of its needs, shape [R, J].
        alone: replicas of each that carry everything; inf where none do.
        place: where each stands.
        gpus: that each takes there.
    """

    columns: IntArray
    gives: FloatArray
    place: IntArray
    gpus: FloatArray
    alone: FloatArray

    @classmethod
    def of(cls, columns: IntArray, gives: FloatArray, place: IntArray, gpus: FloatArray) -> Mover:
        """A mover with what follows worked out."""
        most = np.divide(1.0, gives, out=np.full(gives.shape, np.inf), where=gives > 0)
        return cls(columns, gives, place, gpus, np.ceil(most.max(axis=0) - FEASIBILITY))


@dataclass(frozen=True, slots=True)
class Ground:
    """What a search walks on.

    Attributes:
        movers: the services that may move.
        orders: columns of each job, one of which is chosen.
        price, room: of a VM of each place, and its GPUs, shape [P].
    """

    program: Program
    movers: list[Mover]
    orders: list[IntArray]
    price: FloatArray
    room: FloatArray

    @property
    def steps(self) -> list[Step]:
        """What may be tried, each as often as it is listed."""
        services: list[Step] = [_one_moved, _some_anew, _some_anew]
        return [*(services if self.movers else []), *([_job_ordered] if self.orders else [])]


def refuted(variables: Variables, program: Program, claim: Solution, seed: int) -> Solution:
    """The claim, or a cheaper point where the search finds one although the claim is a proof."""
    ground = ground_of(variables, program)
    if claim.status is not Status.OPTIMAL or claim.values is None or not ground.steps:
        return claim
    assert claim.objective is not None
    seconds = max(SHARE * claim.seconds, LEAST_S)
    found = search(ground, claim.values, seconds, seed)
    worth = float(program.cost @ found)
    least = claim.objective if claim.bound is None else claim.bound
    if worth >= min(least, claim.objective) * (1 - PROOF):
        return claim
    LOG.info("a search found a cheaper plan than %s proved: the proof is refuted", claim.backend)
    return replace(
        claim, status=Status.FEASIBLE, limit=REFUTED, values=found, objective=worth, bound=None
    )


def ground_of(variables: Variables, program: Program) -> Ground:
    """The services that have several candidates with replicas of their own, in a steady state."""
    market, movers = variables.estate.market, []
    rows = np.repeat(np.arange(program.n_rows), np.diff(program.indptr))
    needs = (program.row_lower == 1.0)[rows] & (program.data > 0)
    steady = variables.estate.problem.horizon is None
    for service in variables.services if steady else ():
        of, columns = service.service, service.replicas
        if service.routed or len(columns) < 2 or len(np.unique(columns)) < len(columns):
            continue
        mine = needs & np.isin(program.indices, columns)
        number, row = np.unique(rows[mine], return_inverse=True)
        order = np.argsort(columns)
        gives = np.zeros((len(number), len(columns)))
        column = order[np.searchsorted(columns[order], program.indices[mine])]
        gives[row, column] = program.data[mine]
        gpus = (market.pair_gpus[of.pair] * of.block).astype(float)
        movers.append(Mover.of(columns, gives, of.place, gpus))
    orders = [job.chosen for job in variables.jobs] if steady else []
    return Ground(program, movers, orders, market.price, market.room.astype(float))


def search(ground: Ground, start: FloatArray, seconds: float, seed: int) -> FloatArray:
    """The cheapest point met on a walk from `start`, shape [n].

    Args:
        seconds: how long to walk [s].
    """
    program, lifting = ground.program, Lifting(ground.program)
    rng = np.random.default_rng(seed)
    here = best = start
    cost = least = float(program.cost @ start)
    began = time.monotonic()
    while (passed := (time.monotonic() - began) / seconds) < 1.0:
        point = ground.steps[int(rng.integers(len(ground.steps)))](ground, here, rng)
        if point is None:
            continue
        point = lifting.settled(point)
        worth = float(program.cost @ point)
        if worth > cost + WARMTH * least * (1.0 - passed) * rng.random():
            continue
        if program.violation(point) > FEASIBILITY:
            continue
        here, cost = point, worth
        if cost < least:
            best, least = here, cost
    return best


def _job_ordered(ground: Ground, point: FloatArray, rng: np.random.Generator) -> FloatArray | None:
    """Another order for a job: its cheapest, or any."""
    columns = ground.orders[int(rng.integers(len(ground.orders)))]
    cheapest = columns[int(ground.program.cost[columns].argmin())]
    changed = point.copy()
    changed[columns] = 0.0
    changed[cheapest if rng.random() < 0.5 else int(rng.choice(columns))] = 1.0
    return changed


def _one_moved(ground: Ground, point: FloatArray, rng: np.random.Generator) -> FloatArray | None:
    """Replicas of one candidate replaced by as many of another as are needed."""
    mover = ground.movers[int(rng.integers(len(ground.movers)))]
    moved = point[mover.columns]
    used = np.flatnonzero(moved > 0)
    if not used.size:
        return None
    there, other = int(rng.choice(used)), int(rng.integers(len(moved)))
    moved[there] = moved[there] - 1.0 if rng.random() < 0.5 else 0.0
    if rng.random() < MIXED:
        moved[int(rng.integers(len(moved)))] += 1.0
    short = 1.0 - mover.gives @ moved
    lacking = short > FEASIBILITY
    gives = mover.gives[lacking, other]
    if (gives <= 0).any():
        return None
    if lacking.any():
        moved[other] += np.ceil((short[lacking] / gives).max() - FEASIBILITY)
    changed = point.copy()
    changed[mover.columns] = moved
    return changed


def _some_anew(ground: Ground, point: FloatArray, rng: np.random.Generator) -> FloatArray | None:
    """A few services taken out and put back one by one, each where it costs least then."""
    most = min(TOGETHER, len(ground.movers))
    some = rng.choice(len(ground.movers), int(rng.integers(1, most + 1)), replace=False)
    changed = point.copy()
    for number in some:
        changed[ground.movers[number].columns] = 0.0
    used = np.zeros(len(ground.price))
    for mover in ground.movers:
        np.add.at(used, mover.place, changed[mover.columns] * mover.gpus)
    for blind, number in zip(rng.random(len(some)) < BLIND, some, strict=True):
        mover = ground.movers[number]
        able = np.flatnonzero(np.isfinite(mover.alone))
        if not able.size:
            return None
        place, taken = mover.place[able], (mover.alone * mover.gpus)[able]
        room = ground.room[place]
        vms = np.ceil((used[place] + taken) / room) - np.ceil(used[place] / room)
        # What idles is worth something: others may use it.
        cost = ground.price[place] * (vms + IDLE * taken / room)
        best = int((cost * (1.0 + NOISE * rng.random(len(able)))).argmin())
        best = int(rng.integers(len(able))) if blind else best
        changed[mover.columns[able[best]]] = mover.alone[able[best]]
        used[place[best]] += taken[best]
    return changed
