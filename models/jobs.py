r"""How long a job takes on a number of replicas.

Static batches run in rounds: $\lceil \lceil N / b \rceil / R \rceil (P + (O - 1) D)$.
Continuous batching keeps R replicas busy and then drains: $N w / R + e$, with w the
replica-seconds and e the end-to-end time of a request.
"""

from __future__ import annotations

import numpy as np

from .engine import Engine
from .timing import Timing
from .value import Real


def job_run_s(
    engine: Engine,
    forms: Timing,
    requests: float,
    batch: Real,
    replicas: Real,
    prefill_s: Real,
    decode_s: Real,
) -> Real:
    """Time of a job from first to last request [s]; broadcasts over candidates.

    >>> from infersave.models.engine import ENGINES
    >>> from infersave.models.timing import timing
    >>> from infersave.models.workload import RequestClass
    >>> static, request = ENGINES["static"], RequestClass(input_tokens=8, output_tokens=5)
    >>> float(job_run_s(static, timing(static, request, 10.0), 95, 10.0, 4.0, 1.0, 0.25))
    6.0
    """
    whole = forms.e2e.of(prefill_s, decode_s)
    if engine.continuous:
        return requests * forms.work.of(prefill_s, decode_s) / replicas + whole
    return np.ceil(np.ceil(requests / batch) / replicas) * whole


def shift_requests(
    engine: Engine, forms: Timing, seconds: float, batch: Real, prefill_s: Real, decode_s: Real
) -> Real:
    r"""Requests that one replica completes in `seconds`, begun and ended empty.

    Static batches: $\lfloor T / e \rfloor b$ whole rounds; continuous batching: what its
    capacity gives once the last request has drained, $(T - e) / w$.

    >>> from infersave.models.engine import ENGINES
    >>> from infersave.models.timing import timing
    >>> from infersave.models.workload import RequestClass
    >>> static, request = ENGINES["static"], RequestClass(input_tokens=8, output_tokens=5)
    >>> float(shift_requests(static, timing(static, request, 10.0), 7.0, 10.0, 1.0, 0.25))
    30.0
    """
    whole = forms.e2e.of(prefill_s, decode_s)
    if engine.continuous:
        return np.maximum(seconds - whole, 0.0) / forms.work.of(prefill_s, decode_s)
    return np.floor(seconds / whole) * batch
