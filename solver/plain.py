"""The covering problem as one plain mixed-integer program: small problems, and the oracle.

It has a column for each item and each place, and the rows at the top of `covering.py`, each
divided by its own size: demands are shares already, GPUs are counted in VMs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..models.value import FloatArray
from .builder import ProgramBuilder
from .covering import Covering
from .program import INTEGER_LIMIT, BoolArray, IntArray, Program

MONEY_BITS = 10
"""Money is scaled so that a plan costs about 2^10."""


def plain_program(covering: Covering, cost: float | None = None) -> Program:
    """The program: columns x of every item, then n of every place.

    Args:
        cost: of some plan, for the scale of the money; the dearest VM's if none is known.
    """
    builder = ProgramBuilder()
    largest = cost or float(covering.price.max(initial=0.0)) or 1.0
    scale = float(2.0 ** (MONEY_BITS - np.ceil(np.log2(largest))))
    replicas = builder.columns(len(covering.part), upper=most_replicas(covering), integer=True)
    vms = builder.columns(
        covering.n_places,
        cost=scale * covering.price,
        lower=covering.owned.astype(float),
        upper=np.minimum(covering.most, INTEGER_LIMIT).astype(float),
        integer=True,
    )
    everywhere = np.ones(covering.n_places, bool)
    _add_share(builder, covering, replicas, np.ones(covering.n_workloads), everywhere)
    _add_share(builder, covering, replicas, covering.firm, ~covering.spot)
    if (covering.left > 0).any():
        for zone in range(covering.n_zones):
            _add_share(builder, covering, replicas, covering.left, covering.zone != zone)
    fit = builder.rows(covering.n_places, upper=0.0)
    taken = covering.n_gpus / covering.room[covering.place]
    builder.entries(fit[covering.place], replicas, taken)
    builder.entries(fit, vms, -1.0)
    _add_limits(builder, covering, vms)
    return replace(builder.build(), usd_scale=scale)


def most_replicas(covering: Covering) -> FloatArray:
    """As many replicas of an item as can be of use, shape [N]: each need met by it alone."""
    most = np.maximum(1.0, np.maximum(covering.firm, covering.left))
    zoned = covering.left[covering.workload] > 0
    # Two zones may each have to carry all that is left when the other is lost.
    return np.ceil(most[covering.workload] / covering.part) * np.where(zoned, 2.0, 1.0)


def _add_share(
    builder: ProgramBuilder,
    covering: Covering,
    replicas: IntArray,
    share: FloatArray,
    helps: BoolArray,
) -> None:
    """Replicas on the places that help carry at least a share of each demand.

    Divided by the share, and parts cut at it: exact, since replicas are whole.
    """
    asked = np.flatnonzero(share > 0)
    row = np.full(covering.n_workloads, -1)
    row[asked] = builder.rows(len(asked), lower=1.0)
    w = covering.workload
    item = np.flatnonzero(helps[covering.place] & (row[w] >= 0))
    part = np.minimum(covering.part[item] / share[w[item]], 1.0)
    builder.entries(row[w[item]], replicas[item], part)


def _add_limits(builder: ProgramBuilder, covering: Covering, vms: IntArray) -> None:
    """The limits, each divided by its largest weight."""
    used = covering.weight.max(axis=1, initial=0.0) > 0
    weight, limit = covering.weight[used], covering.limit[used]
    unit = weight.max(axis=1, initial=0.0)
    rows = builder.rows(len(limit), upper=limit / unit)
    builder.entries(rows[:, None], vms[None, :], weight / unit[:, None])
