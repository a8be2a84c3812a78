"""A calibration's report: errors of rows held out, coefficients, and what to measure next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..models.own_fit import OwnFit


def held_out_rows(fit: OwnFit) -> list[dict[str, Any]]:
    """Errors by what was left out and kind of time, as plain data."""
    import numpy as np

    found: dict[tuple[str, str], list[float]] = {}
    for part in fit.held:
        errors = np.abs(part.predicted / part.sample.seconds - 1.0)
        for row, error in zip(part.sample.rows, errors, strict=True):
            found.setdefault((part.holdout, row.kind), []).append(float(error))
    return [
        {
            "gpu": fit.sample.rows[0].gpu.name,
            "software": fit.sample.rows[0].software,
            "left_out": holdout,
            "time": kind,
            "rows": len(errors),
            "mean_error": float(np.mean(errors)),
            "p90_error": float(np.quantile(errors, 0.9)),
        }
        for (holdout, kind), errors in found.items()
    ]


def show_fits(fits: list[OwnFit], left_out: dict[str, int]) -> None:
    """The report on the terminal."""
    from .screen import Screen
    from .tables import name_column, number_column
    from .words import plural

    screen = Screen()
    rows = sum(len(fit.sample.rows) for fit in fits)
    screen.headline(f"Fitted {plural(rows, 'row')}; errors are those of rows held out.")
    held = [row for fit in fits for row in held_out_rows(fit)]
    if held:
        keys = [
            name_column("GPU", (row["gpu"] for row in held)),
            name_column("software", (row["software"] for row in held)),
            name_column("left out", (row["left_out"] for row in held)),
            name_column("time", (row["time"] for row in held)),
        ]
        numbers = [
            number_column("rows", (str(row["rows"]) for row in held)),
            number_column("mean error", (f"{row['mean_error']:.1%}" for row in held)),
            number_column("90th percentile", (f"{row['p90_error']:.1%}" for row in held)),
        ]
        screen.table(keys, numbers)
    theta = [
        (c, name) for fit in fits for c in fit.calibrations[:1] for name in ("prefill", "decode")
    ]
    names = list(type(theta[0][0].prefill).model_fields)
    columns = [
        number_column(name, (f"{getattr(getattr(c, phase), name):.3g}" for c, phase in theta))
        for name in names
    ]
    screen.table(
        [
            name_column("GPU", (c.gpu for c, _ in theta)),
            name_column("phase", (phase for _, phase in theta)),
        ],
        columns,
    )
    advice = [text for fit in fits for text in fit.advice]
    if advice:
        screen.notes("Measure next", advice)
    if left_out:
        screen.notes("Left out", (f"{plural(n, 'row')}: {why}" for why, n in left_out.items()))
