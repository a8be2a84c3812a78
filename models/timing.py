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
How long they do when they arrive at random, `queueing.py` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .engine import Engine
from .load import Asked
from .value import Real


class Tokens(Protocol):
    """The size of a request: a `RequestClass`, or many as an `Asked`."""

    @property
    def input_tokens(self) -> Real: ...

    @property
    def output_tokens(self) -> Real: ...


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
    """The metrics of one replica as linear forms.

    Attributes:
        continuous: whether prompts join a running batch.
        batch: b.
        prompts: n, that share a prefill pass.
        chunk: m, most prompts that may.
        steps: N.
    """

    continuous: bool
    batch: Real
    prompts: Real
    chunk: Real
    steps: Real

    @property
    def ttft(self) -> Linear:
        """Time to first token."""
        return Linear(1.0, self._decodes if self.continuous else 0.0)

    @property
    def tpot(self) -> Linear:
        """Time per output token after the first."""
        if not self.continuous:
            return Linear(0.0, self._decodes)
        return Linear(self._decodes * self._passes, self._decodes)

    @property
    def e2e(self) -> Linear:
        """Time from request to last token."""
        if not self.continuous:
            return Linear(1.0, self.steps)
        return Linear(1.0 + self.steps * self._passes, self._decodes + self.steps)

    @property
    def work(self) -> Linear:
        """Replica-seconds per request."""
        return Linear(1.0 / self.prompts, self.steps / self.batch)

    @property
    def _decodes(self) -> Real:
        """1, and 0 where prefill yields the only token."""
        return np.minimum(self.steps, 1.0)

    @property
    def _passes(self) -> Real:
        """Prefill passes in each decode step, in continuous batching."""
        return self.batch / np.maximum(self.steps, 1.0) / self.prompts

    def slack_s(self, asked: Asked, prefill_s: Real, decode_s: Real) -> Real:
        """How long a request may wait in a queue within TTFT and end to end; inf if unbounded."""
        ttft = asked.ttft_s - self.ttft.of(prefill_s, decode_s)
        return np.minimum(ttft, asked.e2e_s - self.e2e.of(prefill_s, decode_s))

    def bounds(self, asked: Asked) -> list[tuple[str, Linear, Real]]:
        """The SLOs as upper bounds [s] on linear forms: (SLO field, form, bound).

        Only those that some request class states; where a class states none it is inf.
        """
        rows = (
            ("ttft_s", "ttft", asked.ttft_s),
            ("tpot_s", "tpot", asked.tpot_s),
            ("e2e_s", "e2e", asked.e2e_s),
            ("tokens_per_s", "work", asked.work_s),
        )
        return [
            (slo, getattr(self, form), bound)
            for slo, form, bound in rows
            if np.any(np.isfinite(bound))
        ]


def capacity_per_s(target_utilization: Real, replicas: Real, work_s: Real) -> Real:
    r"""Mean demand that replicas may carry [requests/s]: $u x / w$.

    >>> capacity_per_s(0.5, 3.0, 0.5)
    3.0
    """
    return target_utilization * replicas / work_s


def prefill_batch(engine: Engine, request: Tokens, batch: Real) -> Real:
    r"""Prompts that share one prefill pass, n.

    The whole batch, or, in continuous batching, those that enter at a step and fit a chunk:

    $$ n = \min(b / N, \max(1, C / I)), \quad n \ge 1 $$

    >>> from infersave.models.engine import ENGINES
    >>> from infersave.models.workload import RequestClass
    >>> short = RequestClass(input_tokens=10, output_tokens=9)
    >>> float(prefill_batch(ENGINES["continuous"], short, 256.0))
    32.0
    """
    if not engine.continuous:
        return batch
    entering = batch / np.maximum(request.output_tokens - 1.0, 1.0)
    return np.maximum(np.minimum(entering, prefill_chunk(engine, request)), 1.0)


def prefill_chunk(engine: Engine, request: Tokens) -> Real:
    """Most prompts that may share one prefill pass, at least 1."""
    if engine.prefill_chunk_tokens is None:
        return np.inf
    return np.maximum(engine.prefill_chunk_tokens / request.input_tokens, 1.0)


def timing(engine: Engine, request: Tokens, batch: Real) -> Timing:
    """The linear forms of an engine at a batch size.

    >>> from infersave.models.engine import ENGINES
    >>> from infersave.models.workload import RequestClass
    >>> forms = timing(ENGINES["static"], RequestClass(input_tokens=8, output_tokens=5), 2.0)
    >>> forms.e2e.of(1.0, 0.5), forms.work.of(1.0, 0.5)
    (3.0, 1.5)
    """
    prompts = prefill_batch(engine, request, batch)
    chunk = prefill_chunk(engine, request)
    return Timing(engine.continuous, batch, prompts, chunk, request.output_tokens - 1.0)
