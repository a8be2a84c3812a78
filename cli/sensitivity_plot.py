"""A sensitivity as a picture: how far each parameter and each price is from changing the fleet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..models.fleet import FleetProblem
from ..models.sensitivity import BreakEven, FieldSensitivity, NextStep, Sensitivity
from .field_words import FieldWords, field_words
from .plotting import new_figure, save_figure
from .sensitivity_view import reach, shown_prices
from .words import usd, vm_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FARTHEST = 100.0
"""End of the axes [%]: what is farther is drawn to there, paler."""
BAR_IN = 0.34
"""Height of one bar [inches]."""
MORE, LESS, MINE, OTHER = "#b03a2e", "#2e7d4f", "#1f4e79", "#d08a1d"
PALE = 0.3
LONG = 70.0
"""Bars from this length on have their text inside [%]."""
AROUND = FARTHEST * 1.35
"""Room beside the bars for what they say [%]."""


def draw_sensitivity(problem: FleetProblem, found: Sensitivity, path: Path, top: int) -> None:
    """Bars from where things are to where the best fleet changes."""
    prices = [p for p in shown_prices(found, top)[0] if p.break_even_usd_per_hour is not None]
    fields = list(found.fields)
    rows = max(len(fields), 1), max(len(prices), 1)
    figure = new_figure(11.0, BAR_IN * sum(rows) + 2.6)
    above, below = figure.subplots(2, 1, height_ratios=[row + 1 for row in rows])
    _draw_fields(above, problem, fields)
    _draw_prices(below, problem, prices)
    for axes in (above, below):
        axes.axvline(0.0, color="black", linewidth=1.0)
        axes.invert_yaxis()
        axes.set_xlim(-AROUND, AROUND)
        axes.set_xticks([-100, -50, 0, 50, 100], ["-100 %", "-50 %", "now", "+50 %", "+100 %"])
        axes.grid(visible=True, axis="x", alpha=0.25)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.tick_params(axis="y", length=0)
    save_figure(figure, path)


def _draw_fields(axes: Axes, problem: FleetProblem, fields: Sequence[FieldSensitivity]) -> None:
    """How far each parameter may move at the present cost, and the cost on either side."""
    names = []
    for row, one in enumerate(fields):
        words = field_words(problem, one.field)
        names.append(f"{words.name}, {words.quantity(one.value)}")
        upward = 1.0 if one.asks_more == "raised" else -1.0
        for side, way, color in ((one.more, upward, MORE), (one.less, -upward, LESS)):
            length = _length(one, side, way)
            axes.barh(row, length, 0.6, color=color, alpha=1.0 if side.at is not None else PALE)
            _say(axes, row, length, way, _field_text(side, words), pale=side.at is None)
    axes.set_yticks(range(len(names)), names)
    axes.set_title("Demands, SLOs and limits: the cost stays the same within the bar", loc="left")
    axes.set_xlabel("change of the value; red: more is asked, green: less; the text: cost beyond")


def _length(one: FieldSensitivity, side: NextStep, way: float) -> float:
    """Length of a bar [%]."""
    if side.at is None or not one.value:
        return way * (FARTHEST if side.in_time else 0.0)
    part = 100.0 * (side.at / one.value - 1.0)
    return max(-FARTHEST, min(FARTHEST, part))


def _field_text(side: NextStep, words: FieldWords) -> str:
    if side.at is None:
        return "no change" if side.in_time else "not in time"
    at = f"{reach(side, words)} {words.unit}"
    if side.change_usd_per_hour is None:
        return f"{at}: no plan"
    sign = "-" if side.change_usd_per_hour < 0 else "+"
    return f"{at}: {sign}{usd(abs(side.change_usd_per_hour))} USD/h"


def _draw_prices(axes: Axes, problem: FleetProblem, prices: Sequence[BreakEven]) -> None:
    """How far each price is from the one at which the best fleet changes."""
    providers = {offer.vm_type.provider for offer in problem.offers}
    regions = {offer.region for offer in problem.offers}
    names = []
    for row, price in enumerate(prices):
        name = vm_name(f"{price.provider}:{price.vm_type}", providers)
        where = f" {price.region}" if len(regions) > 1 and price.region != "all" else ""
        spot = "" if price.purchase == "on_demand" else f" {price.purchase}"
        names.append(f"{name}{where}{spot}, {usd(price.usd_per_hour)} USD/h")
        way = 1.0 if price.in_plan else -1.0
        length = min(abs(100.0 * (price.ratio - 1.0)), FARTHEST) * way
        axes.barh(row, length, 0.6, color=MINE if price.in_plan else OTHER)
        what = "stays up to" if price.in_plan else "enters below"
        _say(axes, row, length, way, f"{what} {usd(price.break_even_usd_per_hour or 0.0)}")
    axes.set_yticks(range(len(names)), names)
    axes.set_title("Prices: the best fleet stays the same within the bar", loc="left")
    axes.set_xlabel("change of the price; blue: in the plan, orange: not in it")


def _say(axes: Axes, row: int, length: float, way: float, text: str, *, pale: bool = False) -> None:
    """Text at the end of a bar: inside a long one, beside a short one."""
    inside = abs(length) >= LONG
    toward = -way if inside else way
    axes.text(
        length + 2.0 * toward,
        row,
        text,
        ha="left" if toward > 0 else "right",
        va="center",
        fontsize="small",
        color="white" if inside and not pale else "black",
    )
