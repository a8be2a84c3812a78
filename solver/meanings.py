"""What each column of a program stands for, in words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .market import Market, Place
from .program import IntArray
from .variables import JobColumns, ServiceColumns, ShiftColumns, Variables

Told = Iterator[tuple[int, str]]
"""A column's number and its meaning."""


def meanings(variables: Variables, n_columns: int) -> tuple[str, ...]:
    """The meaning of every column of the `candidates` program, in order."""
    found: dict[int, str] = {}
    for told in _blocks(variables):
        for column, text in told:
            found.setdefault(column, text)
    missing = sorted(set(range(n_columns)) - found.keys())
    assert not missing, f"columns {missing[:5]} mean nothing"
    return tuple(found[column] for column in range(n_columns))


def _blocks(variables: Variables) -> Iterator[Told]:
    market, periods = variables.estate.market, len(variables.vms)
    for t, (vms, started) in enumerate(_by_period(variables)):
        when = _when(t, periods)
        yield _placed(market, vms, "VMs of {}{}", when, always=market.reserved.tolist())
        yield _placed(market, started, "VMs of {} started{}", when.replace("in", "at the start of"))
    for service in variables.services:
        yield _service(market, service, _when(service.period, periods))
    for job in variables.jobs:
        yield _job(market, job)
    for shifts in variables.shifts:
        yield _shifts(market, shifts, periods)


def _by_period(variables: Variables) -> Iterator[tuple[IntArray, IntArray]]:
    nothing = np.full(variables.estate.market.n_places, -1)
    for t, vms in enumerate(variables.vms):
        yield vms, variables.started[t] if variables.started else nothing


def _when(period: int, periods: int) -> str:
    """Nothing where there is one period."""
    return f" in period {period}" if periods > 1 else ""


def _where(place: Place) -> str:
    offer = place.offer
    zone = "" if place.zone is None else f" zone {place.zone}"
    return f"{offer.vm_type.key} {offer.region}{zone} {offer.purchase}"


def _gpus(count: int) -> str:
    return f"{count} GPU" if count == 1 else f"{count} GPUs"


def _placed(
    market: Market, columns: IntArray, text: str, when: str, always: list[bool] | None = None
) -> Told:
    """A column for each place; what is reserved is the same in every period."""
    for place in np.flatnonzero(columns >= 0).tolist():
        same = always is not None and always[place]
        yield int(columns[place]), text.format(_where(market.places[place]), "" if same else when)


def _service(market: Market, columns: ServiceColumns, when: str) -> Told:
    service, name = columns.service, columns.service.demand.name
    whats, wheres = [], []
    for pair, place, block in zip(service.pair, service.place, service.block, strict=True):
        size = f"{_gpus(int(market.pair_gpus[pair]))}{'' if block == 1 else ' each'}"
        whats.append("replicas" if block == 1 else f"blocks of {block} replicas")
        wheres.append(f"{_where(market.places[place])}, {size}{when}")
    for column, what, where in zip(columns.replicas, whats, wheres, strict=True):
        yield int(column), f"{what} of {name} on {where}"
    for number, routed in enumerate(columns.routed):
        for column, what, where in zip(routed, whats, wheres, strict=True):
            text = f"part of request class {number} of {name} on {what}, {where}"
            yield int(column), text
    if columns.loss.size:
        yield int(columns.loss[0]), f"part of {name} lost with its largest block{when}"
    for column, what, where in zip(columns.loss[1:], whats, wheres, strict=False):
        yield int(column), f"1 if {name} has {what} on {where}"
    for column, kind in zip(columns.types, np.unique(market.type_of[service.place]), strict=False):
        yield int(column), f"1 if {name} uses {market.vm_types[kind].key}{when}"


def _job(market: Market, columns: JobColumns) -> Told:
    stream, n_vms = columns.orders.stream, columns.orders.n_vms
    classes = len(stream.workload.requests)
    part = f" (request class {stream.index})" if classes > 1 else ""
    for column, order, place in zip(columns.chosen, columns.order, columns.place, strict=True):
        vms = "1 VM" if n_vms[order] == 1 else f"{n_vms[order]} VMs"
        gpus = _gpus(int(stream.machines.n_gpus[order]))
        where = _where(market.places[place])
        yield int(column), f"1 if {stream.workload.name}{part} runs on {vms} of {where}, {gpus}"


def _shifts(market: Market, columns: ShiftColumns, periods: int) -> Told:
    shifts = columns.shifts
    classes = len(shifts.stream.workload.requests)
    part = f" (request class {shifts.stream.index})" if classes > 1 else ""
    for t, replicas in enumerate(columns.replicas):
        for column, pair, place in zip(replicas, shifts.pair, shifts.place, strict=True):
            where = f"{_where(market.places[place])}, {_gpus(int(market.pair_gpus[pair]))}"
            name = f"{shifts.stream.workload.name}{part}"
            yield int(column), f"replicas of {name} on {where}{_when(t, periods)}"
