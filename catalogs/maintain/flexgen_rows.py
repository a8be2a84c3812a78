"""The InferSave paper's four GPUs under FlexGen, from its own table (arXiv:2504.11816, Table V).

One measured throughput fixes one coefficient: decode is the roofline plus a constant per
layer, and that constant is what the online row asks for, solved exactly. The offline rows
took no part, so their errors are the test; the worst of them is the residual.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from pathlib import Path

from infersave.catalogs.architectures import load_architecture
from infersave.catalogs.store import load_vm_types
from infersave.models.calibration import Calibration
from infersave.models.engine import ENGINES
from infersave.models.hardware import VMType
from infersave.models.load import Load
from infersave.models.phases import decode_phase, prefill_phase
from infersave.models.replica import Replica
from infersave.models.workload import RequestClass, Workload

ARCHITECTURE = "facebook/opt-2.7b"
BATCH = 32
"""Tables V and VI: every run has this batch; the offline rows repeat it in the text."""
PAPER_DATE = "2025-04-15"
SOURCE = "arXiv:2504.11816 Table V"
ENGINE = ENGINES["flexgen"]


def flexgen_calibrations(
    folder: Path, fitted: Iterable[Calibration]
) -> tuple[list[Calibration], list[str]]:
    """A calibration per GPU of the paper, and a table of its two throughputs."""
    own = {c.gpu: c for c in fitted}
    with (folder / "infersave_paper.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    vms = {vm.key: vm for vm in load_vm_types()}
    offline = {row["gpu"]: row for row in rows if row["kind"] == "offline"}
    solved = []
    for row in (r for r in rows if r["kind"] == "online"):
        vm = vms[f"aws:{row['instance']}"]
        online = _request(row)
        goal = float(row["measured_tps"])
        base = own[vm.gpu.name]
        # The exchange between GPUs is the GPU's own: the paper's rows have one GPU.
        roofline = base.decode.replace(linear=1.0, attention=1.0, layer_s=0.0, sequence_s=0.0)
        start = base.replace(engine=ENGINE.name, decode=roofline)
        layer_s = float(f"{_layer_s(vm, start, online, goal):.6g}")
        found = start.replace(
            kind="fitted",
            decode=start.decode.replace(layer_s=layer_s),
            rows=1,
            max_batch=BATCH,
            max_context_tokens=online.total_tokens,
            max_gpus=1,
            source=SOURCE,
            date=PAPER_DATE,
        )
        other = offline[row["gpu"]]
        fraction, measured = float(other["kv_offload_frac"]), float(other["measured_tps"])
        predicted = _tokens_per_s(vm, found, _request(other), fraction)
        again = _tokens_per_s(vm, found, online, 0.0)
        solved.append((found, goal, again, fraction, measured, predicted))
    worst = max(abs(predicted / measured - 1.0) for *_, measured, predicted in solved)
    residual = math.ceil(worst * 100) / 100
    report = [
        "flexgen: GPU, layer_s; online measured, predicted; offload; offline measured, predicted"
    ]
    for found, goal, again, fraction, measured, predicted in solved:
        report.append(
            f"{found.gpu:5} {found.decode.layer_s:.4g} {goal:.6g} {again:.6g} "
            f"{fraction} {measured:.6g} {predicted:.6g} ({predicted / measured - 1:+.1%})"
        )
    report.append(f"worst offline error {worst:.4f}, residual {residual}")
    changed = {"prefill_residual": residual, "decode_residual": residual}
    return [found.replace(**changed) for found, *_ in solved], report


def _request(row: dict[str, str]) -> RequestClass:
    return RequestClass(
        input_tokens=int(row["input_tokens"]), output_tokens=int(row["output_tokens"])
    )


def _phases(
    vm: VMType, calibration: Calibration, request: RequestClass, fraction: float
) -> tuple[float, float]:
    """Seconds of one prefill and of one decode step, at `fraction` of the KV offloaded."""
    workload = Workload(
        name="paper",
        architecture=load_architecture(ARCHITECTURE),
        engine=ENGINE.name,
        requests_per_s=1.0,
        requests=(request,),
    )
    load, replica = Load.of(workload, request), Replica.of(vm, 1, calibration)
    fractions = (fraction,) * len(workload.architecture.groups)
    prefill = prefill_phase(load, replica).at(float(BATCH))
    decode = decode_phase(load, replica).at(float(BATCH))
    return float(prefill.total_s(fractions)), float(decode.total_s(fractions))


def _tokens_per_s(
    vm: VMType, calibration: Calibration, request: RequestClass, fraction: float
) -> float:
    """Throughput as the paper counts it, input tokens included (eq. 1)."""
    prefill_s, decode_s = _phases(vm, calibration, request, fraction)
    seconds = prefill_s + (request.output_tokens - 1) * decode_s
    return BATCH * request.total_tokens / seconds


def _layer_s(
    vm: VMType, calibration: Calibration, request: RequestClass, tokens_per_s: float
) -> float:
    """The constant per layer that makes the prediction equal to the measurement [s]."""
    prefill_s, decode_s = _phases(vm, calibration, request, 0.0)
    seconds = BATCH * request.total_tokens / tokens_per_s
    step_s = (seconds - prefill_s) / (request.output_tokens - 1)
    return (step_s - decode_s) / load_architecture(ARCHITECTURE).n_layers
