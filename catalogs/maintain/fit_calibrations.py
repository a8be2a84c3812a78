"""Fit `catalogs/data/calibrations.csv` from measured rows.

    python catalogs/maintain/fit_calibrations.py MEASUREMENTS_DIR [--output FILE]

Per GPU with enough rows one least-squares fit of both phases (`fitted`), pulled towards
the pooled fit of all OTHER GPUs, so that a coefficient its rows cannot tell keeps the
pooled value; every other GPU of the catalogue gets the pooled fit as a `prior`. Residuals
are 90th percentiles of held-out errors, never of the rows fitted.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fitting import (
    LOWER,
    NEGLIGIBLE,
    Rows,
    balanced_quantile,
    by_phase,
    errors,
    fit_pooled,
    fit_pulled,
    held_out,
)
from flexgen_rows import flexgen_calibrations
from infersave.catalogs.calibrations import COLUMNS, calibration_row
from infersave.catalogs.store import load_gpus, load_vm_types
from infersave.models.calibration import Calibration, Coefficients
from infersave.models.hardware import GPU, VMType
from infersave.models.value import FloatArray
from measured import N_FEATURES, Row, design_row, fits_memory
from measurement_rows import read_rows

FIT_DATE = "2026-11-22"
LEAST_ROWS = 10
"""Fewer rows than this leave a GPU with the prior: its 12 coefficients would be guesses."""
TOO_FAST = 1.1
"""Ideal over measured time; the ideal itself assumes how experts are chosen."""
DIGITS = 4
OUTPUT = Path(__file__).resolve().parent.parent / "data" / "calibrations.csv"


def main() -> None:
    """Read, fit, report, write."""
    parser = argparse.ArgumentParser(description="Fit the shipped calibrations.")
    parser.add_argument("folder", type=Path, help="folder of the measurement files")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    gpus = {gpu.name: gpu for gpu in load_gpus()}
    rows, unknown = read_rows(arguments.folder)
    measured, impossible = rows_per_gpu(rows, gpus, fastest_links(load_vm_types()))
    fitted, report = fit_all(measured, sorted(gpus))
    paper, paper_report = flexgen_calibrations(arguments.folder, fitted)
    write(arguments.output, [*fitted, *paper])
    print("\n".join([*report, "", *paper_report]))
    print("\nseries left out, faster than the hardware:", "; ".join(impossible) or "none")
    if unknown:
        print("rows left out, architecture not in the catalogue:", ", ".join(unknown))


def fastest_links(vm_types: Iterable[VMType]) -> dict[str, float]:
    """GPU to GPU [bytes/s] on the best board that clouds rent: benchmarks run on such."""
    links: dict[str, float] = {}
    for vm in vm_types:
        if vm.n_gpus > 1:
            name = vm.gpu.name
            links[name] = max(links.get(name, 0.0), vm.gpu_link_bytes_per_s or 0.0)
    return links


def rows_per_gpu(
    rows: Iterable[Row], gpus: dict[str, GPU], links: dict[str, float]
) -> tuple[dict[str, Rows], list[str]]:
    """Usable rows of each GPU that has enough of them, and the series that cannot be true.

    A series with a row clearly faster than the hardware's ideal did other work than it
    states (cached prefixes, a burst instead of a steady load) and is left out whole.
    """
    kept: dict[str, list[tuple[Row, FloatArray]]] = {}
    for row in rows:
        if row.gpu in gpus and fits_memory(row, gpus[row.gpu]):
            phi = design_row(row, gpus[row.gpu], links[row.gpu])
            kept.setdefault(row.gpu, []).append((row, phi))
    impossible = sorted(
        {
            r.series
            for mine in kept.values()
            for r, phi in mine
            if phi @ LOWER > TOO_FAST * r.seconds
        }
    )
    found = {}
    for name, every in sorted(kept.items()):
        mine = [(row, phi) for row, phi in every if row.series not in impossible]
        if len(mine) >= LEAST_ROWS:
            found[name] = Rows(
                name,
                tuple(row for row, _ in mine),
                np.array([phi for _, phi in mine]),
                np.array([row.seconds for row, _ in mine]),
            )
    return found, impossible


def fit_all(measured: dict[str, Rows], names: Iterable[str]) -> tuple[list[Calibration], list[str]]:
    """A calibration under engine `any` for every GPU named, and a table of errors."""
    pooled = {
        name: fit_pooled(part for other, part in measured.items() if other != name)
        for name in measured
    }
    moved = [errors(part, by_phase(part, pooled[name])) for name, part in measured.items()]
    prior_error = (
        balanced_quantile(e.prefill for e in moved),
        balanced_quantile(e.decode for e in moved),
    )
    own = {name: held_out(part, pooled[name]).quantiles() for name, part in measured.items()}
    several = [name for name, part in measured.items() if len(part.architectures) > 1]
    # One LLM cannot show the error on another: take what the other GPUs showed.
    another = [np.median([q for n in several if (q := own[n][i]) is not None]) for i in (0, 1)]
    prefill, decode = both_phases(fit_pooled(measured.values()))
    prior = Calibration(
        gpu="any",
        kind="prior",
        prefill=prefill,
        decode=decode,
        prefill_residual=rounded(prior_error[0]),
        decode_residual=rounded(prior_error[1]),
        source=f"pooled fit of {len(measured)} GPUs: {', '.join(measured)}",
        date=FIT_DATE,
    )
    found, report = [], [_line("GPU", "kind", "rows", "LLMs", "prefill", "decode", "source")]
    for name in names:
        if name not in measured:
            found.append(prior.replace(gpu=name))
            report.append(_report(found[-1], 0))
            continue
        part = measured[name]
        residuals = [
            everywhere if mine is None else max(mine, 0.0 if name in several else float(least))
            for mine, least, everywhere in zip(own[name], another, prior_error, strict=True)
        ]
        prefill, decode = both_phases(fit_pulled(part, pooled[name]))
        mine = Calibration(
            gpu=name,
            kind="fitted",
            prefill=prefill,
            decode=decode,
            prefill_residual=rounded(residuals[0]),
            decode_residual=rounded(residuals[1]),
            rows=len(part.rows),
            max_batch=int(max(row.batch for row in part.rows)),
            max_context_tokens=int(max(row.context_tokens for row in part.rows)),
            max_gpus=max(row.n_gpus for row in part.rows),
            source="; ".join(sorted({row.source for row in part.rows})),
            date=FIT_DATE,
        )
        found.append(mine)
        report.append(_report(mine, len(part.architectures)))
    return found, report


def both_phases(theta: FloatArray) -> tuple[Coefficients, Coefficients]:
    """theta [12] as the coefficients of prefill and of decode."""
    return coefficients(theta[:N_FEATURES]), coefficients(theta[N_FEATURES:])


def coefficients(theta: FloatArray) -> Coefficients:
    """theta [6] as it is shipped: `DIGITS` significant digits."""
    names = Coefficients.model_fields
    return Coefficients(**{n: rounded(x) for n, x in zip(names, theta, strict=True)})


def rounded(value: float) -> float:
    """`DIGITS` significant digits."""
    return float(f"{value:.{DIGITS}g}") if value > NEGLIGIBLE else 0.0


def write(path: Path, calibrations: Iterable[Calibration]) -> None:
    """The table, one calibration a row."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(calibration_row(c) for c in calibrations)


def _report(found: Calibration, llms: int) -> str:
    residuals = (f"{found.prefill_residual:.1%}", f"{found.decode_residual:.1%}")
    return _line(found.gpu, found.kind, found.rows, llms, *residuals, found.source)


def _line(*cells: object) -> str:
    widths = (30, 7, 5, 5, 8, 8, 0)
    return " ".join(str(c).ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()


if __name__ == "__main__":
    main()
