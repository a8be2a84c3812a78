"""All that is asked, and all that is answered."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from .billing import Billing
from .calibration import Calibration
from .deployment import Deployment, Performance, SLOCheck
from .hardware import Offer, PurchaseOption, VMType
from .outcome import ProblemError, Status
from .value import Count, Name, NonNegative, Positive, Value, WholeNumber
from .workload import Workload

SCHEMA_VERSION = 1
"""Raised when a field of the JSON changes its meaning or goes away; new fields keep it."""


class FleetProblem(Value):
    """Workloads to serve, offers to buy from, and the calibrations to predict with."""

    workloads: tuple[Workload, ...] = Field(min_length=1)
    offers: tuple[Offer, ...] = Field(min_length=1)
    calibrations: tuple[Calibration, ...] = Field(min_length=1)
    billing: Billing = Billing()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        _refuse_duplicates("workloads", [workload.name for workload in self.workloads])
        _refuse_duplicates("offers", [offer.key for offer in self.offers])
        pairs = [f"{c.gpu} under {c.engine}" for c in self.calibrations]
        _refuse_duplicates("calibrations", pairs)
        known: dict[str, VMType] = {}
        for index, offer in enumerate(self.offers):
            if known.setdefault(offer.vm_type.key, offer.vm_type) != offer.vm_type:
                rule = "must be the same machine in every offer of that name"
                raise ProblemError(f"offers[{index}].vm_type", offer.vm_type.key, rule)
        return self


def _refuse_duplicates(field: str, names: list[str]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        folded = name.casefold()
        if folded in seen:
            raise ProblemError(f"{field}[{index}].name", name, "is given twice")
        seen.add(folded)


class JobRun(Value):
    """A job's run: `n_vms` VMs for `run_s`, billed for `billed_s` each [s], `usd` in all."""

    n_vms: Count
    run_s: Positive
    billed_s: Positive
    usd: Positive


class Assignment(Value):
    """One workload's request class on one deployment.

    Attributes:
        workload: its name.
        request_class: position among the workload's request classes.
        region, purchase: with the deployment's VM type, the offer it runs on.
        replicas: replicas of this deployment.
        requests_per_s: mean rate routed here; None for a workload that states none.
        slos: each SLO beside its prediction.
        engine: engine assumed.
        offload_semantics: what the offload schedule means for it.
        calibration: `fitted` or `prior`.
        prediction_error: relative error 90 % of the calibration's held-out rows stay within.
        extrapolates: what lies beyond the measured range, in words.
        job: the run, when the workload is a job.
    """

    workload: Name
    request_class: WholeNumber = 0
    region: Name
    purchase: PurchaseOption
    deployment: Deployment
    replicas: Count
    requests_per_s: Positive | None = None
    performance: Performance
    slos: tuple[SLOCheck, ...] = ()
    engine: Name
    offload_semantics: str
    calibration: str
    prediction_error: Positive
    extrapolates: tuple[str, ...] = ()
    job: JobRun | None = None


class VMCount(Value):
    """VMs of one offer to rent.

    Attributes:
        count: VMs.
        price_date: when the price was read.
        gpus, gpus_used: GPUs rented and GPUs that replicas occupy; the rest is paid idle.
        usd_per_hour: of all of them; a job's VMs at its bill over its deadline.
        job: the job they run, when they are returned after it.
    """

    provider: Name
    vm_type: Name
    region: Name
    purchase: PurchaseOption
    count: Count
    gpus: Count
    gpus_used: Count
    usd_per_hour: Positive
    price_date: str = ""
    job: Name | None = None


class FleetPlan(Value):
    """The answer.

    Attributes:
        status: why the solve ended.
        usd_per_hour: cost of services, plus each job's bill spread over its deadline.
        usd_per_hour_bound: proved: no plan of this problem costs less. None: unknown.
        gap: (cost - bound) / cost; None when the bound is unknown.
        relative_gap: the gap that was asked for; `optimal` means it was reached.
        limit: the limit that stopped the solver, or empty.
        seconds: wall time from problem to checked plan.
    """

    schema_version: int = SCHEMA_VERSION
    status: Status
    usd_per_hour: Positive
    usd_per_hour_bound: NonNegative | None = None
    gap: NonNegative | None = None
    relative_gap: NonNegative = 0.0
    vms: tuple[VMCount, ...]
    assignments: tuple[Assignment, ...]
    backend: str = ""
    formulation: str = ""
    limit: str = ""
    seconds: NonNegative = 0.0
