"""Optima that fit in a comment, one for each kind of limit: throughput is given, not predicted."""

from __future__ import annotations

from typing import Any

import pytest

from infersave import (
    GPU,
    Architecture,
    Budget,
    Calibration,
    Coefficients,
    FleetPlan,
    FleetProblem,
    Horizon,
    HostLink,
    InfeasibleError,
    Job,
    LayerGroup,
    MeasuredWorkload,
    Offer,
    Quota,
    RequestClass,
    Selection,
    SolveOptions,
    Status,
    Survival,
    Throughput,
    VMType,
    Workload,
    solve,
)

EXACT = SolveOptions(relative_gap=0.0)
ROUNDING = 1e-9
HOUR_S = 3600.0


def optimum(problem: FleetProblem, usd_per_hour: float) -> FleetPlan:
    """Solve, and hold the plan to the proved cost."""
    plan = solve(problem, options=EXACT)
    assert plan.status is Status.OPTIMAL
    assert plan.usd_per_hour == pytest.approx(usd_per_hour, rel=ROUNDING)
    assert plan.usd_per_hour_bound == pytest.approx(usd_per_hour, rel=ROUNDING)
    return plan


def no_plan(problem: FleetProblem) -> None:
    with pytest.raises(InfeasibleError):
        solve(problem, options=EXACT)


def machine(name: str, n_gpus: int = 1, vcpus: int | None = None) -> VMType:
    gpu = GPU(name=f"gpu-{name}")
    return VMType(provider="cloud", name=name, family="family", gpu=gpu, n_gpus=n_gpus, vcpus=vcpus)


def offer(vm_type: VMType, usd_per_hour: float, **changes: Any) -> Offer:
    return Offer(vm_type=vm_type, region="here", usd_per_hour=usd_per_hour).replace(**changes)


def carries(vm_type: str, *requests_per_s: float, n_gpus: int = 1) -> Throughput:
    return Throughput(vm_type=vm_type, n_gpus=n_gpus, requests_per_s=requests_per_s)


def demand(rate: float, *tables: Throughput, name: str = "w", **rules: Any) -> MeasuredWorkload:
    return MeasuredWorkload(
        name=name, requests_per_s=rate, throughput=tables, target_utilization=1.0, **rules
    )


# ---- where it may run, and how much of it ----

BIG, SMALL, FAST = machine("big", 4, 32), machine("small", 1, 8), machine("fast", 1, 4)
THREE = (offer(BIG, 3.0), offer(SMALL, 1.0), offer(FAST, 2.5))
TABLES = (carries("big", 4.0, n_gpus=4), carries("small", 1.0), carries("fast", 2.0))


def six(**rules: Any) -> MeasuredWorkload:
    """6 requests/s, for which one big and two small are cheapest: 3 + 1 + 1."""
    return demand(6.0, *TABLES, **rules)


def under(*quotas: Quota) -> FleetProblem:
    return FleetProblem(measured=(six(),), offers=THREE, quotas=quotas)


@pytest.mark.parametrize(
    ("quota", "usd_per_hour"),
    [
        ({"unit": "vms", "limit": 3}, 5.0),  # big + 2 small
        ({"unit": "vms", "limit": 2}, 5.5),  # big + fast
        ({"unit": "gpus", "limit": 6}, 5.0),
        ({"unit": "gpus", "limit": 5}, 5.5),
        ({"unit": "gpus", "limit": 3}, 7.5),  # 3 fast
        ({"unit": "vcpus", "limit": 48}, 5.0),
        ({"unit": "vcpus", "limit": 47}, 5.5),  # big + fast: 36
        ({"unit": "vcpus", "limit": 35}, 7.0),  # 2 fast + 2 small: 24
    ],
)
def test_quotas_in_every_unit(quota: dict[str, Any], usd_per_hour: float) -> None:
    plan = optimum(under(Quota(name="q", **quota)), usd_per_hour)
    assert plan.limits[0].used <= plan.limits[0].limit


@pytest.mark.parametrize(
    "quota",
    [{"unit": "vms", "limit": 1}, {"unit": "gpus", "limit": 2}, {"unit": "vms", "limit": 0}],
)
def test_a_quota_can_leave_no_plan(quota: dict[str, Any]) -> None:
    no_plan(under(Quota(name="q", **quota)))


