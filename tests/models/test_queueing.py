"""Waits under random arrivals: known formulas, inverses, and a simulated engine.

The simulation is of continuous batching, event by event. At each iteration the engine prefills the
prompts that wait, as far as slots and the chunk allow, in one pass, and then runs one decode step
of every sequence it holds.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from infersave.models.queueing import Queue
from infersave.models.timing import Timing

Seconds = Callable[[int], float]
WARM_UP = 0.1
"""Part of the requests left out: the engine starts empty."""


@dataclass(frozen=True)
class Engine:
    """One replica.

    Attributes:
        pass_s: of a prefill pass, besides its prompts.
        decode_s: of one step at so many sequences.
        slots: sequences held at most.
        chunk: prompts in one pass at most.
    """

    pass_s: float
    decode_s: Seconds
    slots: int
    chunk: int


@dataclass(frozen=True)
class Measured:
    """Of each request, in order [s]."""

    ttft_s: NDArray[np.float64]
    tpot_s: NDArray[np.float64]
    e2e_s: NDArray[np.float64]


def simulate(
    engine: Engine,
    arrivals: NDArray[np.float64],
    prompt_s: NDArray[np.float64],
    steps: NDArray[np.int64],
) -> Measured:
    """Requests that arrive at these times, with seconds of prefill and decode steps of each."""
    count = len(arrivals)
    first, done = np.zeros(count), np.zeros(count)
    running: list[tuple[int, int]] = []  # (iteration it ends with, request)
    clock, iteration, admitted, finished = 0.0, 0, 0, 0
    while finished < count:
        if not running:
            clock = max(clock, float(arrivals[admitted]))
        room = min(engine.slots - len(running), engine.chunk)
        entering: list[int] = []
        while admitted < count and arrivals[admitted] <= clock and len(entering) < room:
            entering.append(admitted)
            admitted += 1
        if entering:
            clock += engine.pass_s + float(prompt_s[entering].sum())
            first[entering] = clock
            for request in entering:
                heapq.heappush(running, (iteration + int(steps[request]), request))
        clock += engine.decode_s(len(running))
        iteration += 1
        while running and running[0][0] <= iteration:
            done[heapq.heappop(running)[1]] = clock
            finished += 1
    kept = slice(int(WARM_UP * count), None)
    return Measured(
        ttft_s=(first - arrivals)[kept],
        tpot_s=((done - first) / steps)[kept],
        e2e_s=(done - arrivals)[kept],
    )


def poisson(rate: float, count: int, seed: int) -> NDArray[np.float64]:
    """Times of so many random arrivals."""
    return np.cumsum(np.random.default_rng(seed).exponential(1.0 / rate, count))


PERCENTILES = (0.5, 0.9, 0.99)
COUNT = 20_000


@dataclass(frozen=True)
class Case:
    """An engine with affine phase times, and requests of one size."""

    name: str
    prefill: tuple[float, float]  # seconds of a pass: fixed, and each prompt
    decode: tuple[float, float]  # seconds of a step: fixed, and each sequence
    slots: int
    steps: int
    chunk: int

    @property
    def engine(self) -> Engine:
        d0, d1 = self.decode
        return Engine(self.prefill[0], lambda n: d0 + d1 * n, self.slots, self.chunk)

    @property
    def forms(self) -> Timing:
        entering = max(1.0, min(self.slots / self.steps, self.chunk))
        return Timing(True, float(self.slots), entering, float(self.chunk), float(self.steps))

    @property
    def seconds(self) -> tuple[float, float]:
        """One prefill pass and one decode step at full batch."""
        (p0, p1), (d0, d1) = self.prefill, self.decode
        return p0 + p1 * float(self.forms.prompts), d0 + d1 * self.slots

    @property
    def queue(self) -> Queue:
        return Queue.of(self.forms, *self.seconds)

    def run(self, utilization: float, seed: int = 0) -> tuple[float, Measured]:
        """Rate and what was measured at it."""
        rate = utilization / float(self.queue.work_s)
        prompt_s, steps = np.full(COUNT, self.prefill[1]), np.full(COUNT, self.steps)
        return rate, simulate(self.engine, poisson(rate, COUNT, seed), prompt_s, steps)


CASES = (
    Case("chat", (0.02, 0.08), (0.02, 0.0002), 64, 200, 8),
    Case("few-slots", (0.02, 0.05), (0.02, 0.0005), 4, 100, 8),
    Case("one-slot", (0.02, 0.05), (0.02, 0.0005), 1, 100, 8),
    Case("long-prompts", (0.05, 0.6), (0.02, 0.0005), 32, 100, 1),
    Case("short-answers", (0.005, 0.02), (0.02, 0.0002), 64, 10, 8),
    Case("two-tokens", (0.005, 0.02), (0.02, 0.0002), 16, 2, 8),
    Case("many-slots", (0.002, 0.005), (0.01, 0.00005), 256, 300, 16),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("utilization", [0.3, 0.6, 0.8])
def test_a_simulated_engine_is_no_slower(case: Case, utilization: float) -> None:
    rate, measured = case.run(utilization)
    prefill_s, decode_s = case.seconds
    ttft_s = float(case.forms.ttft.of(prefill_s, decode_s))
    e2e_s = float(case.forms.e2e.of(prefill_s, decode_s))
    for percentile in PERCENTILES:
        wait_s = float(case.queue.wait_s(rate, percentile))
        assert np.quantile(measured.ttft_s, percentile) <= ttft_s + wait_s
        assert np.quantile(measured.e2e_s, percentile) <= e2e_s + wait_s
    assert measured.tpot_s.max() <= float(case.forms.tpot.of(prefill_s, decode_s)) * (1 + 1e-9)


@pytest.mark.parametrize("name", ["chat", "long-prompts", "many-slots"])
def test_the_bound_is_near_where_slots_suffice(name: str) -> None:
    """At moderate load the 99th percentile is bounded from less than 1.3 times above."""
    case = next(case for case in CASES if case.name == name)
    rate, measured = case.run(0.6)
    bound = case.forms.ttft.of(*case.seconds) + case.queue.wait_s(rate, 0.99)
    assert bound <= 1.3 * np.quantile(measured.ttft_s, 0.99)


@pytest.mark.parametrize("name", ["chat", "few-slots", "long-prompts"])
def test_a_mean_without_waits_would_be_wrong(name: str) -> None:
    """What the queue is for: the 99th percentile is beyond the time without waits."""
    case = next(case for case in CASES if case.name == name)
    _, measured = case.run(0.8)
    assert np.quantile(measured.ttft_s, 0.99) > case.forms.ttft.of(*case.seconds)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("load", [0.5, 0.8])
def test_classes_that_share_a_replica_wait_as_the_slower_of_them(part: float, load: float) -> None:
    """Each kept a part of the replica, at a load of its own part; prompts 20 times as long."""
    pair = (
        Case("short", (0.01, 0.01), (0.02, 0.0003), 64, 60, 1),
        Case("long", (0.01, 0.2), (0.02, 0.0003), 64, 250, 1),
    )
    alone = [load / float(case.queue.work_s) for case in pair]
    rates = part * alone[0], (1 - part) * alone[1]
    kind = (np.random.default_rng(4).random(COUNT) < rates[1] / sum(rates)).astype(int)
    prompt_s = np.array([case.prefill[1] for case in pair])[kind]
    steps = np.array([case.steps for case in pair])[kind]
    measured = simulate(pair[0].engine, poisson(sum(rates), COUNT, 3), prompt_s, steps)
    kept = kind[-len(measured.ttft_s) :]
    wait_s = max(float(c.queue.wait_s(rate, 0.99)) for c, rate in zip(pair, alone, strict=True))
    for index, case in enumerate(pair):
        ttft_s = measured.ttft_s[kept == index]
        assert np.quantile(ttft_s, 0.99) <= float(case.forms.ttft.of(*case.seconds)) + wait_s


@pytest.mark.parametrize("slots", [1, 2, 7, 64, 256])
@pytest.mark.parametrize("used", [0.1, 0.5, 0.9, 0.99])
def test_erlang_s_formula_as_a_sum(slots: int, used: float) -> None:
    offered = slots * used
    terms = [math.exp(i * math.log(offered) - math.lgamma(i + 1)) for i in range(slots + 1)]
    last = terms[-1] / (1 - used)
    queue = Queue(float(slots), 0.5, 0.01)
    assert float(queue.full(used / 0.5)) == pytest.approx(last / (sum(terms[:-1]) + last), rel=1e-9)


def test_the_tail_of_prefills_solves_its_equation() -> None:
    queue, rate = Queue(256.0, 1e-3, 0.1), 6.0  # slots never run out
    fall = -math.log(float(queue.late(rate, 1.0)))
    assert rate * (math.exp(fall * 0.1) - 1) == pytest.approx(fall, rel=1e-9)


@pytest.mark.parametrize("percentile", PERCENTILES)
def test_rate_and_wait_are_inverse(percentile: float) -> None:
    rng = np.random.default_rng(1)
    slots = rng.integers(1, 257, 200).astype(float)
    work_s = rng.uniform(0.01, 2.0, 200)
    queue = Queue(slots, work_s, work_s * rng.uniform(0.01, 0.9, 200))
    slack_s = rng.uniform(0.0, 5.0, 200) * np.asarray(queue.prompt_s)
    rate = queue.most_per_s(slack_s, percentile, 0.95 / work_s)
    limited = (rate > 0) & (rate < 0.95 / work_s)
    assert limited.sum() > 20
    np.testing.assert_allclose(
        np.asarray(queue.wait_s(rate, percentile))[limited], slack_s[limited], rtol=1e-6
    )
    assert np.all(queue.late(rate, slack_s) <= 1 - percentile + 1e-12)


def test_more_of_anything_never_waits_less() -> None:
    queue = Queue(16.0, 0.1, 0.02)
    rates = np.linspace(0.1, 9.9, 50)
    assert (np.diff(queue.wait_s(rates, 0.99)) >= 0).all()
    parts = np.linspace(0.5, 0.999, 50)
    assert (np.diff(queue.wait_s(8.0, parts)) >= 0).all()
    assert (np.diff(queue.most_per_s(0.2, parts, 10.0)) <= 0).all()
    slots = np.arange(1.0, 65.0)
    assert (np.diff(Queue(slots, 0.1, 0.02).full(8.0)) <= 0).all()


def test_the_ends() -> None:
    queue = Queue(4.0, 0.5, 0.1)
    assert float(queue.full(0.0)) == 0.0
    assert float(queue.wait_s(0.0, 0.99)) == pytest.approx(0.0, abs=1e-12)
    assert float(queue.wait_s(2.0, 0.99)) == math.inf
    assert float(queue.most_per_s(0.0, 0.99, 1.6)) == 0.0
    assert float(queue.most_per_s(-1.0, 0.99, 1.6)) == 0.0
    assert float(queue.most_per_s(math.inf, 0.99, 1.6)) == 1.6
    assert float(queue.most_per_s(0.0, 0.0, 1.6)) == 1.6
