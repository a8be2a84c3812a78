"""One function over many items, on several processes, in order, whatever dies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from .engines import Engine, Runner, running

Item = TypeVar("Item")
Answer = TypeVar("Answer")

WINDOW, SMALL_WINDOW = 1_000, 100
"""Items handed out together, and where answers come all at once: a dead process costs at most
that many another try."""

TRIES = 3
"""How often an item may take its process with it before it is given up."""


def mapped(
    function: Callable[[Item], Answer],
    items: Iterable[Item],
    engine: Engine,
    given_up: Callable[[Item], Answer],
) -> Iterator[Answer]:
    """What `function` makes of each item, in order, as soon as all before it are there.

    Args:
        function: picklable; raises nothing.
        engine: where; one local job happens in this process.
        given_up: the answer for an item whose process died each time.
    """
    if engine.in_this_process:
        yield from map(function, items)
        return
    left = iter(items)
    with running(engine) as runner:
        while window := list(islice(left, WINDOW if runner.streams else SMALL_WINDOW)):
            yield from _window(runner, function, window, given_up)


def _window(
    runner: Runner,
    function: Callable[[Item], Answer],
    window: list[Item],
    given_up: Callable[[Item], Answer],
) -> Iterator[Answer]:
    while window:
        done = 0
        try:
            for answer in runner.together(function, window):
                done += 1
                yield answer
            return
        except runner.deaths:
            yield _alone(runner, function, window[done], given_up)
            window = window[done + 1 :]


def _alone(
    runner: Runner,
    function: Callable[[Item], Answer],
    item: Item,
    given_up: Callable[[Item], Answer],
) -> Answer:
    """One item by itself, a few times."""
    for _ in range(TRIES):
        try:
            return next(iter(runner.together(function, [item])))
        except runner.deaths:
            continue
    return given_up(item)
