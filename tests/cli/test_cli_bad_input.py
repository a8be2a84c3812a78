"""Bad input: one message with field, value and rule; status 2, or 1 when there is no plan.

Nothing is written, nothing is shown on stdout but JSON when that was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]

GOOD = """\
catalog: {name: paper}
workloads:
  - name: chat
    architecture: facebook/opt-2.7b
    engine: static
    requests_per_s: 5
    requests: [{input_tokens: 128, output_tokens: 64}]
    slo: {tokens_per_s: 200}
"""

BROKEN = [
    (
        "facebook/opt-2.7b",
        "facebook/opt-2.8b",
        ["workloads[0].architecture", "opt-2.8b", "opt-2.7b"],
    ),
    ("facebook/opt-2.7b", "[1, 2]", ["workloads[0].architecture", "[1, 2]", "must be"]),
    ("name: paper", "name: papers", ["papers", "nearest names are paper"]),
    ("name: paper", "name: paper, gpus: [L5]", ["catalog.gpus", "'L5'", "L4"]),
    ("name: paper", "regions: [us-est-1]", ["catalog.regions", "us-est-1", "us-east-1"]),
    ("name: paper", "name: paper, vm_types: g7.xlarge", ["catalog.vm_types", "g6.xlarge"]),
    ("name: paper", "name: paper, purchase: [spot]", ["catalog.purchase", "spot", "no offer"]),
    ("name: paper", "name: paper, max_usd_per_hour: 0.1", ["max_usd_per_hour", "0.1", "no offer"]),
    ("name: paper", 'name: paper, gpus: "[red]x"', ["catalog.gpus[0]", "[red]x", "pattern"]),
    ("requests_per_s: 5", "requests_per_s: -5", ["requests_per_s", "-5", "greater than 0"]),
    ("requests_per_s: 5", "requests_per_s: .nan", ["requests_per_s", "nan", "finite"]),
    ("requests_per_s: 5", "requests_per_s: .inf", ["requests_per_s", "inf", "finite"]),
    ("requests_per_s: 5", "requests_per_s: many", ["requests_per_s", "many", "number"]),
    ("requests_per_s: 5", "requests_per_s: 5\n    job: {requests: 5, deadline_s: 9}", ["not both"]),
    ("input_tokens: 128", "input_tokens: 0", ["requests[0].input_tokens", "0", "greater"]),
    ("output_tokens: 64", "output_tokens: 1.5", ["requests[0].output_tokens", "1.5", "integer"]),
    ("input_tokens: 128", "input_tokens: 9999", ["requests", "10063", "at most 2048"]),
    ("tokens_per_s: 200", "tokens_per_s: 0", ["slo.tokens_per_s", "0", "greater than 0"]),
    ("tokens_per_s: 200", "tokens_per_h: 200", ["slo.tokens_per_h", "not a known field"]),
    ("engine: static", "engine: vllm", ["workloads[0].engine", "vllm", "continuous"]),
    ("name: chat", 'name: "a\\e[31mb"', ["workloads[0].name", "\\x1b[31m", "pattern"]),
    ("name: chat", "name: [a, b]", ["workloads[0].name", "string"]),
    ("slo:", "name: again\n    slo:", ["line 8", "'name'", "given twice"]),
    ("slo: {", "slo: {{", ["line"]),
    ("workloads:", "workload:", ["workloads", "must be a list"]),
    ("catalog:", "prices: 3\ncatalog:", ["prices", "not a known field"]),
]


def refused(done: CompletedProcess[str], status: int = 2) -> str:
    """The one message of a failed run."""
    assert done.returncode == status, done
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr
    assert all(c.isprintable() or c == "\n" for c in done.stderr)
    return done.stderr


@pytest.mark.parametrize(("old", "new", "words"), BROKEN, ids=[new for _, new, _ in BROKEN])
def test_problem_file(infersave: Run, folder: Path, old: str, new: str, words: list[str]) -> None:
    assert old in GOOD
    (folder / "bad.yaml").write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    message = refused(infersave("plan", "bad.yaml", "--out", "plan.json"))
    assert all(word in message for word in words), message
    assert message.count("\n") == 1
    assert {path.name for path in folder.iterdir()} == {"bad.yaml"}


def test_duplicate_workload(infersave: Run, folder: Path) -> None:
    twice = GOOD + GOOD.partition("workloads:\n")[2]
    (folder / "bad.yaml").write_text(twice, encoding="utf-8")
    message = refused(infersave("plan", "bad.yaml"))
    assert "workloads[1].name = 'chat': is given twice" in message


FILES = {
    "broken.yaml": (b"workloads:\n  - name: a\n   b: [\n", "line 3"),
    "broken.toml": (b"a = 1\nworkloads = = 3\n", "line 2"),
    "broken.json": (b'{"workloads":\n [}', "line 2"),
    "twice.json": (b'{"workloads": 1, "workloads": 2}', "given twice"),
    "alias.yaml": (b"a: 1\nb: &x 1\n", "line 2"),
    "latin.yaml": (b"name: caf\xe9\n", "UTF-8"),
    "zero.yaml": (b"a\0b: 1", "not valid YAML"),
    "empty.yaml": (b"", "workloads"),
    "list.json": (b"[1, 2]", "must be a table"),
    "problem.txt": (b"", ".yaml"),
}


@pytest.mark.parametrize("name", FILES)
def test_file_that_is_no_problem(infersave: Run, folder: Path, name: str) -> None:
    content, word = FILES[name]
    (folder / name).write_bytes(content)
    message = refused(infersave("plan", name))
    assert word in message
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("nowhere.yaml", "no such file"),
        ("folder.yaml", "directory"),
        ("example:nothing", "two-workloads"),
        ("a\x1b[31m.yaml", "no such file"),
    ],
)
def test_file_that_is_not_there(infersave: Run, folder: Path, name: str, word: str) -> None:
    (folder / "folder.yaml").mkdir()
    assert word in refused(infersave("plan", name))


RECOMMEND = ("recommend", "--architecture", "facebook/opt-2.7b", "--catalog", "paper")
SIZES = ("--input-tokens", "128", "--output-tokens", "64")
OPTIONS = [
    ((*SIZES, "--tpot-s", "-1"), ["--tpot-s = -1.0", "greater than 0"]),
    ((*SIZES, "--ttft-s", "nan"), ["--ttft-s = nan", "finite"]),
    ((*SIZES, "--requests-per-s", "inf"), ["--requests-per-s = inf", "finite"]),
    (("--input-tokens", "0", "--output-tokens", "1"), ["--input-tokens = 0", "greater"]),
    (("--input-tokens", "1.7", "--output-tokens", "1"), ["--input-tokens", "1.7", "whole"]),
    (("--input-tokens", "3"), ["--output-tokens", "required"]),
    (("--input-tokens", "2000", "--output-tokens", "999"), ["--input-tokens", "2048"]),
    ((*SIZES, "--gpu", "L5"), ["--gpu", "'L5'", "L4"]),
    ((*SIZES, "--region", "us-est-1"), ["--region", "us-est-1", "us-east-1"]),
    ((*SIZES, "--purchase", "spot"), ["--purchase = 'spot'", "no offer"]),
    ((*SIZES, "--max-usd-per-hour", "0.1"), ["--max-usd-per-hour = 0.1", "no offer"]),
    ((*SIZES, "--gpu", "[bold]x"), ["--gpu", "[bold]x", "pattern"]),
    ((*SIZES, "--engine", "vllm"), ["vllm", "--engine", "continuous"]),
    ((*SIZES, "--job-requests", "5"), ["--deadline-s", "required"]),
    ((*SIZES, "--gpus-per-replica", "1;2"), ["--gpus-per-replica", "1;2", "commas"]),
    ((*SIZES, "--top", "0"), ["--top = 0", "at least 1"]),
    ((*SIZES, "--workload", "chat"), ["--workload = 'chat'", "PROBLEM"]),
    ((*SIZES, "--bach", "3"), ["--bach", "--batch"]),
    ((*SIZES, "--batch"), ["--batch", "requires"]),
]


@pytest.mark.parametrize(("given", "words"), OPTIONS, ids=[" ".join(g[-2:]) for g, _ in OPTIONS])
def test_options_are_named_as_typed(
    infersave: Run, given: tuple[str, ...], words: list[str]
) -> None:
    message = refused(infersave(*RECOMMEND, *given))
    assert all(word in message for word in words), message
    assert "workloads[0]" not in message
    assert "catalog." not in message


OTHER_COMMANDS = [
    (("plan",), "PROBLEM"),
    (("plan", "--jsn"), "--jsn"),
    (("pln",), "plan"),
    (("plan", "x.yaml", "y.yaml"), "y.yaml"),
    (("plan", "small.yaml", "--time-limit", "nan"), "--time-limit = nan"),
    (("plan", "small.yaml", "--gap", "-0.1"), "--gap = -0.1"),
    (("plan", "small.yaml", "--threads", "0"), "--threads = 0"),
    (("plan", "small.yaml", "--seed", "-1"), "--seed = -1"),
    (("plan", "small.yaml", "--backend", "highs"), "ortools:highs"),
    (("plan", "example:mixed-lengths", "--backend", "ortools:scip", "--threads", "2"), "thread"),
    (("plan", "small.yaml", "--formulation", "pattern"), "candidates"),
    (("plan", "small.yaml", "--out", "nowhere/plan.json"), "--out = 'nowhere/plan.json'"),
    (("plan", "small.yaml", "--out", "."), "--out = '.'"),
    (("recommend", "small.yaml"), "chat, nightly"),
    (("recommend", "small.yaml", "--workload", "chart"), "chat"),
    (("recommend", "small.yaml", "--gpu", "L4"), "--gpu"),
    (("verify", "small.yaml", "nowhere.json"), "no such file"),
    (("catalog", "list", "gpu"), "gpus"),
    (("catalog", "list", "architectures", "--gpu", "L4"), "--gpu"),
    (("catalog", "list", "--gpu", "L5"), "L4"),
    (("catalog", "show", "g6.xlage"), "g6.xlarge"),
    (("catalog", "shw"), "shw"),
]


@pytest.mark.parametrize(
    ("given", "word"), OTHER_COMMANDS, ids=[" ".join(g) for g, _ in OTHER_COMMANDS]
)
def test_other_commands(
    infersave: Run, small: str, folder: Path, given: tuple[str, ...], word: str
) -> None:
    assert word in refused(infersave(*given))
    assert {path.name for path in folder.iterdir()} == {small}


def test_too_large_says_how_many_bytes_short(infersave: Run) -> None:
    message = refused(
        infersave(
            *("recommend", "--architecture", "meta-llama/Llama-3.1-405B"),
            *("--catalog", "paper", *SIZES),
        ),
        status=1,
    )
    best = message.splitlines()[1]
    assert "g6e.xlarge" in best, "nearest first"
    assert "bytes short" in best


def test_unreachable_slo_says_the_best_reachable(infersave: Run, folder: Path) -> None:
    text = GOOD.replace("tokens_per_s: 200", "tpot_s: 1.0e-6")
    (folder / "bad.yaml").write_text(text, encoding="utf-8")
    done = infersave("plan", "bad.yaml", "--out", "plan.json")
    best = refused(done, status=1).splitlines()[1]
    assert "tpot_s" in best
    assert "at least, 1e-06 required" in best
    assert not (folder / "plan.json").exists()


def test_deadline_nothing_can_meet(infersave: Run) -> None:
    done = infersave(
        *(*RECOMMEND, *SIZES, "--engine", "static"),
        *("--job-requests", "10", "--deadline-s", "0.001"),
    )
    assert "deadline_s 0.001" in refused(done, status=1)


def test_errors_as_json(infersave: Run, folder: Path) -> None:
    (folder / "bad.yaml").write_text(GOOD.replace("128", "0"), encoding="utf-8")
    done = infersave("plan", "bad.yaml", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout) == {
        "schema_version": 2,
        "status": "invalid",
        "error": {
            "type": "ProblemError",
            "message": done.stderr.removeprefix("error: ").rstrip("\n"),
            "field": "workloads[0].requests[0].input_tokens",
            "value": "0",
            "rule": "should be greater than or equal to 1",
            "reasons": [],
            "conflicts": [],
        },
    }


def test_no_plan_as_json(infersave: Run) -> None:
    done = infersave(*RECOMMEND, *SIZES, "--tpot-s", "1e-6", "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["status"] == "infeasible"
    assert len(told["error"]["reasons"]) == 4
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("given", [("plan", "--json"), ("plan", "x", "--json", "--no-such")])
def test_usage_errors_as_json(infersave: Run, given: tuple[str, ...]) -> None:
    done = infersave(*given)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["type"] == "UsageError"


def test_json_keeps_control_characters_out(infersave: Run) -> None:
    done = infersave("catalog", "show", "a\x1b[31m\x9b", "--json")
    assert done.returncode == 2
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout
    json.loads(done.stdout)
