"""The definition of carrying a demand: shares of it and offload schedules as decisions."""

from __future__ import annotations

import numpy as np

from ..models.outcome import ProblemError
from .builder import ProgramBuilder
from .candidates import Stream
from .constraints import route_demand
from .layers import Layers, add_form, add_layers
from .program import IntArray
from .services import Service
from .variables import Estate


def require_definable(estate: Estate) -> None:
    """Refuse what the per-layer form does not say.

    Raises:
        ProblemError: names the field.
    """
    rule = "the form `layers` does not cover it; use `candidates`"
    if estate.problem.horizon is not None:
        raise ProblemError("horizon", None, rule)
    for service in estate.services:
        if service.classes[0].stream is None:
            raise ProblemError("measured", service.demand.name, rule)
        if len(service.scenarios) > 1:
            raise ProblemError("survive, max_spot_share", service.demand.name, rule)


def carry_layers(
    builder: ProgramBuilder, service: Service, replicas: IntArray
) -> tuple[IntArray, ...]:
    """Every class is routed to candidates whose schedules are columns.

    Returns:
        By class, the column of its share of each item's candidate, shape [J]; -1 where none. Items
        that differ only in their place have one in common.
    """
    pair, of_item = np.unique(service.pair, return_inverse=True)

    def hold() -> IntArray:
        """Rows that keep what is added to them within the replicas of each pair."""
        rows = builder.rows(len(pair), upper=0.0)
        builder.entries(rows[of_item], replicas, -1.0)
        return rows

    # Classes with a rate share replicas; without one each asks for a replica as a whole.
    rate = service.demand.requests_per_s
    shared = None if rate is None else hold()
    shares = []
    for served in service.classes:
        assert served.stream is not None, "refused before"
        able = np.flatnonzero(served.capacity[pair] > 0)
        layers = add_layers(builder, served.stream, pair[able])
        route_demand(builder, layers)
        kept = builder.columns(len(able))  # replicas' worth kept for the class
        builder.entries((hold() if shared is None else shared)[able], kept, 1.0)
        fill_replicas(builder, served.stream, layers, kept, cut=len(service.classes) == 1)
        columns = np.full(len(pair), -1)
        columns[able] = layers.share
        shares.append(columns[of_item])
    return tuple(shares)


def fill_replicas(
    builder: ProgramBuilder, stream: Stream, layers: Layers, replicas: IntArray, cut: bool
) -> None:
    """Replicas carry what is routed to them: demand * work' <= utilisation * x.

    Divided by the demand one replica carries under the candidate's own schedule; where it
    could carry more than all, `cut` says it carries all: exact for whole replicas.
    """
    pair = layers.pair
    rows = builder.rows(len(pair), upper=0.0)
    if stream.requests_per_s is None:
        builder.entries(rows, layers.share, 1.0)
        builder.entries(rows, replicas, -1.0)
        return
    part = stream.carried(np.ones(stream.holds.shape))[pair] / stream.requests_per_s
    part = np.minimum(part, 1.0) if cut else part
    scale = 1.0 / np.maximum(part, 1.0)
    add_form(builder, rows, stream.trial.forms.work, layers, scale / stream.busy_s[pair])
    builder.entries(rows, replicas, -part * scale)
