r"""From phases to requests: every service metric is linear in (P, D).

P is the time of one prefill pass over n prompts and D of one decode step at batch b. With I
input and O output tokens, and N = O - 1 decode steps (prefill yields the first token):

| | static batches | continuous batching |
|---|---|---|
| n | b | the b / N prompts that enter at a step, at least 1, at most a chunk's |
| TTFT | P | P + D (the step that runs when a prompt arrives ends first) |
| TPOT | D | D + (b / N) P / n (b prompts enter every N steps and share the GPU) |
| end to end | P + N D | TTFT + N TPOT |
| replica-seconds per request | (P + N D) / b | P / n + (N / b) D |

Throughput counts input tokens (the paper's eq. 1): (I + O) / replica-seconds.
The assumption that can fail: requests do not queue; `target_utilization` leaves the room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .engine import Engine
from .value import Real
from .workload import SLO, RequestClass


@dataclass(frozen=True, slots=True)
class Linear:
    """prefill * P + decode * D."""

    prefill: Real
    decode: Real

    def of(self, prefill_s: Real, decode_s: Real) -> Real:
        """The value at given phase times."""
        return self.prefill * prefill_s + self.decode * decode_s


@dataclass(frozen=True, slots=True)
class Timing:
    """The metrics of one replica as linear forms; `work` is replica-seconds per request."""

    ttft: Linear
    tpot: Linear
    e2e: Linear
    work: Linear

    def bounds(self, slo: SLO, request: RequestClass) -> list[tuple[str, Linear, float]]:
        """The SLO as upper bounds [s] on linear forms: (SLO field, form, bound)."""
        rows = [
            ("ttft_s", self.ttft, slo.ttft_s),
            ("tpot_s", self.tpot, slo.tpot_s),
            ("e2e_s", self.e2e, slo.e2e_s),
            (
                "tokens_per_s",
                self.work,
                None if slo.tokens_per_s is None else request.total_tokens / slo.tokens_per_s,
            ),
        ]
        return [(name, form, bound) for name, form, bound in rows if bound is not None]


def capacity_per_s(target_utilization: float, replicas: Real, work_s: Real) -> Real:
    r"""Mean demand that replicas may carry [requests/s]: $u x / w$.

    >>> capacity_per_s(0.5, 3.0, 0.5)
    3.0
    """
    return target_utilization * replicas / work_s


def prefill_batch(engine: Engine, request: RequestClass, batch: Real) -> Real:
    r"""Prompts that share one prefill pass, n.

    The whole batch, or, in continuous batching, those that enter at a step and fit a chunk:

    $$ n = \min(b / N, \max(1, C / I)), \quad n \ge 1 $$

    >>> from infersave.models.engine import ENGINES
    >>> short = RequestClass(input_tokens=10, output_tokens=9)
    >>> float(prefill_batch(ENGINES["continuous"], short, 256.0))
    32.0
    """
    if not engine.continuous:
        return batch
    entering = batch / max(request.output_tokens - 1, 1)
    if engine.prefill_chunk_tokens is not None:
        entering = np.minimum(entering, engine.prefill_chunk_tokens / request.input_tokens)
    return np.maximum(entering, 1.0)


def timing(engine: Engine, request: RequestClass, batch: Real) -> Timing:
    """The linear forms of an engine at a batch size.

    >>> from infersave.models.engine import ENGINES
    >>> forms = timing(ENGINES["static"], RequestClass(input_tokens=8, output_tokens=5), 2.0)
    >>> forms.e2e.of(1.0, 0.5), forms.work.of(1.0, 0.5)
    (3.0, 1.5)
    """
    steps, prompts = request.output_tokens - 1, prefill_batch(engine, request, batch)
    if steps == 0:
        prefill = Linear(1.0, 0.0)
        return Timing(prefill, Linear(0.0, 0.0), prefill, Linear(1.0 / prompts, 0.0))
    if engine.continuous:
        shared = batch / steps / prompts
        return Timing(
            ttft=Linear(1.0, 1.0),
            tpot=Linear(shared, 1.0),
            e2e=Linear(1.0 + steps * shared, 1.0 + steps),
            work=Linear(1.0 / prompts, steps / batch),
        )
    return Timing(
        ttft=Linear(1.0, 0.0),
        tpot=Linear(0.0, 1.0),
        e2e=Linear(1.0, float(steps)),
        work=Linear(1.0 / batch, steps / batch),
    )
