"""The options that say which offers to look at, alike in every command."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from cyclopts import Group, Parameter

Names = tuple[str, ...]


@Parameter(name="*", group=Group.create_ordered("Which offers"))
@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which offers; an absent option does not narrow them. Repeat one to allow several names.

    Attributes:
        catalog: clouds (real prices of nine clouds), paper (the InferSave paper's four VMs),
            or a folder or CSV file of your own.
        provider: Cloud, such as aws.
        region: Region, such as us-east-1.
        purchase: on_demand, spot or all.
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
"""Field of a problem -> the flag that sets it, for error messages."""
