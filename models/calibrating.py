"""Calibrations from a sample: fitted coefficients, and the errors of rows they never saw."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .calibration import ANY, Calibration, Coefficients
from .hierarchy import HeldOut, fit_both, fit_gpu, fit_pool, fit_start, hold_out_cells
from .observation import N_TERMS
from .sample import Sample
from .spread import LEVEL, Spread
from .value import FloatArray
from .wait_fit import TYPICAL as WAIT_TYPICAL
from .wait_fit import fit_waiting, fit_waitings, waiting_errors
from .waiting import Waiting

INSIDE = ("batch", "length")
"""Hold-outs that leave an LLM's other rows in: how its own fit carries over."""
BORROWED = 20.0
"""Rows that the errors of all groups weigh beside a group's own: few rows have no 95th
percentile of their own."""
SERVERS = ("vLLM", "SGLang", "TensorRT-LLM")
"""Software whose rows speak for plans: what a data centre would run today."""
OLDER = ("TGIS", "Splitwise", "Helix")
"""And of these where a GPU has no rows of those: older servers, slower in prefill above all."""
LEAST_CELL = 10
"""Rows of a server from which it tells how another does on the same GPU."""
DIGITS = 4
NEGLIGIBLE = 1e-15
PHASES = ("prefill", "decode", "waiting")


