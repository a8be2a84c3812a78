"""Predictions as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .predict import Answer

TITLES = {
    "s": "seconds",
    "prefill_s": "prefill",
    "decode_step_s": "decode step",
    "tpot_s": "TPOT",
    "ttft_s": "TTFT",
    "tokens_per_s": "tokens/s",
}


def show_predictions(answers: list[Answer]) -> None:
    """One line a row; then what could not be predicted, and why."""
    from .screen import Screen
    from .tables import name_column, number_column
    from .words import plural

    screen = Screen()
    done = [answer for answer in answers if answer.prediction is not None]
    screen.headline(f"Predicted {plural(len(done), 'row')} of {len(answers)}, with 90 % intervals.")
    if done:
        rows = [list(a.measured.observations.values())[-1] for a in done if a.measured]
        keys = [
            number_column("row", (str(a.record.number) for a in done)),
            name_column("GPU", (f"{r.n_gpus} x {r.gpu.name}" for r in rows)),
            name_column("LLM", (r.architecture.name for r in rows)),
        ]
        sizes = [
            number_column("batch", (f"{r.batch:g}" for r in rows)),
            number_column("in/out", (f"{r.input_tokens:.0f}/{r.output_tokens}" for r in rows)),
        ]
        blocks = [sizes]
        for key, title in TITLES.items():
            blocks.append([number_column(title, (_cell(a, key) for a in done))])
        blocks.append([name_column("fitted to", (_basis(a) for a in done))])
        screen.table(keys, *blocks)
    reasons = [f"row {a.record.number}: {a.reason}" for a in answers if a.prediction is None]
    if reasons:
        screen.notes("Not predicted", reasons)


def _cell(answer: Answer, key: str) -> str:
    found = answer.times.get(key)
    if found is None:
        return ""
    return f"{found.value:.4g} ({found.low:.3g} to {found.high:.3g})"


def _basis(answer: Answer) -> str:
    """How near the calibration is to the row."""
    assert answer.prediction is not None
    used = answer.prediction.calibration
    if used.architecture != "any":
        return "this LLM here"
    if used.kind == "prior":
        return f"{used.software} elsewhere" if used.software != "any" else "all GPUs"
    return used.software if used.software != "any" else "this GPU"
