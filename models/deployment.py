"""One replica, decided: where it runs, its batch and offload schedule, how it performs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from pydantic import Field

from .architecture import Architecture
from .calibration import Calibration
from .hardware import VMType
from .load import Load
from .memory import gpu_bytes, host_bytes, memory_budget
from .phases import decode_phase, prefill_phase
from .replica import Replica
from .timing import timing
from .value import Count, FloatArray, Fraction, Name, NonNegative, Positive, Real, Value
from .workload import RequestClass, Workload

CHUNK = 16384
"""Replicas evaluated at once: their arrays stay in the processor's cache."""


class OffloadSchedule(Value):
    """Fraction of each layer's KV cache held in host memory.

    Layers of a group are identical and the program is convex and symmetric in them, so
    an optimal schedule is uniform inside a group: one fraction per group says all.

    Attributes:
        fractions: one per layer group of the architecture, in [0, 1].
        layers: layers in each group.
    """

    fractions: tuple[Fraction, ...]
    layers: tuple[Count, ...]

    @classmethod
    def of(cls, architecture: Architecture, fractions: tuple[float, ...]) -> OffloadSchedule:
        """The schedule of an architecture's layer groups."""
        counts = tuple(group.count for group in architecture.groups)
        return cls(fractions=tuple(float(f) for f in fractions), layers=counts)

    def per_layer(self) -> tuple[float, ...]:
        """The fraction of every layer, shape [layers]."""
        pairs = zip(self.fractions, self.layers, strict=True)
        return tuple(fraction for fraction, count in pairs for _ in range(count))


class Deployment(Value):
    """One replica of a workload.

    Attributes:
        provider, vm_type: the VM type it runs on.
        n_gpus: GPUs it uses, by tensor parallelism.
        batch: sequences held at once.
        offload: KV offload schedule.
    """

    provider: Name
    vm_type: Name
    n_gpus: Count
    batch: Count
    offload: OffloadSchedule

    @property
    def key(self) -> str:
        """`provider:vm_type`, as `VMType.key`."""
        return f"{self.provider}:{self.vm_type}"


class Performance(Value):
    """What the model predicts for one replica at full batch.

    Attributes:
        prefill_s, decode_step_s: one prefill pass and one decode step, P and D of `timing`.
        ttft_s, tpot_s, e2e_s: as an SLO bounds them.
        tokens_per_s: input and output tokens, as the SLO counts them.
        requests_per_s: capacity of the replica at full utilisation.
        gpu_bytes, gpu_limit_bytes: memory taken and usable on each GPU.
        host_bytes, host_limit_bytes: host memory taken, and the replica's share of it.
        kv_bytes: KV cache of the full batch, all GPUs.
    """

    prefill_s: Positive
    decode_step_s: NonNegative
    ttft_s: Positive
    tpot_s: NonNegative
    e2e_s: Positive
    tokens_per_s: Positive
    requests_per_s: Positive
    gpu_bytes: Positive
    gpu_limit_bytes: Positive
    host_bytes: NonNegative
    host_limit_bytes: NonNegative
    kv_bytes: NonNegative

    @property
    def offloaded_fraction(self) -> float:
        """Part of all KV bytes that live in host memory."""
        return self.host_bytes / self.kv_bytes if self.kv_bytes else 0.0


class SLOCheck(Value):
    """One SLO held against its prediction; `slack` is the unused part of the bound.

    For `tokens_per_s`, which bounds from below, it is the surplus over the bound.
    """

    slo: str
    bound: Positive
    predicted: NonNegative
    slack: float = Field(description="relative; negative when the SLO is broken")


class Case(NamedTuple):
    """What `evaluate` takes: one replica, decided."""

    workload: Workload
    request: RequestClass
    vm_type: VMType
    calibration: Calibration
    deployment: Deployment


def evaluate(
    workload: Workload,
    request: RequestClass,
    vm_type: VMType,
    calibration: Calibration,
    deployment: Deployment,
) -> Performance:
    """Predict one replica, in scalar arithmetic, from the formulas of this folder.

    Judges nothing: a deployment that does not fit is evaluated all the same.
    """
    replica = Replica.of(vm_type, deployment.n_gpus, calibration)
    load, fractions = Load.of(workload, request), deployment.offload.fractions
    values = _predict(load, replica, float(deployment.batch), fractions)
    return Performance(**{name: float(value) for name, value in values.items()})


