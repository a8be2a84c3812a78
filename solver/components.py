"""Parts of an estate that share no VM type, quota or budget: each is planned on its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import networkx as nx
import numpy as np

from .decision import Decision
from .market import Market
from .orders import order_places
from .program import IntArray
from .variables import Estate


def split(estate: Estate) -> list[Estate]:
    """The independent components, in the order of their first demand; the estate itself if one.

    Each keeps the whole market; owned VMs belong to the component that may use them, those
    that nobody may use to the first.
    """
    market, budget = estate.market, estate.problem.budget
    if budget.usd_per_hour is not None or budget.usd is not None:
        return [estate]
    orders = [order_places(drawn, market) for drawn in estate.orders]
    used = [*(s.place for s in estate.services), *orders, *(s.place for s in estate.shifts)]
    part_of = _part_of_place(market, used)
    parts: dict[int, None] = dict.fromkeys(int(part_of[places[0]]) for places in used)
    if len(parts) == 1:
        return [estate]
    found = []
    for number, part in enumerate(parts):
        mine = part_of == part
        unclaimed = ~np.isin(part_of, list(parts)) if number == 0 else np.zeros(len(mine), bool)
        owned = np.where(mine | unclaimed, market.owned, 0)
        found.append(
            replace(
                estate,
                market=replace(market, owned=owned),
                services=tuple(s for s in estate.services if mine[s.place[0]]),
                orders=tuple(
                    o for o, places in zip(estate.orders, orders, strict=True) if mine[places[0]]
                ),
                shifts=tuple(s for s in estate.shifts if mine[s.place[0]]),
            )
        )
    return found


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
