"""One replica, decided: where it runs, its batch and offload schedule, how it performs."""

from __future__ import annotations

from pydantic import Field

from .architecture import Architecture
from .calibration import Calibration
from .engine import ENGINES
from .hardware import VMType
from .latency import decode_times, prefill_times
from .memory import gpu_bytes, host_bytes, memory_budget
from .replica import Replica
from .timing import prefill_batch, timing
from .value import Count, Fraction, Name, NonNegative, Positive, Value
from .workload import RequestClass, Workload


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
    engine, batch = ENGINES[workload.engine], float(deployment.batch)
    replica = Replica.of(vm_type, deployment.n_gpus, calibration)
    fractions = deployment.offload.fractions
    prompts = prefill_batch(engine, request, batch)
    prefill_s = prefill_times(workload, request, replica, prompts).total_s(fractions)
    decode_s = decode_times(workload, request, replica, batch, engine).total_s(fractions)
    forms = timing(engine, request, batch)
    budget = memory_budget(workload, request, replica, batch)
    work_s = float(forms.work.of(prefill_s, decode_s))
    return Performance(
        prefill_s=float(prefill_s),
        decode_step_s=float(decode_s),
        ttft_s=float(forms.ttft.of(prefill_s, decode_s)),
        tpot_s=float(forms.tpot.of(prefill_s, decode_s)),
        e2e_s=float(forms.e2e.of(prefill_s, decode_s)),
        tokens_per_s=request.total_tokens / work_s,
        requests_per_s=1.0 / work_s,
        gpu_bytes=float(gpu_bytes(budget, fractions, engine.stage_buffers)),
        gpu_limit_bytes=float(budget.usable),
        host_bytes=float(host_bytes(budget, fractions)),
        host_limit_bytes=float(budget.host),
        kv_bytes=float(budget.n_gpus * budget.kv_total),
    )


def check_slos(workload: Workload, performance: Performance) -> tuple[SLOCheck, ...]:
    """Every SLO of the workload beside its prediction."""
    checks = []
    for name, bound in workload.slo:
        if bound is None:
            continue
        predicted = getattr(performance, name)
        ratio = predicted / bound
        slack = ratio - 1.0 if name == "tokens_per_s" else 1.0 - ratio
        checks.append(SLOCheck(slo=name, bound=bound, predicted=predicted, slack=slack))
    return tuple(checks)
