"""`modelet batch` on this machine, from a file to predictions: the real server, emulator, workflow and workers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.batches import csv_text
from support.projects import APP, make_tiny
from support.repository import ROOT

ROWS = 300
DEADLY = f"import os, signal\n{APP}".replace(
    "    pass\n",
    """    def postprocess(self, outputs, instances):
        for instance in instances:
            if instance["b"] == 13:
                os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does if the memory is full
            if instance["b"] == 14:
                os._exit(3)
        return super().postprocess(outputs, instances)
""",
)
"""A model that ends its own process at some rows."""
COMMAND = [sys.executable, "-c", "from modelet.dev.cli import main; main()"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of one model with batches and jobs, and the platform function."""
    return make_project(tmp_path_factory.mktemp("project"), APP)


def make_project(root: Path, app: str) -> Path:
    make_tiny(root, app=app, spec="batch: {}\njobs: {}\n")
    shutil.copytree(
        ROOT / "functions" / "batches", root / "functions" / "batches", ignore=shutil.ignore_patterns("__pycache__")
    )
    return root


def environment() -> dict[str, str]:
    """The variables of a person without AWS."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MODELET_"))}


@pytest.fixture
def run(project: Path) -> Run:
    """Run a command in the project, as a person without AWS does."""
    return runner(project)


def runner(folder: Path) -> Run:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *words], cwd=folder, env=environment(), capture_output=True, text=True, timeout=240, check=False
        )

    return run


def test_a_file_on_disk_becomes_predictions_that_later_commands_see(run: Run, project: Path) -> None:
    rows = [{"id": f"k{number}", "a": number % 9, "b": 2, "town": "Ulm"} for number in range(ROWS)]
    rows[7]["a"] = -1
    (project / "my rows.csv").write_bytes(csv_text(rows))
    started = run("batch", "start", "tiny", "my rows.csv", "--key", "id", "--pass", "town", "--chunk-rows", "100")
    assert started.returncode == 0, started.stderr
    batch, _, summary = started.stdout.strip().partition(": ")
    assert summary.startswith("DONE, 299 rows, 1 rejected")
    command = f"`modelet batch results tiny {batch}"
    assert f"row 7 of {(project / 'my rows.csv').as_uri()}, field a: " in started.stdout
    assert f"{command} --rejected` prints them" in started.stdout
    assert f"predictions: {command}` prints them" in started.stdout

    rejected = run("batch", "results", "tiny", "--rejected", "--output", "rejected.jsonl")
    assert rejected.stdout == "1 rows in rejected.jsonl\n", rejected.stderr
    [row] = [json.loads(line) for line in (project / "rejected.jsonl").read_text().splitlines()]
    assert (row["row"], row["key"], row["field"]) == (7, "k7", "a")
    predictions = [json.loads(line) for line in run("batch", "results", "tiny").stdout.splitlines()]
    assert {each["key"] for each in predictions} == {f"k{number}" for number in range(ROWS) if number != 7}
    assert all(
        each["passed"] == {"town": "Ulm"} and set(each) == {"key", "prediction", "passed"} for each in predictions
    )

    found = json.loads(run("batch", "results", "tiny", "--key", "k3", "--key", "k7").stdout)
    [prediction] = found["predictions"]
    assert (found["generation"], found["missing"]) == (batch, ["k7"])
    assert (prediction["key"], prediction["passed"]) == ("k3", {"town": "Ulm"})
    assert set(prediction["prediction"]) == {"label", "probability"}

    listed = run("batch", "list", "tiny").stdout.strip().split("\t")
    assert listed[:5] == [batch, "DONE", "1", "299", "1"]
    assert run("jobs", "list", "tiny").stdout == ""


def test_a_batch_that_fails_is_exit_code_1_with_its_problem(run: Run, project: Path) -> None:
    (project / "wrong.csv").write_text("id,a,b\nx,1,2\nx,1,2\n")
    failed = run("batch", "start", "tiny", "wrong.csv", "--key", "id")
    assert failed.returncode == 1
    assert "FAILED" in failed.stdout
    assert "wrong.csv" in failed.stderr.splitlines()[-1]
    assert "repeat the key" in failed.stderr.splitlines()[-1]


def test_ctrl_c_cancels_a_batch_whose_server_ends_with_it_and_resume_does_the_rest(run: Run, project: Path) -> None:
    rows = [{"id": f"k{number}", "a": number % 9, "b": 2} for number in range(ROWS)]
    (project / "rows.csv").write_bytes(csv_text(rows))
    words = ("batch", "start", "tiny", "rows.csv", "--key", "id", "--chunk-rows", "5")
    with subprocess.Popen(
        [*COMMAND, *words], cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        batch = process.stderr.readline().partition(":")[0]
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(240) == 130
    assert f"the batch {batch} is cancelled, as its server ends with this command" in said
    resumed = run("batch", "resume", "tiny", batch)
    assert resumed.stdout.startswith(f"{batch}: DONE, {ROWS} rows"), resumed.stderr


def test_chunks_whose_workers_are_killed_at_every_attempt_are_named_with_what_helps(tmp_path: Path) -> None:
    root = make_project(tmp_path / "project", DEADLY)
    run = runner(root)
    rows = [{"id": f"k{number}", "a": number % 9, "b": {15: 13, 25: 14}.get(number, 2)} for number in range(40)]
    (root / "rows.csv").write_bytes(csv_text(rows))
    failed = run("batch", "start", "tiny", "rows.csv", "--key", "id", "--chunk-rows", "10")
    assert failed.returncode == 1, failed.stderr
    assert "2 of 4 chunks did not finish" in failed.stderr
    record = json.loads(run("batch", "status", "tiny", "--json").stdout)
    assert (record["state"], record["chunks_done"], record["chunks_failed"]) == ("FAILED", 2, 2)
    details = {each["chunk"]: each["problem"]["detail"] for each in record["progress"]["errors"]}
    assert sorted(details) == [1, 2]
    assert "ran out of memory" in details[1]
    assert "ended its process" in details[2]
    assert all("Runtime.ExitError" in each for each in details.values())
