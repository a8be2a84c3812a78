"""Figures in files, drawn with matplotlib (extra: plot)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..models.outcome import ProblemError
from .output import check_writable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS = (".png", ".svg", ".pdf")
DOTS_PER_INCH = 150
"""Of a PNG."""


def check_plot(path: Path, field: str) -> None:
    """Refuse early a figure that could not be drawn at the end.

    Raises:
        ProblemError: matplotlib is not installed, the ending is unknown, or the path is none.
    """
    check_writable(path, field)
    if path.suffix.casefold() not in ENDINGS:
        raise ProblemError(field, str(path), f"must end in one of {', '.join(ENDINGS)}")
    if find_spec("matplotlib") is None:
        raise ProblemError(field, str(path), "needs matplotlib: pip install 'infersave[plot]'")


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure of so many inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), layout="constrained")


def save_figure(figure: Figure, path: Path) -> None:
    """Write it in the format that the ending says."""
    figure.savefig(path, dpi=DOTS_PER_INCH)
