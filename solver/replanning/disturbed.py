r"""The program that also pays for changes to a running fleet.

For each spot s, a (VM type, GPUs) pair in one place, with $r_s$ replicas running and $X_s$ asked,

$$ X_s - u_s + d_s = r_s, \qquad \sum_s u_s = m_w + a_w, \qquad \sum_s d_s + h_w = m_w + b_w $$

u more and d fewer there, $h_w$ where a replica may no longer be. Of what starts and what stops, as
many as pair up have moved: $m_w$; $a_w$ started and $b_w$ stopped. They cost what a
`Disturbance` says, spread over its hours, and $\sum_w m_w + a_w + b_w$ may be capped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...models.disturbance import Disturbance
from ...models.value import FloatArray
from ..backends.finish import FEASIBILITY
from ..backends.running import run
from ..builder import ProgramBuilder
from ..caps import add_limits
from ..constraints import keep_within
from ..current import Atlas, Current, Standing
from ..decision import Decision, Placed, read_decision
from ..formulation import add_demand, scaled
from ..lifting import Lifting
from ..program import INTEGER_LIMIT, IntArray, Program, SolveOptions
from ..variables import Estate, ServiceColumns, Variables
from .balance import rebalanced


@dataclass(frozen=True, slots=True)
class Changes:
    """The columns that count what changes of one service.

    Attributes:
        more, fewer: u and d of the spots on which something runs.
        kinds: m, a and b.
    """

    columns: ServiceColumns
    standing: Standing
    more: IntArray
    fewer: IntArray
    kinds: IntArray


def least_disturbed(
    estate: Estate,
    current: Current,
    disturbance: Disturbance,
    most_changes: int | None,
    known: Sequence[Decision],
    backend: str,
    options: SolveOptions,
) -> Decision | None:
    """The fleet found that costs least together with the changes to it; None where none was found.

    Args:
        most_changes: the cap, over the workloads of the estate.
        known: plans of the estate to start from.
    """
    builder = ProgramBuilder()
    variables = add_demand(builder, estate)
    add_limits(builder, variables)
    atlas = Atlas(current, estate.market)
    changes = [
        _add_changes(builder, one, atlas.standing(one.service), disturbance)
        for one in variables.services
    ]
    if most_changes is not None:
        every = np.concatenate([one.kinds for one in changes])
        terms = [(every, np.ones(len(every)))]
        keep_within(builder, float(most_changes), terms, float(max(most_changes, 1)))
    program = _as_it_runs(builder.build(), variables, changes, current)
    points = [_point(program, variables, changes, decision) for decision in known]
    fits = [point for point in points if program.violation(point) <= FEASIBILITY]
    best = min(fits or points, key=lambda point: float(program.cost @ point))
    program = scaled(program, variables, best)
    answer = run(backend, program, options)
    if answer.values is None:
        return None
    decision = read_decision(variables, answer.values, trim=False)
    services = tuple(rebalanced(one, backend, options) for one in decision.services)
    return replace(decision, services=services, current=current)


def _add_changes(
    builder: ProgramBuilder, columns: ServiceColumns, standing: Standing, cost: Disturbance
) -> Changes:
    """The columns and rows above of one service."""
    running = standing.replicas.astype(float)
    block = columns.service.block.astype(float)
    more = builder.columns(len(running), upper=INTEGER_LIMIT)
    fewer = builder.columns(len(running), upper=running)
    each_usd = np.array([cost.of_move_usd, cost.start_usd, cost.stop_usd]) / cost.hours
    kinds = builder.columns(3, cost=each_usd, upper=INTEGER_LIMIT)
    rows = builder.rows(len(running), lower=running, upper=running)
    builder.entries(rows, more, -1.0)
    builder.entries(rows, fewer, 1.0)
    there = standing.spot >= 0
    builder.entries(rows[standing.spot[there]], columns.replicas[there], block[there])
    started = builder.rows(1, lower=0.0, upper=0.0)
    builder.entries(started, more, 1.0)
    builder.entries(started, columns.replicas[~there], block[~there])
    builder.entries(started, kinds[[0, 1]], -1.0)
    homeless = -float(standing.homeless)
    stopped = builder.rows(1, lower=homeless, upper=homeless)
    builder.entries(stopped, fewer, 1.0)
    builder.entries(stopped, kinds[[0, 2]], -1.0)
    return Changes(columns, standing, more, fewer, kinds)


def _as_it_runs(
    program: Program, variables: Variables, changes: Sequence[Changes], current: Current
) -> Program:
    """The program that admits the running fleet, which may be larger than any new plan."""
    upper = program.upper.copy()
    for one in changes:
        replicas = one.columns.replicas
        upper[replicas] = np.maximum(upper[replicas], one.standing.blocks)
    (vms,) = variables.vms
    for p, place in enumerate(variables.estate.market.places):
        if vms[p] >= 0:
            upper[vms[p]] = max(upper[vms[p]], len(current.rooms.get(place.key, ())))
    return replace(program, upper=upper)


def _point(
    program: Program, variables: Variables, changes: Sequence[Changes], decision: Decision
) -> FloatArray:
    """A decision as a point of the program, shape [n]."""
    values = np.zeros(program.n_columns)
    placed = {p.service.demand.name: p for p in decision.services}
    for columns in variables.services:
        mine = placed.get(columns.service.demand.name)
        if mine is not None:
            at = _items_in(columns, mine)
            values[columns.replicas[at]] = mine.count
            for y, routed in zip(columns.routed, mine.routed, strict=True):
                values[y[at]] = routed
    (vms,) = variables.vms
    used = vms >= 0
    values[vms[used]] = decision.vms[0][used]
    chosen = {id(orders): (j, place) for orders, j, place in decision.jobs}
    for job in variables.jobs:
        j, place = chosen[id(job.orders)]
        values[job.chosen[(job.order == j) & (job.place == place)]] = 1.0
    values = Lifting(program).raised(values)
    for one in changes:
        _count(values, one)
    return values


def _items_in(columns: ServiceColumns, placed: Placed) -> IntArray:
    """The items of a decision among those of the program, which may be fewer."""
    mine, theirs = columns.service, placed.service
    keys = {
        key: i
        for i, key in enumerate(
            zip(mine.pair.tolist(), mine.place.tolist(), mine.block.tolist(), strict=True)
        )
    }
    return np.array(
        [
            keys[int(theirs.pair[i]), int(theirs.place[i]), int(theirs.block[i])]
            for i in placed.item
        ],
        np.int64,
    )


def _count(values: FloatArray, changes: Changes) -> None:
    """Set the columns that count changes to what the others say."""
    columns, standing = changes.columns, changes.standing
    there = standing.spot >= 0
    replicas = values[columns.replicas] * columns.service.block
    asked = np.bincount(standing.spot[there], replicas[there], minlength=len(standing.replicas))
    change = asked - standing.replicas
    values[changes.more] = np.maximum(change, 0.0)
    values[changes.fewer] = np.maximum(-change, 0.0)
    started = float(np.maximum(change, 0.0).sum() + replicas[~there].sum())
    stopped = float(np.maximum(-change, 0.0).sum()) + standing.homeless
    moved = min(started, stopped)
    values[changes.kinds] = moved, started - moved, stopped - moved
