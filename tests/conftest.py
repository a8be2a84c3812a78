"""Small random fleets, made the same from the same seed, for tests to share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from infersave import (
    GPU,
    SLO,
    Architecture,
    Billing,
    Calibration,
    Coefficients,
    FleetProblem,
    HostLink,
    Job,
    LayerGroup,
    Offer,
    RequestClass,
    VMType,
    Workload,
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


@pytest.fixture(scope="session")
def random_fleet() -> FleetMaker:
    """Builds the fleet of a seed: 1 to 3 workloads, 2 to 4 VM types."""
    return make_fleet
