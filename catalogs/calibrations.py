"""Shipped calibrations (CTCF): one row each, in `data/calibrations.csv`.

Columns: gpu, engine, software, architecture, precision (`any`: all without a row of their
own; plans use rows whose last three are `any`); kind (`fitted` on measured rows of this GPU,
`prior` transferred from others); the coefficients of each phase (`*_linear`, `*_attention`,
`*_exchange`, `*_activation` without unit, `*_layer_s`, `*_sequence_s`, `*_sync_s`,
`*_logit_s` in seconds); the relative error that 90 % of held-out rows stay within; the
quantiles of the errors, `*_below` and `*_above`; `waiting_*` for first tokens in a closed
loop, empty where none was measured; `stretch` and `degree_stretch`; the rows
fitted and the range they cover, with the tensor-parallel degrees;
source; date of the fit.

`maintain/fit_calibrations.py` writes the file, `infersave calibrate --output` one of your own.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from ..models.calibration import Calibration, Coefficients
from ..models.outcome import ProblemError
from ..models.spread import Spread
from ..models.waiting import Waiting
from .spreadsheet import write_table
from .tables import Row, rows

SHIPPED = Path(__file__).resolve().parent / "data" / "calibrations.csv"
PHASES = ("prefill", "decode")
TERMS = tuple(Coefficients.model_fields)
WAITS = tuple(name for name in Waiting.model_fields if name != "spread")
SIDES = tuple(Spread.model_fields)
RANGES = ("rows", "max_batch", "max_context_tokens", "max_gpus")
STRETCHES = ("stretch", "degree_stretch")
NAMES = ("gpu", "engine", "software", "architecture", "precision")
COLUMNS = (
    *NAMES,
    "kind",
    *(f"{phase}_{term}" for phase in PHASES for term in TERMS),
    *(f"{phase}_residual" for phase in PHASES),
    *(f"{phase}_{side}" for phase in PHASES for side in SIDES),
    *(f"waiting_{term}" for term in (*WAITS, *SIDES)),
    *STRETCHES,
    *RANGES,
    "degrees",
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
    flat: dict[str, object] = {name: getattr(calibration, name, "") for name in COLUMNS}
    for phase in PHASES:
        for term in TERMS:
            flat[f"{phase}_{term}"] = getattr(getattr(calibration, phase), term)
        spread = getattr(calibration, f"{phase}_spread")
        for side in SIDES:
            flat[f"{phase}_{side}"] = getattr(spread, side, "")
    flat["degrees"] = " ".join(map(str, calibration.degrees))
    if (waiting := calibration.waiting) is not None:
        for term in WAITS:
            flat[f"waiting_{term}"] = getattr(waiting, term)
        for side in SIDES:
            flat[f"waiting_{side}"] = getattr(waiting.spread, side)
    return [str(flat[name]) for name in COLUMNS]


def write_calibrations(stream: TextIO, calibrations: Iterable[Calibration]) -> None:
    """The table, one calibration a row."""
    write_table(stream, COLUMNS, (calibration_row(c) for c in calibrations))


@lru_cache(maxsize=1)
def _shipped() -> tuple[Calibration, ...]:
    return _read(SHIPPED)


def _read(path: Path) -> tuple[Calibration, ...]:
    found: dict[tuple[str, ...], Calibration] = {}
    for row in rows(path, COLUMNS, ()):
        calibration = _parse(row)
        key = tuple(getattr(calibration, name) for name in NAMES)
        if key in found:
            raise row.broken("gpu", "must be unique with engine, software and architecture")
        found[key] = calibration
    return tuple(found.values())


def _parse(row: Row) -> Calibration:
    fields: dict[str, Any] = {
        **{name: row.text(name) for name in (*NAMES, "kind", "source", "date")},
        **{phase: {term: row.real(f"{phase}_{term}") for term in TERMS} for phase in PHASES},
        **{name: row.real(name) for name in ("prefill_residual", "decode_residual", *STRETCHES)},
        **{name: row.whole(name) for name in RANGES},
    }
    fields["degrees"] = tuple(row.whole_list("degrees"))
    for phase in PHASES:
        if row.text(f"{phase}_{SIDES[0]}"):
            fields[f"{phase}_spread"] = {s: row.real(f"{phase}_{s}") for s in SIDES}
    if row.text(f"waiting_{WAITS[0]}"):
        spread = {side: row.real(f"waiting_{side}") for side in SIDES}
        terms = {term: row.real(f"waiting_{term}") for term in WAITS}
        fields["waiting"] = {**terms, "spread": spread}
    try:
        return Calibration(**fields)
    except ProblemError as error:
        # The field prefill.linear comes from the column prefill_linear, and so on.
        raise row.broken(error.field.replace(".", "_"), error.rule) from None
