"""Small random fleets, made the same from the same seed, for tests to share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest

from infersave import (
    GPU,
    SLO,
    Architecture,
    Billing,
    Budget,
    Calibration,
    Coefficients,
    FleetProblem,
    Horizon,
    HostLink,
    Job,
    LayerGroup,
    MeasuredWorkload,
    Offer,
    Quota,
    RequestClass,
    Selection,
    Survival,
    Throughput,
    VMType,
    Workload,
    parse_problem,
)
from infersave.models.engine import EngineName

ENGINES: tuple[EngineName, ...] = ("flexgen", "static", "static", "static", "continuous")
FleetMaker = Callable[[int], FleetProblem]


def make_gpu(rng: np.random.Generator, name: str) -> GPU:
    return GPU(
        name=name,
        memory_bytes=float(rng.choice([16e9, 24e9, 24e9, 48e9])),
        flops_per_s=float(rng.uniform(60e12, 600e12)),
        fp8_flops_per_s=None,
        memory_bytes_per_s=float(rng.uniform(300e9, 3000e9)),
    )


def make_vm_type(rng: np.random.Generator, name: str, gpu: GPU) -> VMType:
    n_gpus = int(rng.choice([1, 1, 2, 4]))
    link = float(rng.uniform(6e9, 50e9))
    return VMType(
        provider="cloud",
        name=name,
        family="family",
        gpu=gpu,
        n_gpus=n_gpus,
        host_memory_bytes=float(rng.uniform(16e9, 256e9)) * n_gpus,
        host_link=HostLink(
            h2d_bytes_per_s=link,
            d2h_bytes_per_s=link,
            gpus_per_uplink=min(2, n_gpus),
            uplink_h2d_bytes_per_s=link * float(rng.uniform(1.0, 2.0)),
            uplink_d2h_bytes_per_s=link * float(rng.uniform(1.0, 2.0)),
        ),
        gpu_link_bytes_per_s=float(rng.uniform(10e9, 400e9)),
    )


def make_calibration(rng: np.random.Generator, gpu: str) -> Calibration:
    def theta() -> Coefficients:
        return Coefficients(
            linear=float(rng.uniform(1, 2)),
            attention=float(rng.uniform(1, 2)),
            layer_s=float(rng.uniform(0, 2e-4)),
            sequence_s=float(rng.uniform(0, 1e-6)),
            exchange=1.0,
            sync_s=float(rng.uniform(0, 3e-5)),
        )

    return Calibration(
        gpu=gpu,
        kind="prior",
        prefill=theta(),
        decode=theta(),
        prefill_residual=0.3,
        decode_residual=0.3,
    )


def make_architecture(rng: np.random.Generator, name: str) -> Architecture:
    hidden, heads = 2048, 16
    kinds = [None] if rng.random() < 0.5 else [None, int(rng.choice([256, 512]))]
    groups = tuple(
        LayerGroup(
            count=int(rng.integers(8, 24)),
            attention="full" if window is None else "sliding",
            shared_params=int(rng.integers(50, 300)) * 10**6,
            kv_values_per_token=2 * int(rng.choice([4, 8, 16])) * 128,
            kv_heads=4,
            window_tokens=window,
            score_flops=4.0 * hidden,
            query_heads=heads,
            ffn_width=4 * hidden,
        )
        for window in kinds
    )
    return Architecture(
        name=name,
        groups=groups,
        hidden_size=hidden,
        vocabulary=32000,
        embedding_params=32000 * hidden,
        head_params=32000 * hidden,
        tied=True,
        heads=heads,
    )


def make_workload(rng: np.random.Generator, index: int) -> Workload:
    job = rng.random() < 0.2
    output = int(rng.choice([1, 64, 256, 512]))
    slo = SLO(
        ttft_s=float(rng.uniform(4, 60)) if rng.random() < 0.3 else None,
        tpot_s=float(rng.uniform(0.1, 1.0)) if rng.random() < 0.3 else None,
        tokens_per_s=float(rng.uniform(50, 400)) if rng.random() < 0.3 else None,
    )
    return Workload(
        name=f"w{index}",
        architecture=make_architecture(rng, f"llm{index}"),
        engine=ENGINES[int(rng.integers(len(ENGINES)))],
        requests_per_s=None if job else float(10 ** rng.uniform(-2.0, 0.4)),
        job=Job(requests=int(rng.integers(50, 5000)), deadline_s=7200.0) if job else None,
        requests=(
            RequestClass(input_tokens=int(rng.choice([128, 1000, 1900])), output_tokens=output),
        ),
        slo=slo,
        batch=int(rng.choice([32, 96])) if rng.random() < 0.6 else None,
        max_batch=128,
    )


def make_fleet(seed: int) -> FleetProblem:
    rng = np.random.default_rng(seed)
    gpus = [make_gpu(rng, f"gpu{i}") for i in range(3)]
    offers = tuple(
        Offer(
            vm_type=make_vm_type(rng, f"vm{i}", gpus[int(rng.integers(3))]),
            region="here",
            usd_per_hour=round(float(rng.uniform(0.5, 9.0)), 3),
        )
        for i in range(int(rng.integers(2, 5)))
    )
    return FleetProblem(
        workloads=tuple(make_workload(rng, i) for i in range(int(rng.integers(1, 4)))),
        offers=offers,
        calibrations=tuple(make_calibration(rng, gpu.name) for gpu in gpus),
        billing=Billing(quantum_s=float(rng.choice([1.0, 3600.0])), minimum_s=60.0),
    )


def with_purchase_options(rng: np.random.Generator, problem: FleetProblem) -> FleetProblem:
    """Spot at a discount, reserved with some VMs owned, a second region."""
    more = []
    for offer in problem.offers:
        price = offer.usd_per_hour
        if rng.random() < 0.5:
            more.append(offer.replace(purchase="spot", usd_per_hour=round(price * 0.4, 3)))
        if rng.random() < 0.3:
            owned = int(rng.integers(0, 3))
            reserved = round(price * 0.6, 3)
            more.append(offer.replace(purchase="reserved", usd_per_hour=reserved, owned=owned))
        if rng.random() < 0.3:
            more.append(offer.replace(region="there", usd_per_hour=round(price * 1.05, 3)))
    return problem.replace(offers=(*problem.offers, *more))


def with_rules(rng: np.random.Generator, problem: FleetProblem) -> FleetProblem:
    """Workloads with classes, rules on where they run and what they survive."""
    changed = []
    for workload in problem.workloads:
        rules: dict[str, object] = {}
        if rng.random() < 0.4:
            rules["max_spot_share"] = float(rng.choice([0.0, 0.3, 0.5]))
        if workload.requests_per_s is not None and rng.random() < 0.4:
            loss = str(rng.choice(["vm", "zone"]))
            rules["survive"] = Survival(**{loss: float(rng.choice([0.3, 0.5, 1.0]))})
        if workload.job is None and rng.random() < 0.3:
            rules["max_vm_types"] = 1
        if rng.random() < 0.2:
            rules["forbid"] = Selection(vm_types=(problem.offers[0].vm_type.name,))
        elif rng.random() < 0.2:
            rules["allow"] = Selection(regions=("here",))
        if workload.requests_per_s is not None and rng.random() < 0.3 and "survive" not in rules:
            first = workload.requests[0]
            other = first.replace(input_tokens=300, share=0.4)
            rules["requests"] = (first.replace(share=0.6), other)
        changed.append(workload.replace(**rules))
    return problem.replace(workloads=tuple(changed))


def with_measured(rng: np.random.Generator, problem: FleetProblem) -> FleetProblem:
    """A workload whose throughput was measured."""
    classes = int(rng.integers(1, 4))
    tables = tuple(
        Throughput(
            vm_type=name,
            requests_per_s=tuple(float(x) for x in rng.uniform(0.2, 4.0, classes)),
        )
        for name in sorted({o.vm_type.name for o in problem.offers})
    )
    shares = rng.dirichlet(np.ones(classes)).round(3)
    shares[-1] = 1.0 - shares[:-1].sum()
    if (shares <= 0).any():
        shares[:] = 1.0 / classes
    measured = MeasuredWorkload(
        name="measured",
        requests_per_s=float(rng.uniform(0.5, 6.0)),
        shares=tuple(float(x) for x in shares),
        throughput=tables,
    )
    return problem.replace(measured=(measured,))


def with_horizon(rng: np.random.Generator, problem: FleetProblem) -> FleetProblem:
    """Two or three periods, with a demand each."""
    periods = int(rng.integers(2, 4))
    horizon = Horizon(
        hours=tuple(float(h) for h in rng.choice([1.0, 2.0, 4.0], periods)),
        startup_s=float(rng.choice([0.0, 600.0])),
        min_up_periods=int(rng.integers(1, 3)),
        cyclic=bool(rng.random() < 0.5),
    )
    workloads = tuple(
        w
        if w.requests_per_s is None
        else w.replace(profile=(1.0, *(float(x) for x in rng.choice([0.0, 0.3, 1.7], periods - 1))))
        for w in problem.workloads
    )
    return problem.replace(workloads=workloads, horizon=horizon)


def with_limits(rng: np.random.Generator, problem: FleetProblem) -> FleetProblem:
    """Quotas and a budget, some of which bind."""
    unit: Literal["vms", "gpus"] = "vms" if rng.random() < 0.5 else "gpus"
    by_type = Quota(
        name="one type",
        vm_types=(problem.offers[-1].vm_type.name,),
        unit=unit,
        limit=float(rng.integers(0, 4)),
    )
    in_all = Quota(name="all", regions=("here",), unit="gpus", limit=float(rng.integers(4, 40)))
    budget = Budget(usd_per_hour=float(rng.uniform(5.0, 200.0)))
    return problem.replace(quotas=(by_type, in_all), budget=budget)


CHANGES = (with_purchase_options, with_rules, with_measured, with_horizon, with_limits)


def make_limited_fleet(seed: int) -> FleetProblem:
    """The fleet of a seed with kinds of constraints switched on at random."""
    rng = np.random.default_rng((seed, 1))
    problem = make_fleet(seed)
    for change in CHANGES:
        if rng.random() < 0.5:
            problem = change(rng, problem)
    return problem


@pytest.fixture(scope="session")
def limited_fleet() -> FleetMaker:
    """Builds the fleet of a seed under limits of random kinds."""
    return make_limited_fleet


@pytest.fixture(scope="session")
def random_fleet() -> FleetMaker:
    """Builds the fleet of a seed: 1 to 3 workloads, 2 to 4 VM types."""
    return make_fleet


MeasuredFleet = tuple[FleetProblem, np.ndarray, np.ndarray]


def make_measured_fleet(seed: int) -> MeasuredFleet:
    """One measured workload on VM types a, b and c; their prices and what one VM carries."""
    rng = np.random.default_rng(seed)
    prices, rates = rng.uniform(1.0, 4.0, 3).round(3), rng.uniform(0.8, 3.0, 3).round(3)
    pairs = list(zip("abc", prices.tolist(), rates.tolist(), strict=True))
    workload = {
        "name": "w",
        "requests_per_s": 3.7,
        "target_utilization": 1.0,
        "throughput": [{"vm_type": name, "requests_per_s": rate} for name, _, rate in pairs],
    }
    offers = [{"vm_type": name, "gpu": "gpu", "usd_per_hour": usd} for name, usd, _ in pairs]
    return parse_problem({"measured": [workload], "offers": offers}), prices, rates


@pytest.fixture(scope="session")
def measured_fleet() -> Callable[[int], MeasuredFleet]:
    """Builds a fleet of a seed that enumeration solves."""
    return make_measured_fleet
