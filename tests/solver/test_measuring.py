"""The measurement that could change a choice most."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infersave import (
    FleetProblem,
    InfeasibleError,
    Recommendation,
    recommend,
    worth_measuring,
)
from infersave.models.spread import Spread

FleetMaker = Callable[[int], FleetProblem]
SEEDS = range(30)


def alone(problem: FleetProblem, spread: Spread) -> FleetProblem:
    """Its first workload alone, much of it, on GPUs with an error."""
    calibrations = tuple(
        c.replace(prefill_spread=spread, decode_spread=spread) for c in problem.calibrations
    )
    first = problem.workloads[0]
    if first.requests_per_s is not None:
        first = first.replace(requests_per_s=30 * first.requests_per_s)
    return problem.replace(workloads=(first,), calibrations=calibrations)


def ranked(problem: FleetProblem) -> Recommendation | None:
    try:
        return worth_measuring(problem, recommend(problem))
    except InfeasibleError:
        return None


@pytest.mark.parametrize(("below", "above"), [(0.0, 1.0), (1.0, 0.0)])
def test_the_measurement_made_changes_the_choice_as_said(
    below: float, above: float, random_fleet: FleetMaker
) -> None:
    effects = []
    for seed in SEEDS:
        problem = alone(random_fleet(seed), Spread(below=below, above=above))
        ranking = ranked(problem)
        if ranking is None or ranking.measure is None:
            continue
        asked, before = ranking.measure, ranking.choices[0]
        known = next(c for c in problem.calibrations if c.gpu == asked.gpu)
        theta = getattr(known, asked.phase).times(asked.factor)
        made = known.replace(**{asked.phase: theta})
        rest = tuple(made if c is known else c for c in problem.calibrations)
        after = recommend(problem.replace(calibrations=rest)).choices[0]
        assert after.usd_per_hour == pytest.approx(asked.usd_per_hour)
        assert after.usd_per_hour - before.usd_per_hour == pytest.approx(asked.change_usd_per_hour)
        effects.append(asked.change_usd_per_hour)
    assert len(effects) > 2
    assert all((effect > 0) == (above > 0) for effect in effects)


def test_where_nothing_is_uncertain_nothing_is_asked(random_fleet: FleetMaker) -> None:
    for seed in SEEDS:
        ranking = ranked(alone(random_fleet(seed), Spread(below=0.0, above=0.0)))
        assert ranking is None or ranking.measure is None
