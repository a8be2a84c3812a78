"""One card for each workload: what it asks, what it runs on, and how much room is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..models.deployment import SLOCheck
from ..models.fleet import FleetProblem
from ..models.measured import MeasuredWorkload
from ..models.plan import Assignment, FleetPlan, Route
from ..models.reasons import Binding
from ..models.workload import Demand, Workload
from ..solver.reasons.binding import NEARLY
from .demand import demand
from .deployment_columns import slo_checks
from .places import PlaceKey, place_labels, place_of, span_name
from .plan_routes import class_name
from .reasons_view import use_words
from .report_money import Cost
from .report_parts import Bar, Card, LayerGroup, Replicas
from .route_groups import grouped, part_kept, peak
from .words import percent, plural, three_digits, usd

ATTENTION = {
    "full": "full attention",
    "sliding": "sliding-window attention",
    "latent": "latent attention",
    "none": "no KV cache",
}
"""Kinds of layers as people call them."""


def cards(problem: FleetProblem, plan: FleetPlan, costs: Sequence[Cost]) -> tuple[Card, ...]:
    """One for each workload, in the order of the problem."""
    labels, total = place_labels(plan), sum(cost.usd_per_hour for cost in costs)
    money = {cost.name: cost.usd_per_hour for cost in costs}
    groups: dict[str, list[tuple[Route, ...]]] = {}
    for group in grouped(plan.routes):
        groups.setdefault(group[0].workload, []).append(group)
    demands: tuple[Workload | MeasuredWorkload, ...] = (*problem.workloads, *problem.measured)
    found = []
    for asked in demands:
        cost = money.get(asked.name, 0.0)
        found.append(
            Card(
                name=asked.name,
                asked=demand(asked),
                cost=f"USD {usd(cost)} per hour, {percent(cost / total)} of the fleet",
                replicas=tuple(_replicas(asked, g, labels) for g in groups.get(asked.name, ())),
                kv=_kv_in_words(groups.get(asked.name, ())),
            )
        )
    return tuple(found)


def _replicas(
    asked: Workload | MeasuredWorkload, group: Sequence[Route], labels: Mapping[PlaceKey, str]
) -> Replicas:
    first, (count, _) = group[0], peak(group)
    each = " each" if count > 1 else ""
    title = (
        f"{part_kept(group)}{plural(count, 'replica')} on {labels[place_of(first)]}, "
        f"{plural(first.gpus_each, 'GPU')}{each}"
    )
    if isinstance(asked, MeasuredWorkload):
        return Replicas(title, _measured(asked, first), tuple(_load_bars(asked, group)))
    predicted = [route for route in group if isinstance(route, Assignment)]
    return Replicas(
        title,
        _facts(asked, predicted),
        (
            *_load_bars(asked, predicted),
            *(_slo_bar(check) for check in slo_checks(predicted, asked)),
            *_memory_bars(predicted),
        ),
        tuple(_layers(asked, predicted)),
    )


def _measured(asked: MeasuredWorkload, route: Route) -> str:
    """What was measured; of which class, where there are several."""
    several = len(asked.shares) > 1
    which = f"class {class_name(route, asked.shares)} of the requests, " if several else ""
    return f"{which}measured: {three_digits(route.capacity_per_s)} requests/s each"


def _facts(asked: Workload, group: Sequence[Assignment]) -> str:
    """Batch and throughput; which requests, where there are several kinds."""
    batches = [a.deployment.batch for a in group]
    parts = [f"batch {span_name(min(batches), max(batches))}"]
    parts.append(f"{three_digits(min(a.performance.tokens_per_s for a in group))} tokens/s each")
    if len(asked.requests) > 1:
        request = asked.requests[group[0].request_class]
        parts.insert(0, f"{request.input_tokens:,} tokens in, {request.output_tokens:,} out")
    return ", ".join(parts)


def _load_bars(asked: Demand, group: Sequence[Route]) -> Iterator[Bar]:
    """What each replica is sent of what it may be sent, where it is busiest; jobs take all."""
    if asked.requests_per_s is None:
        return
    most = max(group, key=lambda r: r.each_per_s / r.most_per_s(asked.target_utilization))
    sent, may = most.each_per_s, most.most_per_s(asked.target_utilization)
    value = f"{three_digits(sent)} of {three_digits(may)} requests/s each"
    yield _bar("load", value, sent / may, tight=False)


def _slo_bar(check: SLOCheck) -> Bar:
    one = Binding(
        subject="-", name=check.slo, used=check.predicted, bound=check.bound, slack=check.slack
    )
    title, value = use_words(one)
    used = 1.0 - check.slack if check.slo != "tokens_per_s" else check.bound / check.predicted
    return _bar(title, value, used, tight=check.slack <= NEARLY)


def _memory_bars(group: Sequence[Assignment]) -> Iterator[Bar]:
    """GPU memory, and host memory where something lies there, each where it is fullest."""
    performances = [a.performance for a in group]
    for name, limit in (("gpu_bytes", "gpu_limit_bytes"), ("host_bytes", "host_limit_bytes")):
        pairs = [(getattr(p, name), getattr(p, limit)) for p in performances]
        used, most = max(pairs, key=lambda pair: pair[0])
        if used > 0:
            slack = 1.0 - used / most
            one = Binding(subject="-", name=name, used=used, bound=most, slack=slack)
            title, value = use_words(one)
            yield _bar(title, value, used / most, tight=False)


def _bar(title: str, value: str, part: float, *, tight: bool) -> Bar:
    return Bar(title, value, min(max(part, 0.0), 1.0), tight)


def _kv_in_words(groups: Sequence[Sequence[Route]]) -> str:
    """That nothing is offloaded, where nothing is; empty where pictures say more."""
    parts = [
        a.performance.offloaded_fraction for g in groups for a in g if isinstance(a, Assignment)
    ]
    if not parts or any(parts):
        return ""
    return "All KV cache stays in GPU memory: nothing is offloaded."


def _layers(asked: Workload, group: Sequence[Assignment]) -> Iterator[LayerGroup]:
    """The schedule that offloads most, by layer group; nothing where none does."""
    most = max(group, key=lambda a: a.performance.offloaded_fraction)
    if most.performance.offloaded_fraction == 0:
        return
    offload = most.deployment.offload
    kinds = [ATTENTION[layers.attention] for layers in asked.architecture.groups]
    for kind, fraction, count in zip(kinds, offload.fractions, offload.layers, strict=True):
        yield LayerGroup(f"{plural(count, 'layer')}, {kind}", count, fraction, percent(fraction))
