"""Parts of an estate that share no VM type, quota or budget: each is planned on its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import networkx as nx
import numpy as np

from .decision import Decision
from .market import Market
from .orders import order_places
from .program import BoolArray, IntArray
from .variables import Estate


def split(estate: Estate) -> list[Estate]:
    """The independent components, jobs under no quota first; the estate itself if one.

    Each keeps the whole market; owned VMs belong to the component that may use them, those
    that nobody may use to the last.
    """
    market, budget = estate.market, estate.problem.budget
    if budget.usd_per_hour is not None or budget.usd is not None:
        return [estate]
    counted: BoolArray = np.asarray(np.any(market.weight, axis=0))
    places = {id(drawn): order_places(drawn, market) for drawn in estate.orders}
    free = [drawn for drawn in estate.orders if not counted[places[id(drawn)]].any()]
    bound = [drawn for drawn in estate.orders if counted[places[id(drawn)]].any()]
    unowned = replace(market, owned=np.zeros_like(market.owned))
    alone = [
        replace(estate, market=unowned, services=(), orders=(drawn,), shifts=()) for drawn in free
    ]
    used = [*(s.place for s in estate.services), *(places[id(o)] for o in bound)]
    used += [s.place for s in estate.shifts]
    part_of = _part_of_place(market, used)
    parts = list(dict.fromkeys(int(part_of[mine[0]]) for mine in used))
    if not parts and not market.owned.any():
        return alone
    nobody = ~np.isin(part_of, parts)
    for part in parts or [-1]:
        mine = part_of == part
        owned = np.where(mine | (nobody & (part == (parts or [-1])[-1])), market.owned, 0)
        alone.append(
            replace(
                estate,
                market=replace(market, owned=owned),
                services=tuple(s for s in estate.services if mine[s.place[0]]),
                orders=tuple(o for o in bound if mine[places[id(o)][0]]),
                shifts=tuple(s for s in estate.shifts if mine[s.place[0]]),
            )
        )
    return alone


def _part_of_place(market: Market, used: Iterable[IntArray]) -> IntArray:
    """Number of the component of each place, shape [P]."""
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(market.n_places))
    for places in {places.tobytes(): places for places in used}.values():
        nx.add_path(graph, np.unique(places).tolist())
    for weight in market.weight:
        nx.add_path(graph, np.flatnonzero(weight).tolist())
    part_of = np.zeros(market.n_places, np.int64)
    for number, nodes in enumerate(nx.connected_components(graph)):
        part_of[list(nodes)] = number
    return part_of


def join(estate: Estate, decisions: Sequence[Decision]) -> Decision:
    """The decisions of all components as one, services in the order of the estate."""
    rank = {service.demand.name: i for i, service in enumerate(estate.services)}
    services = [placed for decision in decisions for placed in decision.services]
    services.sort(key=lambda placed: (placed.period, rank[placed.service.demand.name]))
    return Decision(
        estate=estate,
        services=tuple(services),
        vms=np.sum([decision.vms for decision in decisions], axis=0),
        started=np.sum([decision.started for decision in decisions], axis=0),
        jobs=tuple(job for decision in decisions for job in decision.jobs),
        shifts=tuple(shift for decision in decisions for shift in decision.shifts),
    )
