"""Which column of the program means what."""

from __future__ import annotations

from dataclasses import dataclass

from ..models.fleet import FleetProblem
from ..models.value import FloatArray
from .market import Market
from .orders import Orders
from .program import IntArray
from .services import Service
from .shifts import Shifts


@dataclass(frozen=True, slots=True)
class Estate:
    """A problem with its physics done.

    Attributes:
        services: one per workload with a rate, or that asks for one replica.
        orders: a job's request classes on VMs of their own, where there is no horizon.
        shifts: a job's request classes in the periods of the horizon.
    """

    problem: FleetProblem
    market: Market
    services: tuple[Service, ...]
    orders: tuple[Orders, ...] = ()
    shifts: tuple[Shifts, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceColumns:
    """A service in one period: replicas x of its items, and by class the routing y.

    `routed` is empty where one class has the replicas to itself. Items may have one column of
    it in common.

    Attributes:
        loss: the largest block, then whether each item is used; where a VM may be lost.
        types: whether each VM type is used, in the order of the market; where they are counted.
    """

    service: Service
    period: int
    replicas: IntArray
    routed: tuple[IntArray, ...]
    loss: IntArray
    types: IntArray


@dataclass(frozen=True, slots=True)
class JobColumns:
    """A job: one column per order and place, shape [J].

    Attributes:
        order: index into the orders.
        place: where it is placed.
        usd_per_hour: its bill spread over the deadline.
    """

    orders: Orders
    order: IntArray
    place: IntArray
    usd_per_hour: FloatArray
    chosen: IntArray


@dataclass(frozen=True, slots=True)
class ShiftColumns:
    """A job in the periods of a horizon: replicas of each item by period, shape [T, J]."""

    shifts: Shifts
    replicas: tuple[IntArray, ...]


@dataclass(frozen=True, slots=True)
class Variables:
    """All columns.

    Attributes:
        vms: column of n by period and place, -1 where none is needed; reserved VMs have the
            same column in every period.
        started: column of the VMs started, likewise; empty where starting costs nothing.
    """

    estate: Estate
    vms: tuple[IntArray, ...]
    started: tuple[IntArray, ...]
    services: tuple[ServiceColumns, ...]
    jobs: tuple[JobColumns, ...]
    shifts: tuple[ShiftColumns, ...]
