"""A plan at once: each demand on its own cheapest candidate, VMs shared afterwards.

Never far off, and there unless quotas stand in the way on every side: the scale of the money,
the solver's first incumbent, and the answer when a limit leaves nothing better.
"""

from __future__ import annotations

import numpy as np

from ..models.value import FloatArray
from .backends.finish import FEASIBILITY
from .block import whole
from .lifting import Lifting
from .program import BoolArray, IntArray, Program
from .services import Service
from .variables import ServiceColumns, ShiftColumns, Variables


def greedy_hint(variables: Variables, program: Program) -> FloatArray:
    """The greedy plan; where quotas or a budget forbid it, one that stays off what they count."""
    market = variables.estate.market
    anywhere = np.zeros(market.n_places, bool)
    first = greedy_values(variables, program, anywhere)
    counted = np.asarray(np.any(market.weight > 0, axis=0))
    if not counted.any() or program.violation(first) <= FEASIBILITY:
        return first
    return greedy_values(variables, program, counted)


def greedy_values(variables: Variables, program: Program, avoid: BoolArray) -> FloatArray:
    """The greedy plan as a point of the `candidates` program, shape [n]; limits may forbid it.

    The same VMs in every period, so that none starts and none is kept too short.

    Args:
        avoid: places to use only where there is no other, shape [P].
    """
    values, market = np.zeros(program.n_columns), variables.estate.market
    for t in range(len(variables.vms)):
        for columns in variables.services:
            if columns.period == t:
                _place(columns, variables, values, avoid)
        for shifts in variables.shifts:
            _shift(shifts, variables, t, values)
    for job in variables.jobs:
        dear = avoid[job.place] & ~avoid[job.place].all()
        values[job.chosen[int(np.where(dear, np.inf, job.usd_per_hour).argmin())]] = 1.0
    values = Lifting(program).raised(values)
    vms = market.owned.astype(float)
    for columns_of in variables.vms:
        used = columns_of >= 0
        vms[used] = np.maximum(vms[used], values[columns_of[used]])
    for t, columns_of in enumerate(variables.vms):
        used = columns_of >= 0
        values[columns_of[used]] = vms[used]
        horizon = variables.estate.problem.horizon
        if variables.started and t == 0 and horizon is not None and not horizon.cyclic:
            begun = variables.started[0]
            values[begun[begun >= 0]] = vms[begun >= 0]
    return values


def _place(
    columns: ServiceColumns,
    variables: Variables,
    values: FloatArray,
    avoid: BoolArray,
) -> None:
    """One service where it is cheapest alone, class by class if nothing serves them all."""
    service = columns.service
    classes = range(len(service.classes))
    able: BoolArray = np.array([c.capacity[service.pair] > 0 for c in service.classes])
    together = able.all(axis=0)
    for mine in [list(classes)] if together.any() else [[c] for c in classes]:
        fits = np.asarray(able[mine].all(axis=0))
        item, count = _cheapest_alone(service, variables, columns.period, fits, avoid)
        for i, x in zip(item, count, strict=True):
            values[columns.replicas[i]] += x
            if columns.routed:
                for c in mine:
                    values[columns.routed[c][i]] = 1.0


def _cheapest_alone(
    service: Service, variables: Variables, period: int, able: BoolArray, avoid: BoolArray
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
    choices = (first & ~avoid[service.place], first, able & ~avoid[service.place], able)
    candidates = np.flatnonzero(next(choice for choice in choices if choice.any()))
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


def _shift(columns: ShiftColumns, variables: Variables, period: int, values: FloatArray) -> None:
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
