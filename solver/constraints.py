"""The rows of the program, one constraint a function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..models.value import FloatArray
from .builder import ProgramBuilder
from .candidates import Stream
from .layers import Layers, add_form
from .program import IntArray
from .variables import ServiceColumns


def cover_demand(builder: ProgramBuilder, replicas: IntArray, coverage: FloatArray) -> None:
    """Replicas carry all demand of a service: sum_k a_k x_k >= 1."""
    row = builder.rows(1, lower=1.0)
    builder.entries(row, replicas, coverage)


def route_demand(builder: ProgramBuilder, layers: Layers) -> None:
    """All demand is routed: sum_k y_k = 1."""
    row = builder.rows(1, lower=1.0, upper=1.0)
    builder.entries(row, layers.share, 1.0)


def fill_replicas(
    builder: ProgramBuilder, stream: Stream, layers: Layers, replicas: IntArray
) -> None:
    """Replicas carry what is routed to them: demand * work' <= utilisation * x.

    Divided by the demand one replica carries under the candidate's own schedule. A
    replica that could carry more than all carries all: exact, since x is integer.
    """
    pair = layers.pair
    rows = builder.rows(len(pair), upper=0.0)
    if stream.requests_per_s is None:
        builder.entries(rows, layers.share, 1.0)
    else:
        add_form(builder, rows, stream.trial.forms.work, layers, 1.0 / stream.work_s[pair])
    builder.entries(rows, replicas, -stream.coverage()[pair])


def fit_gpus(
    builder: ProgramBuilder, services: Sequence[ServiceColumns], vms: dict[str, int]
) -> None:
    """Replicas of all services fit the VMs rented: sum (g_k / G_v) x_k <= n_v per VM type."""
    keys = {key: row for row, key in enumerate(vms)}
    rows = builder.rows(len(vms), upper=0.0)
    for service in services:
        machines = service.stream.machines
        names = machines.keys
        row = rows[[keys[names[k]] for k in service.pair]]
        builder.entries(row, service.replicas, machines.vm_part[service.pair])
    builder.entries(rows, np.array(list(vms.values()), dtype=np.int64), -1.0)


def pick_order(builder: ProgramBuilder, usd_per_hour: FloatArray) -> IntArray:
    """A job places exactly one of its orders: sum_j z_j = 1."""
    chosen = builder.columns(len(usd_per_hour), cost=usd_per_hour, upper=1.0, integer=True)
    row = builder.rows(1, lower=1.0, upper=1.0)
    builder.entries(row, chosen, 1.0)
    return chosen