def test_a_quota_counts_only_what_it_selects() -> None:
    # Without big: 6 small for 6.
    optimum(under(Quota(name="q", vm_types=("big",), limit=0)), 6.0)
    # Without big and with 3 small: 2 small and 2 fast for 7.
    quotas = (
        Quota(name="b", vm_types=("big",), limit=0),
        Quota(name="s", vm_types=("small",), limit=3),
    )
    optimum(under(*quotas), 7.0)


def test_a_budget_just_holds_or_just_does_not() -> None:
    problem = FleetProblem(measured=(six(),), offers=THREE)
    plan = optimum(problem.replace(budget=Budget(usd_per_hour=5.0)), 5.0)
    assert plan.limits[0].used == pytest.approx(5.0, rel=ROUNDING)
    no_plan(problem.replace(budget=Budget(usd_per_hour=4.999)))


def test_few_vm_types_allowed_and_forbidden() -> None:
    # One type: 2 big or 6 small, for 6. Only fast: 3. No big: 6 small.
    for rules, usd_per_hour in (
        ({"max_vm_types": 2}, 5.0),
        ({"max_vm_types": 1}, 6.0),
        ({"allow": Selection(vm_types=("fast",))}, 7.5),
        ({"allow": Selection(vm_types=("fast", "small"))}, 6.0),
        ({"forbid": Selection(vm_types=("cloud:big",))}, 6.0),
        ({"forbid": Selection(vm_types=("small",), gpus=("gpu-fast",))}, 6.0),  # 2 big
    ):
        problem = FleetProblem(measured=(six(**rules),), offers=THREE)
        optimum(problem, usd_per_hour)


# ---- purchase options ----


@pytest.mark.parametrize(
    ("usd", "owned", "usd_per_hour"),
    [
        (0.6, 0, 1.2),  # 2 reserved
        (0.6, 1, 1.2),  # one more of them
        (0.6, 3, 1.8),  # the third is paid though idle
        (1.5, 0, 2.0),  # 2 on demand
        (1.5, 1, 2.5),  # what is owned is paid and used, one more on demand
        (1.5, 2, 3.0),
    ],
)
def test_what_is_owned_is_paid(usd: float, owned: int, usd_per_hour: float) -> None:
    reserved = offer(SMALL, usd, purchase="reserved", owned=owned)
    problem = FleetProblem(
        measured=(demand(2.0, carries("small", 1.0)),), offers=(offer(SMALL, 1.0), reserved)
    )
    plan = optimum(problem, usd_per_hour)
    assert sum(vm.count for vm in plan.vms if vm.purchase == "reserved") >= owned


@pytest.mark.parametrize(
    ("share", "usd_per_hour"),
    [
        (1.0, 1.6),  # 4 spot
        (0.75, 2.2),  # 1 on demand, 3 spot
        (0.7, 2.8),  # 2 on demand: 1.2 requests/s must not depend on spot
        (0.5, 2.8),
        (0.0, 4.0),
    ],
)
def test_spot_carries_its_share_and_no_more(share: float, usd_per_hour: float) -> None:
    workload = demand(4.0, carries("small", 1.0), max_spot_share=share)
    offers = (offer(SMALL, 1.0), offer(SMALL, 0.4, purchase="spot"))
    optimum(FleetProblem(measured=(workload,), offers=offers), usd_per_hour)


# ---- losses ----


@pytest.mark.parametrize(
    ("share", "usd_per_hour"),
    [(0.5, 4.0), (0.75, 4.0), (0.8, 5.0), (1.0, 5.0)],  # 4 small leave 3 of 4
)
def test_the_loss_of_a_vm_is_survived(share: float, usd_per_hour: float) -> None:
    workload = demand(4.0, carries("small", 1.0), survive=Survival(vm=share))
    optimum(FleetProblem(measured=(workload,), offers=(offer(SMALL, 1.0),)), usd_per_hour)


def test_two_large_replicas_survive_where_one_and_small_ones_do_not() -> None:
    # 4 requests/s must be left. Small: 5, USD 5. Big for USD 2: 2 leave 4, USD 4.
    workload = demand(4.0, *TABLES[:2], survive=Survival(vm=1.0))
    offers = (offer(BIG, 2.0), offer(SMALL, 1.0))
    optimum(FleetProblem(measured=(workload,), offers=offers), 4.0)


def test_replicas_of_one_vm_are_lost_together() -> None:
    # One VM has 4 seats, but its loss takes them all.
    workload = demand(1.0, carries("big", 1.0), survive=Survival(vm=1.0))
    plan = optimum(FleetProblem(measured=(workload,), offers=(offer(BIG, 1.0),)), 2.0)
    assert len(plan.hosts) == 1
    assert plan.hosts[0].count == 2


