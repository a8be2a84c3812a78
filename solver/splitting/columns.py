"""What items have in common: the distinct triples of place, zone and GPUs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..program import IntArray
from .covering import Covering


@dataclass(frozen=True, slots=True)
class Columns:
    """The distinct triples; items that float share a zone of their own, -1.

    Attributes:
        place, zone, n_gpus: shape [C].
        of_item: column of each item, shape [N].
    """

    place: IntArray
    zone: IntArray
    n_gpus: IntArray
    of_item: IntArray

    @classmethod
    def of(cls, covering: Covering) -> Columns:
        """The columns of a problem."""
        sizes = int(covering.n_gpus.max(initial=0)) + 1
        zones = covering.n_zones + 1
        zone = np.where(covering.floating, 0, covering.zone + 1)
        key = (covering.place * zones + zone) * sizes + covering.n_gpus
        found, of_item = np.unique(key, return_inverse=True)
        where, n_gpus = np.divmod(found, sizes)
        place, zone = np.divmod(where, zones)
        return cls(place, zone - 1, n_gpus, of_item.astype(np.int64))
