"""Filling VMs move by move: the best move, or chain of moves, until none helps.

Thousands of moves over dozens of places are much for a mixed-integer program and little for
arithmetic: what idles after each move is one pass over an array. A chain starts with a move
that would help if the GPUs it leaves or takes elsewhere cost nothing, and goes on with the
best answer to that, a few times. The plan found is where the master starts, and its small
excess rules out most moves before the master sees them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...models.value import FloatArray
from ..deadline import Deadline
from ..program import BoolArray, IntArray
from .master import Setting
from .moves import Moves
from .prices import vm_price

STARTS = 60
"""Chains tried before giving up, the most hopeful first."""

DEPTH = 4
"""Moves in a chain: leave a place, fill it up elsewhere, and mend what that breaks."""

KICKS, KICKED = 20, 3
"""Kicks in vain before giving up; and moves undone, and made, by one."""

WORTH = 1e-9
"""Least gain of a step, relative to the dearest VM."""

BREACH = 100.0
"""What it costs to break a limit by its largest weight, in dearest VMs."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What the use of places means for the excess over the bound, regrets apart.

    The moves' places come first; one more that costs nothing stands for "no place".

    Attributes:
        free: places that cost no more than their idle GPUs, shape [C + 1].
        room, owned: of the places, shape [C + 1].
        idle: price of an idle GPU, shape [C + 1].
        spare: price of a VM beyond the owned, less the limits' worth it takes, shape [C + 1].
        weight: of the active limits, in their largest weights, shape [C + 1, A].
        left: of the active limits for these places, shape [A].
        breach: price of breaking a limit by 1.
    """

    free: BoolArray
    room: IntArray
    owned: IntArray
    idle: FloatArray
    spare: FloatArray
    weight: FloatArray
    left: FloatArray
    breach: float

    @classmethod
    def of(cls, setting: Setting, moves: Moves) -> Bill:
        """For the places of these moves."""
        covering, place = setting.covering, moves.place
        active = np.flatnonzero(setting.active)
        weight, prices = setting.limits.weight[active], setting.prices
        unit = np.maximum(weight.max(axis=1, initial=0.0), np.finfo(float).tiny)
        vms = np.maximum(-(-setting.gpus // covering.room), covering.owned)
        vms[place] = 0
        toll = vm_price(covering, setting.limits, prices) - covering.price
        return cls(
            free=np.append(moves.period > 0, True),
            room=np.append(covering.room[place], 1),
            owned=np.append(covering.owned[place], 0),
            idle=np.append(setting.gpu_price[place], 0.0),
            spare=np.append((prices.owned - toll)[place], 0.0),
            weight=np.append(weight[:, place] / unit[:, None], np.zeros((len(unit), 1)), axis=1).T,
            left=(setting.limits.limit[active] - weight @ vms) / unit,
            breach=BREACH * float(covering.price.max(initial=1.0)),
        )

    def vms(self, use: IntArray, place: IntArray) -> IntArray:
        """VMs that hold so many GPUs on these places."""
        whole = -(-use // self.room[place])
        return np.where(self.free[place], whole, np.maximum(whole, self.owned[place]))

    def cost(self, use: IntArray, place: IntArray) -> FloatArray:
        """The excess from each of these places by itself."""
        vms = self.vms(use, place)
        beyond = np.where(self.free[place], 0, vms) * self.spare[place]
        return (vms * self.room[place] - use) * self.idle[place] + beyond

    def broken(self, use: IntArray) -> float:
        """The price of the limits that this use of all places breaks."""
        over = self.vms(use, np.arange(len(use))) @ self.weight - self.left
        return self.breach * float(np.maximum(over, 0.0).sum())


class _State:
    """The moves made so far, and what each other move would change.

    Attributes:
        now: GPUs in use, shape [C + 1].
        current: row of the pattern that the workload of each row is on, shape [n].
        place, change: where each move changes the use, and by how much, shape [n, T].
    """

    def __init__(self, bill: Bill, moves: Moves, gpus: IntArray) -> None:
        self.bill, self.moves = bill, moves
        self.now = np.append(gpus[moves.place], 0)
        self.current = moves.first.copy()
        touched = int((moves.use != 0).sum(axis=1).max(initial=0))
        self.place = np.full((len(self.current), max(2 * touched, 1)), len(moves.place))
        self.change = np.zeros_like(self.place)
        self.refresh(np.arange(len(self.current)))

    def refresh(self, rows: IntArray) -> None:
        """Work out again what some moves would change."""
        moves = self.moves
        change = moves.wrapped(moves.use[rows] - moves.use[self.current[rows]])
        self.place[rows], self.change[rows] = len(moves.place), 0
        row, place = np.nonzero(change)
        seat = np.arange(len(row)) - np.searchsorted(row, row)
        self.place[rows[row], seat] = place
        self.change[rows[row], seat] = change[row, place]

    def gains(self) -> tuple[FloatArray, FloatArray]:
        """What each move gains, and what it would if it did no harm anywhere; shape [n] each."""
        bill, moves = self.bill, self.moves
        place = np.arange(len(self.now))
        here = bill.cost(self.now, place)
        saved = here[self.place] - bill.cost(self.now[self.place] + self.change, self.place)
        regret = moves.regret - moves.regret[self.current]
        gain = saved.sum(axis=1) - regret
        hope = np.maximum(saved, 0.0).sum(axis=1) - regret
        if len(bill.left):
            vms = bill.vms(self.now, place)
            more = bill.vms(self.now[self.place] + self.change, self.place) - vms[self.place]
            used = vms @ bill.weight - bill.left
            then = used + (more[:, :, None] * bill.weight[self.place]).sum(axis=1)
            relief = np.maximum(used, 0.0).sum() - np.maximum(then, 0.0).sum(axis=1)
            gain += bill.breach * relief
            hope += bill.breach * np.maximum(relief, 0.0)
        stays = self.current == np.arange(len(gain))
        return np.where(stays, -np.inf, gain), np.where(stays, -np.inf, hope)

    def excess(self) -> float:
        """The excess of the plan as it stands, but for a constant."""
        made = np.unique(self.current)
        alone = float(self.bill.cost(self.now, np.arange(len(self.now))).sum())
        return alone + self.bill.broken(self.now) + float(self.moves.regret[made].sum())

    def kick(self, rng: np.random.Generator) -> None:
        """Undo a few moves at random and make a few others that are hopeful."""
        made = np.unique(self.current[self.current != self.moves.first])
        if made.size:
            for row in rng.choice(made, min(KICKED, made.size), replace=False).tolist():
                self.make(int(self.moves.first[row]))
        _, hope = self.gains()
        likely = np.argsort(-hope, kind="stable")[:STARTS]
        for row in rng.choice(likely, min(KICKED, likely.size), replace=False).tolist():
            if self.current[row] != row:
                self.make(row)

    def restore(self, current: IntArray) -> None:
        """Go back to a plan."""
        for row in np.unique(current[current != self.current]).tolist():
            self.make(row)

    def make(self, row: int) -> int:
        """Make one move; returns the row that undoes it."""
        back = int(self.current[row])
        used = self.change[row] != 0
        self.now[self.place[row][used]] += self.change[row][used]
        mine = self.moves.rows_of(row)
        self.current[mine] = row
        self.refresh(mine)
        return back


def descend(
    setting: Setting, moves: Moves, enough: float, deadline: Deadline, seed: int
) -> IntArray:
    """Rows of the moves to make, at most one a workload; starts from the current ones.

    From where nothing helps it goes on from a plan kicked out of its place, a few times.

    Args:
        enough: the excess that needs no kicks.
        deadline: when to stop.
        seed: of the kicks.
    """
    if not len(moves.regret):
        return np.zeros(0, np.int64)
    state = _State(Bill.of(setting, moves), moves, setting.gpus)
    enough -= _idle(setting) - state.excess()  # what idles where no move leads
    for row in moves.current.tolist():
        state.make(row)
    worth = WORTH * float(setting.covering.price.max(initial=1.0))
    rng = np.random.default_rng(seed)
    _settle(state, worth, deadline)
    best, excess = state.current.copy(), state.excess()
    kicks = 0
    while kicks < KICKS and excess > enough and not deadline.over:
        state.kick(rng)
        _settle(state, worth, deadline)
        kicks += 1
        if state.excess() < excess - worth:
            best, excess, kicks = state.current.copy(), state.excess(), 0
        else:
            state.restore(best)
    return np.unique(best[best != moves.first])


def _idle(setting: Setting) -> float:
    """What idles when nothing moves."""
    idle = (-setting.gpus) % setting.covering.room
    return float(setting.gpu_price @ idle)


def _settle(state: _State, worth: float, deadline: Deadline) -> None:
    """Make moves and chains of moves until none gains."""
    while not deadline.over:
        gain, hope = state.gains()
        best = int(gain.argmax())
        if gain[best] > worth:
            state.make(best)
        elif not _chained(state, gain, hope, worth, deadline):
            return


def _chained(
    state: _State, gain: FloatArray, hope: FloatArray, worth: float, deadline: Deadline
) -> bool:
    """Make the first chain of moves found that gains; False when there is none."""
    for first in np.argsort(-hope, kind="stable")[:STARTS].tolist():
        if hope[first] <= worth or deadline.over:
            break
        total, moved, back = float(gain[first]), {first}, [state.make(first)]
        while total <= worth and len(back) < DEPTH:
            answers, _ = state.gains()
            for row in moved:
                answers[state.moves.rows_of(row)] = -np.inf
            answer = int(answers.argmax())
            if not np.isfinite(answers[answer]):
                break
            total += float(answers[answer])
            moved.add(answer)
            back.append(state.make(answer))
        if total > worth:
            return True
        for row in reversed(back):
            state.make(row)
    return False
