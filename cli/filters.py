"""The options that say which offers to look at, alike in every command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cyclopts import Group, Parameter

from ..models.outcome import CatalogError, ProblemError

if TYPE_CHECKING:
    from ..catalogs.catalog import Catalog

Names = tuple[str, ...]


@Parameter(name="*", group=Group("Which offers", sort_key=2))
@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which offers; an absent option does not narrow them. Repeat one to allow several names.

    Attributes:
        catalog: clouds (real prices), paper (the InferSave paper), or your own folder or CSV.
        provider: Cloud, such as aws.
        region: Region, such as us-east-1.
        purchase: on_demand, spot, reserved (where a catalogue has it) or all.
        gpu: GPU, such as L4.
        vm_type: VM type, such as g6.xlarge.
        family: Family of VM types, such as g6.
        max_usd_per_hour: Dearest price of one VM, in USD per hour.
    """

    catalog: str | None = None
    provider: Names | None = None
    region: Names | None = None
    purchase: Names | None = None
    gpu: Names | None = None
    vm_type: Names | None = None
    family: Names | None = None
    max_usd_per_hour: float | None = None

    def given(self) -> dict[str, object]:
        """The options that were given, as a problem file's `catalog` spells them."""
        return {
            FIELDS[option]: value[0] if isinstance(value, tuple) and len(value) == 1 else value
            for option, value in asdict(self).items()
            if value is not None
        }


FIELDS = {
    "catalog": "name",
    "provider": "provider",
    "region": "regions",
    "purchase": "purchase",
    "gpu": "gpus",
    "vm_type": "vm_types",
    "family": "families",
    "max_usd_per_hour": "max_usd_per_hour",
}
"""Option -> field of a problem file's `catalog`."""


def flag(option: str) -> str:
    """An option as it is typed.

    >>> flag("max_usd_per_hour")
    '--max-usd-per-hour'
    """
    return "--" + option.replace("_", "-")


FLAG_OF_FIELD = {f"catalog.{field}": flag(option) for option, field in FIELDS.items()}
"""Field of a problem -> the option that sets it."""


@contextmanager
def naming_flags(flags: Mapping[str, str]) -> Iterator[None]:
    """Errors about a field name the option that set it instead.

    Args:
        flags: field -> option.
    """
    try:
        yield
    except ProblemError as error:
        raise ProblemError(_as_flag(error.field, flags), error.value, error.rule) from None
    except CatalogError as error:
        raise CatalogError(_as_flag(str(error), flags)) from None


def _as_flag(text: str, flags: Mapping[str, str]) -> str:
    """Text that begins with a field, with its option instead."""
    for field, name in flags.items():
        rest = text.removeprefix(field)
        if rest != text and re.match(r"[^\w.]|$", rest):
            return name + re.sub(r"^\[\d+\]", "", rest)
    return text


def select_offers(filters: Filters) -> Catalog:
    """The offers that pass; where no purchase option is given, all of them.

    Raises:
        ProblemError, CatalogError: an option is wrong, or nothing passes.
    """
    from ..catalogs.problem_file import CatalogFilter

    with naming_flags(FLAG_OF_FIELD):
        return CatalogFilter.parse_at("catalog", {"purchase": None, **filters.given()}).select()
