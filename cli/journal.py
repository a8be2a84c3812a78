"""Results that survive whatever ends the run: rows appended whole, found again by content."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..models.outcome import ProblemError

SYNC_EVERY = 200
"""Rows after which the disk is told to keep what it has."""

START = b'{"key":"'
"""How every row begins, torn or not."""


def key_of(problem: str, settings: dict[str, Any]) -> str:
    """What a row is an answer to: the problem as it was given, how it was solved, by what."""
    text = json.dumps([problem, settings], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class Journal:
    """A JSONL file of results, open for more.

    Attributes:
        keys: of the rows that are there, in order.
    """

    def __init__(self, file: io.FileIO, keys: list[str]) -> None:
        self._file, self._since = file, 0
        self.keys = keys

    def append(self, row: dict[str, Any]) -> None:
        """One more row, in one write; `key` comes first."""
        text = json.dumps(row, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
        data = memoryview(text.encode() + b"\n")
        while data:
            data = data[self._file.write(data) :]
        self._since += 1
        if self._since >= SYNC_EVERY:
            self.sync()

    def sync(self) -> None:
        """Let nothing be lost that was written."""
        self._since = 0
        os.fsync(self._file.fileno())


@contextmanager
def journal(path: Path) -> Iterator[Journal]:
    """The journal in a file, for this process alone; a torn last row is cut off.

    Raises:
        ProblemError: another process writes to it, or it holds something else.
    """
    try:
        file = path.open("a+b", buffering=0)
    except OSError as error:
        raise ProblemError("--out", str(path), f"cannot be written: {error.strerror}") from None
    with file:
        _lock(file, path)
        keys, good = _whole_rows(path)
        file.truncate(good)
        opened = Journal(file, keys)
        try:
            yield opened
        finally:
            opened.sync()


def rows_in(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a journal that are whole, in order."""
    with path.open("rb") as rows:
        for line in rows:
            if _key_in(line) is None:
                return
            yield json.loads(line)


def _whole_rows(path: Path) -> tuple[list[str], int]:
    """Keys of the rows that are whole, and the bytes they take."""
    keys: list[str] = []
    good = 0
    with path.open("rb") as rows:
        for line in rows:
            key = _key_in(line)
            if key is None:
                if line.endswith(b"\n") or not START.startswith(line[: len(START)]):
                    raise ProblemError("--out", str(path), "is not a file of results; give another")
                break
            keys.append(key)
            good += len(line)
    return keys, good


def _key_in(line: bytes) -> str | None:
    """The key of a row; None where the row is torn or none."""
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
    except ValueError:
        return None
    key = row.get("key") if isinstance(row, dict) else None
    return key if isinstance(key, str) else None


def _lock(file: io.FileIO, path: Path) -> None:
    with suppress(ImportError):  # not every system has it
        import fcntl

        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ProblemError("--out", str(path), "is written by another process") from None
