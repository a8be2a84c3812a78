"""How far predictions lie from measurements that took no part in the fit.

    python benchmarks/accuracy.py MEASUREMENTS_DIR [--by-gpu]

Three forms of the time of a phase, each fitted per GPU and software, on the same rows:

- the paper's CTCF: alpha * FLOPs / peak + beta;
- a plain roofline: alpha * max(FLOPs / peak, bytes / bandwidth) + beta;
- ours: all terms of `models/calibration.py`, fitted level by level.

What is held out, one value at a time: a batch, a length, a tensor-parallel degree, an LLM
(of one GPU and software), a GPU with all of its rows. Prefills timed fewer than five times, where
others were timed more often, are fitted with less weight and not counted: they are mostly noise.

A second table hides a quarter of all batches, lengths, degrees, LLMs and GPUs in turn, calibrates
from the rest as the shipped calibrations were, and predicts the hidden rows as `infersave predict`
would: error, part of rows inside their 90 % interval, and the interval's width.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from infersave.catalogs.measurement_files import read_folder
from infersave.models.calibrating import calibrate
from infersave.models.fitting import Pull, fit_coefficients
from infersave.models.hierarchy import HeldOut, hold_out_cells
from infersave.models.observation import FLOP_TERMS, Observation
from infersave.models.prediction import Estimate, Predictor
from infersave.models.sample import HOLDOUTS, Sample
from infersave.models.value import FloatArray

SEEDS = (1, 2)
HIDDEN_PART = 4
"""One in so many values is hidden."""
LEAST_HIDDEN = 30
"""Rows of a group that the second table shows."""
Group = tuple[str, ...]


def main() -> None:
    """Read, hold out, print."""
    parser = argparse.ArgumentParser(description="Held-out accuracy of three forms.")
    parser.add_argument("folder", type=Path, help="folder of the measurement files")
    parser.add_argument("--by-gpu", action="store_true", help="one line for each GPU as well")
    arguments = parser.parse_args()
    rows, left_out = read_folder(arguments.folder)
    sample = Sample.of(rows)
    print(f"{len(rows)} measured times, {len(sample.rows)} after merging repeats")
    for line in table(sample, arguments.by_gpu):
        print(line)
    print()
    for line in hidden_table(rows):
        print(line)
    for reason, count in sorted(left_out.items()):
        print(f"left out: {count} of {reason}")


def table(sample: Sample, by_gpu: bool) -> Iterator[str]:
    """The lines: mean absolute percentage error / 90th percentile of each form."""
    found = collect(hold_out_cells(sample), by_gpu)
    head = ("software", "GPU", "time", "left out", "rows")
    yield _line(*head, "paper", "roofline", "ours", "median")
    for group, errors in sorted(found.items()):
        forms = [_error(errors[name]) for name in ("paper", "roofline", "ours")]
        ours = np.abs(np.expm1(-np.array(errors["ours"])))
        rows = str(len(ours))
        yield _line(*group, rows, *forms, f"{np.median(ours):.1%}")


def collect(held: Iterable[HeldOut], by_gpu: bool) -> dict[Group, dict[str, list[float]]]:
    """log(measured / predicted) of each form, by group."""
    found: dict[Group, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for part in held:
        if part.holdout == "both":
            continue
        predicted: dict[str, FloatArray | None] = {"ours": part.predicted}
        for name, form in SIMPLE.items():
            predicted[name] = simple_form(part, form)
        for i in np.flatnonzero(part.sample.weights >= 1.0):
            row = part.sample.rows[i]
            gpus = ("all", row.gpu.name) if by_gpu else ("all",)
            for gpu in gpus:
                group = (row.software, gpu, row.kind, part.holdout)
                for name, seconds in predicted.items():
                    if seconds is not None:
                        error = np.log(part.sample.seconds[i] / seconds[i])
                        found[group][name].append(float(error))
    return found


def simple_form(part: HeldOut, form: Callable[[Sample], FloatArray]) -> FloatArray | None:
    """Predictions of a form with two coefficients for each phase, fitted to the same rows.

    None where a whole GPU is left out: these forms have nothing to carry over.
    """
    if part.train is None:
        return None
    start = np.array([1.5, 1e-3] * 2)
    pull = Pull(start, start, 0.1)
    theta = fit_coefficients(form(part.train), part.train.seconds, pull=pull)
    return np.asarray(np.maximum(form(part.sample) @ theta, 1e-9))


def paper(sample: Sample) -> FloatArray:
    """alpha * FLOPs / peak + beta, of both phases, shape [rows, 4]."""
    return _two_terms(sample, sample.work.prefill_flops_s, sample.work.decode_flops_s)


def roofline(sample: Sample) -> FloatArray:
    """alpha * max(FLOPs / peak, bytes / bandwidth) + beta, of both phases, shape [rows, 4]."""
    first, second = (
        work[:, FLOP_TERMS].sum(axis=1) for work in (sample.work.prefill, sample.work.decode)
    )
    return _two_terms(sample, first, second)


SIMPLE = {"paper": paper, "roofline": roofline}


def _two_terms(sample: Sample, prefill: FloatArray, decode: FloatArray) -> FloatArray:
    shares = np.array([row.shares for row in sample.rows])
    columns = (prefill * shares[:, 0], shares[:, 0], decode * shares[:, 1], shares[:, 1])
    return np.stack(columns, axis=1)


def hidden_table(rows: list[Observation]) -> Iterator[str]:
    """The lines of the second table."""
    yield _row("software", "time", "hidden", "rows", "error", "inside", "high / low")
    for what in (*HOLDOUTS, "GPU"):
        found: dict[Group, list[tuple[float, bool, float]]] = defaultdict(list)
        for seed in SEEDS:
            for row, kind, seconds, estimate in hide(rows, what, seed):
                inside = estimate.low <= seconds <= estimate.high
                error = abs(estimate.value / seconds - 1.0)
                software = row.software.split(",")[0]
                found[software, kind].append((error, inside, estimate.high / estimate.low))
        for (software, kind), values in sorted(found.items()):
            if len(values) >= LEAST_HIDDEN:
                error, inside, width = np.array(values).T
                relative = f"{error.mean():.1%} / {np.quantile(error, 0.9):.0%}"
                shown = (f"{inside.mean():.0%}", f"{np.median(width):.2f}")
                yield _row(software, kind, what, str(len(values)), relative, *shown)


def hide(
    rows: list[Observation], what: str, seed: int
) -> Iterator[tuple[Observation, str, float, Estimate]]:
    """Rows of a quarter of the values of one thing, with what the others predict of them."""
    sample = Sample.of(rows)
    labels = np.array([row.gpu.name for row in sample.rows])
    if what != "GPU":
        labels = np.char.add(np.char.add(sample.cells, "|"), sample.labels(what))
    names = np.unique(labels)
    hidden = np.random.default_rng(seed).permutation(names)[: len(names) // HIDDEN_PART]
    mask = np.isin(labels, hidden)
    found, _ = calibrate(sample.take(~mask), [], "")
    left = sample.take(mask)
    for row, predicted in zip(left.rows, Predictor(found).predict(left.rows), strict=True):
        assert row.seconds is not None
        yield row, row.kind, row.seconds, predicted.seconds
        if row.ttft_s is not None and predicted.ttft_s is not None:
            yield row, "TTFT", row.ttft_s, predicted.ttft_s


def _error(errors: list[float]) -> str:
    if not errors:
        return "-"
    relative = np.abs(np.expm1(-np.array(errors)))
    return f"{relative.mean():.1%} / {np.quantile(relative, 0.9):.0%}"


def _line(*cells: str) -> str:
    widths = (26, 17, 8, 9, 6, 17, 17, 17, 8)
    return " ".join(str(c).ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()


def _row(*cells: str) -> str:
    widths = (18, 8, 8, 6, 16, 7, 10)
    return " ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()


if __name__ == "__main__":
    main()
