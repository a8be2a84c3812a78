"""A catalogue of offers, and how to narrow it down."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self, get_args

from pydantic import Field, model_validator

from ..models.hardware import GPU, Offer, PurchaseOption, VMType
from ..models.outcome import CatalogError, ProblemError
from ..models.value import Value
from .readers import read_aliases

ALIASES = Path(__file__).resolve().parent / "data" / "gpu_aliases.csv"

ALL = "all"
"""As a filter: any. As the region of an offer: one price in every region of its provider."""

PURCHASE_OPTIONS: tuple[str, ...] = get_args(PurchaseOption)

Names = str | Sequence[str] | None
"""A filter: one name, several of which any will do, or `None` or `all` for no filter."""

Keys = Callable[[Offer], Iterable[str]]
"""The names that an offer answers to under a filter."""


class Catalog(Value):
    """Offers to choose from.

    Attributes:
        offers: VM types at a price, each key once.
        name: what it was loaded as.
    """

    offers: tuple[Offer, ...]
    name: str = Field(default="", max_length=4096)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        seen: set[str] = set()
        for index, offer in enumerate(self.offers):
            if offer.key in seen:
                raise ProblemError(f"offers[{index}]", offer.key, "must be there once")
            seen.add(offer.key)
        return self

    def select(
        self,
        provider: Names = None,
        regions: Names = None,
        purchase: Names = None,
        gpus: Names = None,
        vm_types: Names = None,
        families: Names = None,
        max_usd_per_hour: float | None = None,
    ) -> Catalog:
        """The offers that pass every filter.

        Args:
            provider: such as `aws`.
            regions: such as `us-east-1`; an offer in region `all` passes any of them.
            purchase: `on_demand` or `spot`.
            gpus: names, or the short keys of price lists such as `A100-40GB`.
            vm_types: such as `g6.xlarge` or `aws:g6.xlarge`.
            families: such as `g6`.
            max_usd_per_hour: dearest price of a whole VM [USD/h].

        Raises:
            CatalogError: a name is unknown (with the nearest), or nothing is left (with
                the filter that removed the last offer).
            ProblemError: `max_usd_per_hour` is not a positive number.
        """
        chosen = self._having(
            "provider", "provider", provider, lambda o: (o.vm_type.provider,), self.providers()
        )
        chosen = chosen._in_regions(regions)
        # A catalogue without spot offers still knows what spot is.
        chosen = chosen._having(
            "purchase", "purchase option", purchase, lambda o: (o.purchase,), PURCHASE_OPTIONS
        )
        called = _keys_of_gpus(gpu.name for gpu in self.gpus())
        filters: tuple[tuple[str, str, Names, Keys], ...] = (
            ("gpus", "GPU", gpus, lambda o: called[o.vm_type.gpu.name]),
            ("vm_types", "VM type", vm_types, lambda o: (o.vm_type.name, o.vm_type.key)),
            ("families", "family", families, lambda o: (o.vm_type.family,)),
        )
        for field, kind, names, keys in filters:
            known = {key for offer in self.offers for key in keys(offer)} if names else ()
            chosen = chosen._having(field, kind, names, keys, known)
        return chosen._up_to(max_usd_per_hour)

    def gpus(self) -> tuple[GPU, ...]:
        """The GPUs on offer, by name."""
        found = {offer.vm_type.gpu.name: offer.vm_type.gpu for offer in self.offers}
        return tuple(found[name] for name in sorted(found))

    def vm_types(self) -> tuple[VMType, ...]:
        """The VM types on offer, by provider and name."""
        found = {offer.vm_type.key: offer.vm_type for offer in self.offers}
        return tuple(found[key] for key in sorted(found))

    def providers(self) -> tuple[str, ...]:
        """The names of the providers."""
        return tuple(sorted({offer.vm_type.provider for offer in self.offers}))

    def regions(self) -> tuple[str, ...]:
        """The names of the regions, `all` among them where one price holds everywhere."""
        return tuple(sorted({offer.region for offer in self.offers}))

    def _having(
        self,
        field: str,
        kind: str,
        names: Names,
        keys: Keys,
        known: Collection[str],
    ) -> Catalog:
        """The offers that answer to one of `names`, each of which must be `known`."""
        if names is None or names == ALL:
            return self
        wanted = _listed(field, names)
        for path, name in wanted:
            if name not in known:
                raise CatalogError.unknown(kind, name, known, path)
        chosen = {name for _, name in wanted}
        return self._narrowed(field, names, [o for o in self.offers if chosen & set(keys(o))])

    def _in_regions(self, names: Names) -> Catalog:
        if names is None or names == ALL:
            return self
        wanted = _listed("regions", names)
        known = set(self.regions())
        everywhere = {o.vm_type.provider for o in self.offers if o.region == ALL}
        # A provider with one price everywhere lists no regions to check a name against.
        if everywhere != set(self.providers()):
            for path, name in wanted:
                if name not in known:
                    raise CatalogError.unknown("region", name, known - {ALL}, path)
        chosen = {name for _, name in wanted} | {ALL}
        return self._narrowed("regions", names, [o for o in self.offers if o.region in chosen])

    def _up_to(self, max_usd_per_hour: float | None) -> Catalog:
        if max_usd_per_hour is None:
            return self
        if not isinstance(max_usd_per_hour, int | float) or not max_usd_per_hour > 0:
            rule = "must be a number greater than 0"
            raise ProblemError("catalog.max_usd_per_hour", max_usd_per_hour, rule)
        affordable = [o for o in self.offers if o.usd_per_hour <= max_usd_per_hour]
        return self._narrowed("max_usd_per_hour", max_usd_per_hour, affordable)

    def _narrowed(self, field: str, value: object, offers: Iterable[Offer]) -> Catalog:
        """A catalogue of fewer offers, already valid; refuses to be empty."""
        left = tuple(offers)
        if not left:
            problem = ProblemError(f"catalog.{field}", value, "leaves no offer")
            before = f"{len(self.offers)} offers passed the filters before it"
            raise CatalogError(f"{problem}; {before}")
        return Catalog.model_construct(offers=left, name=self.name)


@lru_cache(maxsize=1)
def _aliases() -> dict[str, frozenset[str]]:
    return read_aliases(ALIASES)


def _keys_of_gpus(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """GPU name -> every name it answers to: its own and the short keys of price lists."""
    return {
        name: (name, *(alias for alias, gpus in _aliases().items() if name in gpus))
        for name in names
    }


def _listed(field: str, names: str | Sequence[str]) -> list[tuple[str, str]]:
    """(path, name) of each name of a filter, the path being what an error shows."""
    path = f"catalog.{field}"
    if isinstance(names, str):
        return [(path, names)]
    if not isinstance(names, Sequence) or not names:
        raise ProblemError(path, names, "must be a name or a list of names")
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise ProblemError(f"{path}[{index}]", name, "must be a name")
    return [(f"{path}[{index}]", name) for index, name in enumerate(names)]
