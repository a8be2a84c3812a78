"""Who sits on which VM when some of them run already: as few replicas move as is easily found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..seats import Load, Room, Seats, seat_all


@dataclass(frozen=True, slots=True)
class Seated:
    """The VMs of one place.

    Attributes:
        rooms: in the order of their numbers, those that run already first.
        origin: the number of each among the running VMs, from 1; None: it is new.
    """

    rooms: list[Room]
    origin: list[int | None]


def reseat(room: int, n_vms: int, loads: Sequence[Load], running: Sequence[Seats]) -> Seated:
    """Every block on one of `n_vms` VMs with `room` GPUs each; more where blocks stand apart.

    Replicas stay where they are as far as VMs and gaps allow. Where large replicas find no gap, all
    are seated anew, and each VM is the running one with which it has most in common.

    Raises:
        BackendError: a replica is larger than its VM.
    """
    wanted = Counter[tuple[str, int]]()
    for load in loads:
        wanted[load.workload, load.n_gpus] += load.count * load.block
    if not _blocks_stay(n_vms, loads, running):
        return _matched(seat_all(room, n_vms, loads), running)
    if len(running) <= n_vms and all(running) and _total(running) == wanted:
        return Seated([_room(room, seats) for seats in running], [*range(1, len(running) + 1)])
    seated = _in_place(room, n_vms, wanted, running)
    return seated or _matched(seat_all(room, n_vms, loads), running)


def _blocks_stay(n_vms: int, loads: Sequence[Load], running: Sequence[Seats]) -> bool:
    """Whether what must stand apart is to stand as it does, on VMs that all stay."""
    apart = {load.workload for load in loads if load.apart}
    if not apart:
        return True
    if len(running) > n_vms:
        return False
    stand = Counter((w, g, n) for seats in running for (w, g), n in seats.items() if w in apart)
    for load in loads:
        if load.apart:
            stand[load.workload, load.n_gpus, load.block] -= load.count
    return not any(stand.values())


def _in_place(
    room: int, n_vms: int, wanted: Counter[tuple[str, int]], running: Sequence[Seats]
) -> Seated | None:
    """Seats after as few changes as a greedy choice finds; None where a replica finds no gap."""
    stay = {number: Counter(seats) for number, seats in enumerate(running, start=1)}
    surplus = _total(stay.values()) - wanted
    while len(stay) > n_vms:
        surplus -= stay.pop(min(stay, key=lambda i: _moved_by(stay[i], surplus, i)))
    for key in sorted(surplus):
        for number in sorted(stay, key=lambda i: (_taken(stay[i]), i)):
            gone = min(surplus[key], stay[number][key])
            stay[number][key] -= gone
            surplus[key] -= gone
    rooms: list[Room] = []
    origin: list[int | None] = []
    for number, seats in stay.items():
        if any(seats.values()):
            rooms.append(_room(room, +seats))
            origin.append(number)
    missing = wanted - _total(one.seats for one in rooms)
    for key in sorted(missing, key=lambda k: (-k[1], k[0])):
        load = Load(key[0], key[1], 1, 1)
        for _ in range(missing[key]):
            fits = [one for one in rooms if one.free >= load.gpus]
            if not fits and len(rooms) == n_vms:
                return None
            if not fits:
                rooms.append(Room(room))
                origin.append(None)
                fits = [rooms[-1]]
            min(fits, key=lambda one: one.free).seat(load, 1)
    return Seated(rooms, origin)


def _total(seats: Iterable[Seats]) -> Counter[tuple[str, int]]:
    """Seats of all these VMs."""
    total = Counter[tuple[str, int]]()
    for one in seats:
        total.update(one)
    return total


def _moved_by(
    seats: Counter[tuple[str, int]], surplus: Counter[tuple[str, int]], number: int
) -> tuple[int, int, int]:
    """What giving a VM back moves elsewhere: replicas, then GPUs; of equals the last goes."""
    moved = seats - surplus
    return moved.total(), _taken(moved), -number


def _taken(seats: Counter[tuple[str, int]]) -> int:
    return sum(n_gpus * count for (_, n_gpus), count in seats.items())


def _room(gpus: int, seats: Seats) -> Room:
    """A VM with these seats taken."""
    room = Room(gpus)
    for (workload, n_gpus), count in seats.items():
        room.seat(Load(workload, n_gpus, 1, count), count)
    return room


def _matched(rooms: list[Room], running: Sequence[Seats]) -> Seated:
    """Each VM as the running one with which it has most replicas in common."""
    from scipy.optimize import linear_sum_assignment  # takes longer to load than most plans

    alike = np.array(
        [[(Counter(one.seats) & Counter(seats)).total() for seats in running] for one in rooms]
    ).reshape(len(rooms), len(running))
    mine, theirs = linear_sum_assignment(alike, maximize=True)
    number = {int(i): int(j) + 1 for i, j in zip(mine, theirs, strict=True)}
    order = sorted(range(len(rooms)), key=lambda i: number.get(i, len(running) + 1 + i))
    return Seated([rooms[i] for i in order], [number.get(i) for i in order])
