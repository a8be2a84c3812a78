"""Why a VM type cannot serve, in one line each, and whether any can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..models.load import batch_range
from ..models.outcome import Conflict, InfeasibleError
from ..models.serving import LATENCY_SLOS, Serving, Trial
from ..models.value import FloatArray
from ..models.workload import Demand
from .batches import best_batches
from .candidates import Stream
from .machines import allowed_degrees
from .market import Market
from .program import INTEGER_LIMIT
from .services import Service

GIB = 2.0**30
REASONS_SHOWN = 8
MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a pair cannot serve.

    Attributes:
        stage: how far it got: 0 not allowed, 1 weights, 2 KV cache, 3 an SLO, 4 too many
            replicas; further is closer to serving.
        miss: how far it misses at that stage: bytes short, or predicted / bound.
        text: the reason, with numbers.
        rule, asked, reached: what it fails, where that is one rule: `slo.tpot_s` and its values.
    """

    stage: int
    miss: float
    text: str
    rule: str = ""
    asked: float | None = None
    reached: float | None = None


def reject(stream: Stream) -> list[Rejection | None]:
    """The reason each pair cannot serve the stream, shape [K]; None where it can."""
    serving = Serving(stream.workload, stream.request, stream.machines.replica)
    smallest = serving.at(float(batch_range(stream.workload)[0]))
    allowed = allowed_degrees(stream.workload, stream.machines)
    slo, needed = _slo_miss(serving, smallest, stream), stream.replicas_needed()
    reasons: list[Rejection | None] = []
    for k, holds in enumerate(stream.holds):
        if holds and needed[k] <= INTEGER_LIMIT:
            reasons.append(None)
        elif holds:
            text = f"needs {needed[k]:.3g} replicas, more than {INTEGER_LIMIT:.0e} are not planned"
            if stream.workload.slo.percentile is not None:
                text += ": its requests may hardly wait"
            reasons.append(Rejection(4, float(needed[k]), text))
        elif not allowed[k]:
            reasons.append(_degree(stream, int(stream.machines.n_gpus[k])))
        else:
            reasons.append(_memory(stream, smallest, k) or slo[k])
    return reasons


def _degree(stream: Stream, n_gpus: int) -> Rejection:
    """A tensor-parallel degree that the workload or the LLM's heads rule out."""
    wanted, heads = stream.workload.gpus_per_replica, stream.workload.architecture.heads
    if wanted is not None and n_gpus not in wanted:
        listed = ", ".join(map(str, wanted))
        text = f"cannot be split by gpus_per_replica {listed} (powers of two, or all its GPUs)"
        return Rejection(0, float(n_gpus), text)
    return Rejection(0, float(n_gpus), f"{n_gpus} GPUs do not divide the {heads} heads")


def _memory(stream: Stream, trial: Trial, k: int) -> Rejection | None:
    """Weights, then KV cache on the GPU, then on the host, at the smallest batch."""
    if trial.fits[k]:
        return None
    budget, batch = trial.budget, int(trial.batch[k])
    g = int(stream.machines.n_gpus[k])
    free, kv = float(_at(budget.free, k)), float(_at(budget.kv_total, k))
    usable = float(_at(budget.usable, k))
    if free < 0:
        need = usable - free
        text = (
            f"weights and activations need {need / GIB:.1f} GiB per GPU at {g} per replica, "
            f"{usable / GIB:.1f} are usable: {-free:.0f} bytes short"
        )
        return Rejection(1, -free * g, text, MEMORY)
    text = (
        f"KV cache of batch {batch} needs {kv / GIB:.1f} GiB per GPU, {free / GIB:.1f} are free: "
        f"{kv - free:.0f} bytes short"
    )
    if stream.workload.may_offload:
        host = float(_at(budget.host, k))
        text += f", and offload cannot hold it ({host / GIB:.1f} GiB of host memory per replica)"
    return Rejection(2, (kv - free) * g, text, MEMORY)


def _slo_miss(serving: Serving, smallest: Trial, stream: Stream) -> list[Rejection]:
    """The SLO each pair misses by most, at the batch that is best for it."""
    worst = np.zeros(stream.holds.shape)
    found = [Rejection(3, 1.0, "no batch size holds all SLOs at once")] * len(worst)
    for name, form, bound in smallest.forms.bounds(stream.load.asked):
        trial = smallest
        if name not in LATENCY_SLOS:
            trial = best_batches(serving)
            form = trial.forms.work
        value = np.asarray(form.of(trial.prefill_s, trial.decode_s))
        ratio = value / bound
        for k in np.flatnonzero(ratio > np.maximum(worst, 1.0)):
            found[k] = _missed(stream, name, float(value[k]), int(trial.batch[k]), float(ratio[k]))
        worst = np.maximum(worst, np.where(ratio > 1.0, ratio, 0.0))
    return found


