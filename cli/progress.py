"""A sign of life while a command computes, on stderr and only for people."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Display
    from rich.progress import ProgressColumn

    from ..solver.progress import Progress as SolveProgress


Say = Callable[[str], None]
"""Adds words to what is shown."""


@contextmanager
def working(what: str) -> Iterator[Say]:
    """Show a spinner with the seconds so far, when stderr is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda words: None
        return
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    shown = _transient(
        SpinnerColumn(style="none"),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    with shown:
        task = shown.add_task(what, total=None)
        yield lambda words: shown.update(task, description=f"{what}: {words}" if words else what)


@contextmanager
def counting(what: str, total: int, done: int) -> Iterator[Callable[[], None]]:
    """Show how many of `total` are done, how fast, and the time left, when stderr is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    shown = _transient(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with shown:
        task = shown.add_task(what, total=total, completed=done, rate="")

        def step() -> None:
            speed = shown.tasks[0].speed
            shown.update(task, advance=1, rate="" if speed is None else f"{speed:.1f}/s")

        yield step


def _transient(*columns: ProgressColumn) -> Display:
    """A line on stderr that is gone when the work is done."""
    from rich.console import Console
    from rich.progress import Progress

    return Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def bounds_in_words(progress: SolveProgress) -> str:
    """The best cost so far, the bound and the gap.

    >>> from infersave.solver.progress import Progress
    >>> bounds_in_words(Progress(1.0, 20.0, 19.0))
    'USD 20.00 per hour, bound 19.00, gap 5.00 %'
    """
    if progress.usd_per_hour is None or progress.usd_per_hour_bound is None:
        return ""
    part = f"part {progress.part} of {progress.parts}: " if progress.parts > 1 else ""
    usd, bound, gap = progress.usd_per_hour, progress.usd_per_hour_bound, progress.gap or 0.0
    return f"{part}USD {usd:,.2f} per hour, bound {bound:,.2f}, gap {100 * gap:.2f} %"
