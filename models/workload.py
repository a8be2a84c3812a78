"""What is asked: demand, its requests, and the SLOs they must meet."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose
from typing import Annotated, Self

from pydantic import Field, model_validator

from .architecture import Architecture
from .billing import SECONDS_PER_HOUR
from .calibration import Confidence
from .engine import ENGINES, EngineName
from .hardware import Offer
from .limits import Selection, Survival
from .outcome import ProblemError
from .precision import KVPrecisionName, PrecisionName
from .value import Count, Fraction, Name, NonNegative, Positive, Share, Value

SHARE_TOLERANCE = 1e-9
"""Shares typed in decimal must add up to 1 within this."""


Percentile = Annotated[float, Field(ge=0.5, lt=1, strict=True)]

BOUNDS = ("tokens_per_s", "ttft_s", "tpot_s", "e2e_s")
"""The fields of an SLO that bound a metric."""

GPUCounts = Annotated[tuple[Count, ...], Field(min_length=1)]
Profile = Annotated[tuple[NonNegative, ...], Field(min_length=1)]


class RequestClass(Value):
    """Requests of one size.

    Attributes:
        input_tokens: mean prompt length I [tokens].
        output_tokens: mean answer length O [tokens].
        share: part of the workload's requests.
    """

    input_tokens: Count
    output_tokens: Count
    share: Share = 1.0

    @property
    def total_tokens(self) -> int:
        """Tokens in the context when the answer is complete."""
        return self.input_tokens + self.output_tokens


class SLO(Value):
    """Bounds on one replica's service; an absent one does not bind.

    Attributes:
        tokens_per_s: least throughput, input tokens counted (the paper's eq. 1).
        ttft_s: greatest time to first token.
        tpot_s: greatest time per output token after the first.
        e2e_s: greatest time from request to last token.
        percentile: part of the requests that the bounds on time hold for when requests arrive at
            random (`queueing.py`); None: they are taken not to queue.
        confidence: probability with which the predicted times hold; None: as the problem says.
    """

    tokens_per_s: Positive | None = None
    ttft_s: Positive | None = None
    tpot_s: Positive | None = None
    e2e_s: Positive | None = None
    percentile: Percentile | None = None
    confidence: Confidence | None = None

    def bounds(self) -> Iterator[tuple[str, float]]:
        """Those that bind, by field."""
        for name in BOUNDS:
            value = getattr(self, name)
            if value is not None:
                yield name, value


class Job(Value):
    """A fixed number of requests, done by a deadline [s] after the start."""

    requests: Count
    deadline_s: Positive

    @property
    def deadline_h(self) -> float:
        """The deadline in hours, over which a job's bill is spread beside services."""
        return self.deadline_s / SECONDS_PER_HOUR


class Demand(Value):
    """What every workload says: how much is asked, where it may run, what it must survive.

    Attributes:
        requests_per_s: mean arrivals of a service; the peak of `profile` is relative to it.
        profile: arrivals in each period of the horizon, as multiples of `requests_per_s`.
        target_utilization: part of a replica's capacity that mean demand may use; the
            rest is headroom for bursts, which mean rates do not see.
        allow: every field given must name the offer.
        forbid: no field given may name it.
        max_vm_types: most VM types its replicas are spread over.
        max_spot_share: part of the demand that may depend on spot VMs: without all of
            them, the rest of its replicas carries what is beyond. Below 1 a job keeps off
            spot, which may take it away at any time.
        survive: what the loss of a VM or a zone must leave.
    """

    name: Name
    requests_per_s: Positive | None = None
    profile: Profile | None = None
    target_utilization: Share = 0.8
    allow: Selection = Selection()
    forbid: Selection = Selection()
    max_vm_types: Count | None = None
    max_spot_share: Fraction = 1.0
    survive: Survival = Survival()

    @property
    def restricted(self) -> bool:
        """Whether it may not run everywhere."""
        return bool(self.allow.given() or self.forbid.given())

    def permits(self, offer: Offer) -> bool:
        """Whether it may run there."""
        return self.allow.matches(offer) and not self.forbid.names_any(offer)

    @model_validator(mode="after")
    def _some_demand(self) -> Self:
        if self.profile is not None and not any(self.profile):
            raise ProblemError("profile", 0, "must be positive in at least one period")
        return self

    @model_validator(mode="after")
    def _only_services_spread(self) -> Self:
        if self.requests_per_s is not None:
            return self
        demands = {
            "profile": self.profile,
            "survive.vm": self.survive.vm,
            "survive.zone": self.survive.zone,
        }
        for field, value in demands.items():
            if value is not None:
                raise ProblemError(field, value, "needs requests_per_s")
        return self

    def rate_in(self, period: int) -> float | None:
        """Mean arrivals in a period [requests/s]; None where the workload states no rate."""
        if self.requests_per_s is None or self.profile is None:
            return self.requests_per_s
        return self.requests_per_s * self.profile[period]


class Workload(Demand):
    """Demand for one LLM, with its SLOs.

    `requests_per_s` makes it a service, `job` a batch of work; with neither, one replica
    that holds the SLOs is asked for, the paper's question. Request classes may be served by
    different deployments, and share the replicas of one.

    Attributes:
        batch: sequences in one batch, when the user fixes it; otherwise a decision.
        max_batch: most sequences the engine is to hold; None means the engine's limit.
        offload: whether KV cache may live in host memory (engines that stream it only).
        precision: of the weights; None means the one they are published in.
        gpus_per_replica: allowed tensor-parallel degrees; None means any that fits.
    """

    architecture: Architecture
    engine: EngineName = "continuous"
    job: Job | None = None
    requests: tuple[RequestClass, ...] = Field(min_length=1)
    slo: SLO = SLO()
    batch: Count | None = None
    max_batch: Count | None = None
    offload: bool = True
    precision: PrecisionName | None = None
    kv_precision: KVPrecisionName = "fp16"
    gpus_per_replica: GPUCounts | None = None

    @property
    def weight_precision(self) -> PrecisionName:
        """Precision of the weights: as asked, else as published."""
        return self.precision or self.architecture.native_precision

    @property
    def longest_tokens(self) -> int:
        """Tokens in the context of the longest requests, when the answer is complete."""
        return max(request.total_tokens for request in self.requests)

    @property
    def may_offload(self) -> bool:
        """Whether KV cache may live in host memory: the engine can, the user permits."""
        return self.offload and ENGINES[self.engine].streaming != "none"

    def job_requests(self, index: int) -> int:
        """Requests of the job in one class: shares of the whole, none lost to rounding.

        Each class gets its share rounded down, and at least 1; the rest goes to the largest
        remainders.

        Raises:
            ValueError: the workload is no job.
        """
        if self.job is None:
            raise ValueError(f"{self.name} is no job")
        exact = [self.job.requests * request.share for request in self.requests]
        counts = [int(value) for value in exact]
        by_remainder = sorted(range(len(exact)), key=lambda i: (counts[i] - exact[i], i))
        for i in by_remainder[: self.job.requests - sum(counts)]:
            counts[i] += 1
        return max(1, counts[index])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.requests_per_s is not None and self.job is not None:
            raise ProblemError("job", None, "give requests_per_s (a service) or job, not both")
        if self.batch is not None and self.max_batch is not None and self.batch > self.max_batch:
            raise ProblemError("batch", self.batch, f"must be at most max_batch, {self.max_batch}")
        if self.job is not None and self.job.requests < len(self.requests):
            rule = f"must be at least one per request class, {len(self.requests)}"
            raise ProblemError("job.requests", self.job.requests, rule)
        if self.slo.percentile is not None and self.requests_per_s is None:
            raise ProblemError("slo.percentile", self.slo.percentile, "needs requests_per_s")
        if self.slo.percentile is not None and not ENGINES[self.engine].continuous:
            rule = "needs engine continuous: static batches start and end together"
            raise ProblemError("slo.percentile", self.slo.percentile, rule)
        if self.job is not None and self.max_vm_types is not None:
            raise ProblemError("max_vm_types", self.max_vm_types, "a job runs on one VM type")
        if self.survive.vm is not None and len(self.requests) > 1:
            rule = "is planned for workloads with one request class"
            raise ProblemError("survive.vm", self.survive.vm, rule)
        total = sum(request.share for request in self.requests)
        if not isclose(total, 1.0, abs_tol=SHARE_TOLERANCE):
            raise ProblemError("requests", total, "shares must add up to 1")
        limit = self.architecture.max_context_tokens
        if limit is not None and self.longest_tokens > limit:
            raise ProblemError(
                "requests",
                self.longest_tokens,
                f"input_tokens + output_tokens must be at most {limit}, "
                f"the longest context of {self.architecture.name}",
            )
        return self
