"""When to stop: at a time, or when somebody says so."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import Protocol


class Cancel(Protocol):
    """Anything that may say stop from another thread, such as `threading.Event`."""

    def is_set(self) -> bool:
        """Whether to stop now."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time on the monotonic clock, and who may bring it forward to now."""

    at: float = float("inf")
    cancel: Cancel | None = None

    @classmethod
    def within(cls, seconds: float, cancel: Cancel | None = None) -> Deadline:
        """So many seconds from now."""
        return cls(monotonic() + seconds, cancel)

    @property
    def left_s(self) -> float:
        """Time left [s], 0 at the least."""
        return 0.0 if self.cancelled else max(self.at - monotonic(), 0.0)

    @property
    def over(self) -> bool:
        """Whether to stop."""
        return self.left_s <= 0.0

    @property
    def cancelled(self) -> bool:
        """Whether somebody said so."""
        return self.cancel is not None and self.cancel.is_set()

    @property
    def reason(self) -> str:
        """What stopped the work, as the `limit` of a plan: `interrupted`, `time`, or empty."""
        if self.cancelled:
            return INTERRUPTED
        return TIME if self.over else ""


INTERRUPTED, TIME = "interrupted", "time"
"""The `limit` of what was stopped."""
