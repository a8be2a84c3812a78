r"""What each GPU gets of the host link when every GPU of the VM copies at once.

A VM is a directed graph: GPU nodes, uplink nodes (PCIe switches) and the host, with
capacities in bytes/s. One direction of copying is a flow from the host to the GPUs, or
back. The fair rate is the largest rate that all G GPUs can get at the same time:

.. math::  r^* = \max \{ r : F(r) = G r \}, \qquad
           F(r) = \text{max-flow with the demand of every GPU capped at } r.

A minimum cut at rate r crosses m demand edges (m r) and links of capacity C, so
F(r) = C + m r, and F is concave and piecewise linear. Newton's step on F(r) = G r from
above is r = C / (G - m); each step changes the cut, so there are few, and the last is exact
(Dinkelbach 1967 for the ratio form C / (G - m); Gallo, Grigoriadis and Tarjan 1989 for
parametric flow).

Assumes that copies share a link evenly and that the host memory itself is never the
bottleneck; measured rows of the catalogue already contain both effects.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from .hardware import HostLink

if TYPE_CHECKING:  # networkx takes 100 ms to import: only functions that need it do
    import networkx as nx

    Graph = nx.DiGraph[str]

HOST = "host"
COPIES = "copies"
ROUNDING = 1e-12
"""Relative difference below which two rates are the same float computed in two ways."""


@dataclass(frozen=True, slots=True)
class HostRates:
    """What each GPU of a VM gets when all of them copy at once.

    Attributes:
        h2d_bytes_per_s: host to GPU [bytes/s].
        d2h_bytes_per_s: GPU to host [bytes/s].
    """

    h2d_bytes_per_s: float
    d2h_bytes_per_s: float


def host_graph(n_gpus: int, link: HostLink) -> Graph:
    """The VM as a graph, every edge with its `capacity` in bytes/s.

    Nodes carry their `kind`: `host`, `uplink` or `gpu`. GPU i is behind uplink
    i // gpus_per_uplink, so the last uplink may serve fewer GPUs than the others.

    >>> link = HostLink(h2d_bytes_per_s=12e9, d2h_bytes_per_s=13e9, gpus_per_uplink=2,
    ...                 uplink_h2d_bytes_per_s=14e9, uplink_d2h_bytes_per_s=15e9)
    >>> graph = host_graph(3, link)
    >>> sorted(graph.predecessors("uplink0"))
    ['gpu0', 'gpu1', 'host']
    >>> graph.edges["uplink1", "gpu2"]["capacity"]
    12000000000.0
    """
    import networkx as nx

    graph: Graph = nx.DiGraph()
    graph.add_node(HOST, kind="host")
    for i in range(n_gpus):
        gpu, uplink = f"gpu{i}", f"uplink{i // link.gpus_per_uplink}"
        if uplink not in graph:
            graph.add_node(uplink, kind="uplink")
            graph.add_edge(HOST, uplink, capacity=link.uplink_h2d_bytes_per_s)
            graph.add_edge(uplink, HOST, capacity=link.uplink_d2h_bytes_per_s)
        graph.add_node(gpu, kind="gpu")
        graph.add_edge(uplink, gpu, capacity=link.h2d_bytes_per_s)
        graph.add_edge(gpu, uplink, capacity=link.d2h_bytes_per_s)
    return graph


def host_rates(n_gpus: int, link: HostLink) -> HostRates:
    r"""The fair host rates of one GPU when all `n_gpus` GPUs of the VM copy [bytes/s].

    On the tree of `HostLink`, with own link b, uplink B and u GPUs behind each uplink, the
    flow gives :math:`r^* = \min(b, B / \min(u, G))`. Two GPUs behind an uplink no faster
    than their own links get half each:

    >>> shared = HostLink(h2d_bytes_per_s=12e9, d2h_bytes_per_s=13e9, gpus_per_uplink=2,
    ...                   uplink_h2d_bytes_per_s=12e9, uplink_d2h_bytes_per_s=13e9)
    >>> host_rates(2, shared)
    HostRates(h2d_bytes_per_s=6000000000.0, d2h_bytes_per_s=6500000000.0)

    Source: uplink sharing and rates as measured, see catalogs/README.md.
    """
    if n_gpus == 1:  # one path, no graph: its narrowest part
        return HostRates(
            h2d_bytes_per_s=min(link.h2d_bytes_per_s, link.uplink_h2d_bytes_per_s),
            d2h_bytes_per_s=min(link.d2h_bytes_per_s, link.uplink_d2h_bytes_per_s),
        )
    return _rates(
        n_gpus,
        link.gpus_per_uplink,
        (link.h2d_bytes_per_s, link.uplink_h2d_bytes_per_s),
        (link.d2h_bytes_per_s, link.uplink_d2h_bytes_per_s),
    )


@lru_cache(maxsize=4096)
def _rates(
    n_gpus: int, gpus_per_uplink: int, h2d: tuple[float, float], d2h: tuple[float, float]
) -> HostRates:
    """`host_rates` on the numbers alone: hundreds of VM types share a few topologies."""
    link = HostLink(
        h2d_bytes_per_s=h2d[0],
        d2h_bytes_per_s=d2h[0],
        gpus_per_uplink=gpus_per_uplink,
        uplink_h2d_bytes_per_s=h2d[1],
        uplink_d2h_bytes_per_s=d2h[1],
    )
    graph = host_graph(n_gpus, link)
    to_gpus: Graph = graph.copy()
    # Copies back to the host are the same flow with every edge turned round.
    to_host: Graph = graph.reverse(copy=True)
    return HostRates(
        h2d_bytes_per_s=_fair_rate(to_gpus, link.h2d_bytes_per_s),
        d2h_bytes_per_s=_fair_rate(to_host, link.d2h_bytes_per_s),
    )


def _fair_rate(graph: Graph, link_bytes_per_s: float) -> float:
    """The largest rate that every GPU can get at once, from the host [bytes/s].

    Adds the demand edges to `graph`, which belongs to the caller's call alone.
    """
    import networkx as nx
    from networkx.algorithms.flow import edmonds_karp

    gpus = [node for node, data in graph.nodes(data=True) if data["kind"] == "gpu"]
    rate = link_bytes_per_s
    while True:
        graph.add_edges_from(((gpu, COPIES) for gpu in gpus), capacity=rate)
        # Few edges: augmenting paths take half the time of the default, push-relabel.
        _, (reached, _) = nx.minimum_cut(graph, HOST, COPIES, flow_func=edmonds_karp)
        starved = len(gpus) - sum(gpu in reached for gpu in gpus)
        links_bytes_per_s = sum(
            data["capacity"]
            for tail, head, data in graph.edges(data=True)
            if tail in reached and head not in reached and head != COPIES
        )
        if starved == 0:  # only demand is cut: every GPU gets all it asks for
            return rate
        fair = links_bytes_per_s / starved
        if fair >= rate * (1.0 - ROUNDING):
            return rate
        rate = fair
