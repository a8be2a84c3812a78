"""From the running fleet to the next one, in steps: make before break where there is room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from ...models.hardware import PurchaseOption
from ...models.replan import Action, ReplicaChange, Step
from ..market import PlaceKey
from ..seats import Seats

Group = tuple[str, int]
"""Workload and GPUs of one replica."""


@dataclass
class VM:
    """One VM on the way from its running seats to its next ones.

    Attributes:
        was, number: among the running VMs of its place and the next ones, from 1; None: not there.
        seats: taken now.
        wanted: taken in the end.
    """

    place: PlaceKey
    gpus: int
    was: int | None
    number: int | None
    seats: Counter[Group]
    wanted: Counter[Group]
    up: bool = field(default=False)

    @property
    def free(self) -> int:
        """GPUs that nothing takes now."""
        return self.gpus - sum(n_gpus * count for (_, n_gpus), count in self.seats.items())

    @property
    def starts(self) -> Counter[Group]:
        """Replicas still to start."""
        return self.wanted - self.seats

    @property
    def stops(self) -> Counter[Group]:
        """Replicas still to stop."""
        return self.seats - self.wanted


@dataclass(frozen=True, slots=True)
class Fleet:
    """Who sits where in one place, running and next.

    Attributes:
        running: seats of each running VM.
        following: seats of each next VM.
        origin: number of each next VM among the running ones, from 1, or None.
    """

    gpus: int
    running: Sequence[Seats]
    following: Sequence[Seats]
    origin: Sequence[int | None]

    def vms(self, place: PlaceKey) -> Iterator[VM]:
        """Every VM that does not stay as it is."""
        for number, (seats, was) in enumerate(zip(self.following, self.origin, strict=True), 1):
            now = self.running[was - 1] if was is not None else {}
            if was is None or now != seats:
                up = was is not None
                yield VM(place, self.gpus, was, number, Counter(now), Counter(seats), up=up)
        kept = set(self.origin)
        for was, seats in enumerate(self.running, start=1):
            if was not in kept:
                yield VM(place, self.gpus, was, None, Counter(seats), Counter(), up=True)


def replica_changes(
    fleets: Mapping[PlaceKey, Fleet], running: Mapping[str, int]
) -> tuple[ReplicaChange, ...]:
    """Of each workload that does not stay as it is, what starts, stops, moves and stays.

    Args:
        running: replicas by workload.
    """
    starts, stops = Counter[str](), Counter[str]()
    for place, fleet in fleets.items():
        for vm in fleet.vms(place):
            for counts, total in ((vm.starts, starts), (vm.stops, stops)):
                for (workload, _), count in counts.items():
                    total[workload] += count
    return tuple(
        ReplicaChange(
            workload=name,
            started=starts[name] - moved,
            stopped=stops[name] - moved,
            moved=moved,
            kept=running.get(name, 0) - stops[name],
        )
        for name in sorted({*starts, *stops})
        for moved in [min(starts[name], stops[name])]
    )


def in_steps(
    fleets: Mapping[PlaceKey, Fleet], room_for: Callable[[Mapping[PlaceKey, int]], bool]
) -> list[Step]:
    """The steps in order.

    Args:
        room_for: whether limits admit so many VMs of each place at one time.
    """
    vms = [vm for place, fleet in fleets.items() for vm in fleet.vms(place)]
    resting = Counter({place: len(fleet.running) for place, fleet in fleets.items()})
    resting.subtract(vm.place for vm in vms if vm.up)
    steps: list[Step] = []
    while any(vm.starts or vm.stops or vm.up != (vm.number is not None) for vm in vms):
        found = [*_make(vms, resting, room_for), *_break(vms)]
        steps += found or _break_early(vms)
    return steps


def _make(
    vms: Sequence[VM],
    resting: Counter[PlaceKey],
    room_for: Callable[[Mapping[PlaceKey, int]], bool],
) -> Iterator[Step]:
    """Start what there is room for, beside the VMs that stay as they are."""
    running = resting + Counter(vm.place for vm in vms if vm.up)
    for vm in vms:
        if vm.number is not None and not vm.up:
            running[vm.place] += 1
            if not room_for(running):
                running[vm.place] -= 1
                continue
            vm.up = True
            yield _step("start VM", vm)
        if not vm.up:
            continue
        for group, count in sorted(vm.starts.items(), key=lambda one: (-one[0][1], one[0][0])):
            fits = min(count, vm.free // group[1])
            if fits:
                vm.seats[group] += fits
                yield _step("start", vm, group, fits)


def _break(vms: Sequence[VM]) -> Iterator[Step]:
    """Stop what has its substitute, and VMs that hold nothing more."""
    waiting = {workload for vm in vms for workload, _ in vm.starts}
    for vm in vms:
        for group, count in sorted(vm.stops.items()):
            if group[0] not in waiting:
                yield _stopped(vm, group, count)
        if vm.up and vm.number is None and not +vm.seats:
            vm.up = False
            yield _step("stop VM", vm)


def _break_early(vms: Sequence[VM]) -> list[Step]:
    """Stop one VM's replicas although their substitutes wait: where it frees most for least.

    A VM on which something waits to start comes first, then one that is to go.
    """
    blocked = [vm for vm in vms if vm.up and vm.stops]
    first = min(blocked, key=lambda vm: (not vm.starts, vm.gpus - vm.free))
    return [_stopped(first, *one, early=True) for one in sorted(first.stops.items())]


def _stopped(vm: VM, group: Group, count: int, *, early: bool = False) -> Step:
    vm.seats[group] -= count
    return _step("stop", vm, group, count, early=early)


def _step(
    action: Action, vm: VM, group: Group | None = None, replicas: int = 0, *, early: bool = False
) -> Step:
    provider, _, vm_type = vm.place.vm_type.partition(":")
    return Step(
        action=action,
        provider=provider,
        vm_type=vm_type,
        region=vm.place.region,
        purchase=cast(PurchaseOption, vm.place.purchase),
        zone=vm.place.zone,
        was=vm.was,
        number=vm.number,
        workload=None if group is None else group[0],
        n_gpus=None if group is None else group[1],
        replicas=replicas,
        early=early,
    )
