"""The least cost against one parameter: stretches of one cost, and the steps between them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .outcome import Status
from .plan import SCHEMA_VERSION
from .reasons import VMs
from .value import Count, NonNegative, Positive, Value

EXACT = 1e-5
"""Part of a value within which a step is exact: the cost is solved for on both sides of it, no
further apart. Solvers may leave 1e-6 of a demand unserved, so it cannot be much less."""

End = Literal["range", "exact", "within tolerance", "below resolution", "open"]


class FrontierPoint(Value):
    """A stretch of values at which one plan holds and costs the least.

    For every value from `low` to `high` a plan of this cost is known, and none costs less than
    the bound. Of a budget, `high` itself pays for the next point already.

    Attributes:
        low, high: the stretch, in the unit of the parameter.
        status: `optimal`, or what kept it from being proved; `infeasible` where there is no plan.
        usd_per_hour, usd_per_hour_bound: the cost, and what no plan of the stretch is below;
            None where there is no plan.
        demand_factor: of a budget, the greatest factor on all demand that it pays for.
        vms: VMs of the plan, by type.
        reason: why there is no plan.
        end: how its last value, on the side where more is asked, is known: the end of the
            `range`; a step that is `exact` to `EXACT` of it; one that lies `within tolerance`
            of it; steps before the next point that together are `below resolution`; `open`:
            somewhere before the next point, and more steps may lie there. Of a budget, how
            the factor is known.
    """

    low: NonNegative
    high: NonNegative
    status: Status
    usd_per_hour: Positive | None = None
    usd_per_hour_bound: NonNegative | None = None
    demand_factor: Positive | None = None
    vms: tuple[VMs, ...] = ()
    reason: str = ""
    end: End


class Frontier(Value):
    """The least cost against one parameter.

    Attributes:
        field: the path of the parameter; `demand` is a factor on all demand.
        low, high: the range looked at.
        asks_more: whether more is asked of the fleet when the parameter is `raised` or `lowered`.
        tolerance: part of a value within which steps that are not exact were looked for.
        resolution: part of a cost below which steps were not told apart.
        relative_gap: part of a cost that a proof may leave open: costs closer than this are
            taken for one.
        points: by value, rising.
        complete: whether no step is `open`; otherwise time or solves ran out.
        solves: plans that were looked for.
        seconds: wall time.
    """

    schema_version: int = SCHEMA_VERSION
    field: str
    low: NonNegative
    high: Positive
    asks_more: Literal["raised", "lowered"]
    tolerance: Positive
    resolution: NonNegative
    relative_gap: NonNegative
    points: tuple[FrontierPoint, ...] = Field(min_length=1)
    complete: bool
    solves: Count
    seconds: NonNegative = 0.0

    @property
    def steps(self) -> int:
        """Times that the cost changes."""
        return len(self.points) - 1
