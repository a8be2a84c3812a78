"""Every way to cut a VM type into replicas, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..models.calibration import Calibration
from ..models.hardware import Offer, VMType
from ..models.replica import Replica
from ..models.value import FloatArray, Mask
from ..models.workload import Workload
from .program import IntArray


@dataclass(frozen=True, slots=True)
class Machines:
    """(VM type, GPUs per replica) pairs, shape [K], under one engine.

    Attributes:
        vm_types: each VM type once, in the order the offers name them.
        type_of: index into `vm_types`, shape [K].
        n_gpus: tensor-parallel degree g, shape [K].
        keys: VM type key of each pair, K of them.
        gpus_per_vm: GPUs of the VM, shape [K].
        replica: the hardware, every field of shape [K].
    """

    vm_types: tuple[VMType, ...]
    type_of: IntArray
    n_gpus: IntArray
    keys: tuple[str, ...]
    gpus_per_vm: IntArray
    replica: Replica

    def take(self, pair: IntArray) -> Machines:
        """The pairs at these places, in this order; one may come more than once."""
        return Machines(
            vm_types=self.vm_types,
            type_of=self.type_of[pair],
            n_gpus=self.n_gpus[pair],
            keys=tuple(self.keys[k] for k in pair),
            gpus_per_vm=self.gpus_per_vm[pair],
            replica=self.replica.take(pair),
        )

    @property
    def vm_part(self) -> FloatArray:
        """Part of a VM that one replica takes, shape [K]."""
        return np.asarray(self.n_gpus / self.gpus_per_vm)

    @property
    def replicas_per_vm(self) -> IntArray:
        """Replicas that fit one VM, shape [K]."""
        return self.gpus_per_vm // self.n_gpus


def parallel_degrees(n_gpus: int) -> tuple[int, ...]:
    """Tensor-parallel degrees offered on a VM: powers of two that divide G, and G.

    Each degree divides the next and all divide G, so replicas that fill a VM's GPUs in
    number can always be placed without one crossing a VM.

    >>> parallel_degrees(8), parallel_degrees(10), parallel_degrees(1)
    ((1, 2, 4, 8), (1, 2, 10), (1,))
    """
    degrees = [1]
    while n_gpus % (degrees[-1] * 2) == 0:
        degrees.append(degrees[-1] * 2)
    return tuple(degrees) if degrees[-1] == n_gpus else (*degrees, n_gpus)


def enumerate_machines(
    offers: Sequence[Offer], calibration_of: Callable[[str, int], Calibration]
) -> Machines:
    """All pairs of the offers' VM types; nothing fits one that has no specification.

    Args:
        offers: what may be rented.
        calibration_of: by GPU and GPUs per replica.
    """
    vm_types = tuple({offer.vm_type.key: offer.vm_type for offer in offers}.values())
    pairs = [(i, g) for i, v in enumerate(vm_types) for g in parallel_degrees(v.n_gpus)]
    replicas = [
        Replica.of(v, g, calibration_of(v.gpu.name, g)) if v.specified else Replica.unknown(g)
        for v, g in ((vm_types[i], g) for i, g in pairs)
    ]
    type_of = np.array([i for i, _ in pairs], dtype=np.int64)
    return Machines(
        vm_types=vm_types,
        type_of=type_of,
        n_gpus=np.array([g for _, g in pairs], dtype=np.int64),
        keys=tuple(vm_types[i].key for i, _ in pairs),
        gpus_per_vm=np.array([v.n_gpus for v in vm_types], dtype=np.int64)[type_of],
        replica=Replica.stack(replicas),
    )


def allowed_degrees(workload: Workload, machines: Machines) -> Mask:
    """Pairs over whose GPUs the LLM splits and that the workload permits, shape [K]."""
    return allowed_gpus(workload, machines.n_gpus)


def allowed_gpus(workload: Workload, n_gpus: IntArray) -> Mask:
    """Numbers of GPUs over which the LLM splits and that the workload permits."""
    degrees, place = np.unique(n_gpus, return_inverse=True)
    permitted = workload.gpus_per_replica
    each = [
        workload.architecture.splits_over(g) and (permitted is None or g in permitted)
        for g in degrees.tolist()
    ]
    return np.array(each, bool)[place.reshape(n_gpus.shape)]
