"""Fit `catalogs/data/calibrations.csv` from measured rows.

    python catalogs/maintain/fit_calibrations.py MEASUREMENTS_DIR [--output FILE]

`models/calibrating.py` does it: CTCF level by level, with the errors of rows held out. Last
come the paper's four GPUs under FlexGen (`flexgen_rows.py`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from flexgen_rows import flexgen_calibrations
from infersave.catalogs.calibrations import write_calibrations
from infersave.catalogs.measurement_files import read_folder
from infersave.catalogs.store import load_gpus
from infersave.models.calibrating import calibrate
from infersave.models.sample import Sample

FIT_DATE = "2026-11-26"
OUTPUT = Path(__file__).resolve().parent.parent / "data" / "calibrations.csv"


def main() -> None:
    """Read, fit, report, write."""
    parser = argparse.ArgumentParser(description="Fit the shipped calibrations.")
    parser.add_argument("folder", type=Path, help="folder of the measurement files")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    rows, left_out = read_folder(arguments.folder)
    sample = Sample.of(rows)
    fitted, _ = calibrate(sample, [gpu.name for gpu in load_gpus()], FIT_DATE)
    paper, paper_report = flexgen_calibrations(arguments.folder, [c for c in fitted if c.plans])
    with arguments.output.open("w", newline="", encoding="utf-8") as stream:
        write_calibrations(stream, [*fitted, *paper])
    for found in fitted:
        errors = (f"{found.prefill_residual:.1%}", f"{found.decode_residual:.1%}")
        who = (found.gpu, found.software, found.architecture, found.precision)
        print(_line(*who, found.kind, found.rows, *errors))
    print("\n".join(["", *paper_report, "", "rows left out:"]))
    for reason, count in sorted(left_out.items()):
        print(f"{count:6} {reason}")


def _line(*cells: object) -> str:
    widths = (20, 28, 34, 6, 7, 5, 8, 8)
    return " ".join(str(c).ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()


if __name__ == "__main__":
    main()
