"""One service in 100 buckets on four GPUs: our plan beside Melange's formulation.

    python benchmarks/melange.py [CUT_S]

Melange (arXiv:2404.14527, section 5.4) cuts each bucket of request sizes into slices, gives each
slice to one GPU type by a binary variable, and counts GPUs: minimise the cost of B_j GPUs so that
every slice has one type and the loads rate_i / throughput_ij of the slices on a type sum to at most
B_j. Solved with CBC, as published. Here requests are routed in any proportion instead.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
import warnings
from dataclasses import dataclass

import numpy as np
import pulp
from rich.console import Console
from rich.table import Table

import infersave
from infersave import (
    GPU,
    SLO,
    FleetProblem,
    MeasuredWorkload,
    Offer,
    RequestClass,
    SolveOptions,
    Throughput,
    VMType,
    Workload,
)
from infersave.models.value import FloatArray
from infersave.solver.candidates import enumerate_streams

WIDTH = 100
CUT_S = 120.0
REPEATS = 5
SEED = 2404
RATES = (4.0, 32.0, 256.0, 500.0)
SLICE_FACTOR = 4
PROOF = SolveOptions(relative_gap=0.0)
INPUT_TOKENS = (25, 100, 250, 500, 750, 1000, 1250, 1500, 1750, 2000)
OUTPUT_TOKENS = (25, 50, 100, 150, 200, 250, 300, 350, 400, 500)
PRICES = {"L4": 0.70, "A10G": 1.01, "A100-SXM4-80GB": 3.67, "H100-SXM5-80GB": 7.516}
"""USD/h of one GPU, by Table 1 of arXiv:2404.14527."""
TPOT_S = 0.12
"""The paper's relaxed SLO."""
ARCHITECTURE = "meta-llama/Llama-3.1-8B"


@dataclass(frozen=True)
class Instance:
    """Prices [J], throughput [J, buckets] in requests/s, demand of each bucket."""

    names: tuple[str, ...]
    prices: FloatArray
    throughput: FloatArray
    shares: FloatArray


def crossing_instance(seed: int) -> Instance:
    """The same buckets where no GPU is best for all: throughput per USD drawn at random.

    A dearer GPU does better the larger the request, as Figure 3 of the paper has it.
    """
    rng = np.random.default_rng(seed)
    size = np.log2(np.add.outer(np.array(INPUT_TOKENS), 4 * np.array(OUTPUT_TOKENS)).ravel())
    prices = np.array(list(PRICES.values()))
    rank = np.linspace(0.0, 1.0, len(prices))
    favour = 1.0 - 0.3 * np.abs(rank[:, None] - (size - size.min()) / np.ptp(size))
    throughput = prices[:, None] * 2.0 ** (13 - size) / 10.0 * favour
    return Instance(
        names=tuple(PRICES),
        prices=prices,
        throughput=throughput * rng.lognormal(0.0, 0.1, favour.shape),
        shares=rng.dirichlet(np.full(len(size), 0.5)),
    )


def draw_instance() -> Instance:
    """10 x 10 buckets, a throughput each from the performance model, a skewed demand."""
    rng = np.random.default_rng(SEED)
    requests = tuple(
        RequestClass(input_tokens=i, output_tokens=o, share=0.01)
        for i in INPUT_TOKENS
        for o in OUTPUT_TOKENS
    )
    catalog = infersave.load_catalog().select(gpus=list(PRICES), purchase="on_demand")
    problem = FleetProblem(
        workloads=(
            Workload(
                name="all",
                architecture=infersave.load_architecture(ARCHITECTURE),
                requests=requests,
                requests_per_s=1.0,
                slo=SLO(tpot_s=TPOT_S),
                target_utilization=1.0,
            ),
        ),
        offers=catalog.offers,
        calibrations=infersave.load_calibrations(),
    )
    throughput = np.zeros((len(PRICES), len(requests)))
    for bucket, stream in enumerate(enumerate_streams(problem)):
        for k in stream.useful():
            vm_type = stream.machines.vm_types[stream.machines.type_of[k]]
            if stream.machines.n_gpus[k] == 1 and vm_type.gpu_share == 1.0:
                j = list(PRICES).index(vm_type.gpu.name)
                throughput[j, bucket] = max(throughput[j, bucket], 1.0 / stream.work_s[k])
    return Instance(
        names=tuple(PRICES),
        prices=np.array(list(PRICES.values())),
        throughput=throughput,
        shares=rng.dirichlet(np.full(len(requests), 0.5)),
    )