def _missed(stream: Stream, name: str, value: float, batch: int, ratio: float) -> Rejection:
    """An SLO that is missed by a ratio; `value` [s] is its metric, of throughput the work."""
    bound = getattr(stream.workload.slo, name)
    reached, most = value, "at least"
    if name == "tokens_per_s":
        reached, most = stream.request.total_tokens / value, "at most"
    text = f"{name} {reached:.4g} {most}, {bound:g} required (batch {batch})"
    return Rejection(3, ratio, text, f"slo.{name}", bound, reached)


def _at(value: FloatArray | float, k: int) -> float:
    array = np.asarray(value)
    return float(array[k] if array.ndim else array)


def nearest_per_type(stream: Stream) -> dict[str, Rejection]:
    """The reason of each VM type that cannot serve: of its pair that comes nearest."""
    keys, nearest = stream.machines.keys, dict[str, Rejection]()
    reasons = reject(stream)
    serving = {keys[k] for k, reason in enumerate(reasons) if reason is None}
    for key, reason in zip(keys, reasons, strict=True):
        if reason is None or key in serving:
            continue
        best = nearest.get(key)
        if best is None or (-reason.stage, reason.miss) < (-best.stage, best.miss):
            nearest[key] = reason
    return nearest


def require_candidates(streams: tuple[Stream, ...]) -> None:
    """Refuse a problem in which some demand has no candidate.

    Raises:
        InfeasibleError: names the demand, the rule, and the best that is reachable.
    """
    for stream in streams:
        if len(stream.useful()):
            continue
        ordered = sorted(
            nearest_per_type(stream).items(), key=lambda item: (-item[1].stage, item[1].miss)
        )
        lines = [f"{key}: {reason.text}" for key, reason in ordered[:REASONS_SHOWN]]
        more = len(ordered) - REASONS_SHOWN
        if more > 0:
            lines.append(f"... and {more} more VM types, further off")
        raise InfeasibleError(
            f"no VM type can serve workload {stream.workload.name!r} "
            f"({stream.request.input_tokens} in, {stream.request.output_tokens} out), "
            "nearest first:",
            lines,
            _conflicts(stream.workload.name, [reason for _, reason in ordered]),
        )


def _conflicts(workload: str, nearest: Sequence[Rejection]) -> list[Conflict]:
    """Each rule that keeps some VM type out, as the one that comes nearest to it has it."""
    first: dict[str, Rejection] = {}
    for reason in nearest:
        first.setdefault(reason.rule, reason)
    return [Conflict(workload, r.rule, r.asked, r.reached) for r in first.values() if r.rule]


def require_places(services: Sequence[Service], jobs: Sequence[Stream], market: Market) -> None:
    """Refuse a demand that is kept from every place where something could serve it.

    Raises:
        InfeasibleError: names the demand and the rule.
    """
    for service in services:
        for served in service.classes:
            if not (served.capacity[service.pair] > 0).any():
                raise InfeasibleError(_nowhere(service.demand))
        for scenario in service.scenarios:
            if not scenario.left.any():
                raise InfeasibleError(_nowhere(service.demand, "once spot or a zone is gone"))
    for stream in jobs:
        types = market.pair_type[stream.useful()]
        open_to = market.permitted(stream.workload) & np.isin(market.type_of, types)
        if stream.workload.max_spot_share < 1:
            open_to &= ~market.spot
        if not open_to.any():
            raise InfeasibleError(_nowhere(stream.workload))


def _nowhere(demand: Demand, when: str = "") -> str:
    rules = [
        f"{name} {getattr(demand, name).given()}"
        for name in ("allow", "forbid")
        if getattr(demand, name).given()
    ]
    if demand.max_spot_share < 1:
        rules.append(f"max_spot_share {demand.max_spot_share:g}")
    said = "; ".join(rules) or "throughput of 0 everywhere"
    return f"nothing on offer may serve workload {demand.name!r} {when}: {said}".replace("  ", " ")
