"""Files of measurements that calibrations are fitted to, and which of their rows may be."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ..models.observation import Observation
from ..models.outcome import UnknownNameError
from ..models.sample import steady
from .measured_names import COPIES
from .measurements import Measured, read_measured
from .records import Record, read_records

FILES = (
    "phase_llmpilot_decode.csv",
    "phase_llmpilot_prefill.parquet",
    "phase_splitwise.csv",
    "phase_helix_layer.csv",
    "e2e_argonne.csv",
    "e2e_aic_silicon.csv",
)
"""Published measurements that the shipped calibrations are fitted to."""


def read_folder(folder: Path) -> tuple[list[Observation], dict[str, int]]:
    """Measured times of the published files, and how many were left out for which reason."""
    found: list[Observation] = []
    left_out: dict[str, int] = {}
    for name in FILES:
        rows, reasons = usable_rows(read_records(folder / name))
        found += rows
        for reason, count in reasons.items():
            left_out[f"{name}: {reason}"] = count
    return found, left_out


def usable_rows(records: Iterable[Record]) -> tuple[list[Observation], dict[str, int]]:
    """Rows that may be fitted, and how many others there were, by reason.

    Raises:
        CatalogError: a value is missing or out of range: files with slips are not fitted.
    """
    found: list[Observation] = []
    left_out: dict[str, int] = {}
    for record in records:
        try:
            measured = read_measured(record)
        except UnknownNameError as error:
            reason = str(error).split(";")[0].split(": ")[-1]
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        both = len(measured.observations) > 1
        for name, row in measured.observations.items():
            if row.seconds is None or (both and name == "latency"):
                continue
            if reason := _unusable(measured, row):
                left_out[reason] = left_out.get(reason, 0) + 1
            else:
                found.append(row)
    return found, left_out


def _unusable(measured: Measured, row: Observation) -> str:
    if measured.suspect:
        return f"flagged {measured.suspect}"
    if not measured.concurrent:
        return "the stated batch did not run at once"
    if measured.kv_offloaded or measured.weights_offloaded:
        return "KV cache or weights in host memory"
    if row.software.endswith(COPIES):
        return "data-parallel attention, whose batch per GPU is not stated"
    return "" if steady(row) else "KV cache did not fit, or clients queued"


def load_measurements(*paths: str | os.PathLike[str], **said: object) -> list[Observation]:
    """Rows of measurement files that a calibration may be fitted to.

    Args:
        paths: CSV, Parquet, JSON or JSON lines; catalogs/README.md has the columns.
        said: columns that files do not say, such as `gpu="L40S"`.

    Raises:
        CatalogError: a file cannot be read, or a value is missing or out of range.
    """
    records = [record for path in paths for record in read_records(Path(path), said)]
    return usable_rows(records)[0]
