"""Why a plan is as it is: what binds, what comes next, and why every other VM type lost."""

from __future__ import annotations

from pydantic import Field

from .plan import SCHEMA_VERSION, FleetPlan
from .value import Name, NonNegative, Positive, Value, WholeNumber


class Binding(Value):
    """Something that the plan has used up, or nearly.

    Attributes:
        subject: the workload, quota or budget.
        name: of the SLO, of the memory (`gpu_bytes`, `host_bytes`), `replicas` (what they carry
            against what is asked), or the unit of a limit.
        used, bound: in the unit of `name`.
        slack: unused part of the bound; of replicas, what they carry beyond what is asked.
    """

    subject: Name
    name: Name
    used: NonNegative
    bound: NonNegative
    slack: float


class VMs(Value):
    """VMs of one type; in a horizon, on average."""

    provider: Name
    vm_type: Name
    count: Positive


class Alternative(Value):
    """The cheapest plan that does with fewer VMs of some type than each plan before it.

    Attributes:
        dearer_usd_per_hour: than the plan.
        proved: whether nothing cheaper was missed.
        vms: by VM type.
    """

    usd_per_hour: NonNegative
    dearer_usd_per_hour: NonNegative
    proved: bool
    vms: tuple[VMs, ...]


class Loser(Value):
    """Why a VM type is not in the plan.

    Attributes:
        reason: why no workload can be served on it, with numbers; empty where one can.
        dearer_usd_per_hour: what the fleet costs more with at least one replica on it; None
            where nothing can stand on it, or where that was not found in time.
        at_least: whether that is a bound: it may cost more.
    """

    provider: Name
    vm_type: Name
    reason: str = ""
    dearer_usd_per_hour: NonNegative | None = None
    at_least: bool = False


class Reasons(Value):
    """Why a plan.

    Attributes:
        binding: tightest first.
        alternatives: cheapest first.
        losers: VM types on offer that it does not use, nearest first.
        complete: whether all was worked out before the time was over.
        solves: programs that were solved.
    """

    schema_version: int = SCHEMA_VERSION
    plan: FleetPlan
    binding: tuple[Binding, ...]
    alternatives: tuple[Alternative, ...]
    losers: tuple[Loser, ...]
    complete: bool
    solves: WholeNumber = Field(default=0)
