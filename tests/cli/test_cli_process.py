"""The command as a process: streams, pipes, signals, terminals, and what it loads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "infersave"]
TIMEOUT_S = 60
PROBLEM = "example:two-workloads"


def run(folder: Path, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """A finished process, started in an empty folder."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


def test_plan_then_verify_through_a_pipe(tmp_path: Path) -> None:
    planned = run(tmp_path, "plan", PROBLEM, "--json")
    assert (planned.returncode, planned.stderr) == (0, "")
    json.loads(planned.stdout)
    checked = run(tmp_path, "verify", PROBLEM, "-", text=planned.stdout)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.startswith("holds")
    assert list(tmp_path.iterdir()) == []


def test_bad_input_from_stdin(tmp_path: Path) -> None:
    done = run(tmp_path, "plan", "-", text="workloads:\n - a: [")
    assert done.returncode == 2
    assert done.stderr.startswith("error: stdin: is not valid YAML: line ")
    assert done.stderr.count("\n") == 1


def test_version(tmp_path: Path) -> None:
    from infersave import __version__

    assert run(tmp_path, "--version").stdout == f"{__version__}\n"


@pytest.mark.skipif(os.name != "posix", reason="pipes and signals of POSIX")
@pytest.mark.parametrize("arguments", [("catalog", "list"), ("catalog", "list", "--json")])
def test_a_reader_that_leaves(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """The output is longer than a pipe holds, and nobody reads it."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=tmp_path,
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=TIMEOUT_S,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("catalog",), ("catalog", "list", "--json")])
def test_a_full_disk_is_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT_S,
        )
    assert done.returncode == 1
    assert done.stderr == "error: no space left on device\n"


HELP = """
import contextlib, io, json, sys
from infersave.cli import main
with contextlib.redirect_stdout(io.StringIO()) as shown:
    assert main(sys.argv[1:]) == 0
assert shown.getvalue()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("plan", "--help"),
        ("recommend", "--help"),
        ("verify", "--help"),
        ("catalog", "--help"),
        ("catalog", "list", "--help"),
        ("catalog", "show", "--help"),
    ],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELP, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    heavy = {"numpy", "pydantic", "networkx", "ortools", "pulp", "pandas", "scipy", "yaml"}
    assert loaded.isdisjoint(heavy)


TERMINAL = """
import os, pty, sys
pid, ours = pty.fork()
if pid == 0:
    os.execv(sys.executable, [sys.executable, "-m", "infersave", *sys.argv[1:]])
seen = b""
while True:
    try:
        part = os.read(ours, 65536)
    except OSError:
        break
    if not part:
        break
    seen += part
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.buffer.write(seen)
sys.exit(status)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="pseudo-terminals as Linux has them")
def test_on_a_terminal_there_is_a_sign_of_life(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TERMINAL, "plan", PROBLEM],
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        capture_output=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0
    text = done.stdout.decode()
    assert "planning 2 workloads on " in text
    assert "per hour, proved optimal" in text
    assert text.index("planning") < text.index("per hour"), "and the answer comes after it"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_long_solve_with_the_plan_so_far(
    tmp_path: Path, sent: signal.Signals
) -> None:
    services = [
        {
            "name": f"s{number}",
            "architecture": "meta-llama/Llama-3.1-8B",
            "requests_per_s": 1.37 * number + 0.31,
            "requests": [{"input_tokens": 100 + 37 * number, "output_tokens": 64 + number}],
            "survive": {"vm": 0.5},
        }
        for number in range(25)
    ]
    (tmp_path / "fleet.json").write_text(json.dumps({"workloads": services}))
    process = subprocess.Popen(
        [*COMMAND, "plan", "fleet.json", "--json", "--gap", "0", "--time-limit", "600"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(6.0)
    process.send_signal(sent)
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, err) == (128 + sent, "")
    plan = json.loads(out)
    assert (plan["status"], plan["limit"]) == ("feasible", "interrupted")
    (tmp_path / "plan.json").write_text(out)
    assert run(tmp_path, "verify", "fleet.json", "plan.json").returncode == 0
