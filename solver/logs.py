"""The one logger of the library, `infersave`: INFO for what a solve came to, DEBUG for its steps.

It has no handler, and nothing is logged above INFO: where nobody configured logging, Python would
print a warning on stderr. Counts, solvers, seconds and gaps are told, and no word of a problem.
"""

from __future__ import annotations

import logging

LOG = logging.getLogger("infersave")


def percent(gap: float | None) -> str:
    """A gap in words.

    >>> percent(0.0125), percent(None)
    ('1.2500 %', 'unknown')
    """
    return "unknown" if gap is None else f"{100 * gap:.4f} %"
