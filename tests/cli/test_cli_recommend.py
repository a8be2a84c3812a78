"""`infersave recommend`: the ranking, and why the others lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from infersave import load_problem, recommend
from infersave.cli.words import usd

Run = Callable[..., CompletedProcess[str]]

PAPER = (
    *("recommend", "--catalog", "paper", "--engine", "flexgen"),
    *("--architecture", "facebook/opt-2.7b", "--batch", "32", "--max-usd-per-hour", "3"),
)
ONLINE = ("--input-tokens", "128", "--output-tokens", "512")
OFFLINE = ("--input-tokens", "1024", "--output-tokens", "128")


@pytest.mark.parametrize(
    ("asked", "best"),
    [
        ((*ONLINE, "--tokens-per-s", "400"), ["g4dn.xlarge", "g6.xlarge"]),
        ((*ONLINE, "--tokens-per-s", "600"), ["g6.xlarge", "g5.xlarge"]),
        ((*OFFLINE, "--tokens-per-s", "100"), ["g4dn.xlarge", "g6.xlarge"]),
        ((*OFFLINE, "--tokens-per-s", "200"), ["g6.xlarge", "g5.xlarge"]),
        ((*OFFLINE, "--tokens-per-s", "100", "--no-offload"), ["g6e.xlarge"]),
        ((*OFFLINE, "--tokens-per-s", "200", "--no-offload"), ["g6e.xlarge"]),
    ],
)
def test_the_paper_s_choices(infersave: Run, asked: tuple[str, ...], best: list[str]) -> None:
    done = infersave(*PAPER, *asked, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    assert data["schema_version"] == 2
    assert [choice["vm_type"] for choice in data["choices"]][: len(best)] == best


def test_table_ranks_and_says_why(infersave: Run) -> None:
    done = infersave(*PAPER, *ONLINE, "--tokens-per-s", "600")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Rent 1 x g6.xlarge (aws us-east-1, on demand): USD 1.167 per hour.")
    ranked = [line.split()[1] for line in lines if line[:2] in ("1 ", "2 ", "3 ")]
    assert ranked[:3] == ["g6.xlarge", "g5.xlarge", "g6e.xlarge"]
    after = done.stdout.partition("Why the others lost")[2]
    assert "g4dn.xlarge (USD 0.710/h): tokens_per_s" in after
    assert "600 required" in after


def test_options_ask_what_a_file_asks(infersave: Run, small: str) -> None:
    by_file = json.loads(infersave("recommend", small, "--workload", "chat", "--json").stdout)
    by_options = json.loads(
        infersave(
            *("recommend", "--catalog", "paper", "--architecture", "facebook/opt-2.7b"),
            *("--engine", "static", "--requests-per-s", "5", "--tokens-per-s", "200"),
            *("--input-tokens", "128", "--output-tokens", "64", "--json"),
        ).stdout
    )
    del by_file["workload"], by_options["workload"]
    for choice in (*by_file["choices"], *by_options["choices"]):
        for assignment in choice["assignments"]:
            del assignment["workload"]
    assert by_options == by_file


def test_every_option_reaches_the_problem(infersave: Run) -> None:
    done = infersave(
        *("recommend", "--catalog", "clouds", "--provider", "aws", "--provider", "gcp"),
        *("--region", "us-east-1", "--region", "us-central1", "--purchase", "spot"),
        *("--gpu", "L4", "--family", "g6", "--vm-type", "g6.12xlarge"),
        *("--architecture", "meta-llama/Llama-3.1-8B", "--engine", "static"),
        *("--input-tokens", "256", "--output-tokens", "64", "--max-batch", "8"),
        *("--job-requests", "100", "--deadline-s", "3600", "--precision", "fp8"),
        *("--kv-precision", "fp8", "--gpus-per-replica", "2,4", "--e2e-s", "600"),
        *("--ttft-s", "60", "--tpot-s", "10", "--target-utilization", "0.5", "--json"),
    )
    choices = json.loads(done.stdout)["choices"]
    assert {(c["vm_type"], c["purchase"], c["region"]) for c in choices} == {
        ("g6.12xlarge", "spot", "us-east-1")
    }
    (assignment,) = choices[0]["assignments"]
    assert assignment["deployment"]["n_gpus"] in (2, 4)
    assert assignment["deployment"]["batch"] <= 8
    assert assignment["job"]["usd"] == pytest.approx(choices[0]["usd"])
    assert {check["slo"] for check in assignment["slos"]} == {"ttft_s", "tpot_s", "e2e_s"}


def test_json_has_all_choices_unless_told(infersave: Run, small: str) -> None:
    asked = ("recommend", small, "--workload", "chat", "--json")
    everything = json.loads(infersave(*asked).stdout)["choices"]
    assert len(everything) == 4
    assert json.loads(infersave(*asked, "--top", "2").stdout)["choices"] == everything[:2]
    costs = [choice["usd_per_hour"] for choice in everything]
    assert costs == sorted(costs)
    assert [c["dearer_usd_per_hour"] for c in everything] == pytest.approx(
        [cost - costs[0] for cost in costs]
    )


CLOUDS = (
    *("recommend", "--architecture", "meta-llama/Llama-3.1-8B", "--tpot-s", "0.05"),
    *("--input-tokens", "512", "--output-tokens", "256", "--requests-per-s", "3"),
)


def test_each_vm_type_once_at_its_best_offer(
    infersave: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    lines = infersave(*CLOUDS, "--provider", "aws").stdout.splitlines()
    ranked = json.loads(infersave(*CLOUDS, "--provider", "aws", "--json").stdout)["choices"]
    best: dict[str, float] = {}
    for choice in ranked:
        best.setdefault(choice["vm_type"], choice["usd_per_hour"])
    start = next(n for n, line in enumerate(lines) if line.startswith("──"))
    rows = [line.split() for line in lines[start + 1 : start + 11]]
    assert [row[:2] for row in rows] == [
        [str(n), name] for n, name in enumerate(list(best)[:10], start=1)
    ]
    assert all(usd(best[row[1]]) in row for row in rows)
    assert len(best) < len(ranked), "some are on offer in several regions"


def test_long_lists_are_cut_and_say_so(infersave: Run) -> None:
    asked = ("recommend", "--architecture", "meta-llama/Llama-3.1-70B", *ONLINE)
    short, long = infersave(*asked).stdout, infersave(*asked, "--all").stdout
    why = short.partition("Why the others lost")[2].partition("Good to know")[0]
    assert why.count("\n- ") <= 14
    assert "--all shows why" in why
    assert "--all shows why" not in long
    assert len(long) > len(short)
    assert "aws:g4dn.xlarge" in why, "with several providers, a VM type is named with its own"


def test_a_job_is_ranked_by_its_bill(infersave: Run, small: str) -> None:
    done = infersave("recommend", small, "--workload", "nightly")
    ranking = recommend(load_problem(small).replace(workloads=load_problem(small).workloads[1:]))
    assert f"USD {ranking.choices[0].usd:.3f} a run" in done.stdout.splitlines()[0]
    assert "deadline" in done.stdout


def test_two_classes_share_a_rank(infersave: Run, folder: Path) -> None:
    (folder / "two.yaml").write_text(
        """\
catalog: {name: paper}
workloads:
  - name: mixed
    architecture: facebook/opt-2.7b
    engine: static
    requests_per_s: 5
    requests:
      - {input_tokens: 128, output_tokens: 512, share: 0.5}
      - {input_tokens: 1024, output_tokens: 128, share: 0.5}
""",
        encoding="utf-8",
    )
    done = infersave("recommend", "two.yaml")
    assert done.stdout.count("128/512") == done.stdout.count("1024/128") >= 4
