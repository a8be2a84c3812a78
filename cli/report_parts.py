"""What a report is made of: finished words and the sizes of bars, nothing left to work out."""

from __future__ import annotations

from dataclasses import dataclass

from .tables import Column


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that leads: what it is, the number, and what to know of it."""

    title: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        part: of its track that it fills, in [0, 1].
        tight: whether next to nothing is left.
    """

    title: str
    value: str
    part: float
    tight: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of finished text; those that say nothing are left out."""

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, *blocks: list[Column]) -> Table:
        """The blocks side by side."""
        return cls(tuple(column for block in blocks for column in block if not column.empty))

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """Its cells, row by row."""
        return tuple(zip(*(column.cells for column in self.columns), strict=True))


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """Layers whose KV cache is offloaded alike.

    Attributes:
        count: layers.
        part: of their KV cache that lives in host memory, in [0, 1].
    """

    title: str
    count: int
    part: float
    value: str


@dataclass(frozen=True, slots=True)
class Replicas:
    """Replicas of a workload that are alike.

    Attributes:
        bars: load, SLOs and memory.
        layers: where KV cache is offloaded; empty where none is.
    """

    title: str
    facts: str
    bars: tuple[Bar, ...]
    layers: tuple[LayerGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """One workload: what it asks, what it costs, what it runs on.

    Attributes:
        kv: where its KV cache lives, in a sentence.
    """

    name: str
    asked: str
    cost: str
    replicas: tuple[Replicas, ...]
    kv: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Periods in which the same VMs run: for how long, and the height of their cost."""

    title: str
    hours: float
    part: float


@dataclass(frozen=True, slots=True)
class Why:
    """What was found by asking for other fleets.

    Attributes:
        alternatives: the next-best fleets.
        losers: why other VM types lost, a line each.
        notes: how much was tried.
    """

    alternatives: Table
    losers: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a page says of one plan.

    Attributes:
        made: by what, and when.
        verdict: cost and proof in a sentence.
        money: what the cost stands for.
        fleet: the VMs.
        steps: the cost over a horizon; empty where there is none.
        by_place, by_workload: who pays what, dearest first; costs: of every workload.
        limits: quotas and budgets; binds: what has no room left, a line each.
        why: None where it was not asked for.
        hosts: who sits on which VM, a line each.
        notes: good to know, a line each.
        commands: that make and check the plan.
        recomputed: what that check covers.
    """

    title: str
    made: str
    verdict: str
    figures: tuple[Figure, ...]
    money: tuple[str, ...]
    fleet: Table
    steps: tuple[Step, ...]
    periods: Table
    periods_note: str
    by_place: tuple[Bar, ...]
    by_workload: tuple[Bar, ...]
    costs: Table
    cards: tuple[Card, ...]
    runs: tuple[Table, ...]
    runs_note: str
    limits: tuple[Bar, ...]
    binds: tuple[str, ...]
    why: Why | None
    hosts: tuple[str, ...]
    notes: tuple[str, ...]
    facts: tuple[str, ...]
    commands: tuple[str, ...]
    recomputed: str
