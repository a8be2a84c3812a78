"""Calibrations from one's own measurements, starting from those already known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .calibrating import Errors, calibration_of, range_of
from .calibration import ANY, Calibration
from .hierarchy import HeldOut, fit_both, fit_gpu, hold_out, theta_of_rows
from .observation import N_TERMS
from .outcome import CalibrationError
from .prediction import Predictor
from .sample import Sample
from .value import FloatArray
from .wait_fit import TYPICAL as WAIT_TYPICAL
from .wait_fit import fit_waitings

LEAST_ROWS = 4
"""Fewer rows of a GPU and software say nothing that held-out rows could test."""
LEAST_RANK = 2
"""Directions in which the work of the rows must differ: with one, all rows are one row."""
RANK_TOLERANCE = 0.02
"""Part by which two rows must differ in some term, beside all others, to tell it apart."""


@dataclass(frozen=True)
class OwnFit:
    """What was made of the rows of one GPU and software.

    Attributes:
        calibrations: for plans (any software), for the software, and for each LLM with rows
            enough.
        held: predictions of rows that took no part.
        fitted: predicted seconds of the rows fitted, shape [rows].
        advice: which measurement to add, in sentences.
    """

    sample: Sample
    calibrations: tuple[Calibration, ...]
    held: tuple[HeldOut, ...]
    fitted: FloatArray
    advice: tuple[str, ...]


def fit_calibrations(
    sample: Sample, known: Predictor, source: str = "", date: str = ""
) -> list[OwnFit]:
    """A fit for every GPU and software of a sample.

    Args:
        sample: measured rows.
        known: calibrations that coefficients are drawn to where the rows cannot tell.
        source, date: said in the calibrations.

    Raises:
        CalibrationError: too few rows, or rows that cannot tell any two terms apart.
    """
    if not sample.rows:
        raise CalibrationError("no row can be fitted")
    cells = [sample.take(sample.cells == name) for name in np.unique(sample.cells)]
    return [_fit(cell, known, source, date) for cell in cells]


def _fit(cell: Sample, known: Predictor, source: str, date: str) -> OwnFit:
    row = cell.rows[0]
    _refuse_unidentified(cell)
    start = _theta(known.choose_elsewhere(row))
    thetas = fit_both(cell, start)
    held = tuple(hold_out(cell, start))
    errors = Errors()
    for left in held:
        errors.add(left, WAIT_TYPICAL)
    waits = fit_waitings(cell, thetas, WAIT_TYPICAL)
    waited = any(r.ttft_s for r in cell.rows)
    name = str(cell.cells[0])
    said = {"source": source or row.source, "date": date, "gpu": row.gpu.name}
    found = []
    choices = [(ANY, name, fit_gpu(cell, start)), (row.software, name, thetas[name])]
    choices += [(row.software, key, theta) for key, theta in thetas.items() if key != name]
    for software, key, theta in choices:
        part = cell if key == name else cell.take(cell.series == key)
        labels = dict(zip(("architecture", "precision"), key.split("|")[2:], strict=False))
        holdouts = ("batch", "length") if labels else ("model", "batch", "length")
        fields = {**range_of(part), **said, **labels, "software": software}
        wait = waits.get(key, waits[""]) if waited and software != ANY else None
        found.append(calibration_of(errors, theta, (holdouts, (key, "")), waits=wait, **fields))
    fitted = np.sum(cell.design * theta_of_rows(cell, thetas), axis=1)
    return OwnFit(cell, tuple(found), held, fitted, tuple(advise(cell)))


def advise(cell: Sample) -> Iterator[str]:
    """Which measurement to add, where a range is too narrow to tell terms apart."""
    gpu = f"{cell.rows[0].gpu.name} under {cell.rows[0].software}"
    decodes = [row for row in cell.rows if row.kind != "prefill"]
    prefills = [row for row in cell.rows if row.kind != "decode"]
    if not decodes:
        yield f"{gpu}: no decode time was measured; add decode steps or whole answers."
    else:
        if len({row.batch for row in decodes}) < 2:
            batch = f"{decodes[0].batch:g}"
            yield (
                f"{gpu}: only batch {batch}: what a sequence adds cannot be told from what a "
                "step costs; add rows at 1 and at the largest batch you serve."
            )
        if len({row.context_tokens for row in decodes}) < 2:
            tokens = f"{decodes[0].context_tokens:g}"
            yield (
                f"{gpu}: only contexts of {tokens} tokens: KV reads cannot be told from other "
                "costs of a sequence; add rows at a quarter and at four times the length."
            )
    if prefills and len({row.input_tokens for row in prefills}) < 2:
        tokens = f"{prefills[0].input_tokens:g}"
        yield (
            f"{gpu}: only prompts of {tokens} tokens: the work of a token cannot be told from "
            "the cost of a prefill; add rows at another length."
        )
    if len({row.n_gpus for row in cell.rows}) < 2:
        yield (
            f"{gpu}: only {cell.rows[0].n_gpus} GPUs to a replica: the cost of exchange is taken "
            "from other measurements; add rows at another tensor-parallel degree."
        )
    if len({row.architecture.name for row in cell.rows}) < 2:
        yield f"{gpu}: one LLM: the error on another is not known; add one of another size."


def _refuse_unidentified(cell: Sample) -> None:
    name = f"{cell.rows[0].gpu.name} under {cell.rows[0].software}"
    rows = len(cell.rows)
    if rows < LEAST_ROWS:
        raise CalibrationError(f"{name}: {rows} rows cannot be fitted; at least {LEAST_ROWS}")
    relative = cell.design / cell.seconds[:, None]
    size = np.linalg.norm(relative, axis=0)
    scaled = relative[:, size > 0] / size[size > 0]
    rank = int(np.linalg.matrix_rank(scaled, tol=RANK_TOLERANCE))
    if rank < LEAST_RANK:
        raise CalibrationError(
            f"{name}: all {rows} rows are one size, so no two terms can be told apart; "
            "add rows at another batch or length"
        )


def _theta(calibration: Calibration) -> FloatArray:
    """Both phases' coefficients, shape [2 `N_TERMS`]."""
    both = (*calibration.prefill.as_tuple(), *calibration.decode.as_tuple())
    assert len(both) == 2 * N_TERMS
    return np.array(both)
