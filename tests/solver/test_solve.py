"""Plans of real fleets: shared VMs, jobs, and a clear no."""

from __future__ import annotations

from typing import Any

import pytest

import infersave
from infersave import (
    SLO,
    Billing,
    CatalogError,
    FleetProblem,
    InfeasibleError,
    Job,
    NoPlanError,
    ProblemError,
    RequestClass,
    SolveOptions,
    Status,
    Workload,
)

CHAT = RequestClass(input_tokens=512, output_tokens=256)


def service(name: str, rate: float | None, **changes: Any) -> Workload:
    fields: dict[str, Any] = {
        "name": name,
        "architecture": infersave.load_architecture("meta-llama/Llama-3.1-8B"),
        "requests_per_s": rate,
        "requests": (CHAT,),
        "slo": SLO(tpot_s=0.05),
    }
    return Workload(**{**fields, **changes})


def fleet(*workloads: Workload, **filters: Any) -> FleetProblem:
    chosen: dict[str, Any] = {
        "provider": "aws",
        "regions": "us-east-1",
        "purchase": "on_demand",
        **filters,
    }
    return FleetProblem(
        workloads=workloads,
        offers=infersave.load_catalog().select(**chosen).offers,
        calibrations=infersave.load_calibrations(),
    )


def test_small_services_share_a_vm() -> None:
    alone = fleet(service("a", 0.5), vm_types="g5.12xlarge")
    both = fleet(service("a", 0.5), service("b", 0.5), vm_types="g5.12xlarge")
    plan = infersave.solve(both)
    assert plan.usd_per_hour == infersave.solve(alone).usd_per_hour
    (vm,) = plan.vms
    assert (vm.count, vm.gpus_used) == (1, sum(a.deployment.n_gpus for a in plan.assignments))


def test_request_classes_are_demands_of_their_own() -> None:
    long = RequestClass(input_tokens=4096, output_tokens=64, share=0.25)
    workload = service("mix", 4.0, requests=(CHAT.replace(share=0.75), long))
    plan = infersave.solve(fleet(workload))
    rates = {a.request_class: a.requests_per_s for a in plan.assignments}
    assert rates == pytest.approx({0: 3.0, 1: 1.0})


def test_job_is_billed_by_its_run() -> None:
    job = Job(requests=1000, deadline_s=3600.0)
    workload = service("job", None, engine="static", job=job, slo=SLO())
    problem = fleet(workload, gpus="L4", vm_types="g6.xlarge")
    per_second = infersave.solve(problem)
    (assignment,) = per_second.assignments
    run = assignment.job
    assert run is not None
    assert run.usd == pytest.approx(
        problem.offers[0].usd_per_hour * run.n_vms * run.billed_s / 3600
    )
    assert per_second.usd_per_hour == pytest.approx(run.usd)  # the deadline is one hour
    hours = infersave.solve(problem.replace(billing=Billing(quantum_s=3600.0, minimum_s=3600.0)))
    assert hours.usd_per_hour == pytest.approx(problem.offers[0].usd_per_hour)


@pytest.mark.parametrize("engine", ["static", "continuous"])
@pytest.mark.parametrize(("requests", "deadline_s"), [(300, 600.0), (100, 12.0), (100, 20.0)])
def test_a_job_takes_the_batch_with_the_least_bill(
    engine: str, requests: int, deadline_s: float
) -> None:
    job = Job(requests=requests, deadline_s=deadline_s)
    free = service("job", None, engine=engine, job=job, slo=SLO())
    types = {"vm_types": ["g5.xlarge", "g6.xlarge", "g6e.xlarge"]}
    best = float("inf")
    for batch in (1, 2, 4, 8, 16, 25, 32, 50, 64, 75, 100, 128):
        try:
            fixed = infersave.solve(fleet(free.replace(batch=batch), **types))
        except InfeasibleError:
            continue
        best = min(best, fixed.usd_per_hour)
    assert best < float("inf")
    assert infersave.solve(fleet(free, **types)).usd_per_hour <= best * (1 + 1e-9)


def test_no_request_of_a_job_is_lost_to_rounding() -> None:
    classes = tuple(CHAT.replace(share=1 / 8) for _ in range(8))
    job = Job(requests=10, deadline_s=3600.0)
    workload = service("job", None, job=job, slo=SLO(), requests=classes)
    assert sum(workload.job_requests(i) for i in range(8)) == 10


