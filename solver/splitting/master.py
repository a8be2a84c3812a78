"""The restricted master: which workloads leave their cheapest pattern, so that VMs fill up.

It minimises the excess over the bound (`prices.py`), each term a non-negative cost of a
non-negative column:

| column | meaning | cost |
|---|---|---|
| y_j binary | move j is made; at most one a workload | its regret |
| n_p integer | VMs beyond the owned; on free places beyond those that are full anyway | sigma_p |
| s_p | idle GPUs | lambda_p |
| t_q | what is left of limit q | mu_q |
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...models.value import FloatArray
from ..builder import ProgramBuilder
from ..program import INTEGER_LIMIT, BoolArray, IntArray, Program
from .covering import Covering
from .moves import Moves
from .prices import Limits, Prices, gpu_price

MONEY_BITS = 10
"""Money is scaled so that the excess that matters is about 2^10."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a master is built on.

    Attributes:
        active: rows of `limits` that are kept, shape [R].
        gpus: in use on each place when nothing moves, shape [P].
    """

    covering: Covering
    limits: Limits
    prices: Prices
    active: BoolArray
    gpus: IntArray

    @property
    def free(self) -> BoolArray:
        """Places without owned VMs or active limits, shape [P]."""
        limited = (self.limits.weight[self.active] > 0).any(axis=0)
        return np.asarray(~limited & (self.covering.owned == 0))

    @property
    def gpu_price(self) -> FloatArray:
        """lambda, shape [P]."""
        return gpu_price(self.covering, self.limits, self.prices)


@dataclass(frozen=True, slots=True)
class Master:
    """A master program, and what its columns stand for.

    Attributes:
        program: the arrays; its hint makes the moves of the best plan so far.
        move: row of `Moves` of each of the first columns, shape [m].
        scale: money was multiplied by it.
    """

    program: Program
    move: IntArray
    scale: float


def master_of(setting: Setting, moves: Moves, excess: float) -> Master:
    """The master over these moves.

    Args:
        excess: as much as matters, for the scale of the money.
    """
    scale = float(2.0 ** (MONEY_BITS - np.ceil(np.log2(excess)))) if excess > 0 else 1.0
    builder = ProgramBuilder()
    move = np.flatnonzero(moves.first != np.arange(len(moves.regret)))
    y = builder.columns(len(move), cost=scale * moves.regret[move], upper=1.0, integer=True)
    movers, mover = np.unique(moves.workload[move], return_inverse=True)
    builder.entries(builder.rows(len(movers), upper=1.0)[mover], y, 1.0)
    place = _places(setting, moves)
    floor = _floor(setting)[place]
    grown = np.zeros(setting.covering.n_places)
    np.add.at(grown, moves.place, np.maximum(moves.change[move], 0).sum(axis=0))
    vms = _add_vms(builder, setting, place, floor, grown[place], scale)
    idle = _add_fit(builder, setting, place, floor, vms, scale)
    rows, columns = np.nonzero(moves.change[move])
    seat = np.searchsorted(place, moves.place)[columns]
    change = moves.change[move][rows, columns]
    builder.entries(len(movers) + seat, y[rows], -change / setting.covering.room[place][seat])
    spare = _add_limits(builder, setting, place, floor, vms, scale)
    program = builder.build()
    current = moves.current
    hint = np.zeros(program.n_columns)
    hint[np.searchsorted(move, current)] = 1.0
    gpus = setting.gpus.copy()
    np.add.at(gpus, moves.place, moves.change[current].sum(axis=0))
    _fill_hint(hint, replace(setting, gpus=gpus), place, floor, (vms, idle, spare))
    return Master(replace(program, hint=hint), move, scale)


def _places(setting: Setting, moves: Moves) -> IntArray:
    """Places that the master speaks of: moved on, partly idle, or not free and in use."""
    covering, free = setting.covering, setting.free
    partly = setting.gpus % covering.room != 0
    held = ~free & ((setting.gpus > 0) | (covering.owned > 0))
    return np.union1d(moves.place, np.flatnonzero(partly | held))


def _floor(setting: Setting) -> IntArray:
    """VMs that are there whatever moves, shape [P]."""
    full = setting.gpus // setting.covering.room
    return np.where(setting.free, full, setting.covering.owned)


def _add_vms(
    builder: ProgramBuilder,
    setting: Setting,
    place: IntArray,
    floor: IntArray,
    grown: FloatArray,
    scale: float,
) -> IntArray:
    """The columns n_p; `grown` is all that the moves could add to a place together [GPUs]."""
    covering, free = setting.covering, setting.free[place]
    enough = np.ceil((setting.gpus[place] + grown) / covering.room[place]) - floor
    most = np.minimum(np.maximum(enough, 0), covering.most[place] - floor)
    return builder.columns(
        len(place),
        cost=scale * np.where(free, 0.0, setting.prices.owned[place]),
        upper=np.minimum(np.where(free, enough, most), INTEGER_LIMIT),
        integer=True,
    )


def _add_fit(
    builder: ProgramBuilder,
    setting: Setting,
    place: IntArray,
    floor: IntArray,
    vms: IntArray,
    scale: float,
) -> IntArray:
    """The columns s_p and the rows: VMs hold the GPUs in use and idle, in rooms of a VM."""
    room = setting.covering.room[place]
    beyond = (setting.gpus[place] - floor * room) / room
    rows = builder.rows(len(place), lower=beyond, upper=beyond)
    idle = builder.columns(
        len(place),
        cost=scale * setting.gpu_price[place],
        upper=np.where(setting.free[place], room - 1.0, INTEGER_LIMIT),
        integer=True,
    )
    builder.entries(rows, vms, 1.0)
    builder.entries(rows, idle, -1.0 / room)
    return idle


def _add_limits(
    builder: ProgramBuilder,
    setting: Setting,
    place: IntArray,
    floor: IntArray,
    vms: IntArray,
    scale: float,
) -> IntArray:
    """The columns t_q and the active limits as rows, each divided by its largest weight."""
    active = np.flatnonzero(setting.active)
    weight = setting.limits.weight[active][:, place]
    unit = np.where(weight.max(axis=1, initial=0.0) > 0, weight.max(axis=1, initial=0.0), 1.0)
    beyond = (setting.limits.limit[active] - weight @ floor) / unit
    rows = builder.rows(len(active), lower=beyond, upper=beyond)
    spare = builder.columns(len(active), cost=scale * setting.prices.limit[active] * unit)
    builder.entries(rows[:, None], vms[None, :], weight / unit[:, None])
    builder.entries(rows, spare, 1.0)
    return spare


def _fill_hint(
    hint: FloatArray,
    setting: Setting,
    place: IntArray,
    floor: IntArray,
    columns: tuple[IntArray, IntArray, IntArray],
) -> None:
    """The VMs, idle GPUs and spare limits of a point that uses `setting.gpus`.

    It is a point of the program unless a limit is broken.
    """
    vms, idle, spare = columns
    room = setting.covering.room[place]
    beyond = setting.gpus[place] - floor * room
    hint[vms] = np.maximum(-(-beyond // room), 0)
    hint[idle] = hint[vms] * room - beyond
    active = np.flatnonzero(setting.active)
    weight = setting.limits.weight[active][:, place]
    unit = weight.max(axis=1, initial=0.0)
    left = setting.limits.limit[active] - weight @ (floor + hint[vms])
    hint[spare] = left / np.where(unit > 0, unit, 1.0)
