"""The steps of the search: each offers plans to the incumbent or raises its bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...models.outcome import Status
from ..attempt import attempt
from ..backends.finish import PROOF
from .covering import Covering
from .descent import descend
from .incumbent import Incumbent
from .master import Setting, master_of
from .moves import Moves, affordable, selected
from .multipliers import Dual, nothing_feasible
from .neighbours import Base, around, mixed, near, pool, raised, with_moves
from .patterns import Patterns
from .plain import most_replicas, plain_point, plain_program
from .prices import BOUND_SLACK

MOST_ROUNDS = 10
"""Rounds of looking for a better plan, or for one that keeps the limits."""

PROOF_MOVES = 4_000
"""Most moves in the master of a proof."""

MASTER_MOVES, DESCENT_MOVES, LIMITED_MOVES = 1_500, 4_500, 12_000
"""Moves that a better plan is looked for among: by the master, by descent, and by the master
where limits are active, when it is close to a linear program."""

ALIKE = 4
"""Moves kept of those that change the same GPUs: an eighth of a VM needs no more than seven."""

LOOSE_GAP = 0.03
"""Gap of a master that looks for a better plan, relative to the excess."""

NEEDED_SHARE = 1 / 8
"""Part of the gap asked for that a master may leave open."""

MOST_GAP = 0.5
"""Greatest gap of a master: a plan that wastes twice the least is worth replacing."""

FIRST_GIVING, GIVING_GROWTH = 1 / 8, 4.0
"""First regret of each workload when limits need room, in first deltas, and how it grows."""

FIRST_MIXED = 1 / 4
"""Regret of the first mixture, in deltas: what fills VMs is wanted first, and fast."""

RAISES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""By how much the prices of active limits rise until the cheapest patterns keep them, as shares
of themselves and of typical prices."""

HUGE_EXCESS = 100.0
"""Excess that a first plan may have, in mean prices of a GPU, for the scale of the money."""

WORTHWHILE, MOST_FAILURES, GROWTH = 0.95, 1, 2.0
"""A round fails unless the excess falls to this share of what it was; the failures after which
looking for a better plan ends; and the factor of regrets after one."""

PROVABLE = 2.0
"""With an excess of this many deltas a proof seems in reach."""

MASTER_SHARE, DESCENT_SHARE, HOPELESS_SHARE = 0.15, 0.1, 0.4
"""Shares of the time left that one step of the kind may take."""


def excess_of(base: Base, best: Incumbent) -> float:
    """Excess of the best plan over the floor; inf without a plan."""
    return max(best.cost - base.floor, BOUND_SLACK * abs(base.floor))


def prove(base: Base, best: Incumbent, delta: float, step: int) -> bool:
    """List all patterns of every step-th workload with regrets up to delta, and choose.

    Returns:
        Whether the list was complete and small enough. The bound rises as far as it was.
    """
    setting = base.setting(best)
    regret = np.full(base.covering.n_workloads, -1.0)
    regret[::step] = delta
    listed, reach = near(base, setting, best, regret, proof=True)
    if best.deadline.cancelled:
        return False
    patterns, moves = with_moves(base, setting, best, listed)
    moves = affordable(moves, base.gpus[moves.place], setting.gpu_price, delta * (1.0 + PROOF))
    if moves.count > PROOF_MOVES:
        _descend(base, setting, best, patterns, moves)
        return False
    least = min(_choose(base, setting, best, patterns, moves, delta, 0.0), reach)
    best.raise_bound(base.floor + least - BOUND_SLACK * abs(base.floor))
    return reach >= delta


def keep_limits(base: Base, best: Incumbent, delta: float) -> None:
    """A first plan where limits are active: many workloads together, each giving way a little."""
    giving = delta * FIRST_GIVING
    others: list[Patterns] = []
    for number in range(MOST_ROUNDS):
        setting = base.setting(best)
        if best.finished or not setting.active.any():
            return
        if best.replicas is None and number < len(RAISES):
            others = raised(base, setting, best, RAISES[number:])
        regret = np.full(base.covering.n_workloads, giving)
        listed, _ = near(base, setting, best, regret, proof=False)
        patterns, moves = with_moves(base, setting, best, listed, others)
        moves = selected(moves, LIMITED_MOVES, ALIKE)
        _choose(base, setting, best, patterns, moves, HUGE_EXCESS * base.mean, LOOSE_GAP)
        if (base.setting(best).active == setting.active).all():
            if best.replicas is not None:
                return
            giving *= GIVING_GROWTH


