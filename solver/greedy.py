"""A plan at once: each demand on its own cheapest candidate, VMs shared afterwards.

Never far off, and always there: the scale of the money, the solver's first incumbent,
and the answer when a limit leaves nothing better.
"""

from __future__ import annotations

import numpy as np

from ..models.value import FloatArray
from .candidates import TIE
from .variables import ServiceColumns, Variables


def cheapest_alone(service: ServiceColumns, variables: Variables) -> tuple[int, float]:
    """The candidate (position in `pair`) and replicas that serve the stream cheapest alone."""
    stream, pair = service.stream, service.pair
    keys, needed = stream.machines.keys, stream.replicas_needed()[pair]
    price = np.array([variables.offers[keys[k]].usd_per_hour for k in pair])
    vms = needed * stream.machines.vm_part[pair]
    best = int(np.lexsort((price * vms, price * np.ceil(vms)))[0])
    return best, float(needed[best])


def greedy_values(variables: Variables, n_columns: int) -> FloatArray:
    """The greedy plan as a point of the `candidates` program, shape [n_columns]."""
    values, parts = np.zeros(n_columns), dict.fromkeys(variables.vms, 0.0)
    for service in variables.services:
        best, count = cheapest_alone(service, variables)
        values[service.replicas[best]] = count
        k, machines = service.pair[best], service.stream.machines
        parts[machines.keys[k]] += count * float(machines.vm_part[k])
    for key, part in parts.items():
        values[variables.vms[key]] = np.ceil(part - TIE)
    for job in variables.jobs:
        values[job.chosen[int(job.usd_per_hour.argmin())]] = 1.0
    return values
