"""The InferSave paper (arXiv:2504.11816) beside this project: choices, predictions, money.

    python benchmarks/paper.py

Measured throughputs and the released code's constants are read from `paper_measured.csv`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

import infersave
from infersave import SLO, WHOLE_HOURS, Billing, Choice, Performance, RequestClass, Workload
from infersave.models.billing import billed_vm_hours, paper_usd
from infersave.models.calibration import calibration_for
from infersave.models.deployment import Deployment, OffloadSchedule
from infersave.models.engine import ENGINES, EngineName
from infersave.models.jobs import job_run_s
from infersave.models.timing import timing

WIDTH = 140
LLM = "facebook/opt-2.7b"
BATCH = 32
MAX_USD_PER_HOUR = 3.0
OFFLINE_REQUESTS = 1000
ONLINE, OFFLINE = (
    RequestClass(input_tokens=128, output_tokens=512),
    RequestClass(input_tokens=1024, output_tokens=128),
)
CELLS = (
    ("online", ONLINE, 400.0, "g4dn.xlarge, g6.xlarge"),
    ("online", ONLINE, 600.0, "g6.xlarge, g5.xlarge"),
    ("offline", OFFLINE, 100.0, "g4dn.xlarge, g6.xlarge"),
    ("offline", OFFLINE, 200.0, "g6.xlarge, g5.xlarge"),
)
"""Use, requests, throughput SLO, and the paper's first and second choice."""


@dataclass(frozen=True)
class Measured:
    """One row of the paper's measurements."""

    use: str
    vm_type: str
    request: RequestClass
    offload: float
    tokens_per_s: float
    paper_usd: float | None
    released: tuple[float, float, float] | None


def measured() -> list[Measured]:
    """The paper's eight measured throughputs."""
    path = Path(__file__).with_name("paper_measured.csv")
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Measured(
                use=row["use"],
                vm_type=row["vm_type"],
                request=RequestClass(
                    input_tokens=int(row["input_tokens"]), output_tokens=int(row["output_tokens"])
                ),
                offload=float(row["offload"]),
                tokens_per_s=float(row["measured_tokens_per_s"]),
                paper_usd=float(row["paper_usd"]) if row["paper_usd"] else None,
                released=(
                    float(row["released_prefill_alpha"]),
                    float(row["released_decode_alpha"]),
                    float(row["released_flops_per_s"]),
                )
                if row["released_prefill_alpha"]
                else None,
            )
            for row in csv.DictReader(file)
        ]


def workload(
    request: RequestClass, tokens_per_s: float, engine: EngineName = "flexgen", offload: bool = True
) -> Workload:
    """The paper's workload: OPT-2.7B at batch 32 under a throughput SLO."""
    return Workload(
        name="paper",
        architecture=infersave.load_architecture(LLM),
        engine=engine,
        requests=(request,),
        batch=BATCH,
        slo=SLO(tokens_per_s=tokens_per_s),
        offload=offload,
    )


def choices(asked: Workload) -> tuple[Choice, ...]:
    """The paper's VMs that hold the SLO, best first."""
    catalog = infersave.load_catalog("paper").select(max_usd_per_hour=MAX_USD_PER_HOUR)
    problem = infersave.FleetProblem(
        workloads=(asked,), offers=catalog.offers, calibrations=infersave.load_calibrations()
    )
    return infersave.recommend(problem).choices


def predicted(row: Measured, engine: EngineName = "flexgen") -> Performance:
    """What the model says of a measured row, at the paper's own offload fraction."""
    asked = workload(row.request, 1.0, engine)
    offers = infersave.load_catalog("paper").select(vm_types=row.vm_type).offers
    vm_type = offers[0].vm_type
    schedule = OffloadSchedule.of(asked.architecture, (row.offload,))
    deployment = Deployment(
        provider=vm_type.provider,
        vm_type=vm_type.name,
        n_gpus=1,
        batch=BATCH,
        offload=schedule,
    )
    known = calibration_for(infersave.load_calibrations(), vm_type.gpu.name, engine)
    return infersave.evaluate(asked, row.request, vm_type, known, deployment)


