r"""VM types that another one makes needless, left out before the program is built.

Of two VM types with as many GPUs, the one that is no cheaper and whose replicas carry no
more of any demand, at any tensor-parallel degree, can be replaced VM by VM, so some optimum
does without it. Clouds sell the same GPUs with more vCPUs and memory: half the VM types go.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..models.hardware import Offer
from ..models.value import FloatArray
from .candidates import Stream


def without_dominated(services: tuple[Stream, ...], offers: dict[str, Offer]) -> tuple[Stream, ...]:
    """The services, holding only on VM types that none makes needless.

    Args:
        services: streams over the same VM types.
        offers: the offer of each VM type, by key.
    """
    if not services:
        return services
    vm_types = services[0].machines.vm_types
    price = np.array([offers[v.key].usd_per_hour for v in vm_types])
    n_gpus = np.array([v.n_gpus for v in vm_types])
    parts, kept = carried(services), np.zeros(len(vm_types), bool)
    for size in np.unique(n_gpus):
        alike = np.flatnonzero(n_gpus == size)
        # By price, then name: of equals the first stays, whatever the order of the input.
        order = sorted(alike.tolist(), key=lambda t: (price[t], vm_types[t].key))
        kept[_undominated(order, parts)] = True
    return tuple(replace(s, holds=s.holds & kept[s.machines.type_of]) for s in services)


def carried(services: tuple[Stream, ...]) -> list[FloatArray]:
    """By VM type: part of each demand that a replica carries, by degree; 0 where none can."""
    rows: list[list[FloatArray]] = [[] for _ in services[0].machines.vm_types]
    for stream in services:
        useful = np.zeros(stream.holds.shape, bool)
        useful[stream.useful()] = True
        part = np.where(useful, stream.coverage(), 0.0)
        starts = np.flatnonzero(np.diff(stream.machines.type_of, prepend=-1))
        for t, parts in enumerate(np.split(part, starts[1:])):
            rows[t].append(parts)
    return [np.concatenate(row) for row in rows]


def _undominated(order: list[int], parts: list[FloatArray]) -> list[int]:
    """The types of `order`, cheapest first, that none before them makes needless."""
    kept: list[int] = []
    for t in order:
        if parts[t].any() and not any((parts[k] >= parts[t]).all() for k in kept):
            kept.append(t)
    return kept
