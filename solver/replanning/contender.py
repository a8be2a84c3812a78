"""A fleet that might run next: who would sit where, what it costs, and what it would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...models.disturbance import Disturbance
from ...models.replan import ReplicaChange
from ..current import Current
from ..decision import Decision
from ..market import PlaceKey
from ..renting import loads_of
from .reseat import reseat
from .taking import taken
from .transition import Fleet, replica_changes


@dataclass(frozen=True, slots=True)
class Contender:
    """A decision with its seats.

    Attributes:
        usd_per_hour: of its VMs and jobs.
        fleets: by place, who sits where, now and then.
        changes: of workloads whose replicas do not all stay.
        change_usd: what they cost, once.
    """

    decision: Decision
    usd_per_hour: float
    fleets: Mapping[PlaceKey, Fleet]
    changes: tuple[ReplicaChange, ...]
    change_usd: float

    @property
    def n_changes(self) -> int:
        """Replicas that start, stop or move."""
        return sum(change.changes for change in self.changes)


def contender(decision: Decision, current: Current, disturbance: Disturbance) -> Contender:
    """A decision, seated around what runs."""
    market = decision.estate.market
    loads, rooms, fleets = loads_of(decision), {}, dict[PlaceKey, Fleet]()
    vms = market.owned.copy()
    for p, place in enumerate(market.places):
        mine, running = loads.get((0, p), []), current.rooms.get(place.key, ())
        room = int(market.room[p])
        if not mine and not running:
            continue
        seated = reseat(room, int(decision.vms[0, p]), mine, running)
        rooms[p] = seated.rooms
        vms[p] = max(vms[p], len(seated.rooms))
        following = [one.seats for one in seated.rooms]
        fleets[place.key] = Fleet(room, running, following, seated.origin)
    for key, running in current.rooms.items():
        if key not in fleets:  # on offer no more
            fleets[key] = Fleet(0, running, (), ())
    replicas = {name: sum(where.values()) for name, where in current.replicas.items()}
    changes = replica_changes(fleets, replicas)
    started, stopped, moved = (
        sum(getattr(change, kind) for change in changes) for kind in ("started", "stopped", "moved")
    )
    return Contender(
        decision=replace(decision, vms=vms[None, :], current=current, rooms=rooms),
        usd_per_hour=taken(decision.estate, vms, decision.jobs).usd_per_hour,
        fleets=fleets,
        changes=changes,
        change_usd=disturbance.usd(started, stopped, moved),
    )