def published_example() -> tuple[Instance, float]:
    """The example of its repository, as it ships here: two GPUs, 2 x 2 buckets, 30 requests/s."""
    problem = infersave.load_problem("example:melange")
    demand = problem.measured[0]
    names = tuple(offer.vm_type.name for offer in problem.offers)
    tables = {entry.vm_type: entry.requests_per_s for entry in demand.throughput}
    assert demand.requests_per_s is not None
    return Instance(
        names=names,
        prices=np.array([offer.usd_per_hour for offer in problem.offers]),
        throughput=np.array([tables[name] for name in names]),
        shares=np.array(demand.shares),
    ), demand.requests_per_s


def melange(
    instance: Instance, rate: float, cut_s: float, slices: int = SLICE_FACTOR
) -> tuple[float, float, str]:
    """(USD/h, seconds, status) of the published formulation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # PuLP 3 announces PuLP 4
        return _melange(instance, rate, cut_s, slices)


def _melange(
    instance: Instance, rate: float, cut_s: float, slices: int
) -> tuple[float, float, str]:
    start = time.perf_counter()
    load = np.repeat(instance.shares * rate / slices, slices)
    bucket = np.repeat(np.arange(len(instance.shares)), slices)
    model = pulp.LpProblem("melange", pulp.LpMinimize)
    gpus = range(len(instance.names))
    count = [pulp.LpVariable(f"B{j}", lowBound=0, cat="Integer") for j in gpus]
    given = [[pulp.LpVariable(f"A{i}_{j}", cat="Binary") for j in gpus] for i in range(len(load))]
    model += pulp.lpSum(float(instance.prices[j]) * count[j] for j in gpus)
    for i in range(len(load)):
        able = [j for j in gpus if instance.throughput[j, bucket[i]] > 0]
        model += pulp.lpSum(given[i][j] for j in able) == 1
        for j in set(gpus) - set(able):
            model += given[i][j] == 0
    for j in gpus:
        loads = [
            float(load[i] / instance.throughput[j, bucket[i]]) * given[i][j]
            for i in range(len(load))
            if instance.throughput[j, bucket[i]] > 0
        ]
        model += pulp.lpSum(loads) <= count[j]
    model.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=cut_s))
    seconds = time.perf_counter() - start
    usd = float("nan")
    if model.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible):
        usd = sum(float(instance.prices[j]) * round(count[j].value()) for j in gpus)
    proved = model.sol_status == pulp.LpSolutionOptimal and seconds < cut_s
    return usd, seconds, "proved" if proved else "cut"


def problem_of(instance: Instance, rate: float) -> FleetProblem:
    """The same demand as a problem of ours."""
    offers = tuple(
        Offer(
            vm_type=VMType(
                provider="cloud", name=name, family="melange", gpu=GPU(name=name), n_gpus=1
            ),
            region="anywhere",
            usd_per_hour=float(price),
        )
        for name, price in zip(instance.names, instance.prices, strict=True)
    )
    tables = tuple(
        Throughput(vm_type=name, requests_per_s=tuple(row.tolist()))
        for name, row in zip(instance.names, instance.throughput, strict=True)
    )
    shares = instance.shares / math.fsum(instance.shares)
    demand = MeasuredWorkload(
        name="all",
        requests_per_s=rate,
        shares=tuple(shares.tolist()),
        throughput=tables,
        target_utilization=1.0,
    )
    return FleetProblem(measured=(demand,), offers=offers)


def ours(problem: FleetProblem) -> tuple[float, float, str]:
    """(USD/h, median seconds, status): a checked plan, from problem to end."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        plan = infersave.solve(problem, options=PROOF)
        times.append(time.perf_counter() - start)
    return plan.usd_per_hour, statistics.median(times), plan.status.value


def main() -> None:
    """Print the table."""
    cut_s = float(sys.argv[1]) if len(sys.argv) > 1 else CUT_S
    table = Table("demand", "Melange USD/h", "s", "", "ours USD/h", "s", "", "cost", "time")
    cases = [(f"predicted, {rate:g}/s", draw_instance(), rate, SLICE_FACTOR) for rate in RATES]
    crossing = crossing_instance(SEED)
    cases += [(f"crossing, {rate:g}/s", crossing, rate, SLICE_FACTOR) for rate in RATES]
    cases.append(("its example, 30/s", *published_example(), 1))
    ours(problem_of(cases[0][1], cases[0][2]))  # loads the solver
    for label, instance, rate, slices in cases:
        usd, seconds, status = ours(problem_of(instance, rate))
        their_usd, their_s, their_status = melange(instance, rate, cut_s, slices)
        table.add_row(
            label,
            f"{their_usd:.2f}",
            f"{their_s:.2f}",
            their_status,
            f"{usd:.2f}",
            f"{seconds:.4f}",
            status,
            f"{usd / their_usd:.4f}",
            f"1/{their_s / seconds:,.0f}",
        )
    Console(width=WIDTH).print(table)


if __name__ == "__main__":
    main()
