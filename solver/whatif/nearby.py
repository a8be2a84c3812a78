"""What lies around the present value of a parameter: the next step on either side."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor, isfinite

from ...models.outcome import ProblemError
from ...models.sensitivity import NextStep
from .curve import Curve, Pair, Point
from .parameter import Parameter

STRIDES = (0.02, 0.1, 0.3, 1.0, 3.0, 9.0, 99.0)
"""How far is looked, as parts of the present value: 100 times it, or a hundredth of it."""


def asking_more(curve: Curve, now: Point) -> NextStep:
    """The first step where more is asked than now."""
    step = _next_step(curve, now)
    if step is None:
        return NextStep(looked_to=curve.points[-1].value, in_time=not curve.attempts.over)
    usd, reason = step.second.outcome.usd, step.second.outcome.reason
    if not isfinite(usd):
        return NextStep(at=step.first.holds_to, exact=step.exact, reason=reason)
    following = _next_step(curve, step.second)
    per_unit = None
    if following is not None:
        run = abs(following.first.holds_to - step.first.holds_to)
        per_unit = max(usd - now.outcome.usd, 0.0) / run
    return NextStep(
        at=step.first.holds_to,
        exact=step.exact,
        usd_per_hour=usd,
        change_usd_per_hour=usd - now.outcome.usd,
        usd_per_hour_per_unit=per_unit,
    )


def asking_less(curve: Curve, now: Point, ends: float | None) -> NextStep:
    """The first step where less is asked than now.

    Args:
        ends: where the present cost ends on the other side; None: not known.
    """
    if curve.attempts.over:
        return NextStep(looked_to=now.value, in_time=False)
    if curve.parameter.can_drop:
        free = curve.attempts.solve(curve.parameter.at(None))
        if free.usd >= now.outcome.bound:
            return NextStep(looked_to=None if free.proved else now.value, in_time=free.proved)
    for part in STRIDES:
        if curve.attempts.over or _step_before(curve, now) is not None:
            break
        curve.ask(_stride(curve.parameter, now.value, -part))
    step = _settled(curve, lambda: _step_before(curve, now))
    if step is None:
        return NextStep(looked_to=curve.points[0].value, in_time=not curve.attempts.over)
    usd = step.first.outcome.usd
    change = usd - now.outcome.usd
    run = 0.0 if ends is None else abs(ends - step.first.holds_to)
    return NextStep(
        at=step.first.holds_to,
        exact=step.exact,
        usd_per_hour=usd,
        change_usd_per_hour=change,
        usd_per_hour_per_unit=-change / run if run else None,
    )


def _next_step(curve: Curve, start: Point) -> Pair | None:
    """The first step beyond a point, looked for farther and farther; None: there is none."""
    for part in (0.0, *STRIDES):
        if curve.attempts.over or _step_after(curve, start) is not None:
            break
        last = curve.points[-1]
        value = _stride(curve.parameter, start.value, part)
        if not part and curve.parameter.holds is not None:
            value = curve.parameter.beyond(last.holds_to)
        if not curve.parameter.asks_more(value, last.holds_to):
            continue
        try:
            curve.ask(value, crept=not part)
        except ProblemError:  # the field may not have that value: it ends here
            break
    return _settled(curve, lambda: _step_after(curve, start))


def _stride(parameter: Parameter, value: float, part: float) -> float:
    """A value that asks more by a part of this one; less, by as much, where that is negative."""
    part = part if part >= 0 else 1.0 / (1.0 - part) - 1.0
    far = parameter.farther(max(value, 1.0) if parameter.whole else value, part)
    if not parameter.whole:
        return far
    return float(ceil(far) if far > value else max(floor(far), 0))


def _settled(curve: Curve, find: Callable[[], Pair | None]) -> Pair | None:
    """The step that is found when all has been asked that tells more about it."""
    while True:
        pair = find()
        if pair is None or curve.attempts.over or not curve.probe(pair):
            return pair


def _step_after(curve: Curve, start: Point) -> Pair | None:
    """The first step known beyond a point."""
    ahead = (pair for pair in curve.pairs() if not _before(curve, pair.first, start))
    return next((pair for pair in ahead if pair.change == "step"), None)


def _step_before(curve: Curve, start: Point) -> Pair | None:
    """The last step known before a point."""
    behind = [pair for pair in curve.pairs() if _before(curve, pair.first, start)]
    return next((pair for pair in reversed(behind) if pair.change == "step"), None)


def _before(curve: Curve, one: Point, other: Point) -> bool:
    """Whether a point asks less than another."""
    return curve.parameter.asks_more(other.value, one.value)
