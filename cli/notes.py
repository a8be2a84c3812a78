"""What a reader of a plan should know before trusting it, in sentences, each once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..models.fleet import Assignment, FleetProblem, VMCount
from ..solver.recommend import Choice
from .words import percent, plural


def offload_notes(assignments: Iterable[Assignment]) -> list[str]:
    """What "offloaded" means, where anything is."""
    offloaded = [a for a in assignments if a.performance.offloaded_fraction > 0]
    meanings: dict[tuple[str, str], list[str]] = {}
    for a in offloaded:
        names = meanings.setdefault((a.engine, a.offload_semantics), [])
        if a.workload not in names:
            names.append(a.workload)
    return [
        f"Offloaded for {', '.join(names)}: {semantics}; the engine ({engine}) must support this."
        for (engine, semantics), names in meanings.items()
    ]


def idle_notes(vms: Iterable[VMCount]) -> list[str]:
    """GPUs that are paid for and run nothing."""
    partly = [vm for vm in vms if vm.gpus > vm.gpus_used]
    if not partly:
        return []
    idle = plural(sum(vm.gpus - vm.gpus_used for vm in partly), "GPU")
    names = dict.fromkeys(vm.vm_type for vm in partly)
    return [f"{idle} rented and paid for, but idle: on {', '.join(names)}."]


def price_notes(paid: Iterable[VMCount | Choice]) -> list[str]:
    """When the prices were read: they move, spot above all."""
    read: dict[str, list[str]] = {}
    for vm in paid:
        what = f"{vm.provider} {vm.purchase.replace('_', ' ')}"
        dates = read.setdefault(what, [])
        if (date := vm.price_date or "unknown date") not in dates:
            dates.append(date)
    if not read:
        return []
    parts = [f"{what} {', '.join(dates)}" for what, dates in read.items()]
    return [f"Prices read: {'; '.join(parts)}."]


def prediction_notes(problem: FleetProblem, assignments: Iterable[Assignment]) -> Iterator[str]:
    """How far to trust the predictions on each GPU, and what lies beyond the measured range."""
    gpu_of = {offer.vm_type.key: offer.vm_type.gpu.name for offer in problem.offers}
    basis: dict[tuple[str, float], list[str]] = {}
    beyond: dict[str, list[str]] = {}
    for a in assignments:
        gpu = gpu_of[a.deployment.key]
        gpus = basis.setdefault((a.calibration, a.prediction_error), [])
        if gpu not in gpus:
            gpus.append(gpu)
        if a.calibration != "prior" and a.extrapolates:
            reasons = beyond.setdefault(f"{a.workload} on {gpu}", [])
            reasons += [r for r in a.extrapolates if r not in reasons]
    for (kind, error), gpus in basis.items():
        origin = "are a prior carried over from other GPUs" if kind == "prior" else "are calibrated"
        yield (
            f"Predictions for {', '.join(gpus)} {origin}: 90 % of held-out measurements lay "
            f"within {percent(error)}."
        )
    for where, reasons in beyond.items():
        yield f"Beyond the measured range: {where} ({', '.join(reasons)})."
