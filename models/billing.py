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
        boot_s: from the order of a job's VM until it runs software.
        load_bytes_per_s: rate at which weights reach a replica; None: at once.
        idle_tail_s: from a job's last token until its VMs are given back.

    A job pays for all of them; its deadline waits for boot and load, not for the tail.
    The default is per second with a minimum of 60 s (AWS EC2 On-Demand pricing page;
    GCP and Azure bill alike).
    """

    quantum_s: Positive = 1.0
    minimum_s: NonNegative = 60.0
    boot_s: NonNegative = 0.0
    load_bytes_per_s: Positive | None = None
    idle_tail_s: NonNegative = 0.0

    def load_s(self, weight_bytes: float) -> float:
        """Time until a replica has its weights [s].

        >>> Billing(load_bytes_per_s=1e9).load_s(16e9)
        16.0
        """
        return weight_bytes / self.load_bytes_per_s if self.load_bytes_per_s else 0.0

    def ready_s(self, weight_bytes: float) -> float:
        """From the order of a VM to its first request: boot, then load [s]."""
        return self.boot_s + self.load_s(weight_bytes)

    def billed_s(self, run_s: Real) -> Real:
        """Billed time of one VM whose job is done after `run_s` [s], idle tail included.

        >>> float(Billing().billed_s(12.2)), float(Billing().billed_s(61.5))
        (60.0, 62.0)
        >>> float(WHOLE_HOURS.billed_s(3601.0))
        7200.0
        """
        whole = (
            np.ceil((run_s + self.idle_tail_s) / self.quantum_s * (1 - QUANTUM_SLACK))
            * self.quantum_s
        )
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
