"""The fields of a problem that can be loosened, and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ...models.calibration import MEDIAN
from ...models.fleet import FleetProblem
from ...models.limits import Selection
from ...models.measured import MeasuredWorkload
from ...models.precision import PRECISIONS
from ...models.serving import LATENCY_SLOS
from ...models.workload import Workload

Way = Literal["raise", "lower", "drop", "pay"]


@dataclass(frozen=True, slots=True)
class Knob:
    """One field that can be loosened.

    Attributes:
        field: its path.
        subject: the workload's or quota's name.
        way: a number to raise or lower as little as possible; something to do without; or a
            budget, which has to be what the cheapest plan costs.
        was: its value.
        free: the value at which it binds no more; None: none at all.
        whole: whether it counts things.
    """

    field: str
    subject: str
    way: Way
    was: object
    free: object = None
    whole: bool = False


NO_LIMIT = 1e9
"""A quota or a deadline [s] that binds no more: never so many VMs are planned, nor so long."""
ALMOST_NOTHING = 1e-6
"""Part of a demand that stands for none of it."""


def fleet_knobs(problem: FleetProblem) -> Iterator[Knob]:
    """Quotas and budgets."""
    for index, quota in enumerate(problem.quotas):
        field = f"quotas[{index}].limit"
        yield Knob(field, quota.name, "raise", quota.limit, NO_LIMIT, whole=True)
    for name in ("usd_per_hour", "usd"):
        was = getattr(problem.budget, name)
        if was is not None:
            yield Knob(f"budget.{name}", "", "pay", was)


def workload_knobs(problem: FleetProblem, name: str) -> Iterator[Knob]:
    """What a workload asks for that it could ask less of."""
    for index, workload in enumerate(problem.workloads):
        if workload.name == name:
            at = f"workloads[{index}]"
            yield from _slo_knobs(problem, workload, at)
            yield from _shape_knobs(workload, at)
            yield from _demand_knobs(workload, at)
            if workload.job is not None:
                yield Knob(f"{at}.job.deadline_s", name, "raise", workload.job.deadline_s, NO_LIMIT)
    for index, measured in enumerate(problem.measured):
        if measured.name == name:
            yield from _demand_knobs(measured, f"measured[{index}]")


def last_resorts(problem: FleetProblem, name: str) -> Iterator[Knob]:
    """What changes the LLM's answers, too: weights in fewer bits."""
    for index, workload in enumerate(problem.workloads):
        was = workload.weight_precision
        for fewer in ("int8", "int4"):
            smaller = PRECISIONS[fewer].weight_bytes < PRECISIONS[was].weight_bytes
            if workload.name == name and smaller:
                yield Knob(f"workloads[{index}].precision", name, "drop", was, fewer)


def _slo_knobs(problem: FleetProblem, workload: Workload, at: str) -> Iterator[Knob]:
    for field, bound in workload.slo.bounds():
        way: Way = "raise" if field in LATENCY_SLOS else "lower"
        yield Knob(f"{at}.slo.{field}", workload.name, way, bound)
    if workload.slo.percentile is not None:
        yield Knob(f"{at}.slo.percentile", workload.name, "drop", workload.slo.percentile)
    if problem.confidence_of(workload) > MEDIAN:
        field, was = f"{at}.slo.confidence", problem.confidence_of(workload)
        yield Knob(field, workload.name, "drop", was, MEDIAN)


def _shape_knobs(workload: Workload, at: str) -> Iterator[Knob]:
    for field in ("batch", "gpus_per_replica"):
        if getattr(workload, field) is not None:
            yield Knob(f"{at}.{field}", workload.name, "drop", getattr(workload, field))
    if not workload.offload and workload.replace(offload=True).may_offload:
        yield Knob(f"{at}.offload", workload.name, "drop", was=False, free=True)


def _demand_knobs(demand: Workload | MeasuredWorkload, at: str) -> Iterator[Knob]:
    name, rate = demand.name, demand.requests_per_s
    for field in ("allow", "forbid"):
        was = getattr(demand, field)
        if was.given():
            yield Knob(f"{at}.{field}", name, "drop", was.given(), Selection())
    if demand.max_vm_types is not None:
        yield Knob(f"{at}.max_vm_types", name, "drop", demand.max_vm_types)
    if demand.max_spot_share < 1:
        yield Knob(f"{at}.max_spot_share", name, "raise", demand.max_spot_share, 1.0)
    for loss in ("vm", "zone"):
        share = getattr(demand.survive, loss)
        if share is not None:
            yield Knob(f"{at}.survive.{loss}", name, "lower", share)
    if demand.target_utilization < 1:
        field = f"{at}.target_utilization"
        yield Knob(field, name, "raise", demand.target_utilization, 1.0)
    if rate is not None:
        yield Knob(f"{at}.requests_per_s", name, "lower", rate, ALMOST_NOTHING * rate)
