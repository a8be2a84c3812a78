"""The hardware under one replica, as numbers: one candidate (floats) or many (arrays)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .calibration import FEATURES, Calibration
from .engine import Engine
from .hardware import VMType, known
from .topology import host_rates
from .value import Real

HOST_FIELDS = ("host_memory_bytes", "h2d_bytes_per_s", "d2h_bytes_per_s")
EXCHANGE_FEATURES = ("exchange_s", "exchanges")


@dataclass(frozen=True, slots=True)
class Replica:
    """What g GPUs of a VM offer one replica; every rate is per GPU.

    Attributes:
        n_gpus: tensor-parallel degree g.
        memory_bytes: memory of one GPU (of the slice, for a vGPU).
        flops_per_s: FP16 matrix rate.
        fp8_flops_per_s: FP8 matrix rate; the FP16 rate where the GPU has no FP8.
        memory_bytes_per_s: memory bandwidth.
        host_memory_bytes: the replica's share of host memory: g of the VM's G GPUs.
        h2d_bytes_per_s, d2h_bytes_per_s: host link when every GPU of the VM copies.
        gpu_link_bytes_per_s: GPU to GPU.
        prefill, decode: CTCF coefficients, in the order of `calibration.FEATURES`.
    """

    n_gpus: Real
    memory_bytes: Real
    flops_per_s: Real
    fp8_flops_per_s: Real
    memory_bytes_per_s: Real
    host_memory_bytes: Real
    h2d_bytes_per_s: Real
    d2h_bytes_per_s: Real
    gpu_link_bytes_per_s: Real
    prefill: tuple[Real, ...]
    decode: tuple[Real, ...]

    @classmethod
    def of(cls, vm_type: VMType, n_gpus: int, calibration: Calibration) -> Replica:
        """One replica on `n_gpus` GPUs of `vm_type`.

        A vGPU slice gets its share of memory and of every rate: the guarantee of a
        fixed-share scheduler, and the least it can count on.
        """
        gpu, share = vm_type.gpu, vm_type.gpu_share
        rates = host_rates(vm_type.n_gpus, vm_type.link)
        host_bytes = known(vm_type.host_memory_bytes, vm_type.key)
        return cls(
            n_gpus=float(n_gpus),
            memory_bytes=known(gpu.memory_bytes, gpu.name) * share,
            flops_per_s=known(gpu.flops_per_s, gpu.name) * share,
            fp8_flops_per_s=known(gpu.fp8_flops_per_s or gpu.flops_per_s, gpu.name) * share,
            memory_bytes_per_s=known(gpu.memory_bytes_per_s, gpu.name) * share,
            host_memory_bytes=host_bytes * n_gpus / vm_type.n_gpus,
            h2d_bytes_per_s=rates.h2d_bytes_per_s,
            d2h_bytes_per_s=rates.d2h_bytes_per_s,
            gpu_link_bytes_per_s=known(vm_type.gpu_link_bytes_per_s, vm_type.key),
            prefill=calibration.prefill.as_tuple(),
            decode=calibration.decode.as_tuple(),
        )

    @classmethod
    def unknown(cls, n_gpus: int) -> Replica:
        """GPUs known by name only: without memory, so that nothing is predicted to fit."""
        unit = 1.0
        theta = (unit,) * len(FEATURES)
        rates = (unit,) * 3
        return cls(float(n_gpus), 0.0, *rates, 0.0, unit, unit, unit, theta, theta)

    @classmethod
    def stack(cls, replicas: Sequence[Replica]) -> Replica:
        """Many replicas as one, each field an array of shape [len(replicas)]."""
        columns: dict[str, object] = {}
        for field in fields(cls):
            values = [getattr(replica, field.name) for replica in replicas]
            stacked = np.array(values, dtype=np.float64)
            columns[field.name] = tuple(stacked.T) if stacked.ndim == 2 else stacked
        return cls(**columns)  # type: ignore[arg-type]

    def take(self, index: NDArray[np.int64]) -> Replica:
        """The replicas at `index`, of a stacked one."""
        columns: dict[str, object] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            many = isinstance(value, tuple)
            columns[field.name] = tuple(v[index] for v in value) if many else value[index]
        return Replica(**columns)  # type: ignore[arg-type]

    def alike(self, engine: Engine) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of a stacked one: replicas that an engine cannot tell apart, as kinds.

        Without streaming, host memory and the host link do not matter; on one GPU neither
        do the link between GPUs and the cost of exchange.

        Returns:
            The first replica of each kind, and the kind of each replica.
        """
        parallel = self.n_gpus > 1
        columns: list[Real] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in HOST_FIELDS and engine.streaming == "none":
                continue
            if field.name == "gpu_link_bytes_per_s":
                columns.append(np.where(parallel, value, 0.0))
            elif isinstance(value, tuple):
                columns += [
                    np.where(parallel, theta, 0.0) if feature in EXCHANGE_FEATURES else theta
                    for feature, theta in zip(FEATURES, value, strict=True)
                ]
            else:
                columns.append(value)
        rows = np.stack([np.asarray(column) for column in columns], axis=1)
        _, first, kind = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        return first, kind.reshape(len(rows))
