"""What many problems have in common goes to other processes packed, and is unpacked there once.

A catalogue and its calibrations are most of a problem. Where the next problem holds the very same
objects they travel as bytes that are there already, and whoever gets equal bytes again has the same
objects again, with what was worked out for them.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import lru_cache

from ..models.calibration import Calibration
from ..models.fleet import FleetProblem
from ..models.hardware import Offer
from .precedent import same_objects

Common = tuple[tuple[Offer, ...], tuple[Calibration, ...]]

KEPT = 8
"""Catalogues that a process keeps unpacked."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A problem on its way.

    Attributes:
        own: what it does not share.
        common: its offers and calibrations, packed.
    """

    index: int
    own: FleetProblem
    common: bytes

    def problem(self) -> FleetProblem:
        """It, whole again."""
        offers, calibrations = _unpacked(self.common)
        return self.own.model_copy(update={"offers": offers, "calibrations": calibrations})


class Packer:
    """Packs problems one after the other."""

    def __init__(self) -> None:
        self._last: Common = ((), ())
        self._bytes = b""

    def pack(self, index: int, problem: FleetProblem) -> Packed:
        """A problem; what it shares with the one before is not packed again."""
        now = problem.offers, problem.calibrations
        if not all(same_objects(a, b) for a, b in zip(now, self._last, strict=True)):
            self._last, self._bytes = now, pickle.dumps(now, pickle.HIGHEST_PROTOCOL)
        own = problem.model_copy(update={"offers": (), "calibrations": ()})
        return Packed(index, own, self._bytes)


@lru_cache(maxsize=KEPT)
def _unpacked(common: bytes) -> Common:
    found: Common = pickle.loads(common)
    return found
