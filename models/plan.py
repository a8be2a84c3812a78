"""All that is answered."""

from __future__ import annotations

from pydantic import Field

from .arrivals import Queueing
from .calibration import MEDIAN
from .deployment import Deployment, Performance, SLOCheck
from .hardware import PurchaseOption
from .outcome import Status
from .value import Count, Name, NonNegative, Positive, Value, WholeNumber

SCHEMA_VERSION = 2
"""Of all that is answered as JSON; raised when a field changes its meaning or goes away, kept when
one is added (docs/versions.md)."""


class JobRun(Value):
    """A job's run: `n_vms` VMs for `run_s`, billed for `billed_s` each [s], `usd` in all.

    `run_s` starts with the order: it counts boot and load before the first request.
    """

    n_vms: Count
    run_s: Positive
    billed_s: Positive
    usd: Positive


class Route(Value):
    """Where one request class of a workload is served.

    Routes of one workload to replicas of one size on one offer, zone and period share
    those replicas: each keeps a `part` of them for its class.

    Attributes:
        workload: its name.
        request_class: position among the workload's request classes.
        region, purchase, zone, period: with the VM type, where and when; a zone only where
            one may be lost, a period only in a horizon.
        replicas: replicas here, of all classes together.
        part: replicas' worth kept for this class.
        requests_per_s: mean rate routed here; None for a workload that states none.
    """

    workload: Name
    request_class: WholeNumber = 0
    region: Name
    purchase: PurchaseOption
    zone: WholeNumber | None = None
    period: WholeNumber | None = None
    replicas: Count
    part: Positive
    requests_per_s: NonNegative | None = None

    @property
    def vm_key(self) -> str:
        """`provider:vm_type` of the replicas."""
        raise NotImplementedError

    @property
    def gpus_each(self) -> int:
        """GPUs of one replica."""
        raise NotImplementedError

    @property
    def capacity_per_s(self) -> float:
        """Requests/s of this class that one replica carries at full utilisation."""
        raise NotImplementedError

    @property
    def each_per_s(self) -> float:
        """Requests/s of this class that one replica is sent."""
        return (self.requests_per_s or 0.0) / self.part

    def most_per_s(self, target_utilization: float) -> float:
        """Requests/s of this class that one replica may be sent."""
        return target_utilization * self.capacity_per_s


class Assignment(Route):
    """A request class on a deployment that the performance model predicts.

    Attributes:
        queueing: what random arrivals do to one replica, where an SLO holds at a percentile.
        slos: each SLO beside its prediction, at that percentile.
        engine: engine assumed.
        offload_semantics: what the offload schedule means for it.
        calibration: `fitted` or `prior`.
        confidence: probability with which the predicted times hold.
        prefill_factor, decode_factor: the margin: multiples of the median that the times are.
        prediction_error: relative error 90 % of the calibration's held-out rows stay within.
        extrapolates: what lies beyond the measured range, in words.
        job: the run, when the workload is a job on VMs of its own.
    """

    deployment: Deployment
    performance: Performance
    queueing: Queueing | None = None
    slos: tuple[SLOCheck, ...] = ()
    engine: Name
    offload_semantics: str
    calibration: str
    confidence: Positive = MEDIAN
    prefill_factor: Positive = 1.0
    decode_factor: Positive = 1.0
    prediction_error: Positive
    extrapolates: tuple[str, ...] = ()
    job: JobRun | None = None

    @property
    def vm_key(self) -> str:
        return self.deployment.key

    @property
    def gpus_each(self) -> int:
        return self.deployment.n_gpus

    @property
    def capacity_per_s(self) -> float:
        return self.performance.requests_per_s

    @property
    def ttft_s(self) -> float:
        """Time to first token, at the SLO's percentile where it has one."""
        return self.performance.ttft_s + self.wait_s

    @property
    def wait_s(self) -> float:
        """Wait in a queue at the SLO's percentile; 0 where requests are taken not to queue."""
        return 0.0 if self.queueing is None else self.queueing.wait_s

    def most_per_s(self, target_utilization: float) -> float:
        if self.queueing is not None:
            return self.queueing.most_requests_per_s
        return super().most_per_s(target_utilization)


