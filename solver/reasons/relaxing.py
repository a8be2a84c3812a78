"""What would have to give where a problem has no plan: the least changes, cheapest first.

A problem is asked again and again with one field loosened: first until it has a plan, then as
little as leaves it one. Demands that nothing on offer can serve are mended first, each by itself;
then whatever quotas, a budget or several demands together rule out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import ceil, floor, inf, log10
from time import monotonic

from ...models.field_path import with_field
from ...models.fleet import FleetProblem
from ...models.limits import Budget
from ...models.outcome import BackendError, InfeasibleError, NoPlanError, ProblemError
from ...models.plan import FleetPlan
from ...models.reasons import Reasons
from ...models.relaxation import TOLERANCE, Change, Explanation, Relaxation
from ..program import SolveOptions
from ..solve import DEFAULT_BACKEND, solve
from .knobs import Knob, fleet_knobs, last_resorts, workload_knobs
from .reasoning import reasons

LOOSE = 0.5
"""Gap at which a plan shows that there is one."""
LEAST_TIME_S, MOST_TIME_S = 1.0, 10.0
"""Time for one plan [s]."""
CENTS = 100.0
"""A budget is suggested in whole cents."""
ROUNDING = 1e-9
"""Part of a cost that adding it up in another order may change."""
DOUBLINGS = 40
DIGITS = 3
"""Significant digits of a suggested number; it is rounded to the loose side."""
AT_ONCE = 3
"""Most fields of one demand that are loosened together."""
DEMANDS = 6
"""Demands looked at where limits, not they, leave no plan: those that cost most."""


@dataclass
class Search:
    """Solves of one explanation, and the time they may take."""

    backend: str
    options: SolveOptions
    ends: float
    on_solve: Callable[[int], None]
    solves: int = 0
    unsure: bool = False
    known: dict[str, FleetPlan | None] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether the time is."""
        cancel = self.options.cancel
        return monotonic() >= self.ends or (cancel is not None and cancel.is_set())

    def plan(self, problem: FleetProblem, gap: float = LOOSE) -> FleetPlan | None:
        """A plan of a problem; None where there is none, or none was found in time (`unsure`)."""
        key = f"{gap} {problem.model_dump_json()}"
        if key not in self.known:
            self.solves += 1
            self.on_solve(self.solves)
            left = min(max(self.ends - monotonic(), LEAST_TIME_S), MOST_TIME_S)
            options = replace(self.options, relative_gap=gap, time_limit_s=left)
            try:
                self.known[key] = solve(problem, backend=self.backend, options=options)
            except InfeasibleError:
                self.known[key] = None
            except (NoPlanError, BackendError):
                self.known[key], self.unsure = None, True
        return self.known[key]

    def holds(self, problem: FleetProblem) -> bool:
        """Whether it has a plan."""
        return self.plan(problem) is not None


def explain(
    problem: FleetProblem,
    *,
    backend: str = DEFAULT_BACKEND,
    options: SolveOptions | None = None,
    alternatives: int = 3,
    on_solve: Callable[[int], None] = lambda solves: None,
) -> Explanation | Reasons:
    """What would give a problem a plan; why its plan is the best where it has one.

    Args:
        problem: a problem.
        backend, options: as for `solve`; the time limit is for all that is tried.
        alternatives: how many plans besides the best are looked for.
        on_solve: told how many plans were looked for.

    Raises:
        NoPlanError: no plan was found in time, and none was ruled out.
    """
    options = options or SolveOptions()
    ends = monotonic() + options.time_limit_s
    try:
        plan = solve(problem, backend=backend, options=options)
        left = replace(options, time_limit_s=max(ends - monotonic(), 0.0))
        return reasons(
            problem,
            plan,
            backend=backend,
            options=left,
            alternatives=alternatives,
            on_solve=on_solve,
        )
    except InfeasibleError as error:
        stands = tuple(str(error).split("\n  "))
    search = Search(backend, options, ends, on_solve)
    found = sorted(_relaxations(search, problem), key=lambda r: (len(r.changes), r.usd_per_hour))
    return Explanation(
        reasons=stands,
        relaxations=tuple(found),
        complete=not (search.over or search.unsure),
        solves=max(search.solves, 1),
    )


def _relaxations(search: Search, problem: FleetProblem) -> Iterator[Relaxation]:
    """Every way that was found, each with the plan there is then."""
    mended, needed = problem, list[list[tuple[Change, ...]]]()
    for demand in problem.demands:
        alone = _alone(problem, demand.name)
        if search.holds(alone):
            continue
        ways = list(_ways(search, alone, list(workload_knobs(alone, demand.name))))
        ways = ways or list(_ways(search, alone, list(last_resorts(alone, demand.name))))
        ways = [_in_fleet(problem, alone, way) for way in ways]
        if not ways:
            return  # this demand cannot be mended by what it asks
        needed.append(ways)
        mended = _made(mended, ways[0])
    first = tuple(change for ways in needed for change in ways[0])
    if not search.holds(mended):
        knobs = [*fleet_knobs(mended), *_knobs_of_dearest(search, mended)]
        for way in _ways(search, mended, knobs):
            yield from _priced(search, problem, (*first, *way))
        return
    yield from _priced(search, problem, first)
    for number, ways in enumerate(needed):
        for other in ways[1:]:
            rest = [w[0] for n, w in enumerate(needed) if n != number]
            changes = (*other, *(change for way in rest for change in way))
            yield from _priced(search, problem, changes)


