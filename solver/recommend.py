"""One workload, every offer: what each would cost alone, best first, and why the rest lose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..models.billing import Billing
from ..models.fleet import FleetProblem
from ..models.hardware import Offer, PurchaseOption
from ..models.outcome import InfeasibleError, ProblemError
from ..models.plan import SCHEMA_VERSION, Assignment
from ..models.value import Count, FloatArray, Name, NonNegative, Positive, Value
from .candidates import TIE, Stream, enumerate_streams
from .describe import Standing, describe, describe_order
from .explain import nearest_per_type, require_candidates
from .market import Place
from .orders import Orders, draw_orders
from .program import IntArray, SolveOptions
from .reduction import reduce_stream
from .rightsize import rightsized
from .solve import DEFAULT_BACKEND

Phase = Literal["prefill", "decode"]
TOO_SLOW = "no number of VMs ends the job by its deadline"


class Choice(Value):
    """One offer that serves the workload alone.

    Attributes:
        count: VMs to rent.
        usd_per_hour: of all of them; for a job its bill spread over the deadline.
        usd: a job's bill.
        price_date: when the price was read.
        dearer_usd_per_hour: difference to the best choice.
        assignments: one per request class.
    """

    provider: Name
    vm_type: Name
    region: Name
    purchase: PurchaseOption
    count: Count
    usd_per_hour: Positive
    usd: Positive | None = None
    price_date: str = ""
    dearer_usd_per_hour: NonNegative = 0.0
    assignments: tuple[Assignment, ...]


class Rejected(Value):
    """A VM type that cannot serve the workload, and why."""

    provider: Name
    vm_type: Name
    reason: str


class Measurement(Value):
    """A measurement that could change the choice, and how.

    Attributes:
        gpu, n_gpus, phase, batch, input_tokens, output_tokens: what to measure.
        factor: measured over predicted time, as 1 in 20 held-out rows were or were further off.
        vm_type, usd_per_hour: what would then be best.
        change_usd_per_hour: against the best choice now; negative where it would be cheaper.
    """

    gpu: Name
    n_gpus: Count
    phase: Phase
    batch: Count
    input_tokens: Count
    output_tokens: Count
    factor: Positive
    vm_type: Name
    usd_per_hour: Positive
    change_usd_per_hour: float


class Recommendation(Value):
    """All choices, best first: by cost, then by throughput, then by name.

    Attributes:
        measure: the measurement that could change the choice most, once it was looked for
            (`worth_measuring`).
        rejected: VM types that cannot serve.
        candidates: (VM type, GPUs) pairs evaluated.
    """

    schema_version: int = SCHEMA_VERSION
    workload: Name
    choices: tuple[Choice, ...]
    rejected: tuple[Rejected, ...]
    candidates: Count
    measure: Measurement | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """What a stream needs of each VM type alone, at its best pair there, shape [types].

    Attributes:
        stream: a candidate per VM type that can run it, at the smallest batch that will do.
        amount: GPUs for a service, billed VM-hours for a job; inf where it cannot run.
        best: the candidate, which for a job is the position among its orders.
        orders: the job's orders.
    """

    stream: Stream
    amount: FloatArray
    best: IntArray
    orders: Orders | None

    def assignment(self, problem: FleetProblem, t: int, offer: Offer) -> Assignment:
        """The stream on VM type t, at an offer."""
        stream, best = self.stream, int(self.best[t])
        if self.orders is not None:
            return describe_order(problem, self.orders, best, Place(offer))
        replicas = int(self.amount[t] / stream.machines.n_gpus[best])
        seat = Standing(Place(offer), replicas, float(replicas), stream.requests_per_s)
        return describe(problem, stream, best, seat)


def recommend(problem: FleetProblem) -> Recommendation:
    """Rank every offer of a problem with one workload.

    A service takes the fewest GPUs, rounded up to whole VMs; a job its cheapest order;
    without a stated demand one replica is enough.

    Raises:
        ProblemError: the problem has several workloads; `solve` plans those.
        InfeasibleError: no offer can serve; says what stands in the way.
    """
    if len(problem.workloads) != 1:
        raise ProblemError("workloads", len(problem.workloads), "recommend takes exactly one")
    workload = problem.workloads[0]
    options = SolveOptions()
    streams = tuple(reduce_stream(s, DEFAULT_BACKEND, options) for s in enumerate_streams(problem))
    require_candidates(streams)
    needs = [_need(stream, problem.billing, options) for stream in streams]
    types = {v.key: t for t, v in enumerate(streams[0].machines.vm_types)}
    able = np.all([np.isfinite(need.amount) for need in needs], axis=0)
    places = [(types[offer.vm_type.key], offer) for offer in problem.offers]
    choices = [_choice(problem, needs, t, offer) for t, offer in places if able[t]]
    if not choices:
        raise InfeasibleError(f"no single VM type serves every class of {workload.name!r}")
    return Recommendation(
        workload=workload.name,
        choices=_ranked(choices),
        rejected=_rejected(streams, [key for key, t in types.items() if not able[t]]),
        candidates=len(streams) * len(streams[0].holds),
    )


def _rejected(streams: tuple[Stream, ...], unable: list[str]) -> tuple[Rejected, ...]:
    """Why each VM type that is not ranked cannot serve: its first class that it fails."""
    reasons: dict[str, str] = {}
    for stream in streams:
        for key, reason in nearest_per_type(stream).items():
            reasons.setdefault(key, reason.text)
    found = []
    for key in sorted(unable):
        provider, _, name = key.partition(":")
        why = reasons.get(key, TOO_SLOW)
        found.append(Rejected(provider=provider, vm_type=name, reason=why))
    return tuple(found)


def _need(stream: Stream, billing: Billing, options: SolveOptions) -> Need:
    orders = None
    if stream.workload.job is None:
        places = stream.useful()
        values = (stream.replicas_needed() * stream.machines.n_gpus)[places]
        type_of = stream.machines.type_of[places]
    else:
        orders = draw_orders(stream, billing, DEFAULT_BACKEND, options)
        places, values = np.arange(len(orders.vm_hours)), orders.vm_hours
        type_of = orders.stream.machines.type_of
    n = len(stream.machines.vm_types)
    amount, best = np.full(n, np.inf), np.zeros(n, np.int64)
    for t, value, place in zip(type_of, values, places, strict=True):
        if value < amount[t]:
            amount[t], best[t] = value, place
    if orders is not None:
        return Need(orders.stream, amount, best, orders)
    able = np.flatnonzero(np.isfinite(amount))
    used = stream.take(best[able])
    alone = used.carried(used.replicas_needed())
    best[able] = np.arange(len(able))
    sized = rightsized(used, alone / (stream.requests_per_s or alone))
    return Need(sized, amount, best, None)


def _choice(problem: FleetProblem, needs: list[Need], t: int, offer: Offer) -> Choice:
    """All request classes on one offer."""
    assignments = tuple(need.assignment(problem, t, offer) for need in needs)
    job, usd = problem.workloads[0].job, None
    if job is None:
        gpus = sum(float(need.amount[t]) for need in needs)
        count = int(np.ceil(gpus / offer.vm_type.n_gpus - TIE))
        usd_per_hour = offer.usd_per_hour * count
    else:
        count = sum(a.job.n_vms for a in assignments if a.job)
        usd = sum(a.job.usd for a in assignments if a.job)
        usd_per_hour = usd / job.deadline_h
    return Choice(
        provider=offer.vm_type.provider,
        vm_type=offer.vm_type.name,
        region=offer.region,
        purchase=offer.purchase,
        count=count,
        usd_per_hour=usd_per_hour,
        usd=usd,
        price_date=offer.date,
        assignments=assignments,
    )


def _ranked(choices: list[Choice]) -> tuple[Choice, ...]:
    def order(choice: Choice) -> tuple[float, float, str, str, str]:
        tokens = sum(a.replicas * a.performance.tokens_per_s for a in choice.assignments)
        return choice.usd_per_hour, -tokens, choice.vm_type, choice.region, choice.purchase

    ordered = sorted(choices, key=order)
    least = ordered[0].usd_per_hour
    return tuple(c.replace(dearer_usd_per_hour=c.usd_per_hour - least) for c in ordered)
