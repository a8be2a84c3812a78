"""What VMs and jobs take of quotas and cost, in one steady state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...models.value import FloatArray
from ..decision import JobOrder
from ..program import IntArray
from ..variables import Estate


class Taken(NamedTuple):
    """What a fleet takes of the limits.

    Attributes:
        quotas: of each, shape [Q].
        usd_per_hour: what VMs and jobs cost, a job's bill spread over its deadline.
    """

    quotas: FloatArray
    usd_per_hour: float


def taken(estate: Estate, vms: IntArray, jobs: Sequence[JobOrder]) -> Taken:
    """What VMs of each place, shape [P], and the orders of jobs take."""
    market = estate.market
    quotas, usd = market.weight @ vms, float(market.price @ vms)
    for orders, j, place in jobs:
        job = orders.stream.workload.job
        assert job is not None, "only jobs are ordered"
        quotas = quotas + market.weight[:, place] * orders.n_vms[j]
        usd += float(market.price[place] * orders.vm_hours[j]) / job.deadline_h
    return Taken(quotas, usd)
