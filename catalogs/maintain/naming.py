"""Names: which GPU a price list means, and which quota a VM type counts against."""

from __future__ import annotations

import csv
import re
from pathlib import Path

ALIASES = Path(__file__).resolve().parents[1] / "data" / "gpu_aliases.csv"

AZURE_NCV3 = re.compile(r"^Standard_NC\d+r?s_v3$")
AZURE_RETIRED = re.compile(r"^Standard_NC(6|12|24)s_v3$")

FORM_UNKNOWN = (
    ("gcp", "V100-16GB"),
    ("lambda", "A100-40GB"),
    ("lambda", "V100-16GB"),
    ("oci", "V100-16GB"),
    ("verda", "A100-80GB"),
    ("verda", "V100-16GB"),
)
"""Where neither the price list nor a measurement tells the SXM card from the PCIe one."""

FAMILY_PATTERNS = {
    "aws": r"^(?P<family>[^.]+)\.",
    "gcp": r"^(?P<family>.+)-[^-]+$",
    "azure": r"^Standard_(?P<family>[A-Z]+)\d+(?P<rest>.+)$",
    "hyperstack": r"^(?P<family>.+)x\d+(?P<rest>-NVLink)?$",
    "lambda": r"^gpu_\d+x_(?P<family>.+)$",
    "nebius": r"^(?P<family>.+)_\d+gpu-.+$",
    "oci": r"^(?P<family>.+)\.\d+$",
    "runpod": r"^\d+x_(?P<family>.+)_SECURE$",
    "verda": r"^\d+(?P<family>.+)\.\d+V$",
}
GCP_ATTACHED = re.compile(r"^(?P<host>n1)-standard-\d+\+\d+x(?P<gpu>.+)$")
AZURE_SAME_QUOTA = (("rs_v3", "s_v3"), ("adms_", "ads_"), ("adis_", "ads_"))
"""Variants that Azure counts in one quota: RDMA, more memory, isolated host."""


def gpu_names() -> dict[str, str]:
    """Short key of a price list -> name in gpus.csv; the first row of a key wins."""
    with ALIASES.open(newline="", encoding="utf-8") as stream:
        names: dict[str, str] = {}
        for row in csv.DictReader(stream):
            names.setdefault(row["alias"], row["gpu"])
        return names


def gpu_name(row: dict[str, str], names: dict[str, str]) -> str:
    """The GPU of a price row, as gpus.csv calls it (or as the price list does)."""
    if row["provider"] == "azure" and AZURE_NCV3.match(row["instance_type"]):
        return "V100-PCIe-16GB"
    return names.get(row["gpu"], row["gpu"])


def gpu_note(row: dict[str, str], gpu: str) -> str:
    """What is taken for granted about the GPU of a row; empty when nothing is."""
    if row["provider"] == "azure" and AZURE_NCV3.match(row["instance_type"]):
        return "V100 taken as the PCIe card: the source does not say"
    if (row["provider"], row["gpu"]) in FORM_UNKNOWN and "sxm" not in row["instance_type"]:
        return f"{gpu} assumed: the source names no form factor"
    return ""


def family(row: dict[str, str]) -> str:
    """The group of VM types that shares a quota, read off the provider's naming scheme."""
    provider, name = row["provider"], row["instance_type"]
    attached = GCP_ATTACHED.match(name)
    if attached:
        return f"{attached['host']}+{attached['gpu']}"
    found = re.match(FAMILY_PATTERNS[provider], name)
    if not found:
        raise ValueError(f"{provider} {name}: no family in this name")
    groups = found.groupdict()
    text = groups["family"] + (groups.get("rest") or "")
    if provider == "azure":
        for variant, common in AZURE_SAME_QUOTA:
            text = text.replace(variant, common)
    return text


def regions(region: str) -> list[str]:
    """One name per offer: `all` when one price holds everywhere, else each region named."""
    return ["all"] if region.startswith("all") else region.split(",")


def notes_for(row: dict[str, str], purchase: str) -> str:
    """The notes of a price row that concern one of its two prices."""
    notes = [part.strip() for part in row["notes"].split(";") if part.strip()]
    if purchase == "spot":
        flag = row["spot_flag"].replace(";", ",")
        notes = [flag, *notes] if flag else notes
    else:
        notes = [note for note in notes if "spot" not in note]
    if AZURE_RETIRED.match(row["instance_type"]):
        notes.append("Microsoft announced its retirement for 2025-09-30; the price file lists it")
    return ". ".join(notes)
