r"""What changing a running fleet costs, and when it is not worth it.

Prices are per hour, changes are paid once, so a change must pay back within `hours`:

$$ \min \; \text{USD/h} + \frac{1}{H} \left( c_{\text{start}} n_{\text{start}}
   + c_{\text{stop}} n_{\text{stop}} + c_{\text{move}} n_{\text{move}} \right) $$

A replica of a workload that stops in one place while another one starts elsewhere has *moved*.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from .outcome import ProblemError
from .value import NonNegative, Positive, Value, WholeNumber


class Disturbance(Value):
    """What it costs to change a running fleet. By default nothing, and any change may be made.

    Attributes:
        start_usd, stop_usd: of one replica, paid once: the GPU time of loading weights, cold
            caches, risk.
        move_usd: of a stop in one place with a start in another, where both together cost less
            than each by itself; None: they do not.
        hours: over which a change must pay back: how long until the next one [h].
        most_changes: replicas that may start, stop or move at one time; None: any number.
        threshold_usd_per_hour: the running fleet is kept unless the new one saves as much.
    """

    start_usd: NonNegative = 0.0
    stop_usd: NonNegative = 0.0
    move_usd: NonNegative | None = None
    hours: Positive = 1.0
    most_changes: WholeNumber | None = None
    threshold_usd_per_hour: NonNegative = 0.0

    @property
    def of_move_usd(self) -> float:
        """What a move costs [USD]."""
        return self.start_usd + self.stop_usd if self.move_usd is None else self.move_usd

    @property
    def worth_usd_per_hour(self) -> float:
        """No change is worth while that saves less: the threshold, or what one change costs."""
        least_usd = min(self.start_usd, self.stop_usd, self.of_move_usd)
        return max(self.threshold_usd_per_hour, least_usd / self.hours)

    @property
    def matters(self) -> bool:
        """Whether changes cost anything or are capped."""
        costs = self.start_usd or self.stop_usd
        return bool(costs) or self.most_changes is not None

    @model_validator(mode="after")
    def _no_dearer_than_its_parts(self) -> Self:
        if self.move_usd is not None and self.move_usd > self.start_usd + self.stop_usd:
            rule = "must be at most start_usd + stop_usd: a move is a stop here and a start there"
            raise ProblemError("move_usd", self.move_usd, rule)
        return self

    def usd(self, started: int, stopped: int, moved: int) -> float:
        """What so many changes cost, once [USD]."""
        return self.start_usd * started + self.stop_usd * stopped + self.of_move_usd * moved
