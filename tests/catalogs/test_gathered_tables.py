"""The shipped catalogue against the tables it was gathered in, where they are at hand."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import infersave.catalogs
from infersave.catalogs.store import load_catalog, load_gpus

DATA = Path(infersave.catalogs.__file__).resolve().parent / "data"
GATHERED = DATA.parents[2] / "shared" / "data" / "catalog"

CLOUDS = load_catalog()

pytestmark = [
    pytest.mark.checkout,
    pytest.mark.skipif(
        not (GATHERED / "vm_prices.csv").exists(),
        reason="the gathered tables are not beside the checkout",
    ),
]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def priced() -> list[dict[str, str]]:
    """Primary rows whose GPU the catalogue describes, under one of its names."""
    names = {row["gpu"] for row in table(GATHERED / "gpu_specs.csv")}
    names |= {row["alias"] for row in table(DATA / "gpu_aliases.csv")}
    rows = table(GATHERED / "vm_prices.csv")
    return [row for row in rows if row["primary"] == "1" and row["gpu"] in names]


@pytest.mark.parametrize(
    ("purchase", "column"),
    [("on_demand", "price_ondemand_usd_per_h"), ("spot", "spot_median_usd_per_h")],
)
def test_no_primary_price_was_lost(purchase: str, column: str) -> None:
    expected: Counter[tuple[str, str, float]] = Counter()
    for row in priced():
        if row[column]:
            everywhere = row["region"].startswith("all")
            regions = 1 if everywhere else len(row["region"].split(","))
            expected[row["provider"], row["instance_type"], float(row[column])] += regions
    found = Counter(
        (offer.vm_type.provider, offer.vm_type.name, offer.usd_per_hour)
        for offer in CLOUDS.select(purchase=purchase).offers
    )
    assert found == expected


def test_every_gpu_was_taken() -> None:
    gathered = {row["gpu"] for row in table(GATHERED / "gpu_specs.csv")}
    assert {gpu.name for gpu in load_gpus()} == gathered


def test_rebuilding_changes_nothing(tmp_path: Path) -> None:
    script = DATA.parent / "maintain" / "build_catalog.py"
    command = [sys.executable, str(script), str(GATHERED), "--output", str(tmp_path)]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    for name in ("gpus.csv", "vm_types.csv", "offers.csv"):
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes(), name
