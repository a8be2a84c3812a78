"""A planner changes a running fleet as little as pays, and says in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from infersave import (
    Disturbance,
    FleetPlan,
    FleetProblem,
    InfeasibleError,
    Planner,
    ProblemError,
    Replan,
    Selection,
    SolveOptions,
    Step,
    example_names,
    load_problem,
    solve,
    verify,
)
from infersave.models.hardware import Offer
from infersave.models.plan import Host

FleetMaker = Callable[[int], FleetProblem]
Vm = tuple[object, ...]
Held = Counter[tuple[str, int]]
EXACT = SolveOptions(relative_gap=0.0)
ROUNDING = 1e-6
MOST = 6
FACTORS = (0.1, 0.5, 2.2, 6.0)


def steady(problem: FleetProblem) -> FleetProblem:
    """The problem without its horizon."""
    return problem.replace(
        horizon=None,
        budget=problem.budget.replace(usd=None),
        workloads=tuple(w.replace(profile=None) for w in problem.workloads),
        measured=tuple(m.replace(profile=None) for m in problem.measured),
    )


def started(problem: FleetProblem, disturbance: Disturbance) -> Planner | None:
    """A planner whose first plan runs; None where there is none."""
    planner = Planner(problem, options=EXACT)
    try:
        planner.adopt(planner.replan())
    except InfeasibleError:
        return None
    planner.disturbance = disturbance
    return planner


def disturbances(rng: np.random.Generator) -> Disturbance:
    start_usd, stop_usd = float(rng.choice([0, 0.05, 1])), float(rng.choice([0, 0.02, 0.3]))
    part = rng.choice([0, 0.5, 1])
    return Disturbance(
        start_usd=start_usd,
        stop_usd=stop_usd,
        move_usd=None if part == 1 else float(part * (start_usd + stop_usd)),
        hours=float(rng.choice([0.25, 1, 10])),
        most_changes=None if rng.random() < 0.6 else int(rng.integers(0, 6)),
        threshold_usd_per_hour=float(rng.choice([0, 0.1, 1])),
    )


def happens(planner: Planner, rng: np.random.Generator) -> None:
    """Something changes: a demand, a price, what is sold out, or a workload goes."""
    problem, kind = planner.problem, rng.integers(4)
    offer = problem.offers[rng.integers(len(problem.offers))]
    rated = [d for d in problem.demands if d.requests_per_s is not None]
    if kind == 0 and rated:
        demand = rated[rng.integers(len(rated))]
        rate = (demand.requests_per_s or 1.0) * float(rng.choice(FACTORS))
        planner.update(requests_per_s={demand.name: rate})
    elif kind == 1:
        planner.update(usd_per_hour={offer.key: offer.usd_per_hour * float(rng.choice(FACTORS))})
    elif kind == 2:
        planner.update(sold_out=[offer.key])
    elif len(problem.workloads) > 1:
        planner.update(problem.replace(workloads=problem.workloads[1:]))


def walks(maker: FleetMaker, seed: int) -> Iterator[tuple[Planner, Replan]]:
    """What a planner answers to three changes, each before it is adopted."""
    rng = np.random.default_rng(seed)
    planner = started(steady(maker(seed)), disturbances(rng))
    for _ in range(3 if planner else 0):
        assert planner is not None
        happens(planner, rng)
        try:
            found = planner.replan()
        except InfeasibleError:
            continue
        yield planner, found
        planner.adopt(found)


@pytest.mark.parametrize("seed", range(100, 130))
@pytest.mark.parametrize("kind", ["random_fleet", "limited_fleet"])
def test_what_holds_of_every_answer(kind: str, seed: int, request: pytest.FixtureRequest) -> None:
    for planner, found in walks(request.getfixturevalue(kind), seed):
        assert_answer_holds(planner, found)


def assert_answer_holds(planner: Planner, found: Replan) -> None:
    """An answer against the cheapest fleet, the running one and what changes cost."""
    problem, asked = planner.effective, planner.disturbance
    verify(problem, found.plan)
    best = solve(problem, options=EXACT).usd_per_hour
    slack = ROUNDING * best
    assert found.plan.usd_per_hour >= best - slack
    bound = found.plan.usd_per_hour_bound
    assert bound is not None
    assert bound <= best + 2 * slack
    if found.plan.limit != "disturbance":  # an old bound may be all that it takes to keep
        assert bound >= best - 2 * slack
    if asked.most_changes is not None and not found.kept:
        assert found.n_changes <= asked.most_changes
    running = found.running_usd_per_hour
    if running is None:
        assert not found.kept
        assert found.broken
    elif running - best < asked.threshold_usd_per_hour:
        assert found.kept
    if found.kept:
        wanted = {demand.name for demand in problem.demands}
        assert not any(c.changes for c in found.changes if c.workload in wanted)
    elif running is not None:
        paid = found.plan.usd_per_hour + found.change_usd / asked.hours
        assert paid <= running + slack
    if not asked.matters and not found.kept:
        assert found.plan.usd_per_hour == pytest.approx(best, abs=slack)
    assert_steps_lead_there(problem, found, planner.running)


def assert_steps_lead_there(
    problem: FleetProblem, found: Replan, running: FleetPlan | None
) -> None:
    """The steps, taken one by one, end in the plan; no VM overflows, no workload dips unsaid."""
    room = {(o.vm_type.key, o.region, o.purchase): o.vm_type.n_gpus for o in problem.offers}
    seats = {("was", *vm): Counter(held) for vm, held in seated(running)}
    if not problem.zoned:
        seats = through_all_zones(seats)
    before, after = totals(c for c in seats.values()), totals(c for _, c in seated(found.plan))
    early = {step.workload for step in found.steps if step.early}
    for step in found.steps:
        vm = vm_of(step)
        if step.action == "start VM":
            seats[vm] = Counter()
        elif step.action == "stop VM":
            assert not +seats.pop(vm)
        elif step.action in ("start", "stop"):
            assert step.workload is not None
            assert step.n_gpus is not None
            group = step.workload, step.n_gpus
            seats[vm][group] += step.replicas if step.action == "start" else -step.replicas
            assert seats[vm][group] >= 0
            if step.action == "start":
                taken = sum(gpus * count for (_, gpus), count in seats[vm].items())
                assert taken <= room[f"{step.provider}:{step.vm_type}", step.region, step.purchase]
            if step.workload not in early:
                least = min(before[step.workload], after[step.workload])
                assert totals(seats.values())[step.workload] >= least
    there = Counter((vm[1:5], frozenset((+held).items())) for vm, held in seats.items() if +held)
    wanted = Counter((vm[:4], frozenset(held.items())) for vm, held in seated(found.plan) if held)
    assert there == wanted


def seated(plan: FleetPlan | None) -> list[tuple[Vm, Held]]:
    """Each VM of the services of a plan, and what sits on it."""
    return [
        ((*place(host), number), Counter({(s.workload, s.n_gpus): s.replicas for s in host.seats}))
        for host in (plan.hosts if plan else ())
        if host.job is None
        for number in range(host.first, host.first + host.count)
    ]


def through_all_zones(seats: dict[Vm, Held]) -> dict[Vm, Held]:
    """Running VMs numbered through the zones of their place, which the next plan does not know."""
    found: dict[Vm, Held] = {}
    numbers: Counter[Vm] = Counter()
    for vm in sorted(seats, key=lambda vm: (str(vm[:4]), str(vm[4]), int(str(vm[5])))):
        numbers[vm[:4]] += 1
        found[(*vm[:4], None, numbers[vm[:4]])] = seats[vm]
    return found


def place(vm: Host | Step) -> tuple[object, ...]:
    return f"{vm.provider}:{vm.vm_type}", vm.region, vm.purchase, vm.zone


def vm_of(step: Step) -> tuple[object, ...]:
    running = step.was is not None
    return "was" if running else "new", *place(step), step.was if running else step.number


def totals(seats: object) -> Counter[str]:
    found: Counter[str] = Counter()
    for held in seats:  # type: ignore[attr-defined]
        for (workload, _), count in held.items():
            found[workload] += count
    return found


def two_workloads() -> FleetProblem:
    """Two services, each able to run on three VM types, one GPU a replica."""
    problem = load_problem("example:two-workloads")
    names = ("g5.xlarge", "g6e.xlarge", "g6e.12xlarge")
    offers = tuple(o for o in problem.offers if o.vm_type.name in names)
    chat = problem.workloads[0].replace(gpus_per_replica=(1,))
    other = chat.replace(name="search", requests_per_s=3.0)
    return problem.replace(workloads=(chat, other), offers=offers)


def most_per_s(problem: FleetProblem, name: str, offer: Offer) -> float:
    """What one replica of a workload on an offer may be sent."""
    workload = next(w for w in problem.workloads if w.name == name)
    alone = workload.replace(requests_per_s=1e-3, allow=Selection(vm_types=(offer.vm_type.name,)))
    plan = Planner(problem.replace(workloads=(alone,)), options=EXACT).replan().plan
    return plan.assignments[0].most_per_s(workload.target_utilization)


@pytest.mark.parametrize("backend", ["ortools:highs", "ortools:scip", "pulp:cbc"])
@pytest.mark.parametrize("factor", [0.3, 0.8, 1.5, 2.5])
def test_the_least_change_against_enumeration(factor: float, backend: str) -> None:
    """Every fleet of up to six replicas of each workload on each VM type, with its changes."""
    problem = two_workloads()
    cost = Disturbance(start_usd=0.9, stop_usd=0.2, move_usd=0.7, hours=2.0)
    planner = Planner(problem, backend=backend, disturbance=cost, options=EXACT)
    planner.adopt(planner.replan())
    running = fleet(planner.running, problem)
    planner.update(requests_per_s={"chat": 12.0 * factor, "search": 3.0 / factor})
    found = planner.replan()
    asked = [12.0 * factor, 3.0 / factor]
    offers = problem.offers
    each = [[most_per_s(problem, n, o) for o in offers] for n in ("chat", "search")]
    x = np.indices((MOST + 1,) * (2 * len(offers))).reshape(2, len(offers), -1)
    carried = np.einsum("wkn,wk->wn", x, np.array(each))
    vms = -(-x.sum(axis=0) // np.array([[o.vm_type.n_gpus] for o in offers]))
    usd = np.array([o.usd_per_hour for o in offers]) @ vms
    starts = np.maximum(x - running[:, :, None], 0).sum(axis=1)
    stops = np.maximum(running[:, :, None] - x, 0).sum(axis=1)
    moves = np.minimum(starts, stops)
    paid = cost.start_usd * (starts - moves) + cost.stop_usd * (stops - moves)
    usd += (paid + cost.of_move_usd * moves).sum(axis=0) / cost.hours
    enough = (carried >= np.array(asked)[:, None] * (1 - 1e-9)).all(axis=0)
    least = usd[enough].min()
    assert found.plan.usd_per_hour + found.change_usd / cost.hours == pytest.approx(least)


def fleet(plan: FleetPlan | None, problem: FleetProblem) -> np.ndarray:
    """Replicas by workload and offer."""
    assert plan is not None
    return np.array(
        [
            [
                sum(
                    a.replicas
                    for a in plan.assignments
                    if a.workload == n and a.vm_key == o.vm_type.key
                )
                for o in problem.offers
            ]
            for n in ("chat", "search")
        ]
    )


@pytest.mark.parametrize("name", [n for n in example_names() if n != "day"])
def test_an_unchanged_example_is_kept_whatever_changes_cost(name: str) -> None:
    problem = load_problem(f"example:{name}")
    if problem.horizon is not None:
        pytest.skip("an example over a horizon")
    for cost in (Disturbance(), Disturbance(start_usd=1.0), Disturbance(most_changes=0)):
        planner = started(problem, cost)
        assert planner is not None
        found = planner.replan()
        assert found.kept
        assert not found.n_changes
        assert not found.steps


def test_a_threshold_keeps_what_a_price_made_dearer() -> None:
    planner = started(two_workloads(), Disturbance())
    assert planner is not None
    assert planner.running is not None
    used = planner.running.vms[0]
    offer = next(o for o in planner.problem.offers if o.vm_type.name == used.vm_type)
    planner.update(usd_per_hour={offer.key: offer.usd_per_hour * 5})
    change = planner.replan()
    assert not change.kept
    saving = change.saving_usd_per_hour
    assert saving is not None
    assert saving > 0
    for threshold, kept in ((saving * 1.001, True), (saving * 0.999, False)):
        planner.disturbance = Disturbance(threshold_usd_per_hour=threshold)
        found = planner.replan()
        assert found.kept is kept
        if kept:
            assert found.reason.startswith(f"keep: the new plan saves USD {saving:.2f} per hour")
            assert found.plan.usd_per_hour == pytest.approx(change.plan.usd_per_hour + saving)


def test_what_is_sold_out_keeps_running_but_does_not_grow() -> None:
    planner = started(two_workloads(), Disturbance())
    assert planner is not None
    assert planner.running is not None
    before = Counter({vms.vm_type: vms.count for vms in planner.running.vms})
    planner.update(sold_out=[o.key for o in planner.problem.offers if o.vm_type.n_gpus == 1])
    planner.update(requests_per_s={"chat": 40.0})
    found = planner.replan()
    after = Counter({vms.vm_type: vms.count for vms in found.plan.vms})
    for offer in planner.problem.offers:
        if offer.vm_type.n_gpus == 1:
            assert after[offer.vm_type.name] <= before[offer.vm_type.name]
    assert after["g6e.12xlarge"] > before["g6e.12xlarge"]
    planner.update(sold_out=[])
    assert planner.replan().plan.usd_per_hour <= found.plan.usd_per_hour * (1 + ROUNDING)


def test_a_cap_that_admits_no_plan_says_how_many_changes_it_takes() -> None:
    planner = started(two_workloads(), Disturbance(most_changes=1))
    assert planner is not None
    planner.update(requests_per_s={"chat": 200.0})
    with pytest.raises(InfeasibleError, match=r"most_changes 1: the fewest found are \d+"):
        planner.replan()
    assert planner.running is not None


def test_batches_of_what_keeps_running_stay() -> None:
    problem = two_workloads()
    planner = Planner(problem, running=solve(problem, options=EXACT), options=EXACT)
    assert planner.running is not None
    small = {a.workload: a.deployment.batch for a in planner.running.assignments}
    kept = planner.replan()
    assert kept.kept
    assert {a.workload: a.deployment.batch for a in kept.plan.assignments} == small
    planner.update(requests_per_s={"search": 3.02})
    grown = planner.replan()
    for step in grown.steps:
        assert step.action == "set batch"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"requests_per_s": {"nobody": 1.0}}, "requests_per_s"),
        ({"requests_per_s": {"chat": -1.0}}, "requests_per_s"),
        ({"usd_per_hour": {"aws:g5.xlarge": 1.0}}, "usd_per_hour"),
        ({"quotas": {"nothing": 1.0}}, "quotas"),
        ({"sold_out": ["aws:g5.xlarge@nowhere/spot"]}, "sold_out"),
    ],
)
def test_bad_news_is_refused_and_nothing_changes(change: dict[str, object], field: str) -> None:
    planner = Planner(two_workloads())
    with pytest.raises(ProblemError) as refused:
        planner.update(**change)  # type: ignore[arg-type]
    assert field in refused.value.field
    assert planner.problem == two_workloads()


def test_a_move_costs_no_more_than_its_parts() -> None:
    assert Disturbance(start_usd=0.2, stop_usd=0.1).of_move_usd == pytest.approx(0.3)
    with pytest.raises(ProblemError, match="move_usd"):
        Disturbance(start_usd=0.2, move_usd=0.3)


def test_a_horizon_is_refused() -> None:
    day = load_problem("example:day")
    with pytest.raises(ProblemError, match="horizon"):
        Planner(day)
    with pytest.raises(ProblemError, match="running"):
        Planner(two_workloads(), running=solve(day))
