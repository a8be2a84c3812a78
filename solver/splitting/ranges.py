"""Many integer ranges at once."""

from __future__ import annotations

import numpy as np

from ..program import IntArray


def ranges(first: IntArray, last: IntArray) -> tuple[IntArray, IntArray]:
    """All integers of the ranges [first, last), and the range each is from."""
    counts = last - first
    owner = np.repeat(np.arange(len(counts)), counts)
    ends = np.cumsum(counts)
    return owner, np.arange(len(owner)) + (first - (ends - counts))[owner]
