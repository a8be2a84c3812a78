"""The child process of the PuLP backend: one request on stdin, one reply on stdout, as JSON.

Stdout belongs to the reply alone: solvers print whatever they are told not to, so their
file descriptor 1 becomes stderr first. A failure is a traceback and a non-zero exit.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Any

from .pulp import from_json
from .pulp_model import answer_here


def _reply(request: dict[str, Any]) -> dict[str, Any]:
    if "program" not in request:  # the question is only whether the solver is here
        import pulp

        return {"available": request["solver"] in pulp.listSolvers(onlyAvailable=True)}
    program, options = from_json(request)
    answer = asdict(answer_here(program, options, request["solver"], request["folder"]))
    return {k: v.tolist() if hasattr(v, "tolist") else v for k, v in answer.items()}


if __name__ == "__main__":
    reply_to = os.dup(1)
    os.dup2(2, 1)
    text = json.dumps(_reply(json.load(sys.stdin)))
    with os.fdopen(reply_to, "w") as stream:
        stream.write(text)
