"""What the cost of a plan hangs on: each parameter's next step, and break-even prices."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .hardware import PurchaseOption
from .plan import SCHEMA_VERSION, FleetPlan
from .reasons import VMs
from .value import Name, NonNegative, Positive, Value, WholeNumber


class NextStep(Value):
    """What happens when a parameter asks more of the fleet, or less.

    Attributes:
        at: the value where the cost changes: the last that the present cost pays for, or, asking
            less, the first at which the fleet is cheaper. None: it does not change as far as
            was looked.
        exact: whether it is so to `frontier.EXACT` of it; otherwise to `relaxation.TOLERANCE`.
        looked_to: the last value that was looked at; None: the parameter dropped altogether.
        usd_per_hour: cost beyond; None where there is no plan, or no change.
        change_usd_per_hour: that cost less the present one.
        usd_per_hour_per_unit: the change over the change of the parameter that it pays for:
            from this step to the next one, asking more; from this step to the one that ends the
            present cost, asking less. None where that is not known.
        reason: why there is no plan beyond.
        in_time: whether the step was looked for before the time was over.
    """

    at: NonNegative | None = None
    exact: bool = False
    looked_to: NonNegative | None = None
    usd_per_hour: Positive | None = None
    change_usd_per_hour: float | None = None
    usd_per_hour_per_unit: NonNegative | None = None
    reason: str = ""
    in_time: bool = True


class FieldSensitivity(Value):
    """How the cost answers to one parameter.

    Attributes:
        field: its path.
        subject: the workload or quota.
        value: now.
        asks_more: whether it asks more when it is `raised` or `lowered`.
        more, less: asking more, asking less.
    """

    field: str
    subject: str
    value: NonNegative
    asks_more: Literal["raised", "lowered"]
    more: NextStep
    less: NextStep


class BreakEven(Value):
    """The price of an offer at which the best fleet changes.

    Attributes:
        usd_per_hour: its price now.
        in_plan: whether the plan rents it: the fleet changes above the break-even price.
            Otherwise below.
        break_even_usd_per_hour: None: at no price above zero, or not found; `reason` says why.
        within_usd_per_hour: the gaps of the proofs behind it leave that much open.
        proved: whether each fleet behind it was proved the cheapest within the gap.
        vms: VMs of the fleet that takes over, by type.
        reason: why there is no break-even price, or what takes over.
    """

    provider: Name
    vm_type: Name
    region: Name
    purchase: PurchaseOption
    usd_per_hour: Positive
    in_plan: bool
    break_even_usd_per_hour: NonNegative | None = None
    within_usd_per_hour: NonNegative = 0.0
    proved: bool = True
    vms: tuple[VMs, ...] = ()
    reason: str = ""

    @property
    def ratio(self) -> float:
        """Break-even price over the price now; 0 where there is none."""
        return (self.break_even_usd_per_hour or 0.0) / self.usd_per_hour


class Sensitivity(Value):
    """What the cost of the best plan hangs on.

    Attributes:
        fields: in the order of the problem.
        prices: offers in the plan first, then those nearest to entering it.
        complete: whether all was worked out before the time was over.
        solves: plans and programs that were solved.
        seconds: wall time.
    """

    schema_version: int = SCHEMA_VERSION
    plan: FleetPlan
    fields: tuple[FieldSensitivity, ...] = ()
    prices: tuple[BreakEven, ...] = ()
    complete: bool
    solves: WholeNumber = Field(default=0)
    seconds: NonNegative = 0.0
