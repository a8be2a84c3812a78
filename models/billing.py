"""What a run costs: billed time, and the paper's metric beside it."""

from __future__ import annotations

import math

import numpy as np

from .value import NonNegative, Positive, Real, Value

SECONDS_PER_HOUR = 3600.0


class Billing(Value):
    """How a provider turns run time into billed time.

    Attributes:
        quantum_s: billed time is a whole number of these.
        minimum_s: least billed time of a VM.

    The default is per second with a minimum of 60 s (AWS EC2 On-Demand pricing page;
    GCP and Azure bill alike).
    """

    quantum_s: Positive = 1.0
    minimum_s: NonNegative = 60.0

    def billed_s(self, run_s: Real) -> Real:
        """Billed time of one VM that runs for `run_s` [s].

        >>> float(Billing().billed_s(12.2)), float(Billing().billed_s(61.5))
        (60.0, 62.0)
        >>> float(WHOLE_HOURS.billed_s(3601.0))
        7200.0
        """
        whole = np.ceil(run_s / self.quantum_s * (1 - QUANTUM_SLACK)) * self.quantum_s
        return np.maximum(whole, self.minimum_s)


QUANTUM_SLACK = 1e-12
"""A run of exactly k quanta must not be billed k + 1 for a rounding error of the division."""

WHOLE_HOURS = Billing(quantum_s=SECONDS_PER_HOUR, minimum_s=SECONDS_PER_HOUR)
"""The paper's billing."""


def billed_vm_hours(n_vms: Real, run_s: Real, billing: Billing) -> Real:
    """VM-hours on the bill of `n_vms` VMs that run for `run_s` [h]; times a price: USD."""
    return n_vms * billing.billed_s(run_s) / SECONDS_PER_HOUR


def paper_usd(
    usd_per_hour: float, tokens: float, tokens_per_s: float, slo_tokens_per_s: float
) -> float:
    """The paper's cost of a task [USD]: throughput clipped at the SLO, whole hours (eqs. 2-3).

    >>> paper_usd(0.71, 1000 * 1152, 160.0, 100.0)
    2.84
    """
    effective = min(tokens_per_s, slo_tokens_per_s)
    return usd_per_hour * math.ceil(tokens / effective / SECONDS_PER_HOUR)


def paper_cost_efficiency(
    usd_per_hour: float, tokens: float, tokens_per_s: float, slo_tokens_per_s: float
) -> float:
    """The paper's cost efficiency (eq. 2): effective tokens per hour over the task's cost."""
    effective = min(tokens_per_s, slo_tokens_per_s)
    task_usd = paper_usd(usd_per_hour, tokens, tokens_per_s, slo_tokens_per_s)
    return effective * SECONDS_PER_HOUR / task_usd
