"""From a decision to VMs: how many of each, what they cost, and who sits on which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..models.billing import SECONDS_PER_HOUR
from ..models.fleet import FleetProblem
from ..models.plan import Assignment, Host, VMCount
from .decision import Decision, Placed
from .market import Market, Place, PlaceKey
from .seats import Load, Room, hosts_of, seat_all

Rented = tuple[list[VMCount], list[Host]]


def rent_shared(decision: Decision) -> Rented:
    """VMs that services share, and jobs in a horizon with them, period by period."""
    estate = decision.estate
    market, horizon = estate.market, estate.problem.horizon
    loads = loads_of(decision)
    vms: list[VMCount] = []
    hosts: list[Host] = []
    for t in range(len(decision.vms)):
        for p, place in enumerate(market.places):
            mine = loads.get((t, p), [])
            decided, room = int(decision.vms[t, p]), int(market.room[p])
            if decision.rooms is not None:
                rooms = list(decision.rooms.get(p, ()))
            else:
                rooms = seat_all(room, decided if any(load.apart for load in mine) else 0, mine)
            # In a horizon VMs may stay for a later period; otherwise none is rented in vain.
            least = decided if horizon is not None else int(market.owned[p])
            rooms = [r for r in rooms if r.seats]
            rooms += [Room(room) for _ in range(least - len(rooms))]
            if not rooms:
                continue
            period = None if horizon is None else t
            hosts += hosts_of(place, rooms, period)
            used = sum(load.gpus * load.count for load in mine)
            started = int(decision.started[t, p])
            vms.append(vm_count(place, len(rooms), used, period=period, started=started))
    return vms, hosts


def loads_of(decision: Decision) -> dict[tuple[int, int], list[Load]]:
    """What stands where, by (period, place)."""
    market = decision.estate.market
    loads: dict[tuple[int, int], list[Load]] = {}
    for placed in decision.services:
        for p, load in _service_loads(placed, market):
            loads.setdefault((placed.period, p), []).append(load)
    for shifts, replicas in decision.shifts:
        name = shifts.stream.workload.name
        for t, row in enumerate(replicas):
            for j in row.nonzero()[0]:
                gpus, place = int(market.pair_gpus[shifts.pair[j]]), int(shifts.place[j])
                loads.setdefault((t, place), []).append(Load(name, gpus, 1, int(row[j])))
    return loads


def _service_loads(placed: Placed, market: Market) -> Iterator[tuple[int, Load]]:
    service = placed.service
    apart = service.demand.survive.vm is not None
    for item, count in zip(placed.item.tolist(), placed.count.tolist(), strict=True):
        gpus, block = int(market.pair_gpus[service.pair[item]]), int(service.block[item])
        yield int(service.place[item]), Load(service.demand.name, gpus, block, count, apart)


def vm_count(
    place: Place,
    count: int,
    gpus_used: int,
    *,
    usd_per_hour: float | None = None,
    period: int | None = None,
    started: int = 0,
    job: str | None = None,
) -> VMCount:
    """`count` VMs of a place, at its price unless they are paid otherwise."""
    offer = place.offer
    return VMCount(
        provider=offer.vm_type.provider,
        vm_type=offer.vm_type.name,
        region=offer.region,
        purchase=offer.purchase,
        zone=place.zone,
        period=period,
        count=count,
        gpus=count * offer.vm_type.n_gpus,
        gpus_used=gpus_used,
        started=started,
        usd_per_hour=offer.usd_per_hour * count if usd_per_hour is None else usd_per_hour,
        price_date=offer.date,
        job=job,
    )


def rent_for_jobs(problem: FleetProblem, runs: Sequence[tuple[Assignment, Place]]) -> Rented:
    """The VMs of each job, at its bill spread over its deadline."""
    jobs = {w.name: w.job for w in problem.workloads}
    groups: dict[tuple[str, PlaceKey], list[tuple[Assignment, Place]]] = {}
    for run, place in runs:
        groups.setdefault((run.workload, place.key), []).append((run, place))
    vms: list[VMCount] = []
    hosts: list[Host] = []
    for (name, _), mine in groups.items():
        job, place = jobs[name], mine[0][1]
        assert job is not None
        room, rooms = place.offer.vm_type.n_gpus, list[Room]()
        for run, _place in mine:
            assert run.job is not None
            load = Load(name, run.gpus_each, 1, run.replicas)
            seated = seat_all(room, 0, [load])
            rooms += seated + [Room(room) for _ in range(run.job.n_vms - len(seated))]
        usd = sum(run.job.usd for run, _place in mine if run.job)
        used = sum(run.replicas * run.gpus_each for run, _place in mine)
        vms.append(vm_count(place, len(rooms), used, usd_per_hour=usd / job.deadline_h, job=name))
        hosts += hosts_of(place, rooms, job=name)
    return vms, hosts


def mean_usd_per_hour(problem: FleetProblem, vms: Sequence[VMCount]) -> float:
    """What the VMs cost on average over the horizon [USD/h], starts paid."""
    hours, horizon = problem.hours, problem.horizon
    if horizon is None:
        return sum(vm.usd_per_hour for vm in vms)
    usd = 0.0
    for vm in vms:
        assert vm.period is not None, "in a horizon every VM has a period"
        started_h = horizon.startup_s / SECONDS_PER_HOUR * vm.started / vm.count
        usd += vm.usd_per_hour * (hours[vm.period] + started_h)
    return usd / horizon.total_hours
