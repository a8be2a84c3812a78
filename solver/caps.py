"""Quotas and budgets in the program, and which of them leave no plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..models.value import FloatArray
from . import constraints
from .builder import ProgramBuilder
from .program import IntArray
from .variables import Variables

Terms = list[tuple[IntArray, FloatArray]]


@dataclass(frozen=True, slots=True)
class Cap:
    """A quota or a budget: by period, what counts against it."""

    name: str
    unit: str
    limit: float
    periods: tuple[Terms, ...]

    @property
    def scale(self) -> float:
        """Its rows are divided by this: the limit, or the largest amount of one column."""
        largest = [a.max(initial=0.0) for terms in self.periods for _, a in terms]
        return float(max([self.limit, *largest])) or 1.0


def caps_of(builder: ProgramBuilder, variables: Variables) -> Iterator[Cap]:
    """Every quota and budget; a job on VMs of its own counts at any time."""
    problem, market = variables.estate.problem, variables.estate.market
    used = [np.flatnonzero(vms >= 0) for vms in variables.vms]
    by_period = list(zip(variables.vms, used, strict=True))
    for quota, weight in zip(problem.quotas, market.weight, strict=True):
        jobs = [(j.chosen, weight[j.place] * j.orders.n_vms[j.order]) for j in variables.jobs]
        terms = tuple([(vms[p], weight[p]), *jobs] for vms, p in by_period)
        yield Cap(quota.name, quota.unit, quota.limit, terms)
    if problem.budget.usd_per_hour is not None:
        bills = [(j.chosen, j.usd_per_hour) for j in variables.jobs]
        terms = tuple([(vms[p], market.price[p]), *bills] for vms, p in by_period)
        yield Cap("budget", "usd_per_hour", problem.budget.usd_per_hour, terms)
    if problem.budget.usd is not None:
        usd = builder.cost() * sum(problem.hours)
        paid = np.flatnonzero(usd)
        yield Cap("budget", "usd", problem.budget.usd, ([(paid, usd[paid])],))


def add_limits(builder: ProgramBuilder, variables: Variables) -> None:
    """Quotas and budgets as rules."""
    for cap in list(caps_of(builder, variables)):
        for terms in cap.periods:
            constraints.keep_within(builder, cap.limit, terms, cap.scale)


def add_elastic_limits(
    builder: ProgramBuilder, variables: Variables
) -> Sequence[tuple[Cap, IntArray]]:
    """Quotas and budgets that may be exceeded, and by which column, in units of `scale`."""
    relaxed = []
    for cap in list(caps_of(builder, variables)):
        excess = builder.columns(1)
        for terms in cap.periods:
            constraints.keep_within(builder, cap.limit, terms, cap.scale, excess)
        relaxed.append((cap, excess))
    return relaxed
