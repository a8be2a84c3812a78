"""`infersave calibrate`: fit CTCF to one's own measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from .output import JsonFlag, check_writable, print_json
from .plotting import check_plot

if TYPE_CHECKING:
    from ..models.own_fit import OwnFit

app = App(
    name="calibrate",
    help_epilogue="""Examples:
  infersave calibrate measured.csv --output mine.csv --plot fit.png
  infersave calibrate serve-*.json --gpu L40S --output mine.csv
A problem file then says: calibrations: mine.csv""",
)
OptionalPath = Annotated[Path | None, Parameter(show_default=False)]
OptionalText = Annotated[str | None, Parameter(show_default=False)]
OptionalNumber = Annotated[float | None, Parameter(show_default=False)]


@app.default
def calibrate(
    measurements: list[Path],
    /,
    *,
    output: OptionalPath = None,
    plot: OptionalPath = None,
    gpu: OptionalText = None,
    n_gpus: OptionalNumber = None,
    model: OptionalText = None,
    software: OptionalText = None,
    batch: OptionalNumber = None,
    input_tokens: OptionalNumber = None,
    output_tokens: OptionalNumber = None,
    json: JsonFlag = False,
) -> int:
    """Fit the performance model to measurements, and say how well it predicts rows held out.

    Args:
        measurements: CSV, Parquet, JSON or JSON lines; also the results of vllm bench serve,
            vllm bench latency, SGLang's bench_serving, GenAI-Perf and AIPerf.
        output: Write the calibrations as CSV, for a problem file or infersave predict.
        plot: Draw predicted against measured times, .png or .svg (extra: plot).
        gpu: The GPU, where a file does not say it; likewise the options below.
    """
    from datetime import UTC, datetime

    from ..catalogs.calibrations import load_calibrations, write_calibrations
    from ..catalogs.measurement_files import usable_rows
    from ..catalogs.records import read_records
    from ..models.own_fit import fit_calibrations
    from ..models.prediction import Predictor
    from ..models.sample import Sample

    if output is not None:
        check_writable(output, "output")
    if plot is not None:
        check_plot(plot, "plot")
    said: dict[str, Any] = {
        "gpu": gpu,
        "n_gpus": n_gpus,
        "model": model,
        "software": software,
        "batch": batch,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
    }
    filled = {column: value for column, value in said.items() if value is not None}
    records = [record for path in measurements for record in read_records(path, filled)]
    rows, left_out = usable_rows(records)
    source = ", ".join(path.name for path in measurements)
    today = datetime.now(UTC).date().isoformat()
    fits = fit_calibrations(Sample.of(rows), Predictor(load_calibrations()), source, today)
    if output is not None:
        with output.open("w", newline="", encoding="utf-8") as stream:
            write_calibrations(stream, [c for fit in fits for c in _planned_once(fits, fit)])
    if plot is not None:
        from .calibrate_plot import draw

        draw(fits, plot)
    if json:
        print_json(_as_data(fits, left_out))
    else:
        from .calibrate_view import show_fits

        show_fits(fits, left_out)
    return 0


def _planned_once(fits: list[OwnFit], fit: OwnFit) -> list[Any]:
    """Calibrations of a fit; of a GPU under several software the one with most rows is planned."""
    gpu = fit.sample.rows[0].gpu.name
    mine = [other for other in fits if other.sample.rows[0].gpu.name == gpu]
    most = max(mine, key=lambda other: len(other.sample.rows))
    return [c for c in fit.calibrations if fit is most or not c.plans]


def _as_data(fits: list[OwnFit], left_out: dict[str, int]) -> dict[str, object]:
    from ..models.plan import SCHEMA_VERSION
    from .calibrate_view import held_out_rows

    return {
        "schema_version": SCHEMA_VERSION,
        "status": "calibrated",
        "calibrations": [c.model_dump(mode="json") for f in fits for c in f.calibrations],
        "held_out": [row for fit in fits for row in held_out_rows(fit)],
        "advice": [text for fit in fits for text in fit.advice],
        "left_out": left_out,
    }