def evaluate_many(cases: Sequence[Case]) -> list[Performance]:
    """`evaluate` of many replicas, as arrays; equal to one at a time within rounding."""
    found: list[Performance | None] = [None] * len(cases)
    by_engine: dict[str, list[int]] = {}
    for place, case in enumerate(cases):
        by_engine.setdefault(case.workload.engine, []).append(place)
    for places in by_engine.values():
        for start in range(0, len(places), CHUNK):
            part = places[start : start + CHUNK]
            for place, one in zip(part, _evaluate_chunk([cases[i] for i in part]), strict=True):
                found[place] = one
    return [one for one in found if one is not None]


def _evaluate_chunk(cases: list[Case]) -> Iterator[Performance]:
    """Replicas under one engine."""
    load = Load.stack([(case.workload, case.request) for case in cases])
    batch = np.array([case.deployment.batch for case in cases], np.float64)
    fractions = _stack_fractions(cases, len(load.shape.groups))
    values = _predict(load, _stack_replicas(cases), batch, fractions)
    columns = [np.broadcast_to(value, batch.shape).tolist() for value in values.values()]
    for row in zip(*columns, strict=True):
        yield Performance(**dict(zip(values, row, strict=True)))


def _stack_replicas(cases: list[Case]) -> Replica:
    """The hardware of each case; few are distinct."""
    place: dict[tuple[int, int, int], int] = {}
    replicas: list[Replica] = []
    index = np.empty(len(cases), np.int64)
    for row, case in enumerate(cases):
        n_gpus = case.deployment.n_gpus
        key = (id(case.vm_type), n_gpus, id(case.calibration))
        if key not in place:
            place[key] = len(replicas)
            replicas.append(Replica.of(case.vm_type, n_gpus, case.calibration))
        index[row] = place[key]
    return Replica.stack(replicas).take(index)


def _stack_fractions(cases: list[Case], n_groups: int) -> tuple[FloatArray, ...]:
    """The schedules, 0 for padded groups.

    Raises:
        ValueError: a schedule does not match its architecture's layer groups.
    """
    rows = []
    for case in cases:
        fractions = case.deployment.offload.fractions
        if len(fractions) != len(case.workload.architecture.groups):
            raise ValueError(f"a schedule of {case.workload.name} does not match its layer groups")
        rows.append(fractions + (0.0,) * (n_groups - len(fractions)))
    return tuple(np.array(rows).T)


def _predict(
    load: Load, replica: Replica, batch: Real, fractions: tuple[Real, ...]
) -> dict[str, Real]:
    """The fields of `Performance`, of one replica or of many."""
    engine, asked = load.engine, load.asked
    forms = timing(engine, asked, batch)
    prefill_s = prefill_phase(load, replica).at(forms.prompts).total_s(fractions)
    decode_s = decode_phase(load, replica).at(batch).total_s(fractions)
    budget = memory_budget(load, replica, batch)
    work_s = forms.work.of(prefill_s, decode_s)
    return {
        "prefill_s": prefill_s,
        "decode_step_s": decode_s,
        "ttft_s": forms.ttft.of(prefill_s, decode_s),
        "tpot_s": forms.tpot.of(prefill_s, decode_s),
        "e2e_s": forms.e2e.of(prefill_s, decode_s),
        "tokens_per_s": (asked.input_tokens + asked.output_tokens) / work_s,
        "requests_per_s": 1.0 / work_s,
        "gpu_bytes": gpu_bytes(budget, fractions, engine.stage_buffers),
        "gpu_limit_bytes": budget.usable,
        "host_bytes": host_bytes(budget, fractions),
        "host_limit_bytes": budget.host,
        "kv_bytes": budget.n_gpus * budget.kv_total,
    }


AFTER_WAIT = ("ttft_s", "e2e_s")
"""Metrics that start with the wait in a queue."""


def check_slos(
    workload: Workload, performance: Performance, wait_s: float = 0.0
) -> tuple[SLOCheck, ...]:
    """Every SLO of the workload beside its prediction, after a wait in a queue."""
    checks = []
    for name, bound in workload.slo.bounds():
        predicted = getattr(performance, name) + (wait_s if name in AFTER_WAIT else 0.0)
        ratio = predicted / bound
        slack = ratio - 1.0 if name == "tokens_per_s" else 1.0 - ratio
        checks.append(SLOCheck(slo=name, bound=bound, predicted=predicted, slack=slack))
    return tuple(checks)
