"""Plans other than the best: with a VM type that it does not use, or with fewer of one it does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...models.value import FloatArray
from ..program import BoolArray, IntArray, Program
from ..variables import Variables
from .extension import with_binaries, with_row


class Counts:
    """What tells plans apart: VMs of each type over all periods, and the type of each job's VMs.

    Attributes:
        vms: shape [V].
        jobs: VM type of each job.
    """

    def __init__(self, variables: Variables, values: FloatArray) -> None:
        market = variables.estate.market
        kinds = range(len(market.vm_types))
        self.vms = [
            float(np.rint(values[vm_columns(variables, market.type_of == v)]).sum()) for v in kinds
        ]
        self.jobs = [
            int(market.type_of[job.place[int(np.argmax(values[job.chosen]))]])
            for job in variables.jobs
        ]


def replica_columns(variables: Variables, places: BoolArray) -> IntArray:
    """Columns of replicas, and of a job's orders, at these places, shape [P]."""
    found = [s.replicas[places[s.service.place]] for s in variables.services]
    found += [job.chosen[places[job.place]] for job in variables.jobs]
    found += [c[places[s.shifts.place]] for s in variables.shifts for c in s.replicas]
    return np.unique(np.concatenate([np.zeros(0, np.int64), *found]))


def vm_columns(variables: Variables, places: BoolArray) -> IntArray:
    """Columns of VMs at these places, shape [P]."""
    found = [columns[places & (columns >= 0)] for columns in variables.vms]
    return np.unique(np.concatenate([np.zeros(0, np.int64), *found]))


def using(program: Program, variables: Variables, places: BoolArray) -> Program | None:
    """The program in which something must stand at one of these places; None where nothing can."""
    columns = replica_columns(variables, places)
    if not columns.size:
        return None
    return with_row(program, columns, np.ones(len(columns)), lower=1.0)


def unlike(program: Program, variables: Variables, before: Sequence[Counts]) -> Program:
    r"""The program whose plans do with fewer VMs of some type than each plan before.

    A plan that only adds to an earlier one is no alternative to it. With y_v the VMs of type v,
    counted over periods, and $\bar y$ those of an earlier plan, binaries a choose the type:

    $$ y_v + (M_v - \bar y_v + 1)\,a_v \le M_v, \qquad
       \sum_v a_v + \sum_j (1 - z_j) \ge 1 $$

    z_j says that job j runs on the VM type that it ran on.
    """
    market = variables.estate.market
    for earlier in before:
        used = [v for v in range(len(market.vm_types)) if earlier.vms[v] > 0]
        program, fewer = with_binaries(program, len(used))
        for a, v in zip(fewer.tolist(), used, strict=True):
            columns = vm_columns(variables, market.type_of == v)
            most = float(program.upper[columns].sum())
            weight = most - earlier.vms[v] + 1.0
            entries = np.append(np.ones(len(columns)), weight) / most
            program = with_row(program, np.append(columns, a), entries, upper=1.0)
        same = [
            job.chosen[market.type_of[job.place] == v]
            for job, v in zip(variables.jobs, earlier.jobs, strict=True)
        ]
        columns = np.concatenate([fewer, *same])
        values = np.concatenate([np.ones(len(fewer)), *(-np.ones(len(z)) for z in same)])
        program = with_row(program, columns, values, lower=1.0 - len(same))
    return program
