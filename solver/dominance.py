r"""Places that another one makes needless, left out before the program is built.

Of two places with as many GPUs to a VM, the one that is no cheaper, counts no less against any
quota, is no firmer, and whose replicas carry no more of any demand, at any tensor-parallel
degree, can be replaced VM by VM, so some optimum does without it. Clouds sell the same GPUs with
more vCPUs and memory: half the VM types go.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..models.value import FloatArray
from .market import Market
from .program import BoolArray
from .variables import Estate


def without_dominated(estate: Estate) -> Estate:
    """The estate without the items on places that none needs.

    As it is where a workload may use few VM types only: the one that replaces another might
    be one type too many.
    """
    if any(s.demand.max_vm_types is not None for s in estate.services):
        return estate
    kept = needed_places(estate)
    return replace(
        estate,
        services=tuple(s.on(kept[s.place]) for s in estate.services),
        shifts=tuple(s.on(kept[s.place]) for s in estate.shifts),
    )


def needed_places(estate: Estate) -> BoolArray:
    """Places that no other makes needless, shape [P]."""
    market, kept = estate.market, np.zeros(estate.market.n_places, bool)
    carried, open_to = _demands(estate)
    pairs = [np.flatnonzero(market.pair_type == t) for t in market.type_of]
    for size in np.unique(market.room):
        # By price, then key: of equals the first stays, whatever the order of the input.
        order = sorted(
            np.flatnonzero(market.room == size).tolist(),
            key=lambda p: (market.price[p], str(market.places[p].key)),
        )
        columns = {p: carried[:, pairs[p]] * open_to[:, p, None] for p in order}
        kept[_undominated(estate, order, columns)] = True
    return kept


def _demands(estate: Estate) -> tuple[FloatArray, BoolArray]:
    """What a replica carries of each class, shape [D, K], and where it may stand, [D, P]."""
    market = estate.market
    rows, permitted = [], []
    for service in estate.services:
        mine = np.zeros(market.n_places, bool)
        mine[service.place] = True
        for served in service.classes:
            most = np.inf if service.demand.requests_per_s is None else service.peak(served)
            # Replicas of one class carry at most all of it; several classes share them.
            cut = most if len(service.classes) == 1 else np.inf
            rows.append(np.minimum(served.capacity, cut))
            permitted.append(mine)
    for shifts in estate.shifts:
        mine = np.zeros(market.n_places, bool)
        mine[shifts.place] = True
        for part in shifts.part:
            row = np.zeros(len(market.pair_type))
            row[shifts.pair] = part
            rows.append(row)
            permitted.append(mine)
    shape = (len(rows), len(market.pair_type))
    # An unlimited capacity becomes 1: times a place that is not open it must be 0.
    carried = np.nan_to_num(np.array(rows).reshape(shape), posinf=1.0)
    return carried, np.array(permitted).reshape(len(rows), market.n_places)


def _undominated(estate: Estate, order: list[int], carried: dict[int, FloatArray]) -> list[int]:
    """The places of `order`, cheapest first, that none before them makes needless."""
    market, horizon = estate.market, estate.problem.horizon
    # What is reserved is there from the start; what takes its place would have to start.
    starts = horizon is not None and horizon.startup_s > 0 and not horizon.cyclic
    kept: list[int] = []
    for p in order:
        needed = (market.reserved[p] and starts) or not any(
            _replaces(market, q, p, carried) for q in kept
        )
        if market.owned[p] or market.runs[p] or (carried[p].any() and needed):
            kept.append(p)
    return kept


def _replaces(market: Market, new: int, old: int, carried: dict[int, FloatArray]) -> bool:
    """Whether a VM of `new`, no dearer, does all that one of `old` does."""
    return bool(
        not market.reserved[new]
        and market.spot[new] <= market.spot[old]
        and market.zone[new] == market.zone[old]
        and (market.weight[:, new] <= market.weight[:, old]).all()
        and (carried[new] >= carried[old]).all()
    )
