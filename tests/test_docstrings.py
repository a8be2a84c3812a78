"""The docstring examples, run under the modules' shipped names."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import infersave

FOLDERS = ("infersave.cli", "infersave.solver", "infersave.models", "infersave.catalogs")
MODULES = [
    found.name
    for folder in FOLDERS
    for found in pkgutil.walk_packages(importlib.import_module(folder).__path__, folder + ".")
]


@pytest.mark.parametrize("name", [infersave.__name__, *FOLDERS, *MODULES])
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
