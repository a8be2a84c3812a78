"""Offers that a problem file states itself: VMs under contract, and VM types known by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..models.hardware import GPU, Offer, PurchaseOption, VMType
from ..models.outcome import CatalogError, ProblemError
from ..models.value import Count, Name, Positive, Value, WholeNumber
from .catalog import Catalog
from .store import load_vm_types

SOURCE = "problem file"
"""Source of every offer that no catalogue has."""


class ReservedOffer(Value):
    """A VM type of the catalogue, reserved: paid for every hour, used or not.

    Attributes:
        vm_type: such as `g6.xlarge`, or with the provider, `aws:g6.xlarge`.
        usd_per_hour: of one VM, as the contract says [USD/h].
        owned: VMs reserved already; more may be reserved at the same price.
    """

    vm_type: Name
    region: Name
    usd_per_hour: Positive
    owned: WholeNumber = 0

    def offer(self, vm_types: Mapping[str, VMType], path: str) -> Offer:
        """The offer, its VM type taken from `vm_types`.

        Raises:
            CatalogError: no such VM type.
            ProblemError: several providers have one of that name.
        """
        return Offer(
            vm_type=_find(self.vm_type, vm_types.values(), f"{path}.vm_type"),
            region=self.region,
            purchase="reserved",
            usd_per_hour=self.usd_per_hour,
            owned=self.owned,
            source=SOURCE,
        )


class NamedOffer(Value):
    """A VM type of which nothing but name, GPUs and price is known.

    Only measured throughput can be planned on it.

    Attributes:
        gpu: its name, which may be any.
        family: group that shares a quota; the VM type's own name unless given.
        vcpus: needed only for a quota that counts them.
        owned: VMs reserved already, when `purchase` is `reserved`.
    """

    vm_type: Name
    gpu: Name
    n_gpus: Count = 1
    usd_per_hour: Positive
    provider: Name = "own"
    region: Name = "anywhere"
    purchase: PurchaseOption = "on_demand"
    family: Name | None = None
    vcpus: Count | None = None
    owned: WholeNumber = 0

    def offer(self, path: str) -> Offer:
        """The offer of the VM type.

        Raises:
            ProblemError: VMs are owned that are not reserved.
        """
        vm_type = VMType(
            provider=self.provider,
            name=self.vm_type,
            family=self.family or self.vm_type,
            gpu=GPU(name=self.gpu, source=SOURCE),
            n_gpus=self.n_gpus,
            vcpus=self.vcpus,
            source=SOURCE,
        )
        try:
            return Offer(
                vm_type=vm_type,
                region=self.region,
                purchase=self.purchase,
                usd_per_hour=self.usd_per_hour,
                owned=self.owned,
                source=SOURCE,
            )
        except ProblemError as error:
            raise ProblemError(f"{path}.{error.field}", error.value, error.rule) from None


def with_stated_offers(
    bought: Iterable[Offer], named: object, reserved: object, catalog: Catalog | None
) -> tuple[Offer, ...]:
    """Offers of a catalogue, and those that a problem file states beside them.

    Args:
        bought: the offers that passed the filter.
        named, reserved: the fields `offers` and `reserved` of the file.
        catalog: where reserved VM types are looked up before the shipped ones.

    Raises:
        ProblemError: a value breaks a rule, or an offer is there twice.
        CatalogError: no such VM type.
    """
    found = {offer.key.casefold(): offer for offer in bought}
    machines = {offer.vm_type.key: offer.vm_type for offer in found.values()}
    for path, offer in (*_named(named), *_reserved(reserved, catalog)):
        key, vm_type = offer.key, offer.vm_type
        if machines.setdefault(vm_type.key, vm_type) != vm_type:
            rule = "is another machine in an offer before; give it a provider or name of its own"
            raise ProblemError(f"{path}.vm_type", vm_type.key, rule)
        if found.setdefault(key.casefold(), offer) is not offer:
            raise ProblemError(path, key, "is offered twice")
    return tuple(found.values())


def _named(data: object) -> Iterator[tuple[str, Offer]]:
    for path, entry in _entries("offers", data):
        yield path, NamedOffer.parse_at(path, entry).offer(path)


def _reserved(data: object, catalog: Catalog | None) -> Iterator[tuple[str, Offer]]:
    entries = list(_entries("reserved", data))
    if not entries:
        return
    vm_types = {vm_type.key: vm_type for vm_type in load_vm_types()}
    if catalog is not None:
        vm_types |= {vm_type.key: vm_type for vm_type in catalog.vm_types()}
    for path, entry in entries:
        yield path, ReservedOffer.parse_at(path, entry).offer(vm_types, path)


def _entries(field: str, data: object) -> Iterator[tuple[str, object]]:
    """(path, entry) of each entry of a list of tables."""
    if not isinstance(data, list):
        raise ProblemError(field, data, "must be a list of tables")
    for index, entry in enumerate(data):
        if not isinstance(entry, Mapping):
            raise ProblemError(f"{field}[{index}]", entry, "must be a table")
        yield f"{field}[{index}]", entry


def _find(name: str, vm_types: Iterable[VMType], path: str) -> VMType:
    """The one VM type of that name."""
    known = list(vm_types)
    found = [vm_type for vm_type in known if name in (vm_type.name, vm_type.key)]
    if not found:
        names = (v.key if ":" in name else v.name for v in known)
        raise CatalogError.unknown("VM type", name, names, path)
    if len(found) > 1:
        keys = ", ".join(vm_type.key for vm_type in found)
        raise ProblemError(path, name, f"must name the provider too, one of {keys}")
    return found[0]
