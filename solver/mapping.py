"""One function over many items, on several processes, in order, whatever dies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

WINDOW = 1_000
"""Items handed out together: a dead process costs at most that many another try."""

TRIES = 3
"""How often an item may take its process with it before it is given up."""


def mapped(
    function: Callable[[Item], Answer],
    items: Iterable[Item],
    jobs: int,
    given_up: Callable[[Item], Answer],
) -> Iterator[Answer]:
    """What `function` makes of each item, in order, as soon as all before it are there.

    Args:
        function: picklable; raises nothing.
        jobs: processes; with 1 everything happens in this one.
        given_up: the answer for an item whose process died each time.
    """
    if jobs == 1:
        yield from map(function, items)
        return
    left = iter(items)
    while window := list(islice(left, WINDOW)):
        while window:
            done = 0
            try:
                for answer in _together(function, window, jobs):
                    done += 1
                    yield answer
                window = []
            except BrokenProcessPool:
                yield _alone(function, window[done], given_up)
                window = window[done + 1 :]


def _together(function: Callable[[Item], Answer], items: list[Item], jobs: int) -> Iterator[Answer]:
    from joblib import Parallel, delayed

    with Parallel(n_jobs=jobs, return_as="generator") as parallel:
        yield from parallel(delayed(function)(item) for item in items)


def _alone(
    function: Callable[[Item], Answer], item: Item, given_up: Callable[[Item], Answer]
) -> Answer:
    """One item in a process to itself, a few times."""
    for _ in range(TRIES):
        try:
            return next(iter(_together(function, [item], 2)))
        except BrokenProcessPool:
            continue
    return given_up(item)
