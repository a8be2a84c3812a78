r"""How long a first token waits in a closed loop: b clients, each with one request at a time.

$$ \mathrm{TTFT} = w_1 P + w_2\,b P + w_3 D + w_4\,b D + w_5, \qquad w \ge 0 $$

with P the prefill of one prompt and D a decode step at batch b: a prompt's own prefill, those
of the clients that came at the same moment, the step it has to wait for, and a constant of the
server. This is how benchmarks load a server, and all that they publish. Arrivals at random are
another matter (`timing.py`). The assumption that can fail: clients answer at once.
"""

from __future__ import annotations

import numpy as np

from .spread import Spread
from .value import FloatArray, NonNegative, Real, Value


class Waiting(Value):
    """w of the formula above, and how far measured first tokens lay from it.

    Attributes:
        prefill: own prefills [-].
        prefill_batch: part of all clients' prefills that comes first [-].
        decode: decode steps [-].
        decode_batch: part of a decode step for each client [-].
        server_s: cost of the server around it [s].
        spread: quantiles of held-out errors.
    """

    prefill: NonNegative
    prefill_batch: NonNegative
    decode: NonNegative
    decode_batch: NonNegative
    server_s: NonNegative
    spread: Spread

    def ttft_s(self, batch: Real, prefill_s: Real, decode_s: Real) -> Real:
        """Time to first token [s], of floats or arrays of one shape.

        >>> Waiting(prefill=1.0, prefill_batch=0.1, decode=1.0, decode_batch=0.0,
        ...     server_s=0.5, spread=Spread(below=0.1, above=0.1)).ttft_s(10.0, 1.0, 0.25)
        2.75
        """
        own = (self.prefill + self.prefill_batch * batch) * prefill_s
        steps = (self.decode + self.decode_batch * batch) * decode_s
        return own + steps + self.server_s


def waiting_features(batch: FloatArray, prefill_s: FloatArray, decode_s: FloatArray) -> FloatArray:
    """Features of w, shape [rows, 5]."""
    ones = np.ones_like(batch)
    return np.stack([prefill_s, batch * prefill_s, decode_s, batch * decode_s, ones], axis=1)
