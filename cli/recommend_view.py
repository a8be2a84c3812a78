"""A recommendation on the screen: the ranking, and why the others lost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from ..models.fleet import FleetProblem
from ..models.plan import Assignment
from ..models.workload import Workload
from ..solver.recommend import Choice, Recommendation
from .demand import demand
from .deployment_columns import prediction_columns, replica_columns, token_sizes
from .notes import offload_notes, prediction_notes, price_notes
from .screen import Screen
from .tables import Column, name_column, number_column
from .why_not import why_not
from .words import NOTHING, percent, place, plural, usd, vm_name


def show_recommendation(
    screen: Screen, problem: FleetProblem, ranking: Recommendation, top: int | None
) -> None:
    """The best `top` VM types and what stands against the rest; None shows everything."""
    workload = problem.workloads[0]
    by_type = _best_of_each_type(ranking.choices)
    ranked: Sequence[Choice] = ranking.choices if top is None else by_type[:top]
    providers = {offer.vm_type.provider for offer in problem.offers}
    screen.headline(_verdict(by_type, providers))
    everywhere = {_place(choice) for choice in ranked}
    common = f" All below: {everywhere.pop()}." if len(everywhere) == 1 else ""
    screen.paragraph(f"For {demand(workload)}{common}")
    _show_ranking(screen, workload, ranked)
    losers = why_not(problem, ranking, providers, None if top is None else LINES)
    screen.notes("Why the others lost", [*_dearer(by_type, providers), *losers])
    shown = [a for choice in ranked for a in choice.assignments]
    best = ranked[0].assignments
    notes = [
        *offload_notes(shown),
        *price_notes(ranked[:1], problem),
        *prediction_notes(problem, best),
        *_measure(ranking),
        *_mixing(workload, best),
    ]
    screen.notes("Good to know", notes)


LINES = 12
"""Lines on VM types that cannot serve, unless all are asked for."""


def _best_of_each_type(choices: Sequence[Choice]) -> list[Choice]:
    """Each VM type at the offer that ranks best, in order."""
    best: dict[tuple[str, str], Choice] = {}
    for choice in choices:
        best.setdefault((choice.provider, choice.vm_type), choice)
    return list(best.values())


def _verdict(by_type: Sequence[Choice], providers: Collection[str]) -> str:
    best = by_type[0]
    text = f"Rent {best.count:,} x {best.vm_type} ({_place(best)}): {_price(best)}"
    if len(by_type) == 1:
        return f"{text}; no other VM type can serve."
    second = by_type[1]
    return f"{text}. Next: {second.count:,} x {_more(second, best, providers)}."


def _dearer(by_type: Sequence[Choice], providers: Collection[str]) -> Iterator[str]:
    """One sentence on those that could serve, too."""
    best, others = by_type[0], by_type[1:]
    if len(others) == 1:
        yield f"{_more(others[0], best, providers)} can serve, too."
    elif others:
        least, most = (_more(choice, best, providers) for choice in (others[0], others[-1]))
        count = plural(len(others), "other VM type")
        yield f"{count} can serve, at a higher price: from {least} to {most}."


def _measure(ranking: Recommendation) -> Iterator[str]:
    """The measurement that could change the choice most."""
    asked = ranking.measure
    if asked is None:
        yield "No single measurement within the known errors would change this choice."
        return
    speed = "shorter" if asked.factor < 1 else "longer"
    times = percent(abs(asked.factor - 1))
    sizes = f"{asked.input_tokens} tokens in, {asked.output_tokens} out"
    effect = "less" if asked.change_usd_per_hour < 0 else "more"
    now = ranking.choices[0].usd_per_hour
    yield (
        f"Worth measuring first: {asked.phase} of {ranking.workload} on "
        f"{asked.n_gpus} x {asked.gpu}, batch {asked.batch}, {sizes}. {times} {speed} than "
        f"predicted, as 1 in 20 held-out measurements were, {asked.vm_type} would be best at USD "
        f"{usd(asked.usd_per_hour)} per hour, {percent(abs(asked.change_usd_per_hour) / now)} "
        f"{effect}."
    )


def _mixing(workload: Workload, best: Sequence[Assignment]) -> Iterator[str]:
    """What one VM type alone cannot show."""
    if workload.requests_per_s is not None and sum(a.replicas for a in best) > 1:
        yield "Each choice is one VM type alone; infersave plan finds mixes, which can be cheaper."


def _show_ranking(screen: Screen, workload: Workload, ranked: Sequence[Choice]) -> None:
    """One row for each choice and request class."""
    rows = [(n, c, a) for n, c in enumerate(ranked, 1) for a in c.assignments]
    made = [a for _, _, a in rows]
    first = [a is c.assignments[0] for _, c, a in rows]

    def once(cells: Iterable[str]) -> list[str]:
        """Of a choice with several classes, only the first row says it."""
        return [cell if new else "" for cell, new in zip(cells, first, strict=True)]

    places = _unless_equal(_place(c) for _, c, _ in rows)
    groups, workloads = [(a,) for a in made], [workload] * len(made)
    sizes = _unless_equal(token_sizes(groups, workloads))
    best = ranked[0]
    prices: list[Column] = [
        number_column("USD/h", once(usd(c.usd_per_hour) for _, c, _ in rows)),
        number_column("USD\na run", once(usd(c.usd) if c.usd else NOTHING for _, c, _ in rows)),
        number_column("dearer\nby", once(_dearer_by(c, best) for _, c, _ in rows)),
    ]
    screen.table(
        [
            number_column("", once(str(n) for n, _, _ in rows)),
            name_column("VM type", once(c.vm_type for _, c, _ in rows)),
        ],
        [
            name_column("where", once(places)),
            number_column("VMs", once(f"{c.count:,}" for _, c, _ in rows)),
            *prices,
        ],
        [
            number_column("tokens\nin/out", sizes),
            *replica_columns(groups),
            *prediction_columns(groups, workloads),
        ],
    )


def _unless_equal(cells: Iterable[str]) -> list[str]:
    """The cells; empty when all are the same and the text above says it."""
    cells = list(cells)
    return cells if len(set(cells)) > 1 else [NOTHING] * len(cells)


def _place(choice: Choice) -> str:
    return f"{place(choice.provider, choice.region)}, {choice.purchase.replace('_', ' ')}"


def _price(choice: Choice) -> str:
    if choice.usd is not None:
        return f"USD {usd(choice.usd)} a run"
    return f"USD {usd(choice.usd_per_hour)} per hour"


def _more(choice: Choice, best: Choice, providers: Collection[str]) -> str:
    """A choice with its price, and how much dearer that is."""
    name = vm_name(f"{choice.provider}:{choice.vm_type}", providers)
    dearer = f"{_dearer_by(choice, best)} more" if choice.dearer_usd_per_hour > 0 else "as much"
    return f"{name} ({_price(choice)}, {dearer})"


def _dearer_by(choice: Choice, best: Choice) -> str:
    more = choice.dearer_usd_per_hour / best.usd_per_hour
    return percent(more) if more > 0 else NOTHING
