"""What would have to give, on the screen."""

from __future__ import annotations

from ..models.fleet import FleetProblem
from ..models.relaxation import Explanation
from .change_words import change_in_words
from .screen import Screen
from .tables import Column, number_column
from .words import percent, plural, usd


def show_relaxations(screen: Screen, problem: FleetProblem, found: Explanation) -> None:
    """Each alternative and what the fleet then costs."""
    screen.headline("There is no plan.")
    screen.notes("What stands in the way", found.reasons)
    if found.relaxations:
        texts = [
            "; and ".join(change_in_words(problem, change) for change in way.changes)
            for way in found.relaxations
        ]
        costs = (usd(way.usd_per_hour) for way in found.relaxations)
        screen.paragraph("Any one of these lines is enough; the fleet then costs so much:")
        screen.table([number_column("USD/h", costs), Column("change", tuple(texts), "prose")])
    notes = [f"{plural(found.solves, 'plan')} tried."]
    if not found.relaxations and found.complete:
        notes.append("Nothing that is asked can give way so that there is one: offer other GPUs.")
    if found.relaxations and all(way.minimal for way in found.relaxations):
        notes.append("Numbers are the least that do, proved to within 1 % or one unit.")
    elif found.relaxations:
        notes.append("Some plans were not ruled out in time: less may be enough.")
    if not found.complete:
        notes.append("The time was over before all was tried: --time-limit gives more.")
    if worst := max((way.gap or 0.0 for way in found.relaxations), default=0.0):
        notes.append(f"Costs are proved to within {percent(worst)}.")
    screen.notes("Good to know", notes)
