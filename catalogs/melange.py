"""Melange's input, read as its authors publish it.

Melange (arXiv:2404.14527, github.com/tyler-griggs/melange-release) takes a JSON file with
`gpu_info` (by GPU name: `cost` in USD/h and `tputs`, the most requests/s within the SLO by
bucket of input and output length), `workload_distribution` (the part of the requests in
each bucket), `total_request_rate` and `slice_factor`. AIBrix's copy adds `max_count`, the
most GPUs of a kind.

As in the published tool, the rate of a bucket is its part times the total rate: parts that
do not add up to 1 raise or lower the rate. `slice_factor` cuts buckets into slices that go
to one kind of GPU each; here requests go to kinds in any proportion, so it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import fsum
from typing import Annotated, Self

from pydantic import Field, model_validator

from ..models.fleet import FleetProblem
from ..models.hardware import GPU, Offer, VMType
from ..models.limits import Quota
from ..models.measured import MeasuredWorkload, Throughput
from ..models.outcome import ProblemError
from ..models.value import Count, Name, NonNegative, Positive, Value, WholeNumber

NAME = "melange"
"""The workload's name, and the provider's: the file names neither."""

REGION = "anywhere"

KEYS = ("gpu_info", "workload_distribution")
"""A file with either of them is Melange's."""

Matrix = Annotated[
    tuple[Annotated[tuple[NonNegative, ...], Field(min_length=1)], ...], Field(min_length=1)
]
"""A number for each input length (row) and output length (column)."""


class MelangeGPU(Value):
    """A kind of GPU: its price, and what one carries of each bucket alone.

    Attributes:
        cost: of one GPU with the VM around it [USD/h].
        tputs: most requests/s by bucket; 0 where it cannot serve one.
        max_count: most GPUs of the kind; None means any number.
    """

    cost: Positive
    tputs: Matrix
    max_count: WholeNumber | None = None


class MelangeInput(Value):
    """The file."""

    gpu_info: Annotated[dict[Name, MelangeGPU], Field(min_length=1)]
    workload_distribution: Matrix
    total_request_rate: Positive
    slice_factor: Count = 1

    @model_validator(mode="after")
    def _shapes_fit(self) -> Self:
        shape = (len(self.workload_distribution), len(self.workload_distribution[0]))
        _check_shape("workload_distribution", self.workload_distribution, shape)
        for name, gpu in self.gpu_info.items():
            _check_shape(f"gpu_info.{name}.tputs", gpu.tputs, shape)
        if not any(map(any, self.workload_distribution)):
            raise ProblemError("workload_distribution", 0, "must be positive in some bucket")
        return self

    @property
    def buckets(self) -> list[tuple[int, int]]:
        """Row and column of each bucket that has requests, row by row."""
        rows = enumerate(self.workload_distribution)
        return [(i, j) for i, row in rows for j, part in enumerate(row) if part]


def is_melange(data: Mapping[object, object]) -> bool:
    """Whether plain data is Melange's input."""
    return any(key in data for key in KEYS)


def parse_melange(data: object) -> FleetProblem:
    """Melange's input as a problem: one measured workload, one offer for each kind of GPU.

    Its request classes are the buckets that have requests, row by row. Throughputs are used
    to the full, as Melange does: `target_utilization` is 1.

    Raises:
        ProblemError: a value breaks a rule (field, value, rule).
    """
    asked = MelangeInput.parse(data)
    parts = [asked.workload_distribution[i][j] for i, j in asked.buckets]
    total = fsum(parts)
    workload = MeasuredWorkload(
        name=NAME,
        requests_per_s=asked.total_request_rate * total,
        target_utilization=1.0,
        shares=tuple(part / total for part in parts),
        throughput=tuple(
            Throughput(
                vm_type=name, requests_per_s=tuple(gpu.tputs[i][j] for i, j in asked.buckets)
            )
            for name, gpu in asked.gpu_info.items()
        ),
    )
    return FleetProblem(
        measured=(workload,),
        offers=tuple(_offer(name, gpu.cost) for name, gpu in asked.gpu_info.items()),
        quotas=tuple(_quotas(asked)),
    )


def _offer(name: str, cost: float) -> Offer:
    vm_type = VMType(provider=NAME, name=name, family=name, gpu=GPU(name=name), n_gpus=1)
    return Offer(vm_type=vm_type, region=REGION, usd_per_hour=cost, source="gpu_info")


def _quotas(asked: MelangeInput) -> Iterator[Quota]:
    for name, gpu in asked.gpu_info.items():
        if gpu.max_count is not None:
            yield Quota(name=name, vm_types=(name,), limit=gpu.max_count, unit="gpus")


def _check_shape(field: str, matrix: Matrix, shape: tuple[int, int]) -> None:
    """Refuse a matrix that has not this many rows and columns."""
    rows, columns = shape
    if len(matrix) != rows:
        raise ProblemError(field, len(matrix), f"must have {rows} rows, one for each input length")
    for index, row in enumerate(matrix):
        if len(row) != columns:
            rule = f"must have {columns} numbers, one for each output length"
            raise ProblemError(f"{field}[{index}]", len(row), rule)
