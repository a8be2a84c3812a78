"""Which replica sits on which VM: largest first, so that none crosses a VM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..models.outcome import BackendError
from ..models.plan import Host, Seat
from .market import Place

Seats = dict[tuple[str, int], int]
"""By workload and GPUs of one replica, how many sit on a VM."""


@dataclass(frozen=True, slots=True)
class Load:
    """`count` blocks of `block` replicas of one workload, each replica on `n_gpus` GPUs.

    Blocks that stand `apart` from each other never share a VM.
    """

    workload: str
    n_gpus: int
    block: int
    count: int
    apart: bool = False

    @property
    def gpus(self) -> int:
        """GPUs of one block."""
        return self.n_gpus * self.block


class Room:
    """One VM while it is filled."""

    def __init__(self, gpus: int) -> None:
        self.free = gpus
        self.seats: Seats = {}

    def admits(self, load: Load) -> bool:
        """Whether one more block fits, and may stand here."""
        if self.free < load.gpus:
            return False
        return not load.apart or all(name != load.workload for name, _ in self.seats)

    def seat(self, load: Load, blocks: int) -> None:
        """Seat so many blocks."""
        key = (load.workload, load.n_gpus)
        self.seats[key] = self.seats.get(key, 0) + blocks * load.block
        self.free -= blocks * load.gpus


def seat_all(room: int, n_vms: int, loads: Sequence[Load]) -> list[Room]:
    """Every block on a VM with `room` GPUs: on `n_vms` of them where blocks stand apart.

    Sizes divide each other and the room, so replicas that fit in number fit in place when the
    largest go first. Blocks that stand apart have any size.

    Raises:
        BackendError: a replica is larger than its VM.
    """
    ordered = sorted(loads, key=lambda x: (-x.gpus, not x.apart, -x.count, x.workload))
    if ordered and ordered[0].gpus > room:
        raise BackendError(f"a replica of {ordered[0].workload} is larger than its VM")
    if any(load.apart for load in loads):
        spread = _spread_blocks(room, n_vms, ordered)
        if len(spread) <= n_vms:
            return spread
        return min(spread, _spread_replicas(room, n_vms, loads), key=len)
    rooms = list[Room]()
    for load in ordered:
        left = load.count
        if rooms and rooms[-1].free:  # all before the last are full
            blocks = min(left, rooms[-1].free // load.gpus)
            rooms[-1].seat(load, blocks)
            left -= blocks
        while left:
            rooms.append(Room(room))
            blocks = min(left, room // load.gpus)
            rooms[-1].seat(load, blocks)
            left -= blocks
    return rooms


def _spread_blocks(room: int, n_vms: int, ordered: Sequence[Load]) -> list[Room]:
    """Block by block on the emptiest VM that admits it; what stands apart goes first.

    One service that stands apart fits for certain, the others in what its blocks leave.
    Several can ask for a VM more than the program counted; then one is added.
    """
    rooms = [Room(room) for _ in range(n_vms)]
    for load in sorted(ordered, key=lambda x: not x.apart):
        for _ in range(load.count):
            _emptiest(rooms, room, [r for r in rooms if r.admits(load)]).seat(load, 1)
    return rooms


def _spread_replicas(room: int, n_vms: int, loads: Sequence[Load]) -> list[Room]:
    """Replica by replica on the emptiest VM: what stands apart in no more than its largest block.

    A VM then takes no more with it than was counted with. Those with fewest VMs to spare go
    first among replicas of one size.
    """
    most: dict[tuple[str, int], int] = {}
    total: dict[tuple[str, int], int] = {}
    for load in loads:
        key = (load.workload, load.n_gpus)
        most[key] = max(most.get(key, 0), load.block if load.apart else room)
        total[key] = total.get(key, 0) + load.block * load.count
    apart = {load.workload for load in loads if load.apart}
    rooms = [Room(room) for _ in range(n_vms)]
    for name, gpus in sorted(total, key=lambda k: (-k[1], -total[k] / most[k], k)):
        one = Load(name, gpus, 1, 1)
        for _ in range(total[name, gpus]):
            open_to = [
                r
                for r in rooms
                if r.admits(one)
                and r.seats.get((name, gpus), 0) < most[name, gpus]
                and not (name in apart and any(w == name and g != gpus for w, g in r.seats))
            ]
            _emptiest(rooms, room, open_to).seat(one, 1)
    return rooms


def _emptiest(rooms: list[Room], gpus: int, open_to: Sequence[Room]) -> Room:
    """Of the VMs open to a load the emptiest, which leaves most choice; a new one if none is."""
    if open_to:
        return max(open_to, key=lambda r: r.free)
    rooms.append(Room(gpus))
    return rooms[-1]


def hosts_of(
    place: Place, rooms: Sequence[Room], period: int | None = None, job: str | None = None
) -> Iterator[Host]:
    """The VMs of one place, numbered, alike ones together."""
    first = 1
    for number, room in enumerate(rooms, start=1):
        if number < len(rooms) and rooms[number].seats == room.seats:
            continue
        yield Host(
            provider=place.offer.vm_type.provider,
            vm_type=place.offer.vm_type.name,
            region=place.offer.region,
            purchase=place.offer.purchase,
            zone=place.zone,
            period=period,
            job=job,
            first=first,
            count=number - first + 1,
            seats=tuple(
                Seat(workload=name, n_gpus=gpus, replicas=count)
                for (name, gpus), count in sorted(room.seats.items())
            ),
        )
        first = number + 1
