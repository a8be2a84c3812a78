"""A sign of life while a command computes, on stderr and only for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show a spinner with the seconds so far, when stderr is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    shown = Progress(
        SpinnerColumn(style="none"),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with _stdout_kept_clean(), shown:
        shown.add_task(what, total=None)
        yield


@contextmanager
def _stdout_kept_clean() -> Iterator[None]:
    """Send to stderr whatever a solver's own code prints on stdout.

    The backends do so themselves, but only while theirs is the sole thread, and the
    spinner is another.
    """
    try:
        number = sys.stdout.fileno()
        saved = os.dup(number)
    except (AttributeError, OSError, ValueError):  # stdout is no file
        yield
        return
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), number)
    try:
        yield
    finally:
        os.dup2(saved, number)
        os.close(saved)
