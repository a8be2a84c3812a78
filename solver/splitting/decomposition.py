"""Least-cost covering of many demands by shared VMs, with a proof: the driver.

1. The prices of limits and owned VMs that make the bound best (`multipliers`), and with them
   the cheapest pattern of every workload. Those patterns are a plan but for what idles.
2. All patterns whose regret is at most delta; those that can pay (`moves`); the best choice
   among them (`master`). If the list is complete and the excess of that choice over the bound
   is at most delta, it is the optimum; if it is more, the bound rises by delta.
3. A better plan, from patterns of whatever regret (`neighbours`, `descent`, `master`).
4. Step 2 again with a larger delta, as long as the list can be completed.
5. For small problems, the plain program: first, or in the time that is left.

`steps.py` has the steps; the order of the modules, each using those before it, is

`covering`, `zones`, `plain` | `columns`, `needs`, `shortlist`, `patterns`, `ratios`,
`completion`, `knapsack`, `quick`, `pricing` | `prices`, `attempt`, `planes`, `multipliers` |
`moves`, `master`, `descent`, `slopes`, `incumbent`, `neighbours`, `steps`.
"""

from __future__ import annotations

import time

import numpy as np

from ...models.outcome import Status
from ..backends.finish import PROOF
from ..deadline import Deadline
from ..program import SolveOptions
from .columns import Columns
from .covering import Covering
from .incumbent import CoveringPlan, Incumbent, Progress
from .multipliers import best_prices
from .neighbours import Base
from .prices import Limits, bound_at
from .steps import excess_of, hopeless, improve, keep_limits, prove, solve_plain

FLEXIBLE = 2_000
"""Workloads that may leave their cheapest pattern at first, where there are more."""

FIRST_DELTA = 0.25
"""First delta, in mean prices of a GPU: optima of 300 and 1,000 workloads lay within it."""

GROWTH = 2.0
"""Factor from one delta to the next."""

EARLY_PROOFS = (1.0, GROWTH)
"""Deltas of step 2, in first deltas: base cases of 100 workloads need the second."""

MOST_PROOFS = 6
"""Rounds of step 4."""

FEW_ITEMS, MOST_ITEMS = 1_000, 20_000
"""Items of a problem that the plain program is tried on first, and of one at all."""

PLAIN_SHARE = 0.4
"""Share of the time that the plain program may take when it comes first, and that is kept for
it when it comes last."""

DUAL_SHARE = 0.4
"""Share of the time that the search for prices may take."""

DUAL_TOLERANCE = 0.25
"""How near the best bound the prices must come, in the gap that is asked for."""


def solve_covering(
    covering: Covering,
    options: SolveOptions | None = None,
    on_progress: Progress | None = None,
) -> CoveringPlan:
    """The least-cost plan found, and a bound on what any plan costs.

    Args:
        on_progress: called when the plan or the bound improves.

    Raises:
        ProblemError: an array holds a number out of its range.
        BackendError: the solver cannot run here.
    """
    started, options = time.monotonic(), options or SolveOptions()
    covering.check()
    reduced, items = covering.without_closed()
    columns, limits = Columns.of(reduced), Limits.of(reduced)
    none = np.zeros(len(limits.limit), bool)
    best = Incumbent(reduced, limits, options, on_progress, started, options.deadline(), none)
    deadline = Deadline.within(DUAL_SHARE * options.time_limit_s, options.cancel)
    tolerance = DUAL_TOLERANCE * options.relative_gap
    point = best_prices(reduced, limits, columns, tolerance, deadline)
    status: Status | None = Status.INFEASIBLE
    if np.isfinite(point.priced.cost).all():
        best.raise_bound(bound_at(reduced, limits, point.prices, point.priced))
        base = Base.of(reduced, columns, limits, point)
        best.offer(base.replicas)
        status = _search(base, best)
    limit_price = point.prices.limit[: len(covering.limit)]
    return best.answer(limit_price, items, len(covering.part), status)


def _search(base: Base, best: Incumbent) -> Status | None:
    """Steps 2 to 5; INFEASIBLE when that is proved."""
    delta = max(FIRST_DELTA * base.mean, PROOF * abs(base.floor))
    step = -(-base.covering.n_workloads // FLEXIBLE)
    if best.finished:
        return None
    if len(base.covering.part) <= FEW_ITEMS and solve_plain(base.covering, best, PLAIN_SHARE):
        return Status.INFEASIBLE
    last = len(base.covering.part) <= MOST_ITEMS
    best.kept_s = PLAIN_SHARE * best.left_s if last else 0.0
    keep_limits(base, best, delta)
    provable = False
    for factor in EARLY_PROOFS:
        far = min(factor * delta, excess_of(base, best))
        if best.finished or not prove(base, best, far, step):
            break
        provable = True
    if not best.finished and best.replicas is None and hopeless(base, best):
        return Status.INFEASIBLE
    improve(base, best, delta, step, provable=provable)
    many = base.covering.n_workloads > FLEXIBLE
    for _ in range(MOST_PROOFS):
        out_of_reach = many and excess_of(base, best) > GROWTH * delta
        if best.finished or best.replicas is None or out_of_reach:
            break
        delta = min(GROWTH * delta, excess_of(base, best))
        if not prove(base, best, delta, 1) or delta >= excess_of(base, best):
            break
    best.kept_s = 0.0
    if last and not best.finished and solve_plain(base.covering, best, 1.0):
        return Status.INFEASIBLE
    return None
