"""What a reader of a plan should know before trusting it, in sentences, each once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..models.arrivals import Queueing
from ..models.calibration import MEDIAN
from ..models.fleet import FleetProblem
from ..models.outcome import Status
from ..models.plan import Assignment, Opinion, VMCount
from ..solver.recommend import Choice
from .places import purchase_name
from .words import duration, percent, plural, three_digits, usd

STATED = ("problem file", "gpu_info")
"""Sources of prices that the problem states itself."""

RECOMPUTED = (
    "Recomputed from the problem: GPU and host memory, predicted times, SLOs, demand carried, "
    "replicas per VM, what a loss leaves, quotas and budgets, run times and bills of jobs, "
    "every cost and their sum. The bound is the solver's proof and was only checked to lie "
    "below the cost."
)
"""What the check of a plan covers."""


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


def opinion_notes(opinions: Iterable[Opinion]) -> list[str]:
    """What others say of the plan."""
    notes = []
    for one in opinions:
        found = "no plan" if one.usd_per_hour is None else f"USD {usd(one.usd_per_hour)} per hour"
        if one.usd_per_hour is not None:
            found += ", proved" if one.status is Status.OPTIMAL else ", not proved"
        verdict = {True: "agrees", False: "contradicts", None: "cannot say"}[one.agrees]
        notes.append(f"Second opinion: {one.backend} {verdict} ({found}).")
    return notes


def idle_notes(vms: Iterable[VMCount], hours: Sequence[float] = ()) -> list[str]:
    """GPUs that are paid for and run nothing.

    Args:
        hours: length of each period of the horizon [h]; empty where there is none.
    """
    partly = [vm for vm in vms if vm.gpus > vm.gpus_used]
    if not partly:
        return []
    if hours:
        lost = sum((vm.gpus - vm.gpus_used) * hours[vm.period or 0] for vm in partly)
        idle = f"{three_digits(lost)} GPU-hours"
    else:
        idle = plural(sum(vm.gpus - vm.gpus_used for vm in partly), "GPU")
    names = dict.fromkeys(vm.vm_type for vm in partly)
    return [f"{idle} rented and paid for, but idle: on {', '.join(names)}."]


def price_notes(paid: Iterable[VMCount | Choice], problem: FleetProblem) -> list[str]:
    """When the prices were read: they move, spot above all."""
    sources = {(o.vm_type.key, o.region, o.purchase): o.source for o in problem.offers}
    read: dict[str, list[str]] = {}
    for vm in paid:
        dates = read.setdefault(f"{vm.provider} {purchase_name(vm.purchase)}", [])
        source = sources.get((f"{vm.provider}:{vm.vm_type}", vm.region, vm.purchase))
        date = price_read(vm.price_date, source)
        if date not in dates:
            dates.append(date)
    if not read:
        return []
    parts = [f"{what} {', '.join(dates)}" for what, dates in read.items()]
    return [f"Prices read: {'; '.join(parts)}."]


def price_read(date: str, source: str | None) -> str:
    """When a price was read, as far as its source says."""
    return date or ("as in the problem" if source in STATED else "unknown date")


def prediction_notes(problem: FleetProblem, assignments: Sequence[Assignment]) -> Iterator[str]:
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
    yield from _confidence_notes(gpu_of, assignments)
    yield from _queue_notes(assignments)
    for where, reasons in beyond.items():
        yield f"Beyond the measured range: {where} ({', '.join(_furthest(reasons))})."


def _confidence_notes(
    gpu_of: Mapping[str, str], assignments: Sequence[Assignment]
) -> Iterator[str]:
    """What the times shown are, where they are not the median."""
    margins: dict[float, dict[tuple[float, float], list[str]]] = {}
    for a in assignments:
        if a.confidence > MEDIAN:
            factors = a.prefill_factor, a.decode_factor
            where = margins.setdefault(a.confidence, {}).setdefault(factors, [])
            name = f"{gpu_of[a.deployment.key]} ({a.engine})"
            if name not in where:
                where.append(name)
    for confidence, by_factor in sorted(margins.items()):
        each = "; ".join(
            f"{prefill:.2f} and {decode:.2f} for {', '.join(where)}"
            for (prefill, decode), where in by_factor.items()
        )
        yield (
            "Planned and shown are times that hold with a probability of "
            f"{percent(confidence)}. As multiples of the median prediction, prefill and decode: "
            f"{each}."
        )


def _queue_notes(assignments: Sequence[Assignment]) -> Iterator[str]:
    """Where times are those of a percentile of requests that arrive at random."""
    by_percentile: dict[float, dict[str, list[Queueing]]] = {}
    for a in assignments:
        if a.queueing is not None:
            queues = by_percentile.setdefault(a.queueing.percentile, {})
            queues.setdefault(a.workload, []).append(a.queueing)
    for part, queues in sorted(by_percentile.items()):
        each = ", ".join(
            f"{name} {percent(max(q.utilization for q in mine))} busy, "
            f"wait {duration(max(q.wait_s for q in mine))}"
            for name, mine in queues.items()
        )
        yield (
            f"TTFT holds for {percent(part)} of the requests, arriving at random, with what they "
            f"wait in a queue: {each}."
        )


def _furthest(reasons: Iterable[str]) -> list[str]:
    """Of reasons that differ in their numbers, the one with the greatest.

    >>> _furthest(["batch 81 > 64 measured", "GPUs 4 > 1 measured", "batch 180 > 64 measured"])
    ['batch 180 > 64 measured', 'GPUs 4 > 1 measured']
    """
    most: dict[str, str] = {}
    for reason in reasons:
        kind = re.sub(r"[0-9.e+]+", "#", reason)
        if kind not in most or _first_number(reason) > _first_number(most[kind]):
            most[kind] = reason
    return list(most.values())


def _first_number(text: str) -> float:
    found = re.search(r"\d[0-9.]*", text)
    return float(found.group()) if found else 0.0
