"""What bounds a fleet besides demand: where it may run, quotas, a budget, what it survives."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .hardware import Offer, PurchaseOption, VMType
from .outcome import ProblemError
from .value import Name, NonNegative, Positive, Share, Value

Names = Annotated[tuple[Name, ...], Field(min_length=1)]


class Selection(Value):
    """Offers by their properties; an absent field says nothing.

    Attributes:
        providers: such as `aws`.
        regions: such as `us-east-1`.
        gpus: GPU names, such as `L4`.
        vm_types: such as `g6.xlarge`, or with the provider, `aws:g6.xlarge`.
        families: such as `g6`.
        purchase: `on_demand`, `spot`, `reserved`.
    """

    providers: Names | None = None
    regions: Names | None = None
    gpus: Names | None = None
    vm_types: Names | None = None
    families: Names | None = None
    purchase: Annotated[tuple[PurchaseOption, ...], Field(min_length=1)] | None = None

    def tests(self, offer: Offer) -> list[bool]:
        """For each field that is given, whether the offer is among its names."""
        return [
            bool(names_of(offer)[field] & set(wanted)) for field, wanted in self.given().items()
        ]

    def given(self) -> dict[str, tuple[str, ...]]:
        """The fields that say something, with their names."""
        if not self.model_fields_set:
            return {}
        fields = {name: getattr(self, name) for name in Selection.model_fields}
        return {name: wanted for name, wanted in fields.items() if wanted is not None}

    def matches(self, offer: Offer) -> bool:
        """Whether the offer is named by every field given."""
        return all(self.tests(offer))

    def names_any(self, offer: Offer) -> bool:
        """Whether the offer is named by at least one field."""
        return any(self.tests(offer))

    def check_names(self, path: str, offers: tuple[Offer, ...]) -> None:
        """Refuse a name that no offer answers to: a typing error would lift the rule.

        Raises:
            ProblemError: names the field, the name and what is on offer.
        """
        for field, wanted in self.given().items():
            known = set().union(*(names_of(offer)[field] for offer in offers))
            for index, name in enumerate(wanted):
                if name not in known:
                    shown = ", ".join(sorted(known)[:SHOWN])
                    rule = f"no offer of the problem has it; on offer: {shown}"
                    raise ProblemError(f"{path}.{field}[{index}]", name, rule)


SHOWN = 8
"""Names an error lists."""


def names_of(offer: Offer) -> dict[str, set[str]]:
    """The names an offer answers to, by field of `Selection`."""
    vm_type = offer.vm_type
    return {
        "providers": {vm_type.provider},
        "regions": {offer.region},
        "gpus": {vm_type.gpu.name},
        "vm_types": {vm_type.name, vm_type.key},
        "families": {vm_type.family},
        "purchase": {offer.purchase},
    }


class Quota(Selection):
    """At most `limit` VMs, GPUs or vCPUs of the offers selected, at any time.

    Clouds count differently: AWS in vCPUs of a family group, GCP and Azure in GPUs or
    vCPUs per region. An offer counts when every field given names it.
    """

    name: Name
    limit: NonNegative
    unit: Literal["vms", "gpus", "vcpus"] = "vms"

    def weight(self, vm_type: VMType) -> int:
        """What one VM counts.

        Raises:
            ProblemError: vCPUs are counted and the VM type's are unknown.
        """
        if self.unit == "vcpus" and vm_type.vcpus is None:
            raise ProblemError("unit", self.unit, f"the vCPUs of {vm_type.key} are unknown")
        counts = {"vms": 1, "gpus": vm_type.n_gpus, "vcpus": vm_type.vcpus or 0}
        return counts[self.unit]


class Budget(Value):
    """The most that may be spent.

    Attributes:
        usd_per_hour: in any hour; a job counts with its bill spread over its deadline.
        usd: over the whole horizon; needs `horizon`.
    """

    usd_per_hour: Positive | None = None
    usd: Positive | None = None


class Survival(Value):
    """The part of the demand that is still carried, within every SLO, after a loss.

    Attributes:
        vm: after the loss of any one VM.
        zone: after the loss of any one zone of a region.
    """

    vm: Share | None = None
    zone: Share | None = None


class Horizon(Value):
    """Time in periods over which demand changes and VMs come and go.

    Attributes:
        hours: length of each period [h].
        startup_s: from ordering a VM to its first request: paid, serves nothing [s].
        min_up_periods: periods that a VM, once started, is kept at least.
        cyclic: after the last period comes the first again, as a day follows a day;
            otherwise the fleet starts from nothing.
    """

    hours: Annotated[tuple[Positive, ...], Field(min_length=1)]
    startup_s: NonNegative = 0.0
    min_up_periods: Annotated[int, Field(ge=1, strict=True)] = 1
    cyclic: bool = True

    @property
    def total_hours(self) -> float:
        """Length of the horizon [h]."""
        return sum(self.hours)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.min_up_periods > len(self.hours):
            rule = f"must be at most the number of periods, {len(self.hours)}"
            raise ProblemError("min_up_periods", self.min_up_periods, rule)
        return self
