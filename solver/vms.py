"""The columns of VMs: how many to rent of each place in each period, and when they start."""

from __future__ import annotations

import numpy as np

from ..models.billing import SECONDS_PER_HOUR
from ..models.outcome import NoPlanError
from ..models.value import FloatArray
from .builder import ProgramBuilder
from .constraints import follow_demand
from .program import INTEGER_LIMIT, IntArray
from .variables import Estate


def add_vms(builder: ProgramBuilder, estate: Estate) -> tuple[IntArray, ...]:
    """Columns of n by period, shape [P]; -1 where no workload could use a place.

    Raises:
        NoPlanError: a fleet too large to count.
    """
    market, hours = estate.market, np.asarray(estate.problem.hours)
    most = np.array([most_vms(estate, t) for t in range(len(hours))])
    _refuse_uncountable(estate, most.max(axis=0))
    ever, share = most.max(axis=0), hours / hours.sum()
    always, follows = market.reserved & (ever > 0), ~market.reserved & (ever > 0)
    kept = np.full(market.n_places, -1)
    kept[always] = builder.columns(
        int(always.sum()),
        cost=market.price[always],
        lower=market.owned[always].astype(float),
        upper=ever[always],
        integer=True,
    )
    columns = []
    for part in share:
        mine = kept.copy()
        mine[follows] = builder.columns(
            int(follows.sum()),
            cost=market.price[follows] * part,
            upper=ever[follows],
            integer=True,
        )
        columns.append(mine)
    return tuple(columns)


def most_vms(estate: Estate, period: int) -> FloatArray:
    """VMs of each place that a plan never needs to exceed, shape [P]."""
    market = estate.market
    most = market.owned.astype(float)
    for service in estate.services:
        if service.rate(period) == 0:
            continue
        count = service.most(period)
        if service.demand.survive.vm is None:
            gpus = market.pair_gpus[service.pair] * service.block
            count = np.ceil(count * gpus / market.room[service.place])
        most += _worst_mix(market.n_places, service.place, count)
    for shifts in estate.shifts:
        part = shifts.part[period]
        count = np.ceil(np.divide(1.0, part, out=np.zeros(len(part)), where=part > 0))
        vms = np.ceil(count * market.pair_gpus[shifts.pair] / market.room[shifts.place])
        most += _worst_mix(market.n_places, shifts.place, vms)
    return most


def _worst_mix(n_places: int, place: IntArray, alone: FloatArray) -> FloatArray:
    """VMs of each place that one demand may need, from what each item needs alone.

    Without its smallest item a least mix carries less than all, so its GPUs stay below those
    of its worst item alone plus one replica: one VM more than that item alone.
    """
    most = np.zeros(n_places)
    np.maximum.at(most, place, alone)
    return most + (np.bincount(place, minlength=n_places) > 1)


def _refuse_uncountable(estate: Estate, most: FloatArray) -> None:
    for place in np.flatnonzero(most > INTEGER_LIMIT):
        key = estate.market.places[place].offer.vm_type.key
        limit = f"more than the {INTEGER_LIMIT:.0e} that are planned"
        raise NoPlanError(f"all demand could need {most[place]:.3g} VMs of {key}, {limit}")


def add_started(
    builder: ProgramBuilder, estate: Estate, vms: tuple[IntArray, ...]
) -> tuple[IntArray, ...]:
    """Columns of VMs started at the beginning of each period, shape [P]; -1 where none.

    A start is paid `startup_s` before it serves, at the place's price. Empty where starting
    costs nothing and VMs may go at once.
    """
    horizon, market = estate.problem.horizon, estate.market
    if horizon is None or (horizon.startup_s == 0 and horizon.min_up_periods == 1):
        return ()
    usd = market.price * horizon.startup_s / SECONDS_PER_HOUR / horizon.total_hours
    used = np.flatnonzero(~market.reserved & (vms[0] >= 0))
    most = np.max([most_vms(estate, t) for t in range(len(vms))], axis=0)
    columns = []
    for _ in vms:
        mine = np.full(market.n_places, -1)
        mine[used] = builder.columns(len(used), cost=usd[used], upper=most[used], integer=True)
        columns.append(mine)
    follow_demand(builder, horizon, [v[used] for v in vms], [s[used] for s in columns])
    return tuple(columns)
