"""Measured rows ready to be fitted: repeats merged, work counted, labels to hold out by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .observation import N_TERMS, Observation, Work, count_work, design_matrix, sequences_held
from .value import FloatArray

Mask = NDArray[np.bool_]
HOLDOUTS = ("batch", "length", "TP", "model")
"""What is left out, one value at a time, to see how a fit carries over."""
BINS_PER_OCTAVE = 8
"""Prompts this close in length are repeats of one another."""
ENOUGH_REPEATS = 5
"""A median of so many prefills counts in full; where others are repeated, fewer count less."""
MOST_WAITING = 0.25
"""Part of a request's time before its first token; above it the clients queued, and fewer
sequences decoded than the row says."""


@dataclass(frozen=True)
class Sample:
    """Rows with their features.

    Attributes:
        rows: with measured seconds.
        work: features of their phases.
        weights: of a row beside others; below 1 for a prefill with fewer repeats than they.
    """

    rows: tuple[Observation, ...]
    work: Work
    weights: FloatArray

    @classmethod
    def of(cls, rows: Iterable[Observation]) -> Sample:
        """Rows that were measured, repeats merged to their median."""
        merged, counts = merge_repeats([row for row in rows if row.seconds is not None])
        most: dict[str, int] = {}
        for row, count in zip(merged, counts, strict=True):
            most[row.software] = max(most.get(row.software, 1), min(count, ENOUGH_REPEATS))
        weights = [
            min(1.0, count / most[row.software]) if row.kind == "prefill" else 1.0
            for row, count in zip(merged, counts, strict=True)
        ]
        return cls(tuple(merged), count_work(merged), np.array(weights))

    def take(self, keep: Mask) -> Sample:
        """The rows where a mask holds."""
        chosen = tuple(row for row, kept in zip(self.rows, keep, strict=True) if kept)
        return Sample(chosen, self.work.take(keep), self.weights[keep])

    @cached_property
    def seconds(self) -> FloatArray:
        """Measured times [s], shape [rows]."""
        return np.array([row.seconds for row in self.rows], dtype=np.float64)

    @cached_property
    def design(self) -> FloatArray:
        """Shape [rows, 2 `N_TERMS`]; see `observation.design_matrix`."""
        return design_matrix(self.rows, self.work)

    @cached_property
    def cells(self) -> NDArray[Any]:
        """GPU and software of each row: what one calibration is fitted to."""
        return np.array([f"{row.gpu.name}|{row.software}" for row in self.rows])

    @cached_property
    def series(self) -> NDArray[Any]:
        """GPU, software, LLM and precision of each row."""
        return np.array(
            [f"{c}|{series_of(row)}" for c, row in zip(self.cells, self.rows, strict=True)]
        )

    def labels(self, holdout: str) -> NDArray[Any]:
        """What each row has of a thing to hold out."""
        return np.array([_label(row, holdout) for row in self.rows])

    def prefill_part(self, theta: FloatArray) -> FloatArray:
        """Part of the predicted time that prefill takes, shape [rows]."""
        terms = self.design * theta
        total = np.maximum(terms.sum(axis=1), np.finfo(float).tiny)
        return np.asarray(terms[:, :N_TERMS].sum(axis=1) / total)


def series_of(row: Observation) -> str:
    """The LLM and its weights, without the name of who fine-tuned it."""
    return f"{row.architecture.name}|{row.precision}"


def steady(row: Observation) -> bool:
    """Whether a row ran the batch it states: all KV cache fitted, and clients did not queue."""
    if row.kind == "serving" and row.ttft_s is not None and row.seconds is not None:
        waiting = row.ttft_s / (row.ttft_s + row.steps * row.seconds)
        if waiting > MOST_WAITING:
            return False
    return row.kind in ("prefill", "decode") or sequences_held(row) >= row.batch


def merge_repeats(rows: Sequence[Observation]) -> tuple[list[Observation], list[int]]:
    """Rows of one size as one, at their median time and mean size, and how many each was."""
    alike: dict[tuple[object, ...], list[Observation]] = {}
    for row in rows:
        size: float = row.input_tokens
        if row.kind == "prefill":
            size = float(np.floor(np.log2(row.batch * row.input_tokens) * BINS_PER_OCTAVE))
        key = (row.gpu.name, row.software, series_of(row), row.n_gpus, row.kind, row.layer_only)
        alike.setdefault((*key, row.batch, size, row.output_tokens), []).append(row)
    merged = []
    for group in alike.values():
        waits = [row.ttft_s for row in group if row.ttft_s is not None]
        merged.append(
            replace(
                group[0],
                input_tokens=float(np.mean([row.input_tokens for row in group])),
                seconds=float(np.median([row.seconds or 0.0 for row in group])),
                ttft_s=float(np.median(waits)) if waits else None,
            )
        )
    return merged, [len(group) for group in alike.values()]


def _label(row: Observation, holdout: str) -> str:
    if holdout == "batch":
        return f"{row.batch:g}"
    if holdout == "TP":
        return str(row.n_gpus)
    if holdout == "model":
        return row.architecture.name
    if row.kind in ("batch", "serving"):
        return f"{row.input_tokens:g}/{row.output_tokens}"
    return str(int(np.log2(row.input_tokens * (row.batch if row.kind == "prefill" else 1.0))))
