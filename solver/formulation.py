r"""From candidates to a program: buy VMs, place replicas, carry every demand.

$$ \min \frac{1}{H} \sum_t h_t \sum_p \text{price}_p n_{pt} + \sum_j \text{bill}_j z_j $$

`candidates` is the exact reduction: every candidate's offload schedule is solved before,
so a replica carries a known part $a_i = \min(\text{capacity}_i / \text{demand}_w, 1)$ and

$$ \sum_i a_i x_{it} \ge 1 \;\; \forall w, t, \qquad
   \sum_{i \text{ on } p} g_i x_{it} \le G_p n_{pt}, \qquad
   \sum_j z_j = 1 \;\; \forall \text{ jobs} $$

is pure integer where every workload has one request class. `layers` is the definition: shares y
and schedules c' are columns too (`layers.py`); it covers one steady state without losses.
"""

from __future__ import annotations

from dataclasses import replace
from math import log2
from typing import Literal

import numpy as np

from ..models.outcome import InfeasibleError
from ..models.value import FloatArray
from . import constraints
from .builder import ProgramBuilder
from .caps import add_limits
from .definition import carry_layers
from .greedy import greedy_hint
from .orders import Orders, order_places
from .program import IntArray, Program
from .variables import Estate, JobColumns, ServiceColumns, ShiftColumns, Variables
from .vms import add_started, add_vms

Formulation = Literal["auto", "candidates", "patterns", "layers"]

TIGHT = 1e-9
"""Feasibility tolerance where parts of classes fill whole replicas: at the usual 1e-6 SCIP put
1.6e-6 more on one than it carries, which is more than a plan may."""

GREEDY_SCALE = 2.0**10
"""Money is scaled by a power of two so that the greedy plan costs about this: solvers'
absolute tolerances are then small against it, whatever the currency unit."""


def formulate(estate: Estate, formulation: Formulation) -> tuple[Program, Variables]:
    """Build the program. Every demand must have a candidate (`explain.require_candidates`).

    Raises:
        NoPlanError: a fleet too large to count.
        InfeasibleError: a job that only reserved VMs could run.
    """
    builder = ProgramBuilder()
    variables = add_demand(builder, estate, formulation)
    add_limits(builder, variables)
    return _scaled(builder.build(), variables, formulation), variables


def add_demand(
    builder: ProgramBuilder, estate: Estate, formulation: Formulation = "candidates"
) -> Variables:
    """Everything but quotas and budgets."""
    problem = estate.problem
    vms = add_vms(builder, estate)
    started = add_started(builder, estate, vms)
    periods = range(len(problem.hours))
    services = tuple(
        _add_service(builder, estate, number, t, formulation)
        for t in periods
        for number, service in enumerate(estate.services)
        if service.rate(t) != 0
    )
    jobs = tuple(_add_job(builder, estate, orders) for orders in estate.orders)
    shifts = tuple(
        ShiftColumns(s, tuple(_add_shift(builder, s.part[t]) for t in periods))
        for s in estate.shifts
    )
    for columns in shifts:
        every = np.concatenate(columns.replicas)
        constraints.cover_demand(builder, every, columns.shifts.part.ravel())
    variables = Variables(estate, vms, started, services, jobs, shifts)
    for t in periods:
        _fit(builder, variables, t)
    return variables


def _scaled(unscaled: Program, variables: Variables, formulation: Formulation) -> Program:
    greedy = greedy_hint(variables, unscaled)
    program = scaled(unscaled, variables, greedy)
    return program if formulation == "candidates" else replace(program, hint=None)


def scaled(unscaled: Program, variables: Variables, point: FloatArray) -> Program:
    """The program in money in which a point costs about `GREEDY_SCALE`; the point is its hint."""
    scale = 2.0 ** round(log2(GREEDY_SCALE / float(unscaled.cost @ point)))
    tight = TIGHT if any(service.routed for service in variables.services) else None
    return replace(
        unscaled, cost=unscaled.cost * scale, hint=point, usd_scale=scale, feasibility=tight
    )


def _add_service(
    builder: ProgramBuilder,
    estate: Estate,
    number: int,
    period: int,
    formulation: Formulation,
) -> ServiceColumns:
    service, market = estate.services[number], estate.market
    replicas = builder.columns(len(service.pair), upper=service.most(period), integer=True)
    routed: tuple[IntArray, ...] = ()
    loss = constraints.NO_COLUMNS
    rate = service.rate(period)
    if formulation == "layers":
        shares = carry_layers(builder, service, replicas)
        routed = shares if rate is not None and len(service.classes) > 1 else ()
    elif len(service.classes) == 1:
        loss = constraints.carry_alone(builder, service, replicas, period)
    elif rate is None:
        constraints.hold_each(builder, service, replicas)
    else:
        routed = constraints.route_classes(builder, service, replicas, rate)
    types = constraints.limit_vm_types(builder, service, market, replicas, period)
    return ServiceColumns(service, period, replicas, routed, loss, types)


def _add_shift(builder: ProgramBuilder, part: FloatArray) -> IntArray:
    """Replicas of a job in one period: none where they do nothing, at most what does all."""
    most = np.ceil(np.divide(1.0, part, out=np.zeros(len(part)), where=part > 0))
    return builder.columns(len(part), upper=most, integer=True)


def _add_job(builder: ProgramBuilder, estate: Estate, orders: Orders) -> JobColumns:
    """One column for each order on each place that sells its VM type by the second."""
    market, workload = estate.market, orders.stream.workload
    job = workload.job
    assert job is not None
    places, type_of = order_places(orders, market), orders.stream.machines.type_of
    order, found = np.nonzero(type_of[:, None] == market.type_of[places][None, :])
    place = places[found]
    if not len(order):
        raise InfeasibleError(f"job {workload.name!r} rents its own VMs, and only reserved fit it")
    usd_per_hour = market.price[place] * orders.vm_hours[order] / job.deadline_h
    chosen = constraints.pick_order(builder, usd_per_hour)
    return JobColumns(orders, order, place, usd_per_hour, chosen)


def _fit(builder: ProgramBuilder, variables: Variables, period: int) -> None:
    """All replicas of a period on its VMs, and apart where a VM may be lost."""
    market, vms = variables.estate.market, variables.vms[period]
    services = [c for c in variables.services if c.period == period]
    items = [
        constraints.Items(
            c.service.place, market.pair_gpus[c.service.pair] * c.service.block, c.replicas
        )
        for c in services
    ]
    items += [
        constraints.Items(c.shifts.place, market.pair_gpus[c.shifts.pair], c.replicas[period])
        for c in variables.shifts
    ]
    constraints.fit_gpus(builder, market, vms, items)
    for number, columns in enumerate(services):
        if columns.service.demand.survive.vm is not None:
            others = [*items[:number], *items[number + 1 :]]
            constraints.stand_apart(builder, market, vms, items[number], others)