class MeasuredRoute(Route):
    """A request class on replicas whose throughput was measured [requests/s]."""

    provider: Name
    vm_type: Name
    n_gpus: Count
    measured_requests_per_s: Positive

    @property
    def vm_key(self) -> str:
        return f"{self.provider}:{self.vm_type}"

    @property
    def gpus_each(self) -> int:
        return self.n_gpus

    @property
    def capacity_per_s(self) -> float:
        return self.measured_requests_per_s


class VMCount(Value):
    """VMs of one offer to rent.

    Attributes:
        count: VMs.
        price_date: when the price was read.
        gpus, gpus_used: GPUs rented and GPUs that replicas occupy; the rest is paid idle.
        started: of these VMs, started at the beginning of the period.
        usd_per_hour: of all of them while they run; a job's VMs at its bill over its deadline.
        job: the job they run, when they are returned after it.
    """

    provider: Name
    vm_type: Name
    region: Name
    purchase: PurchaseOption
    zone: WholeNumber | None = None
    period: WholeNumber | None = None
    count: Count
    gpus: Count
    gpus_used: WholeNumber
    started: WholeNumber = 0
    usd_per_hour: Positive
    price_date: str = ""
    job: Name | None = None


class Seat(Value):
    """Replicas of one workload on one VM."""

    workload: Name
    n_gpus: Count
    replicas: Count


class Host(Value):
    """VMs of one offer that hold the same replicas: numbers `first` to `first + count - 1`."""

    provider: Name
    vm_type: Name
    region: Name
    purchase: PurchaseOption
    zone: WholeNumber | None = None
    period: WholeNumber | None = None
    job: Name | None = None
    first: Count
    count: Count
    seats: tuple[Seat, ...] = ()


class LimitUse(Value):
    """A quota or budget and what the plan takes of it; at most `limit`, in the worst period."""

    name: str
    unit: str
    used: NonNegative
    limit: NonNegative


class Opinion(Value):
    """What somebody else found who was asked the same, or who tried to refute a proof.

    Attributes:
        backend: who; `local search` tries every proof and speaks up where it refutes one.
        status, usd_per_hour, usd_per_hour_bound: the answer; None where there is none.
        agrees: whether it fits what the plan's own solver said; None: it found nothing in time.
    """

    backend: str
    status: Status
    usd_per_hour: Positive | None = None
    usd_per_hour_bound: NonNegative | None = None
    agrees: bool | None = None


class FleetPlan(Value):
    """The answer.

    Attributes:
        status: why the solve ended.
        usd_per_hour: cost of services, plus each job's bill spread over its deadline; in a
            horizon the mean over its hours.
        usd_per_hour_bound: proved: no plan of this problem costs less. None: unknown.
        gap: (cost - bound) / cost; None when the bound is unknown.
        relative_gap: the gap that was asked for; `optimal` means it was reached.
        limit: the limit that stopped the solver, or empty.
        hosts: which replica sits on which VM.
        limits: each quota and budget with what is taken of it.
        opinions: of others, where they were asked or contradict.
        seconds: wall time from problem to checked plan.
    """

    schema_version: int = SCHEMA_VERSION
    status: Status
    usd_per_hour: Positive
    usd_per_hour_bound: NonNegative | None = None
    gap: NonNegative | None = None
    relative_gap: NonNegative = 0.0
    vms: tuple[VMCount, ...]
    assignments: tuple[Assignment, ...] = ()
    measured: tuple[MeasuredRoute, ...] = ()
    hosts: tuple[Host, ...] = Field(default=(), repr=False)
    limits: tuple[LimitUse, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    backend: str = ""
    formulation: str = ""
    limit: str = ""
    seconds: NonNegative = 0.0

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every route, predicted and measured."""
        return (*self.assignments, *self.measured)