def improve(base: Base, best: Incumbent, delta: float, step: int, *, provable: bool) -> None:
    """Look for a better plan among patterns of every step-th workload, until none is found.

    Args:
        provable: stop as soon as a proof seems in reach.
    """
    others: list[Patterns] = []
    failures = 0
    for number in range(MOST_ROUNDS):
        if best.finished or failures > MOST_FAILURES:
            return
        before, setting = excess_of(base, best), base.setting(best)
        others += around(base, setting, best, step) if number else pool(base, setting, best, step)
        listed = mixed(base, setting, best, delta if number else delta * FIRST_MIXED, step)
        if best.deadline.cancelled:
            return
        patterns, moves = with_moves(base, setting, best, listed, others)
        moves = _within(base, setting, best, moves)
        if moves.count > MASTER_MOVES:
            _descend(base, setting, best, patterns, moves)
            moves = _within(base, setting, best, moves)
        excess = excess_of(base, best)
        if best.finished or (provable and excess <= PROVABLE * delta):
            return
        moves = selected(moves, MASTER_MOVES, ALIKE)
        excess = min(excess, HUGE_EXCESS * base.mean)
        _choose(base, setting, best, patterns, moves, excess, LOOSE_GAP)
        after = excess_of(base, best)
        if not np.isfinite(after) or after > WORTHWHILE * before:
            failures += 1
            delta *= GROWTH
        elif provable and after <= PROVABLE * delta:
            return


def _within(base: Base, setting: Setting, best: Incumbent, moves: Moves) -> Moves:
    """The moves that a plan better than the best may hold."""
    budget = excess_of(base, best) * (1.0 + PROOF)
    return affordable(moves, base.gpus[moves.place], setting.gpu_price, budget)


def hopeless(base: Base, best: Incumbent) -> bool:
    """Whether some prices prove that the limits admit no plan."""
    dual = Dual(base.covering, base.limits, base.columns, np.arange(base.covering.n_workloads))
    deadline = best.within(HOPELESS_SHARE)
    return nothing_feasible(dual, base.point, _ceiling(base.covering), deadline)


def solve_plain(covering: Covering, best: Incumbent, share: float) -> bool:
    """The plain program, in a share of the time left; whether it proved that no plan exists."""
    program = plain_program(covering, best.cost if best.replicas is not None else None)
    if best.replicas is not None:
        program = replace(program, hint=plain_point(covering, program, best.replicas))
    options = replace(best.options, time_limit_s=max(share * best.left_s, 0.0))
    solution = attempt(program, options)
    if solution is None:
        return False
    if solution.values is not None:
        found = solution.values[: len(covering.part)]
        best.offer(np.rint(found).astype(np.int64))
    if solution.bound is not None:
        best.raise_bound(solution.bound / program.usd_scale)
    return solution.status is Status.INFEASIBLE and best.replicas is None


def _descend(
    base: Base, setting: Setting, best: Incumbent, patterns: Patterns, moves: Moves
) -> None:
    """Offer the plan that descent finds among some of the moves."""
    if setting.active.any():
        return  # one move at a time, limits are not met; the master meets them well
    deadline = best.within(DESCENT_SHARE)
    moves = selected(moves, DESCENT_MOVES, ALIKE)
    enough = best.options.relative_gap * best.bound
    made = descend(setting, moves, enough, deadline, best.options.seed)
    best.offer(base.after(patterns, moves, made), patterns.take(moves.row[made]))


def _choose(
    base: Base,
    setting: Setting,
    best: Incumbent,
    patterns: Patterns,
    moves: Moves,
    excess: float,
    loose: float,
) -> float:
    """Offer the plan that the master finds; returns a bound on the excess of all it allows.

    Args:
        excess: as much as matters.
        loose: gap to stop at, if more than what the proof needs.
    """
    master = master_of(setting, moves, excess)
    needed = NEEDED_SHARE * best.options.relative_gap * best.bound
    gap = max(needed / excess, loose) if excess > 0 else loose
    share = MASTER_SHARE * max(best.left_s, 0.0)
    options = replace(
        best.options, time_limit_s=share, relative_gap=min(gap, MOST_GAP), on_bounds=None
    )
    solution = attempt(master.program, options)
    if solution is None:
        return 0.0
    if solution.values is not None:
        made = master.move[solution.values[: len(master.move)] > 0.5]
        best.offer(base.after(patterns, moves, made), patterns.take(moves.row[made]))
    if solution.status is Status.INFEASIBLE:
        return float("inf")
    return 0.0 if solution.bound is None else solution.bound / master.scale


def _ceiling(covering: Covering) -> float:
    """More than any sensible plan costs: each replica of the smallest part on the dearest VM."""
    replicas = np.zeros(covering.n_workloads)
    np.maximum.at(replicas, covering.workload, most_replicas(covering))
    needs = 2.0 + covering.n_zones  # a replica that no need asks for is left out
    dearest = float(covering.price.max(initial=0.0))
    return float(covering.price @ covering.owned) + needs * dearest * float(replicas.sum())
