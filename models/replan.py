"""What a planner answers: the fleet to run next, what changes, and in which order."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .hardware import PurchaseOption
from .limits import Quota
from .plan import SCHEMA_VERSION, FleetPlan
from .value import Count, Name, NonNegative, Value, WholeNumber

Action = Literal["start VM", "start", "set batch", "stop", "stop VM"]


class ReplicaChange(Value):
    """What happens to the replicas of one workload.

    Attributes:
        started, stopped: more or fewer of them.
        moved: stopped in one place and started in another.
        kept: untouched.
    """

    workload: Name
    started: WholeNumber = 0
    stopped: WholeNumber = 0
    moved: WholeNumber = 0
    kept: WholeNumber = 0

    @property
    def changes(self) -> int:
        """Replicas that do not stay as they are."""
        return self.started + self.stopped + self.moved


class Step(Value):
    """One step from the running fleet to the new one; steps are taken in order.

    Attributes:
        action: `start` and `stop` are of replicas.
        provider, vm_type, region, purchase, zone: the VM.
        was: the VM's number among the hosts of the running plan, through all zones where the next
            one knows none; None: it is new.
        number: its number among the hosts of the new plan; None: it goes.
        workload, n_gpus, replicas: what starts, stops or is set; of VMs, nothing.
        batch: sequences held at once, of what starts or is set, by request class.
        early: it stops before what replaces it runs, because GPUs, a quota or a budget leave
            no room for both.
    """

    action: Action
    provider: Name
    vm_type: Name
    region: Name
    purchase: PurchaseOption
    zone: WholeNumber | None = None
    was: Count | None = None
    number: Count | None = None
    workload: Name | None = None
    n_gpus: Count | None = None
    replicas: WholeNumber = 0
    batch: tuple[Count, ...] = ()
    early: bool = False


class Replan(Value):
    """The fleet to run next.

    Attributes:
        sold_out: what is sold out, as quotas of what runs; the plan answers the problem with
            these besides its own.
        plan: the fleet to run. Its bound and gap are against the cheapest fleet of all,
            whatever changing to it would cost.
        kept: the running replicas stay where they are.
        reason: why, in a sentence.
        running_usd_per_hour: what the running fleet would cost; None where it does not serve.
        broken: why it does not.
        saving_usd_per_hour: of the best plan found over the running fleet, kept or not.
        change_usd: what the changes cost, once.
        changes: of workloads whose replicas do not all stay.
        steps: in order; substitutes run before what they replace stops, where there is room.
        seconds: wall time.
    """

    schema_version: int = SCHEMA_VERSION
    sold_out: tuple[Quota, ...] = ()
    plan: FleetPlan
    kept: bool
    reason: str
    running_usd_per_hour: NonNegative | None = None
    broken: tuple[str, ...] = ()
    saving_usd_per_hour: float | None = None
    change_usd: NonNegative = 0.0
    changes: tuple[ReplicaChange, ...] = ()
    steps: tuple[Step, ...] = Field(default=(), repr=False)
    seconds: NonNegative = 0.0

    @property
    def n_changes(self) -> int:
        """Replicas that start, stop or move."""
        return sum(change.changes for change in self.changes)
