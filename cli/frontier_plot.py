"""A frontier as a picture: steps, what is not known between them, and where there is no plan."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log, sqrt
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from ..models.fleet import FleetProblem
from ..models.frontier import Frontier, FrontierPoint
from .field_words import FieldWords, field_words
from .frontier_view import Row, answer_words, fleet_words, rows_of
from .plotting import new_figure, save_figure
from .words import usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Span = tuple[FrontierPoint, float, float]
"""A point, and where it begins and ends on the axis."""

LOGARITHMIC = 30.0
"""High over low from which an axis is logarithmic."""
FLEETS = 16
"""Most fleets that are listed beside the steps."""
LIST_WIDTH, LINE_IN = 52, 0.14
"""Of that list: characters of a line, and its height [inches]."""
WIDE = 0.018
"""Part of the axis that a stretch must take to be numbered."""
LINE, UNKNOWN, NOTHING, NOW = "#1f4e79", "#f0b429", "#c9c9c9", "#b03a2e"


def draw_frontier(problem: FleetProblem, found: Frontier, path: Path) -> None:
    """Draw the steps, each with the number of its fleet in the list beside them."""
    words = field_words(problem, found.field)
    rows = [row for row in rows_of(found) if row.first.vms]
    listed = _fleet_lines(problem, rows)
    figure = new_figure(11.0, max(5.0, LINE_IN * (len(listed) + 4)))
    axes, side = figure.subplots(1, 2, width_ratios=(1.7, 1.0))
    _set_axes(axes, found, words)
    _draw_steps(axes, found, words)
    _draw_no_plan(axes, found, words)
    _draw_now(axes, problem, found, words)
    _number(axes, rows[:FLEETS], _spans(found, words))
    side.axis("off")
    side.text(
        0.0, 1.0, "\n".join(listed), family="monospace", fontsize=8, va="top", in_layout=False
    )
    save_figure(figure, path)


def _set_axes(axes: Axes, found: Frontier, words: FieldWords) -> None:
    """Titles, units and scales."""
    heights = [height for point in found.points if (height := _height(point)) is not None]
    budget = any(point.demand_factor is not None for point in found.points)
    title = f"What a {words.name} pays for" if budget else f"Least cost against {words.name}"
    axes.set_title(title, loc="left", pad=18.0)
    axes.set_xlabel(words.title)
    axes.set_ylabel("greatest demand, times today's" if budget else "least cost [USD per hour]")
    if found.low > 0 and found.high / found.low >= LOGARITHMIC:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    if heights and max(heights) / min(heights) >= LOGARITHMIC:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlim(found.low * words.scale, found.high * words.scale)
    axes.margins(y=0.08)
    axes.grid(visible=True, alpha=0.25)


def _spans(found: Frontier, words: FieldWords) -> list[Span]:
    """The points with where they begin and end on the axis; of whole numbers up to the next."""
    whole = found.field.startswith("quotas")
    nexts = [*(point.low for point in found.points[1:]), found.high]
    ends = nexts if whole else [point.high for point in found.points]
    scale = words.scale
    return [
        (point, point.low * scale, end * scale)
        for point, end in zip(found.points, ends, strict=True)
    ]


def _height(point: FrontierPoint) -> float | None:
    """What the vertical axis shows; None where there is no plan."""
    return point.usd_per_hour if point.demand_factor is None else point.demand_factor


def _draw_steps(axes: Axes, found: Frontier, words: FieldWords) -> None:
    """A line for each stretch, and what lies between two of them."""
    spans, unknown = _spans(found, words), "not solved: the cost lies in here"
    for point, low, high in spans:
        height = _height(point)
        if height is not None:
            axes.plot([low, high], [height] * 2, color=LINE, linewidth=2.2, solid_capstyle="butt")
    for (left, _, start), (right, stop, _) in pairwise(spans):
        below, above = _height(left), _height(right)
        if below is None or above is None:
            continue
        if (left if found.asks_more == "raised" else right).end == "open":
            axes.fill_between(
                [start, stop], below, above, color=UNKNOWN, alpha=0.4, linewidth=0, label=unknown
            )
            unknown = "_"  # once in the legend
        else:
            axes.plot([start, stop], [below, above], color=LINE, linewidth=1.0, alpha=0.7)
    if unknown == "_":
        axes.legend(loc="upper left", fontsize="small")


def _draw_no_plan(axes: Axes, found: Frontier, words: FieldWords) -> None:
    """Where there is no plan."""
    for point, low, high in _spans(found, words):
        if _height(point) is not None:
            continue
        axes.axvspan(low, high, facecolor=NOTHING, alpha=0.45, hatch="//", edgecolor="white")
        axes.text(
            _middle(axes, low, high),
            0.5,
            answer_words(point),
            rotation="vertical",
            ha="center",
            va="center",
            transform=axes.get_xaxis_transform(),
        )


def _middle(axes: Axes, low: float, high: float) -> float:
    """Halfway, as the axis shows it."""
    return sqrt(low * high) if axes.get_xscale() == "log" else (low + high) / 2.0


def _draw_now(axes: Axes, problem: FleetProblem, found: Frontier, words: FieldWords) -> None:
    """The value that the problem has."""
    from ..solver.whatif.parameter import parameter_of

    now = parameter_of(problem, found.field).now
    if isinstance(now, (int, float)) and found.low <= now <= found.high:
        axes.axvline(now * words.scale, color=NOW, linewidth=1.2, linestyle="--")
        axes.text(
            now * words.scale,
            1.01,
            "now",
            color=NOW,
            ha="center",
            va="bottom",
            fontsize="small",
            transform=axes.get_xaxis_transform(),
        )


def _number(axes: Axes, rows: Sequence[Row], spans: Sequence[Span]) -> None:
    """The number of each fleet above its steps, where they are wide enough for it."""
    left, right = axes.get_xlim()
    place = log if axes.get_xscale() == "log" else float
    for number, row in enumerate(rows, 1):
        low = min(start for point, start, _ in spans if point == row.first)
        high = max(end for point, _, end in spans if point == row.last)
        if place(high) - place(low) < WIDE * (place(right) - place(left)):
            continue
        heights = [height for point in row.points if (height := _height(point)) is not None]
        axes.annotate(
            str(number),
            (_middle(axes, low, high), max(heights)),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize="small",
        )


def _fleet_lines(problem: FleetProblem, rows: Sequence[Row]) -> list[str]:
    """The fleets by number, with their costs; what all of them have is said once."""
    providers = {offer.vm_type.provider for offer in problem.offers}
    fleets = [{(vm.provider, vm.vm_type): vm for vm in row.first.vms if vm.count} for row in rows]
    every = [
        vm
        for key, vm in (fleets[0].items() if len(fleets) > 1 else ())
        if all(fleet.get(key) == vm for fleet in fleets)
    ]
    lines = []
    if every:
        lines += _wrapped(f"Every fleet has {fleet_words(every, providers)}, and")
    for number, (row, fleet) in enumerate(zip(rows[:FLEETS], fleets, strict=False), 1):
        costs = usd(max(point.usd_per_hour or 0.0 for point in row.points))
        rest = fleet_words([vm for vm in fleet.values() if vm not in every], providers)
        first = f"{number:2d}  USD {costs}/h: "
        lines += _wrapped(first + (rest or "nothing else"))
    if len(rows) > FLEETS:
        lines.append(f"... and {len(rows) - FLEETS} more")
    return lines


def _wrapped(text: str) -> list[str]:
    """Lines of the list; a count stays with its VM type."""
    glued = text.replace(" x ", "\0x\0")
    lines = wrap(glued, LIST_WIDTH, subsequent_indent="      ", break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]
