"""The command `infersave`: parses, runs one command, turns errors into an exit status.

A command's module loads when the command is called, and what it computes with when it
runs: `--help` and `--version` load no numbers, no catalogue and no solver.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from ..models.outcome import InferSaveError
from .failures import BROKEN_PIPE, INTERRUPTED, abandon_stdout, report_error
from .output import JSON_FLAG, prepare_streams


def _version() -> str:
    from .. import __version__

    return __version__


app = App(
    name="infersave",
    help="Least-cost VMs for LLM serving under SLOs, with a proof of how cheap they can be.",
    help_epilogue="""Try it:
  infersave plan example:two-workloads
  infersave recommend --architecture meta-llama/Llama-3.1-8B \\
      --input-tokens 512 --output-tokens 256 --requests-per-s 12 \\
      --ttft-s 1 --tpot-s 0.05 --provider aws
  infersave catalog

Exit status: 0 an answer, 1 there is no plan, 2 bad input.""",
    version=_version,
    help_format="plaintext",
    default_parameter=Parameter(negative=()),
)
"""The command line, for whoever wants to embed it."""

_COMMANDS = {
    "plan": "The cheapest fleet for a problem file.",
    "recommend": "Rank the VMs that serve one workload.",
    "replan": "From a running fleet to the next one, step by step.",
    "explain": "Why a plan is the best; or what would have to give.",
    "frontier": "The least cost against one parameter.",
    "sensitivity": "What the cost hangs on, and break-even prices.",
    "export": "The program as a file, MPS or LP, for other solvers.",
    "predict": "Predict measured or planned runs, with intervals.",
    "calibrate": "Fit a performance model to your measurements.",
    "batch": "Solve thousands of problems, and go on where it stopped.",
    "report": "A plan as one HTML file for people.",
    "verify": "Recompute a plan and check each claim.",
    "schema": "JSON Schema of problems, plans and results.",
    "catalog": "What is known: prices, VMs, GPUs, LLMs.",
}
"""Each command's module and name, and its line in the list of commands."""

for _number, (_name, _help) in enumerate(_COMMANDS.items()):
    app.command(f"{__name__}.{_name}:app", name=_name, help=_help, sort_key=_number)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments; default those of the process.

    Returns:
        The exit status; cli/README.md lists them.
    """
    tokens = list(sys.argv[1:] if argv is None else argv)
    prepare_streams()
    try:
        status = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        abandon_stdout()
        return BROKEN_PIPE
    except SystemExit as stop:  # how the libraries below answer an interrupt
        return stop.code if isinstance(stop.code, int) else 1
    except (CycloptsError, InferSaveError, OSError) as error:
        return report_error(error, as_json=JSON_FLAG in tokens)
    return status if isinstance(status, int) else 0
