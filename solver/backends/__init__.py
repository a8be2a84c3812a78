"""Solvers behind one contract: a `Program` in, a checked `Solution` out.

A new one is a file beside these and a line in `base.get_backend`; the conformance suite,
`tests/solver/test_backends.py`, runs every name in `backend_names()`.
"""

from .base import Backend, backend_names, get_backend
from .running import run

__all__ = ["Backend", "backend_names", "get_backend", "run"]
