"""A parameter of a problem in the words and units of people."""

from __future__ import annotations

from dataclasses import dataclass

from ..models.fleet import FleetProblem
from .words import SLO_WORDS, three_digits

DIGITS = 5
"""Significant digits of a value: a step is exact to as many."""

UNITS = {"vms": "VMs", "gpus": "GPUs", "vcpus": "vCPUs"}
"""Of quotas."""

SHARES = {
    "percentile": "percentile",
    "confidence": "confidence",
    "target_utilization": "target utilization",
    "max_spot_share": "largest share on spot",
    "vm": "left after the loss of a VM",
    "zone": "left after the loss of a zone",
}
"""Parts of one, shown in percent."""


@dataclass(frozen=True, slots=True)
class FieldWords:
    """How a parameter is called and counted.

    Attributes:
        name: such as `chat: TPOT`.
        unit: such as `ms`.
        scale: shown values are this times those of the problem.
    """

    name: str
    unit: str
    scale: float = 1.0

    def text(self, value: float) -> str:
        """A value without its unit.

        >>> FieldWords("chat: TPOT", "ms", 1e3).text(0.0467856)
        '46.786'
        """
        shown = value * self.scale
        if shown >= 10.0 ** (DIGITS - 1):
            return f"{shown:,.0f}"
        return f"{shown:.{DIGITS}g}"

    def rough(self, value: float) -> str:
        """A value that is not exact, without its unit."""
        return three_digits(value * self.scale)

    def quantity(self, value: float) -> str:
        """A value with its unit."""
        return f"{self.text(value)} {self.unit}"

    @property
    def title(self) -> str:
        """Of an axis or a column."""
        return f"{self.name} [{self.unit}]"


def field_words(problem: FleetProblem, field: str) -> FieldWords:
    """The words of a field that a frontier or a sensitivity names.

    Args:
        field: its path, workloads and quotas by name.
    """
    last = field.rpartition(".")[2]
    subject = field[field.index("[") + 1 : field.index("]")] if "[" in field else ""
    before = f"{subject}: " if subject else ""
    if field == "demand":
        return FieldWords("demand of all workloads", "times today's")
    if last == "requests_per_s":
        return FieldWords(f"{before}demand", "requests/s")
    if last == "tokens_per_s":
        return FieldWords(f"{before}throughput", "tokens/s")
    if last in SLO_WORDS:
        return FieldWords(f"{before}{SLO_WORDS[last]}", "ms", 1e3)
    if field.startswith("quotas"):
        unit = next(quota.unit for quota in problem.quotas if quota.name == subject)
        return FieldWords(f"quota {subject}", UNITS[unit])
    if field.startswith("budget"):
        return FieldWords("budget", "USD/h" if last == "usd_per_hour" else "USD")
    return FieldWords(f"{before}{SHARES[last]}", "%", 100.0)
