"""Shipped calibrations (CTCF): one row a GPU and engine, in `data/calibrations.csv`.

Columns: gpu; engine (`any`: every engine without a row of its own); kind (`fitted` on
measured rows of this GPU, `prior` transferred from others); six coefficients per phase
(`*_linear`, `*_attention`, `*_exchange` without unit, `*_layer_s`, `*_sequence_s`,
`*_sync_s` in seconds); the relative error that 90 % of held-out rows stay within; the rows
fitted and the range they cover; source; date of the fit.

`maintain/fit_calibrations.py` writes the file from measured rows.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from ..models.calibration import Calibration, Coefficients
from ..models.outcome import ProblemError
from .tables import Row, rows

SHIPPED = Path(__file__).resolve().parent / "data" / "calibrations.csv"
PHASES = ("prefill", "decode")
TERMS = tuple(Coefficients.model_fields)
RANGES = ("rows", "max_batch", "max_context_tokens", "max_gpus")
COLUMNS = (
    "gpu",
    "engine",
    "kind",
    *(f"{phase}_{term}" for phase in PHASES for term in TERMS),
    *(f"{phase}_residual" for phase in PHASES),
    *RANGES,
    "source",
    "date",
)


def load_calibrations(path: str | None = None) -> tuple[Calibration, ...]:
    """The calibrations of a file; without one, those shipped with InferSave.

    Raises:
        CatalogError: the file cannot be read, or a row breaks a rule; names file, row,
            column, value and rule.
    """
    return _shipped() if path is None else _read(Path(path))


def calibration_row(calibration: Calibration) -> list[str]:
    """A calibration as one row of the file, in the order of `COLUMNS`."""
    flat: dict[str, object] = {name: getattr(calibration, name, None) for name in COLUMNS}
    for phase in PHASES:
        for term in TERMS:
            flat[f"{phase}_{term}"] = getattr(getattr(calibration, phase), term)
    return [str(flat[name]) for name in COLUMNS]


@lru_cache(maxsize=1)
def _shipped() -> tuple[Calibration, ...]:
    return _read(SHIPPED)


def _read(path: Path) -> tuple[Calibration, ...]:
    found: dict[tuple[str, str], Calibration] = {}
    for row in rows(path, COLUMNS, ()):
        calibration = _parse(row)
        key = (calibration.gpu, calibration.engine)
        if key in found:
            raise row.broken("engine", "must be unique for its GPU")
        found[key] = calibration
    return tuple(found.values())


def _parse(row: Row) -> Calibration:
    fields: dict[str, Any] = {
        **{name: row.text(name) for name in ("gpu", "engine", "kind", "source", "date")},
        **{phase: {term: row.real(f"{phase}_{term}") for term in TERMS} for phase in PHASES},
        **{name: row.real(name) for name in ("prefill_residual", "decode_residual")},
        **{name: row.whole(name) for name in RANGES},
    }
    try:
        return Calibration(**fields)
    except ProblemError as error:
        # The field prefill.linear comes from the column prefill_linear, and so on.
        raise row.broken(error.field.replace(".", "_"), error.rule) from None
