"""The chosen batch is the best of all batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from infersave import FleetProblem
from infersave.models.load import batch_range
from infersave.models.serving import Serving
from infersave.models.value import FloatArray
from infersave.solver.batches import best_batches, last_true
from infersave.solver.candidates import enumerate_streams


def test_last_true_finds_every_threshold() -> None:
    limits = np.array([1.0, 2.0, 5.0, 9.0, 100.0])

    def below(x: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return x <= limits

    found = last_true(below, np.ones(5), np.full(5, 9.0))
    assert found.tolist() == [1.0, 2.0, 5.0, 9.0, 9.0]


@pytest.mark.parametrize("seed", range(60))
def test_best_batch_of_all(seed: int, random_fleet: Callable[[int], FleetProblem]) -> None:
    for stream in enumerate_streams(random_fleet(seed)):
        serving = Serving(stream.workload, stream.request, stream.machines.replica)
        least, most = batch_range(stream.workload)
        work = np.full((most - least + 1, len(stream.holds)), np.inf)
        for row, batch in enumerate(range(least, most + 1)):
            trial = serving.at(float(batch))
            holds = trial.fits & serving.in_time(trial)
            work[row] = np.where(holds, trial.work_s, np.inf)
        chosen = best_batches(serving)
        holds = chosen.fits & serving.in_time(chosen) & serving.in_throughput(chosen)
        best = work.min(axis=0)
        assert np.all(np.isfinite(best) | ~holds)
        assert chosen.work_s[holds] == pytest.approx(best[holds], rel=1e-12)
        least_tokens = stream.workload.slo.tokens_per_s
        served = np.isfinite(best)
        if least_tokens is not None:
            served &= stream.request.total_tokens / best >= least_tokens
        assert np.array_equal(holds, served)
