"""Registered fleets: services on every AWS us-east-1 GPU VM type, drawn from a seed."""

from __future__ import annotations

import numpy as np

import infersave
from infersave import (
    SLO,
    Budget,
    FleetProblem,
    Quota,
    RequestClass,
    Survival,
    Workload,
)

ARCHITECTURES = (
    "meta-llama/Llama-3.1-8B",
    "meta-llama/Llama-3.1-70B",
    "Qwen/Qwen3-32B",
    "Qwen/Qwen3-30B-A3B",
    "mistralai/Mixtral-8x7B-v0.1",
    "google/gemma-2-9b",
    "openai/gpt-oss-120b",
    "facebook/opt-13b",
    "bigcode/starcoder",
    "facebook/opt-2.7b",
)
"""Dense and mixture of experts, 2.7 to 120 billion parameters."""
LEAST_RATE, MOST_RATE = 10**-1.5, 10**1.3
"""Requests/s: most services need less than a handful of replicas."""
SEED = 1

SPOT_SHARE = 0.5
"""Limited fleets: every service may depend on spot for half of its demand ..."""
SURVIVORS, SURVIVE = 10, 0.5
"""... and one in ten survives the loss of a zone with half of it."""
QUOTAS = {"H100-SXM5-80GB": 0.05, "L40S": 0.3}
"""GPUs per service that may be rented of a GPU."""


def draw(n: int, seed: int = SEED) -> FleetProblem:
    """`n` services on demand: architecture, lengths, rate and SLO drawn independently."""
    rng = np.random.default_rng(seed)
    architectures = [infersave.load_architecture(name) for name in ARCHITECTURES]
    catalog = infersave.load_catalog().select(
        provider="aws", regions="us-east-1", purchase="on_demand"
    )
    low, high = np.log10(LEAST_RATE), np.log10(MOST_RATE)
    return FleetProblem(
        workloads=tuple(
            Workload(
                name=f"w{number:06d}",
                architecture=architectures[int(rng.integers(len(architectures)))],
                requests_per_s=float(10 ** rng.uniform(low, high)),
                requests=(
                    RequestClass(
                        input_tokens=int(rng.integers(64, 1500)),
                        output_tokens=int(rng.integers(16, 500)),
                    ),
                ),
                slo=SLO(
                    tpot_s=float(rng.choice([0.05, 0.1, 0.2])),
                    ttft_s=float(rng.choice([1.0, 2.0, 5.0])),
                ),
            )
            for number in range(n)
        ),
        offers=catalog.offers,
        calibrations=infersave.load_calibrations(),
    )


def limit(problem: FleetProblem, usd_per_hour: float) -> FleetProblem:
    """The same with spot offers and caps, zones, quotas and a budget switched on.

    Args:
        problem: as drawn.
        usd_per_hour: the budget.
    """
    catalog = infersave.load_catalog().select(
        provider="aws", regions="us-east-1", purchase=["on_demand", "spot"]
    )
    survive = Survival(zone=SURVIVE)
    n = len(problem.workloads)
    return problem.replace(
        workloads=tuple(
            w.replace(
                max_spot_share=SPOT_SHARE,
                survive=survive if number % SURVIVORS == 0 else Survival(),
            )
            for number, w in enumerate(problem.workloads)
        ),
        offers=catalog.offers,
        quotas=tuple(
            Quota(name=gpu, gpus=(gpu,), unit="gpus", limit=float(int(n * share)))
            for gpu, share in QUOTAS.items()
        ),
        budget=Budget(usd_per_hour=usd_per_hour),
    )