def test_workloads_that_survive_share_vms() -> None:
    # Each needs two replicas on two VMs; two VMs of 2 GPUs hold all four.
    pair = machine("pair", 2)
    workloads = tuple(
        demand(1.0, carries("pair", 1.0), name=name, survive=Survival(vm=1.0)) for name in "ab"
    )
    optimum(FleetProblem(measured=workloads, offers=(offer(pair, 1.0),)), 2.0)


def test_three_of_four_gpus_are_a_block() -> None:
    # 3 must be left of w: 3 and 3 on two VMs, whose fourth GPUs carry v.
    workloads = (
        demand(3.0, carries("big", 1.0), survive=Survival(vm=1.0)),
        demand(2.0, carries("big", 1.0), name="v"),
    )
    optimum(FleetProblem(measured=workloads, offers=(offer(BIG, 1.0),)), 2.0)


def test_three_workloads_that_survive_share_two_vms() -> None:
    # 5 replicas each, 15 of 16 GPUs: 3 + 2 of each leaves at least 2 of 5 after a loss.
    eight = machine("eight", 8)
    workloads = tuple(
        demand(5.0, carries("eight", 1.0), name=name, survive=Survival(vm=0.4)) for name in "xyz"
    )
    optimum(FleetProblem(measured=workloads, offers=(offer(eight, 1.0),)), 2.0)


def test_replicas_of_two_sizes_never_share_a_vm_that_may_be_lost() -> None:
    # A replica on 2 GPUs and one on 1 would carry 7 together, but they may not share a VM.
    tables = (carries("big", 2.0), carries("big", 5.0, n_gpus=2))
    workloads = (
        demand(7.0, *tables, survive=Survival(vm=1.0)),
        demand(2.0, carries("big", 1.0), name="v"),
    )
    optimum(FleetProblem(measured=workloads, offers=(offer(BIG, 1.0),)), 3.0)


@pytest.mark.parametrize(
    ("zones", "share", "usd_per_hour"),
    [
        (2, 0.5, 4.0),  # 2 + 2
        (2, 0.75, 6.0),  # 3 + 3
        (2, 1.0, 8.0),  # 4 + 4
        (3, 0.5, 4.0),  # 2 + 1 + 1
        (3, 0.75, 5.0),  # 2 + 2 + 1 leave 3
        (3, 1.0, 6.0),  # 2 + 2 + 2 leave 4
    ],
)
def test_the_loss_of_a_zone_is_survived(zones: int, share: float, usd_per_hour: float) -> None:
    workload = demand(4.0, carries("small", 1.0), survive=Survival(zone=share))
    problem = FleetProblem(
        measured=(workload,), offers=(offer(SMALL, 1.0),), zones_per_region=zones
    )
    optimum(problem, usd_per_hour)


def test_a_second_region_is_another_zone() -> None:
    # Zones of two regions are four; 2 + 1 + 1 leaves 2 of 4 in one region too.
    offers = (offer(SMALL, 1.0), offer(SMALL, 1.0, region="there"))
    workload = demand(4.0, carries("small", 1.0), survive=Survival(zone=0.75))
    problem = FleetProblem(measured=(workload,), offers=offers, zones_per_region=2)
    optimum(problem, 4.0)  # 1 + 1 + 1 + 1 leaves 3


# ---- request classes that share replicas ----


def test_classes_share_replicas_in_proportion() -> None:
    # Left (2, 1), right (1, 4) requests/s of the two classes; 1.5 of each are asked.
    # Left alone: .75 + 1.5 = 2.25 replicas, USD 3. Right alone: 1.5 + .375, USD 2.4.
    # One of each: the second class fills .375 of right, the first its .625 and .4375 of left.
    tables = (carries("small", 2.0, 1.0), carries("fast", 1.0, 4.0))
    workload = demand(3.0, *tables, shares=(0.5, 0.5))
    optimum(FleetProblem(measured=(workload,), offers=(offer(SMALL, 1.0), offer(FAST, 1.2))), 2.2)


