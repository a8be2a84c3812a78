"""Prices of GPUs as they are used: plans with fuller VMs, and patterns that lead to them.

At the prices of the bound a GPU costs its share of a VM, as if the rest of the VM were sold.
Here a place charges its whole VMs to the GPUs in use, every workload chooses again, and so
on until nothing changes: places that few workloads would use empty, others fill up.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...models.value import FloatArray
from ..program import IntArray
from .columns import Columns
from .covering import Covering
from .pricing import Priced, price_workloads

MOST_ROUNDS = 12
"""Rounds at most; most fleets settle in five to ten."""

DAMPING = 0.5
"""Share of the way that a price goes to its new value in one round."""

CLOSE = 1e-3
"""Prices that change less than this, relative, have settled."""


def settling(
    covering: Covering,
    columns: Columns,
    vm_price: FloatArray,
    gpu_price: FloatArray,
    workloads: IntArray,
    elsewhere: FloatArray,
) -> Iterator[Priced]:
    """The choices of each round.

    Args:
        vm_price: what a VM costs with its limits, shape [P].
        gpu_price: to start from, shape [P]; no price ever falls below.
        workloads: that choose, ascending, shape [B].
        elsewhere: GPUs that the others use, shape [P].
    """
    price = gpu_price
    for _ in range(MOST_ROUNDS):
        priced = price_workloads(covering, columns, price, workloads)
        yield priced
        used = priced.gpus(covering) + elsewhere
        vms = np.maximum(np.ceil(used / covering.room), covering.owned)
        charged = vm_price * vms / np.maximum(used, 1.0)
        target = np.where(used > 0, np.maximum(charged, gpu_price), price)
        settled = np.abs(target - price) <= CLOSE * np.maximum(price, 1e-30)
        if settled.all():
            return
        price = price + DAMPING * (target - price)
