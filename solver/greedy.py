"""A plan at once: each demand on its own cheapest candidate, VMs shared afterwards.

Never far off, and there whenever no quota stands in the way: the scale of the money, the
solver's first incumbent, and the answer when a limit leaves nothing better.
"""

from __future__ import annotations

import numpy as np

from ..models.value import FloatArray
from .block import whole
from .program import BoolArray, IntArray
from .services import Service
from .variables import ServiceColumns, ShiftColumns, Variables


def greedy_values(variables: Variables, n_columns: int) -> FloatArray:
    """The greedy plan as a point of the `candidates` program, shape [n_columns].

    The same VMs in every period, so that none starts and none is kept too short.
    """
    values, market = np.zeros(n_columns), variables.estate.market
    vms = market.owned.astype(float)
    for t in range(len(variables.vms)):
        gpus, apart = np.zeros(market.n_places), np.zeros(market.n_places)
        for columns in variables.services:
            if columns.period == t:
                _place(columns, variables, values, gpus, apart)
        for shifts in variables.shifts:
            _shift(shifts, variables, t, values, gpus)
        vms = np.maximum(vms, np.maximum(whole(gpus / market.room), apart))
    for t, columns_of in enumerate(variables.vms):
        used = columns_of >= 0
        values[columns_of[used]] = vms[used]
        horizon = variables.estate.problem.horizon
        if variables.started and t == 0 and horizon is not None and not horizon.cyclic:
            begun = variables.started[0]
            values[begun[begun >= 0]] = vms[begun >= 0]
    for job in variables.jobs:
        values[job.chosen[int(job.usd_per_hour.argmin())]] = 1.0
    return values


def _place(
    columns: ServiceColumns,
    variables: Variables,
    values: FloatArray,
    gpus: FloatArray,
    apart: FloatArray,
) -> None:
    """One service where it is cheapest alone, class by class if nothing serves them all."""
    service, market = columns.service, variables.estate.market
    classes = range(len(service.classes))
    able: BoolArray = np.array([c.capacity[service.pair] > 0 for c in service.classes])
    together = able.all(axis=0)
    for mine in [list(classes)] if together.any() else [[c] for c in classes]:
        fits = np.asarray(able[mine].all(axis=0))
        item, count = _cheapest_alone(service, variables, columns.period, fits)
        for i, x in zip(item, count, strict=True):
            values[columns.replicas[i]] += x
            gpus[service.place[i]] += x * service.block[i] * market.pair_gpus[service.pair[i]]
            if service.demand.survive.vm is not None:
                apart[service.place[i]] = max(apart[service.place[i]], x)
            if columns.routed:
                for c in mine:
                    values[columns.routed[c][i]] = 1.0


def _cheapest_alone(
    service: Service, variables: Variables, period: int, able: BoolArray
) -> tuple[IntArray, FloatArray]:
    """Items of one pair and offer, in every zone, and how many of each carry the demand.

    Firm where spot is capped; evenly over zones, and one more, where a loss is survived.
    """
    market, demand = variables.estate.market, service.demand
    busy = service.busy(period)
    zones = max(variables.estate.problem.zones_per_region, 2)
    needed = whole(busy)
    if demand.survive.vm is not None:
        needed = np.maximum(needed, whole(demand.survive.vm * busy) + 1)
    each = needed
    if demand.survive.zone is not None:
        left = whole(demand.survive.zone * busy)
        each = np.maximum(np.ceil(needed / zones), np.ceil(left / (zones - 1)))
    firm = (demand.max_spot_share == 1) | ~market.spot[service.place]
    first = market.first_zone[service.place] & able & firm & (service.block == 1)
    candidates = np.flatnonzero(first if first.any() else able)
    part = market.pair_gpus[service.pair] * service.block / market.room[service.place]
    price, vms = market.price[service.place], each * part
    order = np.lexsort(((price * vms)[candidates], (price * np.ceil(vms))[candidates]))
    best = int(candidates[order[0]])
    same = np.array([best])
    if demand.survive.zone is not None:
        offer = market.places[service.place[best]].offer
        alike = service.pair == service.pair[best]
        same = np.array(
            [i for i in np.flatnonzero(alike) if market.places[service.place[i]].offer is offer]
        )
    return same, np.full(len(same), float(each[best]))


def _shift(
    columns: ShiftColumns, variables: Variables, period: int, values: FloatArray, gpus: FloatArray
) -> None:
    """A job in the first period that can hold it all on its cheapest item, else as it comes."""
    shifts, market = columns.shifts, variables.estate.market
    part = shifts.part
    if period != int(part.max(axis=1).argmax()):
        return
    able = np.flatnonzero(part[period] > 0)
    count = whole(1.0 / part[period][able])
    usd = market.price[shifts.place[able]] * count * market.pair_gpus[shifts.pair[able]]
    best = int((usd / market.room[shifts.place[able]]).argmin())
    values[columns.replicas[period][able[best]]] = count[best]
    gpus[shifts.place[able[best]]] += count[best] * market.pair_gpus[shifts.pair[able[best]]]
