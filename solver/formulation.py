r"""From candidates to a program: buy VMs, place replicas, cover every demand.

$$ \min \sum_v \text{price}_v n_v + \sum_j \text{bill}_j z_j $$

`candidates` is the exact reduction: every candidate's offload schedule is solved before,
so a replica carries a known part $a_k = \min(\text{capacity}_k / \text{demand}_w, 1)$ and

$$ \sum_k a_k x_k \ge 1 \;\; \forall w, \qquad \sum_{k \text{ on } v} g_k x_k \le G_v n_v,
   \qquad \sum_j z_j = 1 \;\; \forall \text{ jobs} $$

is pure integer. `layers` is the definition: shares y and schedules c' are columns too
(`layers.py`), with $\sum_k y_k = 1$ and replica rows in place of $a_k$.
"""

from __future__ import annotations

from dataclasses import replace
from math import log2
from typing import Literal

import numpy as np

from ..models.fleet import FleetProblem
from ..models.hardware import Offer
from ..models.outcome import NoPlanError
from .builder import ProgramBuilder
from .candidates import Stream, cheapest_offers
from .constraints import cover_demand, fill_replicas, fit_gpus, pick_order, route_demand
from .dominance import without_dominated
from .greedy import greedy_values
from .layers import add_layers
from .orders import Orders
from .program import INTEGER_LIMIT, Program
from .variables import JobColumns, ServiceColumns, Variables

Formulation = Literal["candidates", "layers"]

GREEDY_SCALE = 2.0**10
"""Money is scaled by a power of two so that the greedy plan costs about this: solvers'
absolute tolerances are then small against it, whatever the currency unit."""


def formulate(
    problem: FleetProblem,
    services: tuple[Stream, ...],
    orders: tuple[Orders, ...],
    formulation: Formulation,
) -> tuple[Program, Variables]:
    """Build the program. Every service must have a candidate (`explain.require_candidates`).

    Raises:
        NoPlanError: a fleet too large to count.
    """
    offers = cheapest_offers(problem.offers)
    builder = ProgramBuilder()
    services = without_dominated(services, offers)
    vms = _vm_columns(builder, services, offers)
    placed = tuple(_add_service(builder, stream, formulation) for stream in services)
    fit_gpus(builder, placed, vms)
    jobs = tuple(_add_job(builder, drawn, offers) for drawn in orders)
    variables = Variables(offers, vms, placed, jobs)
    unscaled = builder.build()
    greedy = greedy_values(variables, unscaled.n_columns)
    scale = 2.0 ** round(log2(GREEDY_SCALE / float(unscaled.cost @ greedy)))
    hint = greedy if formulation == "candidates" else None
    return replace(unscaled, cost=unscaled.cost * scale, hint=hint, usd_scale=scale), variables


def _vm_columns(
    builder: ProgramBuilder, services: tuple[Stream, ...], offers: dict[str, Offer]
) -> dict[str, int]:
    """One integer column per VM type that some service could use."""
    most: dict[str, float] = {}
    for stream in services:
        machines, keys = stream.machines, stream.machines.keys
        vms = np.ceil(stream.replicas_needed() * machines.vm_part)
        alone: dict[str, float] = {}
        for k in stream.useful():
            alone[keys[k]] = max(alone.get(keys[k], 0.0), float(vms[k]))
        for key, count in alone.items():
            most[key] = most.get(key, 0.0) + count
    for key, count in most.items():
        if count > INTEGER_LIMIT:
            limit = f"more than the {INTEGER_LIMIT:.0e} that are planned"
            raise NoPlanError(f"all demand could need {count:.3g} VMs of {key}, {limit}")
    columns = builder.columns(
        len(most),
        cost=np.array([offers[key].usd_per_hour for key in most]),
        upper=np.array(list(most.values())),
        integer=True,
    )
    return dict(zip(most, columns.tolist(), strict=True))


def _add_service(
    builder: ProgramBuilder, stream: Stream, formulation: Formulation
) -> ServiceColumns:
    pair = stream.useful()
    replicas = builder.columns(len(pair), upper=stream.replicas_needed()[pair], integer=True)
    if formulation == "candidates":
        cover_demand(builder, replicas, stream.coverage()[pair])
    else:
        layers = add_layers(builder, stream, pair)
        route_demand(builder, layers)
        fill_replicas(builder, stream, layers, replicas)
    return ServiceColumns(stream, pair, replicas)


def _add_job(builder: ProgramBuilder, orders: Orders, offers: dict[str, Offer]) -> JobColumns:
    job = orders.stream.workload.job
    assert job is not None
    price = np.array([offers[key].usd_per_hour for key in orders.stream.machines.keys])
    usd_per_hour = price * orders.vm_hours / job.deadline_h
    return JobColumns(orders, usd_per_hour, pick_order(builder, usd_per_hour))
