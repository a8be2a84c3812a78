"""Machines as they are rented: GPU, VMType, Offer. Facts only, no speed of any LLM."""

from __future__ import annotations

from typing import Literal, Self, TypeVar

from pydantic import Field, model_validator

from .outcome import ProblemError
from .value import Count, Name, NonNegative, Positive, Share, Value, WholeNumber

PurchaseOption = Literal["on_demand", "spot", "reserved"]
"""`spot` may be taken away at any time; `reserved` is paid for every hour of the horizon."""


Fact = TypeVar("Fact")


def known(fact: Fact | None, name: str) -> Fact:
    """A fact that the performance model needs.

    Raises:
        ProblemError: it is not stated.
    """
    if fact is None:
        rule = "has no specification: only measured throughput can be planned on it"
        raise ProblemError("offers", name, rule)
    return fact


class GPU(Value):
    """One accelerator.

    Rates are dense: no 2:4 sparsity, a multiply-add counted as two operations. A GPU known
    by name only can be planned on measured throughput, not on the performance model.

    Attributes:
        memory_bytes: memory the driver reports, HBM or GDDR.
        flops_per_s: FP16/BF16 matrix rate with FP32 accumulation [FLOP/s].
        fp8_flops_per_s: FP8 matrix rate [FLOP/s]; None where the GPU has none.
        memory_bytes_per_s: memory bandwidth [bytes/s].
        source: where the figures come from.
    """

    name: Name
    memory_bytes: Positive | None = None
    flops_per_s: Positive | None = None
    fp8_flops_per_s: Positive | None = None
    memory_bytes_per_s: Positive | None = None
    source: str = ""


class HostLink(Value):
    """The paths between the GPUs of a VM and its host memory: a tree.

    Every GPU has a link of its own; `gpus_per_uplink` of them share an uplink.
    `topology.host_rates` turns it into what each GPU gets when all copy at once.

    Attributes:
        h2d_bytes_per_s: host to one GPU that copies alone [bytes/s].
        d2h_bytes_per_s: one GPU that copies alone to the host [bytes/s].
        gpus_per_uplink: GPUs behind one shared path.
        uplink_h2d_bytes_per_s: what that path carries to the GPUs [bytes/s].
        uplink_d2h_bytes_per_s: what it carries to the host [bytes/s].
        basis: measured, estimated (and how), or assumed.
    """

    h2d_bytes_per_s: Positive
    d2h_bytes_per_s: Positive
    gpus_per_uplink: Count = 1
    uplink_h2d_bytes_per_s: Positive
    uplink_d2h_bytes_per_s: Positive
    basis: str = ""


class VMType(Value):
    """A machine one can rent.

    Attributes:
        provider: cloud, such as `aws`.
        name: the provider's own name, such as `g6.xlarge`.
        family: group that shares a quota, such as `g6`.
        n_gpus: whole GPUs, or 1 for a slice of one.
        gpu_share: the part of each GPU that belongs to the VM; below 1 for vGPU slices,
            whose memory and rates are taken in proportion.
        host_memory_bytes: host memory [bytes].
        host_link: paths between host and GPUs.
        gpu_link_bytes_per_s: GPU to GPU, per direction and GPU [bytes/s]: NVLink, else
            PCIe peer copies, else through the host.
        source: where the figures come from.
    """

    provider: Name
    name: Name
    family: Name
    gpu: GPU
    n_gpus: Count
    gpu_share: Share = 1.0
    vcpus: Count | None = None
    host_memory_bytes: NonNegative | None = None
    host_link: HostLink | None = None
    gpu_link_bytes_per_s: Positive | None = None
    source: str = ""

    @property
    def specified(self) -> bool:
        """Whether the performance model has the facts it needs."""
        facts = (self.gpu.memory_bytes, self.host_link, self.gpu_link_bytes_per_s)
        return None not in facts

    @property
    def link(self) -> HostLink:
        """The paths to the host of a VM type whose specification is known.

        Raises:
            ProblemError: it is not.
        """
        return known(self.host_link, self.key)

    @property
    def key(self) -> str:
        """`provider:name`, unique in a catalogue."""
        return f"{self.provider}:{self.name}"


class Offer(Value):
    """A VM type at a price.

    Attributes:
        usd_per_hour: price of the whole VM [USD/h], before tax and discounts.
        owned: VMs already committed to: paid for whether used or not, only when reserved.
        date: when the price was read.
    """

    vm_type: VMType
    region: Name
    purchase: PurchaseOption = "on_demand"
    usd_per_hour: Positive = Field(description="price of the whole VM, USD per hour")
    owned: WholeNumber = 0
    source: str = ""
    date: str = ""

    @model_validator(mode="after")
    def _owned_is_reserved(self) -> Self:
        if self.owned and self.purchase != "reserved":
            raise ProblemError("owned", self.owned, "only a reserved offer has VMs owned already")
        return self

    @property
    def key(self) -> str:
        """`provider:name@region/purchase`, unique in a catalogue."""
        return f"{self.vm_type.key}@{self.region}/{self.purchase}"