def test_layers_that_differ_hold_slos_that_one_fraction_for_all_misses() -> None:
    workload = Workload(
        name="long",
        architecture=infersave.load_architecture("google/gemma-3-4b-it"),
        engine="static",
        batch=256,
        gpus_per_replica=(2,),
        requests=(RequestClass(input_tokens=16000, output_tokens=500),),
    )
    problem = fleet(workload, vm_types="p6-b200.48xlarge")
    (free,) = infersave.solve(problem).assignments
    tight = workload.replace(slo=SLO(tokens_per_s=free.performance.tokens_per_s * 0.99))
    (held,) = infersave.solve(problem.replace(workloads=(tight,))).assignments
    uniform = max(held.deployment.offload.fractions) - min(held.deployment.offload.fractions)
    assert uniform > 0.1, "this case needs layers treated apart"


def test_heads_that_do_not_divide_are_not_split() -> None:
    phi = infersave.load_architecture("microsoft/phi-4")  # 40 heads, 10 KV heads
    assert [g for g in (1, 2, 4, 5, 8, 10, 20) if phi.splits_over(g)] == [1, 2, 5, 10, 20]


def test_conflicting_facts_are_refused() -> None:
    problem = fleet(service("a", 1.0))
    twice = (*problem.calibrations, problem.calibrations[0])
    with pytest.raises(ProblemError, match="calibrations"):
        problem.replace(calibrations=twice)
    first = problem.offers[0]
    other = first.replace(region="elsewhere", vm_type=first.vm_type.replace(host_memory_bytes=1.0))
    with pytest.raises(ProblemError, match="same machine"):
        problem.replace(offers=(*problem.offers, other))


def test_limit_zero_with_layers_that_differ() -> None:
    gemma = infersave.load_architecture("google/gemma-2-9b")
    workload = service("a", 1.0, architecture=gemma, engine="static", batch=256, slo=SLO())
    plan = infersave.solve(fleet(workload), options=SolveOptions(time_limit_s=0.0))
    assert plan.status is Status.FEASIBLE


def test_whole_hour_billing_may_change_the_vm() -> None:
    job = Job(requests=1000, deadline_s=8 * 3600.0)
    workload = service("job", None, engine="static", job=job, slo=SLO())
    problem = fleet(workload, vm_types=["g6.xlarge", "p5.4xlarge"])
    hourly = problem.replace(billing=Billing(quantum_s=3600.0, minimum_s=3600.0))
    assert infersave.solve(problem).vms[0].vm_type == "p5.4xlarge"
    assert infersave.solve(hourly).vms[0].vm_type == "g6.xlarge"


def test_without_demand_one_replica_is_enough() -> None:
    plan = infersave.solve(fleet(service("any", None)))
    assert [a.replicas for a in plan.assignments] == [1]
    assert plan.assignments[0].requests_per_s is None


def test_too_large_says_by_how_many_bytes() -> None:
    huge = service("huge", 1.0, architecture=infersave.load_architecture("deepseek-ai/DeepSeek-V3"))
    with pytest.raises(InfeasibleError, match=r"bytes short") as error:
        infersave.solve(fleet(huge, gpus=["T4", "L4"]))
    assert "aws:g6.48xlarge" in error.value.reasons[0]


def test_unreachable_slo_says_the_best() -> None:
    with pytest.raises(InfeasibleError, match=r"tpot_s 0\.\d+ at least, 1e-06 required"):
        infersave.solve(fleet(service("fast", 1.0, slo=SLO(tpot_s=1e-6))))


def test_unreachable_throughput_says_the_best() -> None:
    with pytest.raises(InfeasibleError, match=r"tokens_per_s .* at most, 1e\+09 required"):
        infersave.solve(fleet(service("wide", 1.0, slo=SLO(tokens_per_s=1e9))))


def test_more_replicas_than_can_be_counted_says_how_many() -> None:
    with pytest.raises(InfeasibleError, match=r"needs \d\.\d+e\+1\d replicas"):
        infersave.solve(fleet(service("planet", 1e12)))


def test_a_vm_type_too_slow_for_the_deadline_is_rejected_by_name() -> None:
    job = Job(requests=10, deadline_s=8.0)
    problem = fleet(service("soon", None, job=job, slo=SLO()), gpus=["T4", "L4", "H100-SXM"])
    found = infersave.recommend(problem)
    ranked = {f"{c.provider}:{c.vm_type}" for c in found.choices}
    rejected = {f"{r.provider}:{r.vm_type}": r.reason for r in found.rejected}
    assert ranked.isdisjoint(rejected)
    assert ranked | set(rejected) == {o.vm_type.key for o in problem.offers}
    assert "no number of VMs ends the job by its deadline" in rejected.values()


def test_unreachable_deadline_says_the_fastest() -> None:
    job = Job(requests=10, deadline_s=1e-3)
    with pytest.raises(InfeasibleError, match=r"deadline_s 0\.001.*on the fastest, aws:"):
        infersave.solve(fleet(service("late", None, job=job, slo=SLO())))


