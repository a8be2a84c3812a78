"""Rebuild gpus.csv, vm_types.csv and offers.csv of `catalogs/data` from gathered tables.

    python catalogs/maintain/build_catalog.py GATHERED_TABLES_DIR [--output DIR]

GATHERED_TABLES_DIR holds vm_prices.csv, gpu_specs.csv and vm_topology.csv. The result
depends on nothing else, and is sorted. What is left out is printed with the reason.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from gpu_rows import gpu_row
from host_links import Rate, Row, link_columns, pcie_classes
from infersave.catalogs.spreadsheet import write_table
from naming import family, gpu_name, gpu_names, gpu_note, notes_for, regions

DATA = Path(__file__).resolve().parents[1] / "data"
GIB, MIB = 2**30, 2**20
COMMIT_DIGITS = 8


def read(path: Path) -> list[Row]:
    """All rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write(path: Path, rows: Iterable[Row]) -> None:
    """Rows as CSV, sorted by their first columns."""
    ordered = sorted(rows, key=lambda row: tuple(row.values()))
    with path.open("w", newline="", encoding="utf-8") as stream:
        write_table(stream, ordered[0], (row.values() for row in ordered))


def source(row: Row, kind: str) -> str:
    """Repository, path and commit of one of the two prices of a row."""
    return f"{row[f'{kind}_source']}@{row[f'{kind}_commit'][:COMMIT_DIGITS]}"


def host_memory(price: Row, topology: Row) -> tuple[str, str]:
    """Host memory [bytes], and a note where it is not what the guest was seen to have."""
    if topology.get("host_mem_usable_mib"):
        return str(round(float(topology["host_mem_usable_mib"]) * MIB)), ""
    if price["host_mem_gib"]:
        nominal = "host memory nominal: what the guest sees was not measured"
        filled = "; may be a fill-in value" if "fill-in" in price["notes"] else ""
        return str(round(float(price["host_mem_gib"]) * GIB)), nominal + filled
    return "0", "host memory unknown: taken as none, so nothing can be offloaded"


def vm_type(price: Row, gpu: str, spec: Row, topology: Row, classes: dict[str, Rate]) -> Row:
    """One row of vm_types.csv."""
    count = float(price["gpu_count"])
    n_gpus, share = (1, count) if count < 1.0 else (int(count), 1.0)
    memory, memory_note = host_memory(price, topology)
    slice_note = f"slice: {price['gpu_count']} of one GPU" if share < 1.0 else ""
    kind = "od" if price["od_source"] else "spot"
    origin = f"hardware: {source(price, kind)}"
    if topology.get("sources"):
        origin += f"; links: {topology['sources']}"
    notes = (slice_note, gpu_note(price, gpu), memory_note)
    return {
        "provider": price["provider"],
        "vm_type": price["instance_type"],
        "family": family(price),
        "gpu": gpu,
        "n_gpus": str(n_gpus),
        "gpu_share": f"{share:g}",
        "vcpus": price["vcpus"],
        "host_memory_bytes": memory,
        **link_columns(price, topology, spec, classes, n_gpus, share),
        "source": origin,
        "date": price[f"{kind}_date"],
        "note": "; ".join(note for note in notes if note),
    }


def offers(price: Row) -> list[Row]:
    """The rows of offers.csv that one price row makes."""
    kinds = (
        ("on_demand", "od", price["price_ondemand_usd_per_h"]),
        ("spot", "spot", price["spot_median_usd_per_h"]),
    )
    return [
        {
            "provider": price["provider"],
            "vm_type": price["instance_type"],
            "region": region,
            "purchase": purchase,
            "usd_per_hour": usd_per_hour,
            "source": source(price, kind),
            "date": price[f"{kind}_date"],
            "note": notes_for(price, purchase),
        }
        for purchase, kind, usd_per_hour in kinds
        if usd_per_hour
        for region in regions(price["region"])
    ]


def report(left_out: dict[str, list[Row]], prices: list[Row]) -> None:
    """Print what did not make it, and why."""
    reasons = Counter(
        "second source, kept for comparison" if row["price_ondemand_usd_per_h"] else "no price"
        for row in prices
        if row["primary"] != "1"
    )
    for reason, count in sorted(reasons.items()):
        print(f"left out: {count} rows that are not primary ({reason})")
    for gpu, rows in sorted(left_out.items()):
        names = sorted({f"{row['provider']}:{row['instance_type']}" for row in rows})
        print(f"left out: {len(rows)} rows with {gpu}, no figures of this GPU: {', '.join(names)}")


def main() -> None:
    """Read the gathered tables, write the catalogue, print what is missing from it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("tables", type=Path, help="folder of the gathered tables")
    parser.add_argument("--output", type=Path, default=DATA, help="folder to write to")
    options = parser.parse_args()
    specs = {row["gpu"]: row for row in read(options.tables / "gpu_specs.csv")}
    topology = read(options.tables / "vm_topology.csv")
    by_type = {(row["provider"], row["instance_type"]): row for row in topology}
    classes, names = pcie_classes(topology), gpu_names()
    prices = read(options.tables / "vm_prices.csv")
    left_out: defaultdict[str, list[Row]] = defaultdict(list)
    vm_types: dict[tuple[str, str], Row] = {}
    priced: list[Row] = []
    for price in sorted(prices, key=lambda r: (r["provider"], r["instance_type"], r["region"])):
        if price["primary"] != "1":
            continue
        gpu = gpu_name(price, names)
        if gpu not in specs:
            left_out[gpu].append(price)
            continue
        key = price["provider"], price["instance_type"]
        if key not in vm_types:
            vm_types[key] = vm_type(price, gpu, specs[gpu], by_type.get(key, {}), classes)
        priced.extend(offers(price))
    options.output.mkdir(parents=True, exist_ok=True)
    write(options.output / "gpus.csv", (gpu_row(spec, specs) for spec in specs.values()))
    write(options.output / "vm_types.csv", vm_types.values())
    write(options.output / "offers.csv", priced)
    report(left_out, prices)
    print(f"written: {len(specs)} GPUs, {len(vm_types)} VM types, {len(priced)} offers")


if __name__ == "__main__":
    main()
