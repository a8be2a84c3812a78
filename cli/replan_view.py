"""What changes in a fleet, and in which order, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..models.fleet import FleetProblem
from ..models.replan import Replan, Step
from .places import purchase_name, zone_name
from .plan_view import verdict
from .plan_vms import vm_columns
from .screen import Screen
from .tables import name_column, number_column
from .words import NOTHING, place, plural, usd

ROWS = 40
"""Steps shown."""


def show_replan(screen: Screen, problem: FleetProblem, found: Replan) -> None:
    """The decision, the fleet, what changes by workload, and the steps."""
    screen.headline(f"{found.reason[:1].upper()}{found.reason[1:]}.")
    screen.paragraph(_money(found))
    screen.table(*vm_columns(problem, found.plan))
    changed = [change for change in found.changes if change.changes]
    if changed:
        screen.table(
            [name_column("replicas of", (c.workload for c in changed))],
            [
                number_column("start", (_count(c.started) for c in changed)),
                number_column("stop", (_count(c.stopped) for c in changed)),
                number_column("move", (_count(c.moved) for c in changed)),
                number_column("stay", (_count(c.kept) for c in changed)),
            ],
        )
    _show_steps(screen, found.steps)
    screen.notes("Good to know", _remarks(found))


def _money(found: Replan) -> str:
    """What it costs and how good that is."""
    text = f"To run: {verdict(found.plan)}"
    if found.change_usd:
        text += f" Its changes cost USD {usd(found.change_usd)}, once."
    return text


def _count(number: int) -> str:
    return f"{number:,}" if number else NOTHING


def _show_steps(screen: Screen, steps: Sequence[Step]) -> None:
    """The first steps, in their order."""
    shown = steps[:ROWS]
    if not shown:
        return
    screen.table(
        [
            number_column("step", map(str, range(1, len(shown) + 1))),
            name_column("do", (f"{s.action}{', early' * s.early}" for s in shown)),
            name_column("VM", (_number(s) for s in shown)),
        ],
        [
            name_column("VM type", (s.vm_type for s in shown)),
            name_column("where", (place(s.provider, s.region) for s in shown)),
            name_column("zone", (NOTHING if s.zone is None else zone_name(s.zone) for s in shown)),
            name_column("purchase", (purchase_name(s.purchase) for s in shown)),
        ],
        [
            name_column("replicas of", (s.workload or NOTHING for s in shown)),
            number_column("replicas", (_count(s.replicas) for s in shown)),
            number_column("GPUs each", (_count(s.n_gpus or 0) for s in shown)),
            number_column("batch", (", ".join(map(str, s.batch)) or NOTHING for s in shown)),
        ],
    )
    if len(steps) > ROWS:
        screen.notes("", [f"{plural(len(steps) - ROWS, 'more step')}; --json has all."])


def _number(step: Step) -> str:
    """Which VM of its place: its number now, or that it is new and its number then."""
    if step.was is not None:
        return f"#{step.was}"
    return "each" if step.number is None else f"new #{step.number}"


def _remarks(found: Replan) -> Iterator[str]:
    """What else to know before taking the steps."""
    if found.steps:
        yield (
            "VMs have their numbers in the running plan (infersave plan --hosts), new ones those "
            "in the next. Where it says no more, a workload's replicas run until their "
            "substitutes do."
        )
    early = sorted({step.workload or "" for step in found.steps if step.early})
    if early:
        names = ", ".join(early)
        yield f"There is no room to run old and new side by side: part of {names} stops first."
    for text in found.broken[1:]:
        yield f"Besides, {text}."
    for quota in found.sold_out:
        yield f"{quota.name}: at most the {plural(int(quota.limit), 'VM')} that run now."
