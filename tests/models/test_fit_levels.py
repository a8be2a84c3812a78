"""The fit, level by level: what rows know they decide, what they do not comes from above."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from infersave.catalogs.architectures import load_architecture
from infersave.catalogs.store import load_gpus
from infersave.models.calibrating import calibrate
from infersave.models.calibration import ANY
from infersave.models.fitting import Pull, fit_coefficients
from infersave.models.hierarchy import TYPICAL, fit_cell, fit_pool, hold_out, hold_out_cells
from infersave.models.observation import N_TERMS, Observation, count_work, design_matrix
from infersave.models.outcome import CalibrationError
from infersave.models.own_fit import advise, fit_calibrations
from infersave.models.prediction import Predictor
from infersave.models.sample import Sample, merge_repeats, steady

TRUE = np.array([1.4, 2.0, 6e-5, 1e-6, 0.8, 2e-5, 3.0, 1e-9] * 2)
NOISE = 0.1
GPUS = {gpu.name: gpu for gpu in load_gpus()}
MODELS = ("facebook/opt-6.7b", "meta-llama/Llama-3.1-8B", "facebook/opt-13b")


def observation(gpu: str = "L4", model: str = MODELS[0], **changes: Any) -> Observation:
    base = Observation(
        gpu=GPUS[gpu],
        link_bytes_per_s=3e10,
        n_gpus=1,
        architecture=load_architecture(model),
        kind="decode",
        batch=4.0,
        input_tokens=512.0,
        software="vLLM",
        source="made up",
    )
    return replace(base, **changes)


def rows_of(gpu: str, theta: np.ndarray, noise: float = 0.0, seed: int = 1) -> list[Observation]:
    """Both phases of several LLMs, batches, lengths and degrees, timed by theta."""
    asked = [
        observation(gpu, model, kind=kind, batch=batch, input_tokens=tokens, n_gpus=g)
        for model in MODELS
        for kind in ("prefill", "decode")
        for batch in (1.0, 8.0, 32.0)
        for tokens in (128.0, 1024.0)
        for g in (1, 2, 4)
    ]
    seconds = design_matrix(asked, count_work(asked)) @ theta
    seconds = seconds * np.random.default_rng(seed).lognormal(0.0, noise, len(asked))
    return [replace(row, seconds=float(s)) for row, s in zip(asked, seconds, strict=True)]


def test_a_pool_finds_what_made_the_rows() -> None:
    sample = Sample.of(rows_of("L4", TRUE) + rows_of("A10", TRUE))
    theta = fit_pool(sample)
    assert np.abs(sample.design @ theta / sample.seconds - 1.0).max() < 0.02


def test_few_rows_stay_near_the_pool_and_many_leave_it() -> None:
    slow = TRUE * 2.0
    many = Sample.of(rows_of("L4", slow))
    few = many.take(np.arange(len(many.rows)) == 30)
    for sample, least, most in ((many, 1.9, 2.1), (few, 1.0, 1.95)):
        theta = fit_cell(sample, TRUE)
        change = many.design @ theta / (many.design @ TRUE)
        assert least < float(np.median(change)) < most


def test_a_term_that_rows_cannot_tell_keeps_the_pooled_value() -> None:
    one_gpu = [row for row in rows_of("L4", TRUE * 1.5) if row.n_gpus == 1]
    theta = fit_cell(Sample.of(one_gpu), TRUE)
    for term in (4, 5, N_TERMS + 4, N_TERMS + 5):  # exchange and sync
        assert theta[term] == pytest.approx(TRUE[term], rel=0.05)


def test_a_pull_is_a_bound_on_nothing() -> None:
    design = np.random.default_rng(0).uniform(0.5, 1.0, (200, 3))
    true = np.array([2.0, 0.1, 5.0])
    pull = Pull(np.ones(3), np.ones(3), 0.5)
    theta = fit_coefficients(design, design @ true, pull=pull)
    assert np.abs(design @ theta / (design @ true) - 1.0).max() < 0.02


def test_what_is_held_out_takes_no_part() -> None:
    """Rows at one batch are made ten times slower: only their own prediction misses."""
    spoilt = [
        replace(row, seconds=(row.seconds or 0.0) * (10.0 if row.batch == 32.0 else 1.0))
        for row in rows_of("L4", TRUE)
    ]
    for part in hold_out(Sample.of(spoilt), TRUE):
        if part.holdout == "batch" and part.sample.rows[0].batch == 32.0:
            assert np.all(part.errors > np.log(5.0))
            break
    else:
        pytest.fail("batch 32 was never held out")


def test_errors_of_rows_held_out_are_their_noise() -> None:
    sample = Sample.of(rows_of("L4", TRUE, NOISE) + rows_of("A10", TRUE, NOISE, seed=2))
    errors = np.concatenate([p.errors for p in hold_out_cells(sample) if p.holdout == "length"])
    assert NOISE * 0.7 < float(np.std(errors)) < NOISE * 2.0


def test_intervals_hold_the_rows_that_come_later() -> None:
    seen = rows_of("L4", TRUE, NOISE) + rows_of("A10", TRUE, NOISE, seed=2)
    found, _ = calibrate(Sample.of(seen), ["L4", "A10", "T4"], "2026-01-01")
    later = rows_of("L4", TRUE, NOISE, seed=3)
    predicted = Predictor(found).predict(later)
    inside = [
        p.seconds.low <= (row.seconds or 0.0) <= p.seconds.high
        for p, row in zip(predicted, later, strict=True)
    ]
    assert 0.85 <= np.mean(inside) <= 1.0
    kinds = {(c.gpu, c.kind) for c in found if c.plans and c.gpu != ANY}
    assert kinds == {("L4", "fitted"), ("A10", "fitted"), ("T4", "prior")}


def test_a_gpu_nobody_measured_is_wider() -> None:
    seen = rows_of("L4", TRUE, NOISE) + rows_of("A10", TRUE * 1.4, NOISE)
    known = Predictor(calibrate(Sample.of(seen), ["L4", "A10", "T4"], "2026-01-01")[0])
    here, there = known.predict([observation("L4"), observation("T4")])
    assert there.seconds.high / there.seconds.low > here.seconds.high / here.seconds.low
    assert there.calibration.kind == "prior"


def test_repeats_are_one_row_at_their_median() -> None:
    times = (0.01, 0.011, 0.5)
    merged, counts = merge_repeats([observation(seconds=s) for s in times])
    assert [row.seconds for row in merged] == [0.011]
    assert counts == [3]


def test_rows_whose_kv_did_not_fit_or_that_queued_are_not_steady() -> None:
    batch: dict[str, Any] = {"kind": "batch", "output_tokens": 128, "seconds": 1.0}
    assert steady(observation(batch=4.0, **batch))
    assert not steady(observation(batch=4000.0, **batch))
    loop: dict[str, Any] = {"kind": "serving", "output_tokens": 101, "seconds": 0.01, "batch": 4.0}
    assert steady(observation(ttft_s=0.1, **loop))
    assert not steady(observation(ttft_s=5.0, **loop))


def test_more_clients_than_memory_holds_wait_their_turn() -> None:
    known = Predictor(calibrate(Sample.of(rows_of("L4", TRUE)), ["L4"], "")[0])
    batch: dict[str, Any] = {"kind": "batch", "output_tokens": 128}
    few, many = known.predict([observation(batch=b, **batch) for b in (4.0, 400.0)])
    assert few.held == 4.0
    assert many.held < 400.0
    assert many.seconds.value > 400.0 / many.held * 0.9 * few.seconds.value


def test_one_size_cannot_be_fitted() -> None:
    known = Predictor(calibrate(Sample.of(rows_of("L4", TRUE)), ["L4"], "")[0])
    same = [observation(batch=4.0, seconds=0.01, input_tokens=512.0 + i) for i in range(6)]
    with pytest.raises(CalibrationError, match="one size"):
        fit_calibrations(Sample.of(same), known)
    with pytest.raises(CalibrationError, match="2 rows cannot be fitted"):
        fit_calibrations(Sample.of(same[:2]), known)


def test_advice_names_the_measurement_that_is_missing() -> None:
    rows = [observation(batch=b, seconds=0.01 + b / 1e4) for b in (1.0, 2.0, 4.0, 8.0)]
    advice = " ".join(advise(Sample.of(rows)))
    for said in ("only contexts of 512 tokens", "only 1 GPUs", "one LLM"):
        assert said in advice
    assert "only batch" not in advice
    assert not list(advise(Sample.of(rows_of("L4", TRUE))))


def test_own_rows_give_calibrations_for_plans_and_predictions() -> None:
    known = Predictor(calibrate(Sample.of(rows_of("A10", TRUE)), ["A10", "L4"], "")[0])
    (fit,) = fit_calibrations(Sample.of(rows_of("L4", TRUE * 1.3)), known, "mine.csv", "")
    plan, software, *llms = fit.calibrations
    assert plan.plans
    assert software.software == "vLLM"
    assert {c.architecture for c in llms} == set(MODELS)
    assert np.abs(fit.fitted / fit.sample.seconds - 1.0).max() < 0.1
    assert plan.max_gpus == 4
    assert len(TYPICAL) == 2 * N_TERMS
