"""Demand planned on measured throughput instead of the performance model."""

from __future__ import annotations

from math import isclose
from typing import Annotated, Self

from pydantic import Field, model_validator

from .outcome import ProblemError
from .value import Count, Name, NonNegative, Share, Value
from .workload import SHARE_TOLERANCE, Demand


class Throughput(Value):
    """What one replica was measured to carry within the SLO, by request class.

    Attributes:
        vm_type: such as `g6.xlarge`, or with the provider, `aws:g6.xlarge`.
        n_gpus: GPUs of the replica.
        requests_per_s: most requests/s of each class alone; 0 where it cannot serve one.
    """

    vm_type: Name
    n_gpus: Count = 1
    requests_per_s: Annotated[tuple[NonNegative, ...], Field(min_length=1)]


class MeasuredWorkload(Demand):
    """Demand for a service whose throughput was measured, as Melange plans it.

    Classes share a replica in proportion: one that is busy a part f with a class carries f
    of what it would carry of that class alone (arXiv:2404.14527, section 5.2).

    Attributes:
        shares: part of the requests in each class.
        throughput: one entry per VM type and number of GPUs.
    """

    shares: Annotated[tuple[Share, ...], Field(min_length=1)] = (1.0,)
    throughput: Annotated[tuple[Throughput, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _tables_fit(self) -> Self:
        if self.requests_per_s is None:
            raise ProblemError("requests_per_s", None, "is required with measured throughput")
        if not isclose(sum(self.shares), 1.0, abs_tol=SHARE_TOLERANCE):
            raise ProblemError("shares", sum(self.shares), "must add up to 1")
        if self.survive.vm is not None and len(self.shares) > 1:
            rule = "is planned for workloads with one request class"
            raise ProblemError("survive.vm", self.survive.vm, rule)
        seen: set[tuple[str, int]] = set()
        for index, entry in enumerate(self.throughput):
            field = f"throughput[{index}]"
            if len(entry.requests_per_s) != len(self.shares):
                rule = f"must have one number per request class, {len(self.shares)}"
                raise ProblemError(f"{field}.requests_per_s", len(entry.requests_per_s), rule)
            # `x` is every provider's x, so it may not stand beside `cloud:x`.
            bare = entry.vm_type.rpartition(":")[2]
            clash = {entry.vm_type, bare} if bare != entry.vm_type else {bare}
            others = {name for name, gpus in seen if gpus == entry.n_gpus}
            tails = {name.rpartition(":")[2] for name in others}
            if clash & others or (entry.vm_type == bare and bare in tails):
                raise ProblemError(field, entry.vm_type, "is given twice for as many GPUs")
            seen.add((entry.vm_type, entry.n_gpus))
        return self
