"""SLOs at a percentile: fleets whose requests arrive at random and queue."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from infersave import (
    SLO,
    FleetPlan,
    FleetProblem,
    InfeasibleError,
    Job,
    ProblemError,
    RequestClass,
    SolveOptions,
    Survival,
    VerificationError,
    Workload,
    solve,
    verify,
)
from infersave.models.serving import Serving
from infersave.solver.candidates import enumerate_streams
from infersave.solver.verify import find_violations

EXACT = SolveOptions(relative_gap=0.0, time_limit_s=30.0)
AGREE = 1e-6
SEEDS = range(10)
LEVELS = (None, 0.5, 0.9, 0.99, 0.999)
FleetMaker = Callable[[int], FleetProblem]


def at(problem: FleetProblem, **slo: float | None) -> FleetProblem:
    """The same with these fields in every SLO."""
    return problem.replace(
        workloads=tuple(w.replace(slo=w.slo.replace(**slo)) for w in problem.workloads)
    )


def services(problem: FleetProblem, seed: int) -> FleetProblem:
    """Its workloads as services under continuous batching that bound what comes after a wait."""
    rng = np.random.default_rng(seed)
    workloads = []
    for workload in problem.workloads:
        changed = workload.replace(
            engine="continuous",
            job=None,
            requests_per_s=float(10 ** rng.uniform(-0.5, 1.3)),
            max_batch=int(rng.choice([4, 16, 64])),
            slo=SLO(ttft_s=float(rng.uniform(0.3, 3)), tpot_s=workload.slo.tpot_s),
            batch=None,
        )
        if rng.random() < 0.4:
            short = RequestClass(input_tokens=200, output_tokens=40, share=0.7)
            rest = workload.requests[0].replace(share=1.0 - short.share)
            changed = changed.replace(requests=(short, rest))
        elif rng.random() < 0.3:
            changed = changed.replace(survive=Survival(vm=0.5))
        workloads.append(changed)
    return problem.replace(workloads=tuple(workloads))


@pytest.fixture
def fleet(random_fleet: FleetMaker) -> FleetMaker:
    return lambda seed: services(random_fleet(seed), seed)


def solved(problem: FleetProblem, formulation: str = "candidates") -> FleetPlan | None:
    """The proved optimum; None where no plan holds."""
    try:
        return solve(problem, options=EXACT, formulation=formulation)  # type: ignore[arg-type]
    except InfeasibleError:
        return None


def cost(problem: FleetProblem, formulation: str = "candidates") -> float:
    plan = solved(problem, formulation)
    return float("inf") if plan is None else plan.usd_per_hour


@pytest.mark.parametrize("seed", SEEDS)
def test_a_higher_percentile_never_costs_less(seed: int, fleet: FleetMaker) -> None:
    costs = [cost(at(fleet(seed), percentile=level)) for level in LEVELS]
    for looser, tighter in pairwise(costs):
        assert tighter >= looser * (1 - AGREE)


def test_some_fleet_pays_for_its_queue(fleet: FleetMaker) -> None:
    problems = [fleet(seed) for seed in SEEDS]
    dearer = [cost(at(p, percentile=0.99)) > cost(p) * (1 + AGREE) for p in problems]
    assert sum(dearer) >= 2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_looser_bound_never_costs_more(seed: int, fleet: FleetMaker) -> None:
    problem = at(fleet(seed), percentile=0.95)
    costs = [cost(at(problem, ttft_s=bound)) for bound in (0.5, 1.0, 2.0)]
    for tighter, looser in pairwise(costs):
        assert looser <= tighter * (1 + AGREE)


@pytest.mark.parametrize("seed", [s for s in SEEDS if s % 2])
def test_the_definition_agrees(seed: int, random_fleet: FleetMaker) -> None:
    problem = services(random_fleet(seed), seed)
    whole = tuple(w.replace(survive=Survival()) for w in problem.workloads)
    problem = at(problem.replace(workloads=whole), percentile=0.95)
    assert cost(problem, "layers") == pytest.approx(cost(problem), rel=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_batch_is_the_one_that_may_be_sent_most(seed: int, fleet: FleetMaker) -> None:
    problem = at(fleet(seed), percentile=0.95)
    alone = tuple(
        w.replace(requests=(w.requests[0].replace(share=1.0),)) for w in problem.workloads
    )
    for stream in enumerate_streams(problem.replace(workloads=alone)):
        serving = Serving(stream.workload, stream.request, stream.machines.replica)
        best = np.zeros(stream.holds.shape)
        for batch in range(1, 65):
            trial = serving.at(float(batch))
            allowed = serving.holds(trial) & (batch <= (stream.workload.max_batch or 0))
            sent = np.where(allowed, serving.most_per_s(trial), 0.0)
            best = np.maximum(best, sent)
        found = np.where(stream.holds, stream.carried(np.ones(len(best))), 0.0)
        np.testing.assert_allclose(found, np.where(stream.holds, best, 0.0), rtol=1e-9)


def chat(problem: FleetProblem) -> tuple[FleetProblem, FleetPlan]:
    """A fleet with a percentile that has a plan, and the plan."""
    problem = at(problem, percentile=0.95)
    plan = solved(problem)
    assert plan is not None
    return problem, plan


def served(fleet: FleetMaker) -> tuple[FleetProblem, FleetPlan]:
    seed = next(s for s in SEEDS if cost(at(fleet(s), percentile=0.95)) < float("inf"))
    return chat(fleet(seed))


def test_a_plan_shows_what_it_promises(fleet: FleetMaker) -> None:
    _, plan = served(fleet)
    for a in plan.assignments:
        assert a.queueing is not None
        assert a.queueing.percentile == 0.95
        assert a.queueing.requests_per_s == pytest.approx(a.each_per_s)
        assert a.queueing.requests_per_s <= a.queueing.most_requests_per_s * (1 + AGREE)
        bound = next(check for check in a.slos if check.slo == "ttft_s")
        assert bound.predicted == a.ttft_s == a.performance.ttft_s + a.queueing.wait_s
        assert a.ttft_s <= bound.bound * (1 + AGREE)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("percentile", 0.9),
        ("requests_per_s", 1e-3),
        ("most_requests_per_s", 1e3),
        ("utilization", 0.01),
        ("full", 0.5),
        ("wait_s", 1e-3),
    ],
)
def test_a_false_claim_is_caught(field: str, value: float, fleet: FleetMaker) -> None:
    problem, plan = served(fleet)
    first = plan.assignments[0]
    assert first.queueing is not None
    false = first.replace(queueing=first.queueing.replace(**{field: value}))
    with pytest.raises(VerificationError, match=field):
        verify(problem, plan.replace(assignments=(false, *plan.assignments[1:])))


@pytest.mark.parametrize("field", ["most_requests_per_s", "wait_s"])
@pytest.mark.parametrize("factor", [1.0 - 1e-4, 1.0 + 1e-4])
def test_a_claim_a_little_off_is_caught(field: str, factor: float, fleet: FleetMaker) -> None:
    problem, plan = served(fleet)
    first = plan.assignments[0]
    assert first.queueing is not None
    value = getattr(first.queueing, field) * factor
    false = first.replace(queueing=first.queueing.replace(**{field: value}))
    found = find_violations(problem, plan.replace(assignments=(false, *plan.assignments[1:])))
    assert any(field in text for text in found)


def test_a_plan_without_waits_is_caught(fleet: FleetMaker) -> None:
    problem, plan = served(fleet)
    without = at(problem, percentile=None)
    with pytest.raises(VerificationError, match="percentile"):
        verify(problem, solve(without, options=EXACT))
    with pytest.raises(VerificationError, match="percentile"):
        verify(without, plan)


def test_more_than_the_wait_allows_is_caught(fleet: FleetMaker) -> None:
    """Fewer replicas than planned, all numbers but the SLO made true again."""
    problem, plan = served(fleet)
    tighter = at(problem, ttft_s=min(a.ttft_s for a in plan.assignments) * 0.9)
    with pytest.raises(VerificationError, match=r"ttft_s is .*, the SLO is"):
        verify(tighter, plan)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"engine": "static", "requests_per_s": 1.0}, "needs engine continuous"),
        ({}, "needs requests_per_s"),
        ({"job": Job(requests=5, deadline_s=60.0)}, "needs requests_per_s"),
    ],
)
def test_where_nothing_queues(fields: dict[str, Any], rule: str, random_fleet: FleetMaker) -> None:
    base: dict[str, Any] = {
        "name": "w",
        "architecture": random_fleet(0).workloads[0].architecture,
        "requests": (RequestClass(input_tokens=8, output_tokens=8),),
        "slo": SLO(percentile=0.9),
    }
    with pytest.raises(ProblemError, match=rf"slo\.percentile.*{rule}"):
        Workload(**base, **fields)


@pytest.mark.parametrize("value", [0.49, 1.0, 99, float("nan"), "p99", True])
def test_what_is_no_percentile(value: object) -> None:
    with pytest.raises(ProblemError, match="percentile"):
        SLO(percentile=value)  # type: ignore[arg-type]


def test_batches_are_not_made_smaller_afterwards(fleet: FleetMaker) -> None:
    """Free slots are what keeps waits short."""
    problem, plan = served(fleet)
    streams = {(s.workload.name, s.index): s for s in enumerate_streams(problem)}
    for a in plan.assignments:
        stream = streams[a.workload, a.request_class]
        place = [
            k
            for k, key in enumerate(stream.machines.keys)
            if key == a.vm_key and stream.machines.n_gpus[k] == a.gpus_each
        ]
        assert a.deployment.batch == int(stream.batch[place[0]])
