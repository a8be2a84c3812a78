"""Predicted against measured times, drawn with matplotlib (extra: plot)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .plotting import new_figure, save_figure

if TYPE_CHECKING:
    from ..models.own_fit import OwnFit


def draw(fits: list[OwnFit], path: Path) -> None:
    """Every row once as fitted, and once as predicted when it was held out."""
    figure = new_figure(6.0, 6.0)
    axes = figure.add_subplot(xscale="log", yscale="log")
    least, most = float("inf"), 0.0
    for fit in fits:
        row = fit.sample.rows[0]
        name = f"{row.gpu.name}, {row.software}"
        (points,) = axes.plot(fit.sample.seconds, fit.fitted, ".", label=f"{name}: fitted")
        for i, part in enumerate(fit.held):
            label = f"{name}: held out" if i == 0 else None
            axes.plot(
                part.sample.seconds,
                part.predicted,
                "x",
                color=points.get_color(),
                alpha=0.4,
                label=label,
            )
        least = min(least, *map(float, fit.sample.seconds))
        most = max(most, *map(float, fit.sample.seconds))
    axes.plot([least, most], [least, most], color="grey", linewidth=0.8)
    axes.set_xlabel("measured [s]")
    axes.set_ylabel("predicted [s]")
    axes.legend(fontsize="small")
    save_figure(figure, path)