def _alone(problem: FleetProblem, name: str) -> FleetProblem:
    """One demand by itself, without limits on the fleet."""
    return problem.replace(
        workloads=tuple(w for w in problem.workloads if w.name == name),
        measured=tuple(m for m in problem.measured if m.name == name),
        quotas=(),
        budget=Budget(),
    )


def _in_fleet(
    problem: FleetProblem, alone: FleetProblem, way: Sequence[Change]
) -> tuple[Change, ...]:
    """Changes of a demand alone as changes of the whole problem."""
    names = [w.name for w in problem.workloads], [m.name for m in problem.measured]
    moved = []
    for change in way:
        kind, mine = ("workloads", names[0]) if alone.workloads else ("measured", names[1])
        place = mine.index(change.subject)
        moved.append(change.replace(field=change.field.replace(f"{kind}[0]", f"{kind}[{place}]")))
    return tuple(moved)


def _knobs_of_dearest(search: Search, problem: FleetProblem) -> list[Knob]:
    """What the demands that cost most ask for."""
    plan = search.plan(problem.replace(quotas=(), budget=Budget()))
    if plan is None:
        names = [demand.name for demand in problem.demands]
    else:
        gpus: dict[str, float] = {}
        for route in plan.routes:
            gpus[route.workload] = gpus.get(route.workload, 0.0) + route.part * route.gpus_each
        names = sorted(gpus, key=lambda name: (-gpus[name], name))
    return [knob for name in names[:DEMANDS] for knob in workload_knobs(problem, name)]


def _ways(search: Search, problem: FleetProblem, knobs: list[Knob]) -> Iterator[tuple[Change, ...]]:
    """Least sets of changes that give a plan: single ones, else pairs, else more."""
    for count in range(1, AT_ONCE + 1):
        found = False
        for chosen in combinations(knobs, count):
            if search.over:
                return
            if len({knob.field for knob in chosen}) < count:
                continue
            if search.holds(_freed(problem, chosen)):
                found = True
                yield _least(search, problem, chosen)
        if found:
            return


def _freed(problem: FleetProblem, knobs: Sequence[Knob]) -> FleetProblem:
    for knob in knobs:
        problem = with_field(problem, knob.field, knob.free)
    return problem


def _made(problem: FleetProblem, changes: Sequence[Change]) -> FleetProblem:
    for change in changes:
        problem = with_field(problem, change.field, change.now)
    return problem


def _least(search: Search, problem: FleetProblem, knobs: Sequence[Knob]) -> tuple[Change, ...]:
    """Each field in turn loosened as little as leaves a plan, the others as they then are."""
    changes: list[Change] = []
    for number, knob in enumerate(knobs):
        base = _freed(_made(problem, changes), knobs[number + 1 :])
        now = _least_value(search, base, knob)
        changes.append(Change(field=knob.field, subject=knob.subject, was=knob.was, now=now))
    return tuple(changes)


def _least_value(search: Search, problem: FleetProblem, knob: Knob) -> object:
    if knob.way == "drop" or not isinstance(knob.was, (int, float)):
        return knob.free
    if knob.way == "pay":
        free = with_field(problem, knob.field, None)
        plan = search.plan(free, gap=search.options.relative_gap) or search.plan(free)
        assert plan is not None, "it has a plan without this budget"
        hours = sum(problem.hours) if knob.field.endswith(".usd") else 1.0
        return ceil(plan.usd_per_hour * hours * CENTS * (1 + ROUNDING)) / CENTS

    def holds(value: float) -> bool:
        if search.over:
            search.unsure = True
            return False
        try:
            return search.holds(with_field(problem, knob.field, value))
        except ProblemError:
            return False

    return _nearest(float(knob.was), knob, holds)


def _nearest(was: float, knob: Knob, holds: Callable[[float], bool]) -> object:
    """The value nearest to `was` that holds, to `TOLERANCE` or to the unit."""
    rising = knob.way == "raise"
    end = float(knob.free) if isinstance(knob.free, (int, float)) else (inf if rising else 0.0)
    bad, good = was, was
    for _ in range(DOUBLINGS):
        step = max(good, 1.0) if knob.whole else good or TOLERANCE * end
        good = min(good + step, end) if rising else max(good / 2.0, end)
        if good == end or holds(good):
            break
        bad = good
    else:
        return knob.free
    while abs(good - bad) > (1.0 if knob.whole else TOLERANCE * abs(good)):
        middle = floor((good + bad) / 2.0) if knob.whole else (good + bad) / 2.0
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    if knob.whole or good == end:
        return good
    return _rounded(good, up=rising, most=end)


def _rounded(value: float, up: bool, most: float) -> float:
    """To three significant digits, on the loose side.

    >>> _rounded(0.02712, True, 1.0), _rounded(93.87, False, 0.0)
    (0.0272, 93.8)
    """
    unit = 10.0 ** (floor(log10(abs(value))) - DIGITS + 1)
    found = (ceil(value / unit) if up else floor(value / unit)) * unit
    found = float(f"{found:.{DIGITS}g}")
    return min(found, most) if up else max(found, most)


def _priced(
    search: Search, problem: FleetProblem, changes: tuple[Change, ...]
) -> Iterator[Relaxation]:
    """The changes with the plan they make possible, if it is found."""
    sure = not search.unsure
    plan = search.plan(_made(problem, changes), gap=search.options.relative_gap)
    if plan is not None:
        cost, gap = plan.usd_per_hour, plan.gap
        yield Relaxation(changes=changes, usd_per_hour=cost, gap=gap, minimal=sure)
