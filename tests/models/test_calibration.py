"""The CTCF fit: exact on exact rows, bounded, robust, and firm about bad input."""

from __future__ import annotations

import numpy as np
import pytest

from infersave.models.calibration import (
    FEATURES,
    Calibration,
    Coefficients,
    Features,
    apply_ctcf,
    calibration_for,
)
from infersave.models.fitting import fit_coefficients
from infersave.models.outcome import CalibrationError, ProblemError
from infersave.models.spread import Spread

THETA = np.array([1.3, 1.1, 4e-5, 2e-6, 1.5, 1e-5])
# Sizes of the features in real rows: seconds, seconds, layers, sequences, seconds, exchanges.
SCALE = np.array([2e-2, 5e-3, 32.0, 512.0, 1e-3, 64.0])


def synthetic_rows(count: int, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Rows that THETA explains without error."""
    design = np.random.default_rng(seed).uniform(0.1, 1.0, (count, len(THETA))) * SCALE
    return design, design @ THETA


def test_recovers_known_coefficients() -> None:
    theta = fit_coefficients(*synthetic_rows(60))
    np.testing.assert_allclose(theta, THETA, rtol=1e-3)


def test_bounds_hold() -> None:
    design, seconds = synthetic_rows(60)
    lower = np.array([1.5, 0.0, 0.0, 0.0, 0.0, 0.0])
    upper = np.array([np.inf, 0.9, np.inf, np.inf, np.inf, np.inf])
    theta = fit_coefficients(design, seconds, lower, upper)
    assert theta[0] == pytest.approx(1.5, rel=1e-6)
    assert theta[1] <= 0.9
    assert np.all(theta >= 0)


def test_pinned_coefficients_stay_and_the_others_adjust() -> None:
    design, seconds = synthetic_rows(60)
    lower, upper = np.zeros(6), np.full(6, np.inf)
    lower[2] = upper[2] = THETA[2]
    lower[5] = upper[5] = 0.0
    theta = fit_coefficients(design, seconds, lower, upper)
    assert theta[2] == THETA[2]
    assert theta[5] == 0.0
    assert np.abs(design @ theta / seconds - 1).max() < 0.05


def test_a_feature_that_never_occurs_stays_at_its_lower_bound() -> None:
    design, _ = synthetic_rows(60)
    design[:, 4:] = 0.0
    theta = fit_coefficients(design, design @ THETA, np.array([1.0, 1.0, 0, 0, 0.5, 0]))
    assert theta[4] == 0.5
    assert theta[5] == 0.0
    np.testing.assert_allclose(theta[:4], THETA[:4], rtol=1e-3)


def test_one_gross_outlier_hardly_moves_the_fit() -> None:
    design, seconds = synthetic_rows(60)
    seconds[17] *= 20
    theta = fit_coefficients(design, seconds)
    kept = np.arange(60) != 17
    assert np.abs(design[kept] @ theta / seconds[kept] - 1).max() < 0.05


def test_rows_weigh_alike_whatever_their_size() -> None:
    """A 10 % contradiction between 1 ms and 1 s is split, not won by the longer row."""
    design = np.array([[1e-3], [1.0]])
    theta = fit_coefficients(design, np.array([1.0e-3, 1.1]))
    assert theta[0] == pytest.approx(1.05, abs=0.02)


def test_too_few_rows() -> None:
    design, seconds = synthetic_rows(5)
    with pytest.raises(CalibrationError, match="5 rows cannot fix 6 coefficients"):
        fit_coefficients(design, seconds)
    pinned = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1e-5])
    upper = np.array([np.inf] * 5 + [1e-5])
    assert fit_coefficients(design, seconds, pinned, upper)[5] == 1e-5


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_times_must_be_positive(bad: float) -> None:
    design, seconds = synthetic_rows(20)
    seconds[3] = bad
    with pytest.raises(CalibrationError, match="positive"):
        fit_coefficients(design, seconds)


def test_features_must_be_finite() -> None:
    design, seconds = synthetic_rows(20)
    design[3, 0] = np.inf
    with pytest.raises(CalibrationError, match="finite"):
        fit_coefficients(design, seconds)


def test_coefficients_and_features_have_one_order() -> None:
    theta = Coefficients(
        linear=1.0,
        attention=2.0,
        layer_s=3.0,
        sequence_s=4.0,
        exchange=5.0,
        sync_s=6.0,
        activation=7.0,
        logit_s=8.0,
    ).as_tuple()
    assert theta == (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
    assert (FEATURES[0], FEATURES[5], FEATURES[7]) == ("linear_s", "exchanges", "logits")
    phi = Features(1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7)
    assert apply_ctcf(theta, phi) == 87654321.0


def test_coefficients_are_not_negative() -> None:
    with pytest.raises(ProblemError, match="layer_s"):
        Coefficients(linear=1.0, attention=1.0, layer_s=-1e-6)


def test_an_engine_of_its_own_comes_before_any() -> None:
    theta = Coefficients(linear=1.0, attention=1.0, layer_s=0.0)
    general = Calibration(
        gpu="T4",
        kind="fitted",
        prefill=theta,
        decode=theta,
        prefill_residual=0.1,
        decode_residual=0.1,
    )
    special = general.replace(engine="flexgen")
    assert calibration_for((general, special), "T4", "flexgen") is special
    assert calibration_for((general, special), "T4", "continuous") is general
    with pytest.raises(CalibrationError, match="'L4'"):
        calibration_for((general, special), "L4", "flexgen")


def _with_spread() -> Calibration:
    theta = Coefficients(linear=1.0, attention=1.0, layer_s=0.0)
    return Calibration(
        gpu="T4",
        kind="fitted",
        prefill=theta,
        decode=theta,
        prefill_residual=0.3,
        decode_residual=0.2,
        prefill_spread=Spread(below=0.1, above=0.3),
        stretch=2.0,
    )


def test_a_factor_is_the_quantile_that_was_measured() -> None:
    prefill, decode = _with_spread().factor(0.95)
    assert prefill == pytest.approx(np.exp(0.3))
    assert decode == pytest.approx(1.2)  # no quantiles: the residual's
    assert _with_spread().factor(0.05)[0] == pytest.approx(np.exp(-0.1))


def test_factors_rise_with_confidence_and_are_1_at_one_half() -> None:
    calibration = _with_spread()
    steps = [calibration.factor(p) for p in (0.01, 0.3, 0.5, 0.7, 0.95, 0.99)]
    for phase in (0, 1):
        factors = [step[phase] for step in steps]
        assert factors == sorted(factors)
        assert len(set(factors)) == len(factors)
    assert calibration.factor(0.5) == (1.0, 1.0)


def test_an_extrapolation_is_wider() -> None:
    calibration = _with_spread()
    inside, outside = calibration.factor(0.9), calibration.factor(0.9, stretch=calibration.stretch)
    assert outside == pytest.approx(tuple(x**2 for x in inside))


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.5, float("nan")])
def test_confidence_is_a_probability(confidence: float) -> None:
    with pytest.raises(CalibrationError, match="confidence"):
        _with_spread().factor(confidence)