@pytest.mark.parametrize(
    ("rate", "shares", "usd_per_hour"),
    [
        # Its main.py. All on A10G: 4/5 + 2/1 + 6/10 + 4/5 = 4.2 of them.
        (16.0, (0.25, 0.125, 0.375, 0.25), 5 * 1.01),
        # All on A10G: 11.25 of them, USD 12.12. One A100 takes .15 + .375 + .375 of it and .2
        # of the second class, which leaves 7.3.
        (30.0, (0.25, 0.25, 0.25, 0.25), 8 * 1.01 + 3.67),
    ],
)
def test_the_published_example_of_melange(
    rate: float, shares: tuple[float, ...], usd_per_hour: float
) -> None:
    # github.com/tyler-griggs/melange-release: prices and throughput of two GPUs, four buckets.
    tables = (carries("A10G", 5.0, 1.0, 10.0, 5.0), carries("A100", 20.0, 2.0, 50.0, 20.0))
    offers = (offer(machine("A10G"), 1.01), offer(machine("A100"), 3.67))
    workload = demand(rate, *tables, shares=shares)
    optimum(FleetProblem(measured=(workload,), offers=offers), usd_per_hour)


# ---- a horizon ----


def over_time(
    profile: tuple[float, ...],
    horizon: Horizon,
    *more: Offer,
    budget: Budget | None = None,
) -> FleetProblem:
    """1 request/s times a profile, one VM a request/s, USD 1 on demand."""
    return FleetProblem(
        measured=(demand(1.0, carries("small", 1.0), profile=profile),),
        offers=(offer(SMALL, 1.0), *more),
        horizon=horizon,
        budget=budget or Budget(),
    )


@pytest.mark.parametrize(
    ("startup_s", "usd", "started"),
    [
        (0.0, 2.0, 1),
        (1800.0, 2.5, 1),  # two hours and half an hour for the start
        (7200.0, 3.0, 0),  # cheaper kept through the valley
    ],
)
def test_a_vm_is_kept_through_a_short_valley(startup_s: float, usd: float, started: int) -> None:
    problem = over_time((1.0, 0.0, 1.0), Horizon(hours=(1.0, 1.0, 1.0), startup_s=startup_s))
    plan = optimum(problem, usd / 3)
    assert sum(vm.started for vm in plan.vms) == started


@pytest.mark.parametrize(("periods", "usd"), [(1, 1.0), (2, 2.0), (3, 3.0)])
def test_a_vm_once_started_is_kept(periods: int, usd: float) -> None:
    for cyclic in (False, True):
        horizon = Horizon(hours=(1.0, 1.0, 1.0), min_up_periods=periods, cyclic=cyclic)
        optimum(over_time((1.0, 0.0, 0.0), horizon), usd / 3)


def test_a_day_that_does_not_return_starts_from_nothing() -> None:
    hours, startup_s = (1.0, 1.0), HOUR_S
    optimum(over_time((1.0, 1.0), Horizon(hours=hours, startup_s=startup_s)), 1.0)
    first = Horizon(hours=hours, startup_s=startup_s, cyclic=False)
    optimum(over_time((1.0, 1.0), first), 3.0 / 2)


def reserved_beside(budget: Budget | None = None) -> FleetProblem:
    """Three hours of 1 request/s, one of 3; reserved for USD 0.6."""
    reserved = offer(SMALL, 0.6, purchase="reserved")
    return over_time((1.0, 3.0), Horizon(hours=(3.0, 1.0)), reserved, budget=budget)


def test_reserved_for_the_base_and_on_demand_for_the_peak() -> None:
    # Reserved for 4 hours USD 2.4 each, on demand for the hour of the peak USD 1 each.
    optimum(reserved_beside(), (2.4 + 2.0) / 4)


@pytest.mark.parametrize(
    ("usd_per_hour", "usd"),
    [
        (2.6, 2.4 + 2.0),  # the peak: 0.6 + 2
        (2.5, 4.8 + 1.0),  # 1.2 + 1
        (1.8, 7.2),
    ],
)
def test_a_budget_holds_in_every_hour(usd_per_hour: float, usd: float) -> None:
    optimum(reserved_beside(Budget(usd_per_hour=usd_per_hour)), usd / 4)


def test_a_budget_holds_over_the_horizon() -> None:
    optimum(reserved_beside(Budget(usd=4.4)), 1.1)
    no_plan(reserved_beside(Budget(usd=4.39)))
    no_plan(reserved_beside(Budget(usd_per_hour=1.79)))


def test_reserved_needs_no_start() -> None:
    # Two hours reserved USD 2; on demand 1.98 and an hour's start 0.99.
    horizon = Horizon(hours=(1.0, 1.0), startup_s=HOUR_S, cyclic=False)
    reserved = offer(SMALL, 1.0, purchase="reserved")
    problem = over_time((1.0, 1.0), horizon, reserved)
    cheap = (problem.offers[0].replace(usd_per_hour=0.99), reserved)
    optimum(problem.replace(offers=cheap), 1.0)


