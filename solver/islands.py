"""Workloads that share no place and no limit, so that each group can be planned apart."""

from __future__ import annotations

import networkx as nx
import numpy as np

from .covering import Covering
from .program import IntArray


def islands(covering: Covering) -> IntArray:
    """Number of the group that each workload belongs to, from 0 in order of workload; shape [W].

    The graph is one of places, joined by the workloads and the limits that speak of both:
    a workload joins its places pair by pair along its items, and equal pairs count once.
    """
    workload = covering.workload
    same = workload[1:] == workload[:-1]
    pairs = np.stack([covering.place[:-1][same], covering.place[1:][same]], axis=1)
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(covering.n_places))
    graph.add_edges_from(np.unique(np.sort(pairs, axis=1), axis=0).tolist())
    for row in covering.weight > 0:
        nx.add_path(graph, np.flatnonzero(row).tolist())
    group = np.zeros(covering.n_places, np.int64)
    for number, members in enumerate(nx.connected_components(graph)):
        group[list(members)] = number
    # Without items a workload is a group of its own: numbered past the places' groups.
    own = covering.n_places + np.arange(covering.n_workloads)
    some = np.diff(covering.start) > 0
    own[some] = group[covering.place[covering.start[:-1][some]]]
    _, first, inverse = np.unique(own, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