def released_tokens_per_s(row: Measured) -> float | None:
    """The released code's formula without offload: alpha * FLOPs / peak per layer and phase."""
    if row.released is None:
        return None
    prefill_alpha, decode_alpha, flops_per_s = row.released
    group = infersave.load_architecture(LLM).groups[0]
    inputs, outputs = row.request.input_tokens, row.request.output_tokens
    linear, pairs = 2.0 * group.shared_params, group.score_flops
    prefill = BATCH * (linear * inputs + pairs * inputs**2) / flops_per_s
    decode = BATCH * (linear + pairs * (inputs + outputs / 2)) / flops_per_s
    seconds = group.count * (prefill_alpha * prefill + decode_alpha * decode * (outputs - 1))
    return BATCH * row.request.total_tokens / seconds


def shown(found: tuple[Choice, ...], top: int = 2) -> str:
    """The first choices with throughput and offload."""
    parts = []
    for choice in found[:top]:
        performance = choice.assignments[0].performance
        offload = f", {performance.offloaded_fraction:.0%} offload"
        tail = offload if performance.host_bytes else ""
        parts.append(f"{choice.vm_type} ({performance.tokens_per_s:.0f}{tail})")
    return ", ".join(parts)


def choices_table() -> Table:
    """Tables V and VI: who is chosen, by engine, and without offload."""
    table = Table("use", "SLO tokens/s", "paper", "flexgen", "flexgen, no offload", "static")
    table.title = "Choices: first, second (predicted tokens/s)"
    for use, request, slo, expected in CELLS:
        table.add_row(
            use,
            f"{slo:g}",
            expected,
            shown(choices(workload(request, slo))),
            shown(choices(workload(request, slo, offload=False))),
            shown(choices(workload(request, slo, engine="static"))),
        )
    return table


def accuracy_table() -> Table:
    """Predicted against measured throughput, at the paper's offload fractions."""
    table = Table(
        "use", "VM", "offload", "measured", "predicted", "ratio", "released code", "ratio"
    )
    table.title = "Throughput, tokens/s (online rows: the flexgen calibration was fitted on them)"
    for row in measured():
        ours, theirs = predicted(row).tokens_per_s, released_tokens_per_s(row)
        table.add_row(
            row.use,
            row.vm_type,
            f"{row.offload:.0%}",
            f"{row.tokens_per_s:.0f}",
            f"{ours:.0f}",
            f"{ours / row.tokens_per_s:.2f}",
            "" if theirs is None else f"{theirs:.0f}",
            "" if theirs is None else f"{theirs / row.tokens_per_s:.2f}",
        )
    return table


def money_table(slo: float) -> Table:
    """The 1,000-request offline job on each VM, billed in three ways."""
    table = Table(
        "VM", "tokens/s", "run s", "paper eqs. 2-3", "whole hours", "per second", "in paper"
    )
    table.title = f"Offline job, 1,000 requests, {slo:g} tokens/s: USD"
    table.caption = "in paper: Table VI's totals, which do not follow from its equations"
    reported = {row.vm_type: row.paper_usd for row in measured() if row.use == "offline"}
    for choice in choices(workload(OFFLINE, slo)):
        performance = choice.assignments[0].performance
        run_s = job_run_s(
            ENGINES["flexgen"],
            timing(ENGINES["flexgen"], OFFLINE, float(BATCH)),
            OFFLINE_REQUESTS,
            float(BATCH),
            1.0,
            performance.prefill_s,
            performance.decode_step_s,
        )
        tokens = float(OFFLINE_REQUESTS * OFFLINE.total_tokens)
        price = choice.usd_per_hour
        table.add_row(
            choice.vm_type,
            f"{performance.tokens_per_s:.0f}",
            f"{run_s:.0f}",
            f"{paper_usd(price, tokens, performance.tokens_per_s, slo):.3f}",
            f"{price * billed_vm_hours(1, run_s, WHOLE_HOURS):.3f}",
            f"{price * billed_vm_hours(1, run_s, Billing()):.3f}",
            f"{reported[choice.vm_type]:.3f}",
        )
    return table


def saving() -> float:
    """Part of the max-performance VM's price that the online choice at 400 tokens/s saves."""
    found = choices(workload(ONLINE, 400.0))
    fastest = max(found, key=lambda choice: choice.assignments[0].performance.tokens_per_s)
    return 1.0 - found[0].usd_per_hour / fastest.usd_per_hour


def main() -> None:
    """Print all tables."""
    console = Console(width=WIDTH)
    for table in (choices_table(), accuracy_table(), money_table(100.0), money_table(200.0)):
        console.print(table, "")
    console.print(f"Online at 400 tokens/s: {saving():.1%} saved against the max-performance VM")


if __name__ == "__main__":
    main()