# ---- jobs in a horizon: a batch of 10 takes 9.99 s, so a replica does 3600 requests an hour ----

ROUND_S, BATCH = 9.99, 10
KNOWN = VMType(
    provider="cloud",
    name="known",
    family="family",
    gpu=GPU(name="gpu", memory_bytes=80e9, flops_per_s=1e15, memory_bytes_per_s=1e13),
    n_gpus=1,
    host_memory_bytes=64e9,
    host_link=HostLink(
        h2d_bytes_per_s=1e10,
        d2h_bytes_per_s=1e10,
        uplink_h2d_bytes_per_s=1e10,
        uplink_d2h_bytes_per_s=1e10,
    ),
    gpu_link_bytes_per_s=1e10,
)
LAYER = LayerGroup(
    count=1,
    attention="full",
    shared_params=10**6,
    kv_values_per_token=256,
    kv_heads=4,
    score_flops=1024.0,
    query_heads=4,
    ffn_width=1024,
)
ARCHITECTURE = Architecture(
    name="llm",
    groups=(LAYER,),
    hidden_size=256,
    vocabulary=1000,
    embedding_params=256_000,
    head_params=256_000,
    tied=True,
    heads=4,
)
ROUND = Coefficients(linear=1e-9, attention=0.0, layer_s=ROUND_S)
CALIBRATION = Calibration(
    gpu="gpu",
    kind="prior",
    prefill=ROUND,
    decode=ROUND,
    prefill_residual=0.1,
    decode_residual=0.1,
)


def job(requests: int, deadline_h: float) -> Workload:
    return Workload(
        name="job",
        architecture=ARCHITECTURE,
        engine="static",
        job=Job(requests=requests, deadline_s=deadline_h * HOUR_S),
        requests=(RequestClass(input_tokens=8, output_tokens=1),),
        batch=BATCH,
    )


def with_job(
    requests: int, deadline_h: float, hours: tuple[float, ...], usd_per_hour: float = 1.0
) -> FleetProblem:
    return FleetProblem(
        workloads=(job(requests, deadline_h),),
        offers=(offer(KNOWN, usd_per_hour),),
        calibrations=(CALIBRATION,),
        horizon=Horizon(hours=hours),
    )


def test_a_job_waits_for_the_valley() -> None:
    # Two reserved VMs serve 2 requests/s, then 1; the job takes the one left idle.
    reserved = offer(KNOWN, 1.0, purchase="reserved")
    service = demand(2.0, carries("known", 1.0), profile=(1.0, 0.5))
    alone = FleetProblem(measured=(service,), offers=(reserved,), horizon=Horizon(hours=(1.0, 1.0)))
    optimum(alone, 2.0)
    for requests, deadline_h, usd_per_hour in (
        (3600, 2.0, 2.0),
        (3601, 2.0, 3.0),  # more than the idle hour
        (3600, 1.0, 3.0),  # due before the valley
        (1800, 1.5, 2.0),
        (1801, 1.5, 3.0),  # half an hour does 180 rounds
    ):
        work = {"workloads": (job(requests, deadline_h),), "calibrations": (CALIBRATION,)}
        optimum(alone.replace(**work), usd_per_hour)


@pytest.mark.parametrize(
    ("requests", "deadline_h", "most_vms", "usd"),
    [
        (7200, 3.0, 9, 2.0),
        (7200, 3.0, 1, 2.0),
        (7200, 1.5, 9, 2.0),  # both in the first hour
        (5400, 1.5, 1, 2.0),  # an hour and half of the next, which is paid in full
        (5401, 1.5, 2, 2.0),
        (10800, 3.0, 1, 3.0),
    ],
)
def test_a_job_is_done_in_shifts(
    requests: int, deadline_h: float, most_vms: int, usd: float
) -> None:
    quota = Quota(name="q", limit=most_vms)
    problem = with_job(requests, deadline_h, (1.0, 1.0, 1.0)).replace(quotas=(quota,))
    optimum(problem, usd / 3)


def test_a_deadline_can_leave_no_plan() -> None:
    quota = (Quota(name="q", limit=1),)
    no_plan(with_job(5401, 1.5, (1.0, 1.0)).replace(quotas=quota))
    no_plan(with_job(10, 9.0 / HOUR_S, (1.0, 1.0)))
