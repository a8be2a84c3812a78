"""Which column of the program means what."""

from __future__ import annotations

from dataclasses import dataclass

from ..models.hardware import Offer
from ..models.value import FloatArray
from .candidates import Stream
from .orders import Orders
from .program import IntArray


@dataclass(frozen=True, slots=True)
class ServiceColumns:
    """A service stream: its candidates `pair` and their replicas x, shape [J]."""

    stream: Stream
    pair: IntArray
    replicas: IntArray


@dataclass(frozen=True, slots=True)
class JobColumns:
    """A job: one column per order, and its bill spread over the deadline, shape [J]."""

    orders: Orders
    usd_per_hour: FloatArray
    chosen: IntArray


@dataclass(frozen=True, slots=True)
class Variables:
    """All columns.

    Attributes:
        offers: the cheapest offer of each VM type, by VM type key.
        vms: column of n by VM type key, for VM types that some service could use.
    """

    offers: dict[str, Offer]
    vms: dict[str, int]
    services: tuple[ServiceColumns, ...]
    jobs: tuple[JobColumns, ...]
