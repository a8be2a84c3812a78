"""All that is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from .billing import Billing
from .calibration import MEDIAN, Calibration, Confidence
from .hardware import Offer, VMType
from .limits import Budget, Horizon, Quota
from .measured import MeasuredWorkload
from .outcome import ProblemError
from .value import Value
from .workload import Demand, Workload

ZONES = 3
"""Zones of a region, as most regions of AWS, GCP and Azure have (their region tables)."""
MOST_ZONES = 16


class FleetProblem(Value):
    """Demand to serve, offers to buy from, calibrations to predict with, and limits.

    Attributes:
        measured: demand planned on measured throughput; it needs no calibration.
        quotas: caps on what is rented at one time.
        horizon: periods with a demand each; None: one steady state.
        confidence: probability with which the predicted times hold, under the held-out errors of
            the calibrations; at one half they are the median. SLOs, capacities and jobs are
            planned on these times. An SLO may ask for another.
        zones_per_region: zones to spread over, for what must survive the loss of one; every
            offer is taken to be sold in each at the same price.
    """

    workloads: tuple[Workload, ...] = ()
    measured: tuple[MeasuredWorkload, ...] = ()
    offers: tuple[Offer, ...] = Field(min_length=1)
    calibrations: tuple[Calibration, ...] = ()
    billing: Billing = Billing()
    quotas: tuple[Quota, ...] = ()
    budget: Budget = Budget()
    horizon: Horizon | None = None
    confidence: Confidence = MEDIAN
    zones_per_region: Annotated[int, Field(ge=2, le=MOST_ZONES, strict=True)] = ZONES

    @property
    def demands(self) -> tuple[Demand, ...]:
        """Every workload, predicted and measured."""
        return (*self.workloads, *self.measured)

    @property
    def zoned(self) -> bool:
        """Whether it matters in which zone replicas stand: some demand survives the loss of one."""
        return any(demand.survive.zone is not None for demand in self.demands)

    def at_median(self) -> FleetProblem:
        """The same planned on median times."""
        workloads = tuple(w.replace(slo=w.slo.replace(confidence=None)) for w in self.workloads)
        return self.replace(workloads=workloads, confidence=MEDIAN)

    def confidence_of(self, workload: Workload) -> float:
        """Probability with which the times of a workload hold."""
        asked = workload.slo.confidence
        return self.confidence if asked is None else asked

    @property
    def hours(self) -> tuple[float, ...]:
        """Length of each period [h]; one hour where there is no horizon."""
        return (1.0,) if self.horizon is None else self.horizon.hours

    @model_validator(mode="after")
    def _unique(self) -> Self:
        if not self.demands:
            raise ProblemError("workloads", None, "must have at least one workload")
        _refuse_duplicates("workloads", [demand.name for demand in self.demands])
        _refuse_duplicates("offers", [offer.key for offer in self.offers])
        _refuse_duplicates("quotas", [quota.name for quota in self.quotas])
        pairs = [f"{c.gpu} under {c.engine}" for c in self.calibrations if c.plans]
        _refuse_duplicates("calibrations", pairs)
        known: dict[str, VMType] = {}
        for index, offer in enumerate(self.offers):
            if known.setdefault(offer.vm_type.key, offer.vm_type) != offer.vm_type:
                rule = "must be the same machine in every offer of that name"
                raise ProblemError(f"offers[{index}].vm_type", offer.vm_type.key, rule)
        return self

    @model_validator(mode="after")
    def _limits_fit(self) -> Self:
        for index, quota in enumerate(self.quotas):
            quota.check_names(f"quotas[{index}]", self.offers)
            for offer in self.offers:
                if quota.matches(offer):
                    _counted(f"quotas[{index}]", quota, offer)
        if self.budget.usd is not None and self.horizon is None:
            raise ProblemError("budget.usd", self.budget.usd, "needs a horizon to be spent over")
        return self

    @model_validator(mode="after")
    def _demands_fit(self) -> Self:
        for path, demand in _placed(self.workloads, self.measured):
            demand.allow.check_names(f"{path}.allow", self.offers)
            demand.forbid.check_names(f"{path}.forbid", self.offers)
            periods = len(self.hours) if self.horizon else 0
            if demand.profile is not None and len(demand.profile) != periods:
                rule = f"must have one number per period of the horizon, {periods}"
                raise ProblemError(f"{path}.profile", len(demand.profile), rule)
        return self


def _counted(path: str, quota: Quota, offer: Offer) -> None:
    """Refuse a quota that cannot count a VM, by its path in the problem."""
    try:
        quota.weight(offer.vm_type)
    except ProblemError as error:
        raise ProblemError(f"{path}.{error.field}", error.value, error.rule) from None


def _placed(
    workloads: Sequence[Workload], measured: Sequence[MeasuredWorkload]
) -> list[tuple[str, Demand]]:
    """Every demand with its path in the problem."""
    return [(f"workloads[{i}]", w) for i, w in enumerate(workloads)] + [
        (f"measured[{i}]", m) for i, m in enumerate(measured)
    ]


def _refuse_duplicates(field: str, names: list[str]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        folded = name.casefold()
        if folded in seen:
            raise ProblemError(f"{field}[{index}].name", name, "is given twice")
        seen.add(folded)
