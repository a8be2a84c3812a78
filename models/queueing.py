r"""How long requests wait when they arrive at random: what holds for a part p of them.

One replica under continuous batching has b slots. Requests come as a Poisson stream of rate
$\lambda$, go to replicas at random, and each finds one of two things:

- **All slots are taken**, with probability C. It waits for one; with $w$ the replica-seconds of a
  request, a slot is free at rate $1/w$ and the wait has the tail $e^{-(1/w - \lambda) t}$.
- **A slot is free**. It waits for prefills that came before it, each of s seconds: an M/D/1 queue,
  whose wait has a tail of at most $e^{-\theta t}$, $\lambda (e^{\theta s} - 1) = \theta$.

$$ P(W > t) \le (1 - C)\,e^{-\theta t} + C\,e^{-(1/w - \lambda)\,t}, \qquad
   C = \frac{B}{1 - \rho\,(1 - B)}, \quad \rho = \lambda w, \quad
   B = \frac{a^b / b!}{\sum_{i \le b} a^i / i!}, \quad a = b \rho $$

C is Erlang's second formula (Erlang 1917; Kleinrock, Queueing Systems I, 1975, section 3.5): each
slot taken as a server that holds a request as long as at full batch. Fewer sequences run faster,
so there are fewer than that: C is on the safe side. The tail of M/D/1 is Kingman's bound
(Kleinrock II, 1976, section 2.4). The phase times are those of the full batch.

The wait comes before the first token: it adds to TTFT and to the end to end time. TPOT is that of
the full batch, which holds for every request.

The assumptions that can fail: arrivals are Poisson at a constant mean; requests have the sizes that
their class states (answers of random length stretch the TPOT of short ones, whose few steps see
more prefills); classes that share a replica behave as if each had its own part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .timing import Timing
from .value import FloatArray, Mask, Real

HALVINGS = 60
"""Bisection steps: a double has 52 bits."""
FOREVER_S = 1e9
"""Stands for a wait without bound, where infinity times nothing would be no number."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Replicas in front of which requests wait, floats or arrays over candidates.

    Attributes:
        slots: b, sequences held at most.
        work_s: w, replica-seconds per request at full batch.
        prompt_s: s, what one prompt keeps prefill busy for.
    """

    slots: Real
    work_s: Real
    prompt_s: Real

    @classmethod
    def of(cls, forms: Timing, prefill_s: Real, decode_s: Real) -> Queue:
        r"""At phase times P and D: $s = P / n + D / m$, with m the prompts a chunk holds.

        A decode step runs between two prefill passes.
        """
        prompt_s = prefill_s / forms.prompts + decode_s / forms.chunk
        return cls(forms.batch, forms.work.of(prefill_s, decode_s), prompt_s)

    def full(self, rate: Real) -> Real:
        r"""C: probability that all slots are taken, at `rate` requests/s; 1 from saturation on.

        With one slot it is the utilisation; with many, few wait.

        >>> one, many = Queue(1.0, 0.5, 0.1), Queue(64.0, 0.5, 0.1)
        >>> round(float(one.full(1.6)), 6), round(float(many.full(1.6)), 6)
        (0.8, 0.056056)
        """
        from scipy.special import gammaln, pdtr

        used = np.minimum(np.asarray(rate) * self.work_s, 1.0)
        offered = used * self.slots
        with np.errstate(divide="ignore"):
            log_taken = self.slots * np.log(offered) - offered - gammaln(self.slots + 1.0)
        lost = np.exp(log_taken) / pdtr(self.slots, offered)
        return lost / (1.0 - used * (1.0 - lost))

    def late(self, rate: Real, slack_s: Real) -> Real:
        """P(W > slack): an upper bound on the part of requests that wait longer.

        >>> queue = Queue(4.0, 0.5, 0.1)
        >>> [round(float(queue.late(1.0, slack)), 4) for slack in (0.0, 1.0, 2.0)]
        [1.0, 0.064, 0.0235]
        """
        from scipy.special import lambertw

        rate, slack_s = np.asarray(rate), np.clip(slack_s, 0.0, FOREVER_S)
        busy = np.minimum(rate * self.prompt_s, 1.0)
        # theta s = -busy - W_{-1}(-busy e^{-busy}), W Lambert's function.
        with np.errstate(divide="ignore", invalid="ignore"):
            fall = -busy - lambertw(-busy * np.exp(-busy), -1).real
            prefills = np.where(busy > 0, np.exp(-fall * slack_s / self.prompt_s), slack_s <= 0)
        slots = np.exp(-np.maximum(1.0 / self.work_s - rate, 0.0) * slack_s)
        full = self.full(rate)
        return (1.0 - full) * prefills + full * slots

    def wait_s(self, rate: Real, percentile: Real) -> Real:
        """Least wait [s] that so large a part of the requests does not exceed; inf at saturation.

        >>> queue = Queue(4.0, 0.5, 0.1)
        >>> wait = queue.wait_s(1.0, 0.95)
        >>> round(float(wait), 4), round(float(queue.late(1.0, wait)), 4)
        (1.2465, 0.05)
        """
        rate = np.asarray(rate)
        slowest = np.minimum(1.0 / self.work_s - rate, 1.0 / self.prompt_s - rate)
        # Both tails fall at least as fast as this one; M/D/1 faster than M/M/1.
        with np.errstate(divide="ignore"):
            high = np.where(slowest > 0, -np.log1p(-np.asarray(percentile)) / slowest, np.inf)
        low = np.zeros_like(high)
        for _ in range(HALVINGS):
            middle = np.where(np.isfinite(high), (low + high) / 2.0, np.inf)
            enough = self.late(rate, middle) <= 1.0 - percentile
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return high

    def in_time(self, rate: Real, slack_s: Real, percentile: Real) -> Mask:
        """Whether so large a part waits at most the slack; always where none is asked (0)."""
        part = np.asarray(percentile)
        held: Mask = self.late(rate, slack_s) <= np.where(part > 0, 1.0 - part, np.inf)
        return held

    def most_per_s(self, slack_s: Real, percentile: Real, most: Real) -> Real:
        """Largest rate up to `most` at which so large a part waits at most the slack [1/s].

        0 without slack, as some always wait; `most` where no percentile is asked (0).

        >>> queue = Queue(4.0, 0.5, 0.1)
        >>> rate = queue.most_per_s(1.0, 0.95, 1.8)
        >>> round(float(rate), 4), round(float(queue.late(rate, 1.0)), 4)
        (0.9375, 0.05)
        """
        from scipy.optimize.elementwise import find_root

        given = self.slots, self.work_s, self.prompt_s, slack_s, percentile, most
        slots, work_s, prompt_s, slack, part, high = np.broadcast_arrays(*given)
        allowed = 1.0 - part
        held = self.in_time(high, slack, part)
        found = np.where(held, high, 0.0)
        left = ~held & (slack > 0)
        if left.any():

            def excess(rate: FloatArray, *of: FloatArray) -> FloatArray:
                slots, work_s, prompt_s, slack, allowed = of
                return np.asarray(Queue(slots, work_s, prompt_s).late(rate, slack) - allowed)

            of = tuple(each[left] for each in (slots, work_s, prompt_s, slack, allowed))
            bracket = np.zeros(left.sum()), high[left]
            found[left] = find_root(excess, bracket, args=of, maxiter=HALVINGS).bracket[0]
        return found