def test_limit_zero_gives_the_greedy_plan_and_no_proof() -> None:
    problem = fleet(*(service(f"s{i}", 0.7 + i) for i in range(12)))
    plan = infersave.solve(problem, options=SolveOptions(time_limit_s=0.0))
    assert plan.status is Status.FEASIBLE
    assert plan.limit == "time"
    assert plan.usd_per_hour >= infersave.solve(problem).usd_per_hour


def test_bound_and_gap_are_proved() -> None:
    plan = infersave.solve(fleet(service("a", 12.0), service("b", 3.0)))
    assert plan.status is Status.OPTIMAL
    assert plan.usd_per_hour_bound is not None
    assert plan.usd_per_hour_bound == pytest.approx(plan.usd_per_hour, rel=1e-6)


def test_pulp_tells_no_bound() -> None:
    plan = infersave.solve(fleet(service("a", 12.0)), backend="pulp:cbc")
    assert (plan.usd_per_hour_bound, plan.gap) == (None, None)


def test_unknown_backend() -> None:
    with pytest.raises(CatalogError, match="ortools:highs"):
        infersave.solve(fleet(service("a", 1.0)), backend="ortools:higs")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"requests_per_s": -1.0}, "requests_per_s"),
        ({"requests_per_s": float("nan")}, "requests_per_s"),
        ({"requests_per_s": float("inf")}, "requests_per_s"),
        ({"requests_per_s": True}, "requests_per_s"),
        ({"requests_per_s": "4"}, "requests_per_s"),
        ({"job": Job(requests=1, deadline_s=1.0)}, "job"),
        ({"batch": 0}, "batch"),
        ({"engine": "vllm"}, "engine"),
        ({"requests": ()}, "requests"),
        ({"requests": (CHAT.replace(share=0.5),)}, "requests"),
        ({"requests": (RequestClass(input_tokens=10**6, output_tokens=1),)}, "requests"),
        ({"precision": "fp7"}, "precision"),
        ({"unheard_of": 1}, "unheard_of"),
    ],
)
def test_bad_workloads_name_the_field(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ProblemError) as error:
        service("a", 1.0, **changes)
    assert error.value.field == field


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[31mred", "<b>", "a;b", "x" * 129])
def test_unsafe_names_are_refused(name: str) -> None:
    with pytest.raises(ProblemError, match=r"^name"):
        service(name, 1.0)


def test_duplicate_names_are_refused() -> None:
    with pytest.raises(ProblemError, match="given twice"):
        fleet(service("chat", 1.0), service("Chat", 1.0))


def test_recommend_takes_one_workload() -> None:
    with pytest.raises(ProblemError, match="workloads"):
        infersave.recommend(fleet(service("a", 1.0), service("b", 1.0)))


def test_recommendation_agrees_with_the_plan() -> None:
    problem = fleet(service("a", 12.0))
    best = infersave.recommend(problem).choices[0]
    assert best.usd_per_hour >= infersave.solve(problem).usd_per_hour
    alone = problem.replace(
        offers=tuple(o for o in problem.offers if o.vm_type.name == best.vm_type)
    )
    assert infersave.solve(alone).usd_per_hour == pytest.approx(best.usd_per_hour)


def test_no_plan_errors_are_one_family() -> None:
    assert issubclass(InfeasibleError, NoPlanError)


def test_conflicts_name_the_slo_and_what_is_reached() -> None:
    with pytest.raises(InfeasibleError) as error:
        infersave.solve(fleet(service("a", 1.0, slo=SLO(tpot_s=1e-3))))
    (conflict,) = [c for c in error.value.conflicts if c.rule == "slo.tpot_s"]
    assert (conflict.subject, conflict.asked) == ("a", 1e-3)
    assert conflict.needed is not None
    enough = service("a", 1.0, slo=SLO(tpot_s=conflict.needed * (1 + 1e-9)))
    assert infersave.solve(fleet(enough)).status is Status.OPTIMAL


def test_conflicts_name_the_limit_and_what_is_needed() -> None:
    problem = fleet(service("a", 300.0)).replace(
        quotas=(infersave.Quota(name="all", unit="gpus", limit=1.0),)
    )
    with pytest.raises(InfeasibleError) as error:
        infersave.solve(problem)
    (conflict,) = error.value.conflicts
    assert (conflict.subject, conflict.rule, conflict.asked) == ("all", "gpus", 1.0)
    assert conflict.needed is not None
    wider = (infersave.Quota(name="all", unit="gpus", limit=round(conflict.needed)),)
    assert infersave.solve(problem.replace(quotas=wider)).status is Status.OPTIMAL