@dataclass
class Errors:
    """Held-out errors, log(measured / predicted), by what was left out, group and phase.

    A row's error counts as that of the phase which takes most of its predicted time.
    """

    found: dict[tuple[str, str, str], list[tuple[str, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    extremes: dict[float, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, held: HeldOut, waits: FloatArray) -> None:
        """The rows of one hold-out."""
        sample, errors = held.sample, held.errors
        theta = next(iter(held.thetas.values()))
        prefill = sample.prefill_part(theta) > 0.5
        if held.train is None:
            fitted = {"": waits}
        else:
            fitted = fit_waitings(held.train, held.thetas, waits)
        first, rows = waiting_errors(sample, held.thetas, fitted)
        marked = [(i, PHASES[0 if prefill[i] else 1], errors[i]) for i in range(len(errors))]
        marked += [(i, PHASES[2], error) for i, error in zip(rows, first, strict=True)]
        for i, phase, error in marked:
            row = sample.rows[i]
            cell, series = str(sample.cells[i]), str(sample.series[i])
            for group in ("", row.software, row.gpu.name, cell, series):
                self.found[held.holdout, group, phase].append((cell, float(error)))
        if held.holdout in ("batch", "length"):
            for edge, error in zip(held.outside, errors, strict=True):
                self.extremes[float(edge)].append(float(error))

    def spread(self, holdouts: Iterable[str], groups: Iterable[str], phase: str) -> Spread:
        """Quantiles of a group's errors, the last group's borrowed to weigh `BORROWED` rows."""
        *mine, everywhere = groups
        own = [e for h in holdouts for g in mine for e in self.found.get((h, g, phase), [])]
        borrowed = [e for h in holdouts for e in self.found.get((h, everywhere, phase), [])]
        if not borrowed:
            return Spread(below=1.0, above=1.0)
        values = np.array([error for _, error in (*own, *borrowed)])
        weight = np.array([*_even(own, len(own)), *_even(borrowed, BORROWED)])
        low, high = (_quantile(values, weight, p) for p in (1.0 - LEVEL, LEVEL))
        return Spread(below=rounded(max(-low, 0.0)), above=rounded(max(high, 0.0)))

    @property
    def stretch(self) -> float:
        """How much wider the errors are at the greatest batch or length than inside the range."""
        return _ratio(self.extremes.get(1.0, []), self.extremes.get(0.0, []))

    @property
    def degree_stretch(self) -> float:
        """How much wider the errors are at a tensor-parallel degree nobody measured."""
        outside = [e for p in PHASES[:2] for _, e in self.found.get(("TP", "", p), [])]
        inside = [e for h in INSIDE for p in PHASES[:2] for _, e in self.found.get((h, "", p), [])]
        return _ratio(outside, inside)


def calibrate(
    sample: Sample, gpus: Iterable[str], date: str
) -> tuple[list[Calibration], list[HeldOut]]:
    """Calibrations of all levels, and the rows held out behind their errors.

    For plans: one for each GPU named, fitted where there are rows, else a prior. For
    predictions of measured software: each cell and series, and each software on any GPU.
    """
    held = list(hold_out_cells(sample))
    pool = fit_pool(sample)
    waits = fit_waiting(sample, {"": pool}, WAIT_TYPICAL)
    errors = Errors()
    for part in held:
        errors.add(part, waits)
    common: dict[str, Any] = {
        "stretch": rounded(errors.stretch),
        "degree_stretch": rounded(errors.degree_stretch),
        "date": date,
    }
    names = np.array([row.gpu.name for row in sample.rows])
    source = f"pooled fit of {len(set(names))} GPUs"
    anywhere: dict[str, Any] = {"gpu": ANY, "kind": "prior", **common}
    rented = set(gpus)
    current = {row.gpu.name for row in sample.rows if row.software in SERVERS}
    planned = [
        row.gpu.name in rented and row.software in (SERVERS if row.gpu.name in current else OLDER)
        for row in sample.rows
    ]
    found = _for_plans(sample.take(np.array(planned)), sorted(rented), common)
    found.append(
        calibration_of(errors, pool, (("both",), ("",)), waits=waits, source=source, **anywhere)
    )
    for software in sorted({row.software for row in sample.rows}):
        mine = sample.take(np.array([row.software == software for row in sample.rows]))
        theta = fit_start(sample, software)
        wait = fit_waiting(mine, {"": theta}, waits)
        text = f"pooled fit of {software} on {', '.join(sorted({r.gpu.name for r in mine.rows}))}"
        known = ("GPU",), (software, "")
        has = wait if any(row.ttft_s for row in mine.rows) else None
        found.append(
            calibration_of(
                errors, theta, known, waits=has, software=software, source=text, **anywhere
            )
        )
    for cell in np.unique(sample.cells):
        found += _cell(errors, sample, str(cell), waits, common)
    return found, held


def _for_plans(sample: Sample, gpus: Iterable[str], common: dict[str, Any]) -> list[Calibration]:
    """One calibration for each GPU whatever the server, from rows chosen for plans.

    Its error is that of a server nobody measured on the GPU, or on any where there is one.
    """
    errors, names = Errors(), np.array([row.gpu.name for row in sample.rows])
    for part in hold_out_cells(sample):
        errors.add(part, WAIT_TYPICAL)
    pool, prior = fit_pool(sample), (("both",), ("",))
    source = f"pooled fit of {len(set(names))} GPUs"
    found = []
    for gpu in gpus:
        mine = sample.take(names == gpu)
        if not mine.rows:
            unknown: dict[str, Any] = {"kind": "prior", "source": source, **common}
            found.append(calibration_of(errors, pool, prior, gpu=gpu, **unknown))
            continue
        theta = fit_gpu(mine, fit_pool(sample.take(names != gpu)))
        counts = Counter(str(cell) for cell in mine.cells)
        several = sum(count >= LEAST_CELL for count in counts.values()) > 1
        known = (("software",), (gpu, "")) if several else prior
        found.append(calibration_of(errors, theta, known, gpu=gpu, **common, **range_of(mine)))
    return found


def _cell(
    errors: Errors, sample: Sample, cell: str, waits: FloatArray, common: dict[str, Any]
) -> list[Calibration]:
    """The calibrations of a cell and of its series."""
    mine = sample.take(sample.cells == cell)
    gpu, software = cell.split("|")
    thetas = fit_both(mine, fit_start(sample.take(sample.cells != cell), software))
    waited = fit_waitings(mine, thetas, waits)
    found = []
    for name, theta in thetas.items():
        part = mine if name == cell else mine.take(mine.series == name)
        inside = name != cell
        series: dict[str, Any] = dict(
            zip(("architecture", "precision"), name.split("|")[2:], strict=False)
        )
        known = (INSIDE, (name, "")) if inside else (("model",), (cell, ""))
        has = any(row.ttft_s for row in part.rows)
        wait = waited.get(name, waited[""]) if has else None
        labels: dict[str, Any] = {"gpu": gpu, "software": software, **series}
        found.append(
            calibration_of(errors, theta, known, waits=wait, **labels, **common, **range_of(part))
        )
    return found


def range_of(sample: Sample) -> dict[str, Any]:
    """What a calibration says of the rows behind it."""
    return {
        "kind": "fitted",
        "rows": len(sample.rows),
        "max_batch": int(max(row.batch for row in sample.rows)),
        "max_context_tokens": int(max(row.context_tokens for row in sample.rows)),
        "max_gpus": max(row.n_gpus for row in sample.rows),
        "degrees": tuple(sorted({row.n_gpus for row in sample.rows})),
        "source": "; ".join(sorted({row.source for row in sample.rows})),
    }


def calibration_of(
    errors: Errors,
    theta: FloatArray,
    known: tuple[tuple[str, ...], tuple[str, ...]],
    waits: FloatArray | None = None,
    **fields: Any,
) -> Calibration:
    """A calibration with the spreads of the hold-outs and groups that speak for it."""
    prefill, decode = (errors.spread(*known, phase) for phase in PHASES[:2])
    waiting = None
    if waits is not None:
        w = [rounded(x) for x in waits]
        spread = errors.spread(*known, PHASES[2])
        waiting = Waiting(
            prefill=w[0],
            prefill_batch=w[1],
            decode=w[2],
            decode_batch=w[3],
            server_s=w[4],
            spread=spread,
        )
    return Calibration(
        prefill=coefficients(theta[:N_TERMS]),
        decode=coefficients(theta[N_TERMS:]),
        prefill_residual=residual(prefill),
        decode_residual=residual(decode),
        prefill_spread=prefill,
        decode_spread=decode,
        waiting=waiting,
        **fields,
    )


def coefficients(theta: FloatArray) -> Coefficients:
    """theta [`N_TERMS`] as it is shipped: `DIGITS` significant digits."""
    names = Coefficients.model_fields
    return Coefficients(**{n: rounded(x) for n, x in zip(names, theta, strict=True)})


def residual(spread: Spread) -> float:
    """Relative error of the measured time that 90 % stay within."""
    return rounded(max(float(np.expm1(spread.above)), -float(np.expm1(-spread.below)), 1e-3))


def rounded(value: float) -> float:
    """`DIGITS` significant digits."""
    return float(f"{value:.{DIGITS}g}") if abs(value) > NEGLIGIBLE else 0.0


def _ratio(outside: Sequence[float], inside: Sequence[float]) -> float:
    """Of the 90th percentiles of two sets of errors, at least 1; 1 where one is empty."""
    if not (len(outside) and len(inside)):
        return 1.0
    wide, narrow = (float(np.quantile(np.abs(x), 0.9)) for x in (outside, inside))
    return max(1.0, wide / narrow) if narrow > 0 else 1.0


def _even(errors: Sequence[tuple[str, float]], total: float) -> list[float]:
    """Weights that add up to a total, every cell with the same part."""
    counts = Counter(cell for cell, _ in errors)
    return [total / (len(counts) * counts[cell]) for cell, _ in errors]


def _quantile(values: FloatArray, weight: FloatArray, p: float) -> float:
    order = np.argsort(values)
    share = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
    return float(np.interp(p, share, values[order]))
