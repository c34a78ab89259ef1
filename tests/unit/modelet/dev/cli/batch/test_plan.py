"""batch plan: rows, chunks, time and both prices, from files on this machine."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from modelet.batch.prices import estimate
from support.commands import Run, failure, lines

ROWS = 120_000


@pytest.fixture
def patients(project: Path) -> Path:
    file = project / "patients.csv"
    file.write_text("id,x\n" + "".join(f"{number},1\n" for number in range(ROWS)))
    return file


def test_a_plan_has_rows_chunks_and_the_prices_of_both_loads(run: Run, patients: Path) -> None:
    found = lines(run("batch", "plan", patients.name, "--key", "id"))
    assert found[0] == [f"120,000 rows in 3 chunks, {patients.stat().st_size:,} bytes"]
    for row, load in zip(found[1:3], ("write", "import"), strict=True):
        guess = estimate(ROWS, 3, load, concurrency=50, memory_mb=1769)
        assert row[:2] == [load, f"${guess.total:,.2f}"]
        assert row[2].startswith("Lambda $0.00, Step Functions $0.00, S3 $0.00, DynamoDB $")
    assert [row[4] for row in found[1:3]] == ["chosen", "-"]
    assert found[1][3] == "3 s"
    assert found[2][3] == "1 min 4 s"
    assert found[3] == ["load auto chooses write: it imports from 5,000,000 rows on"]


def test_the_options_change_the_chunks_and_the_time(run: Run, patients: Path) -> None:
    words = ("--chunk-rows", "10000", "--load", "import", "--concurrency", "1")
    found = lines(run("batch", "plan", str(patients), "--key", "id", *words))
    assert found[0][0].startswith("120,000 rows in 12 chunks")
    assert [row[4] for row in found[1:]] == ["-", "chosen"]
    assert found[1][3] == "7 s"


def test_a_model_gives_the_workers_that_its_jobs_leave_and_their_memory(
    run: Run, project: Path, patients: Path
) -> None:
    yaml = project / "functions" / "tiny" / "model.yaml"
    yaml.parent.mkdir()
    worker = "worker: {max_concurrency: 6, memory_mb: 3008}\n"
    yaml.write_text("backend: onnx\nbatch: {}\njobs: {max_concurrency: 4}\n" + worker)
    words = ("batch", "plan", str(patients), "--key", "id", "--chunk-rows", "1000")
    found = lines(run(*words, "--model", "tiny"))
    assert found[1:3] == lines(run(*words, "--concurrency", "2", "--memory-mb", "3008"))[1:3]
    assert found[1:3] != lines(run(*words, "--memory-mb", "3008"))[1:3]
    yaml.write_text("backend: onnx\n")
    assert "has no worker" in failure(run(*words, "--model", "tiny"))


def test_rows_of_a_compressed_file_are_not_counted_before(run: Run, project: Path) -> None:
    (project / "a.csv.gz").write_bytes(gzip.compress(b"id,x\n1,2\n"))
    [[line]] = lines(run("batch", "plan", "a.csv.gz", "--key", "id"))
    assert line.startswith("1 chunks, ")
    assert "compressed inputs are not counted" in line


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("nowhere.csv", None, "nowhere.csv"),
        ("none*.csv", None, "none*.csv"),
        ("a.txt", "id,x\n1,2\n", "format"),
        ("a.csv", "name,x\n1,2\n", "id"),
        ("a.csv", "id,x\n", "no rows"),
    ],
)
def test_an_input_that_cannot_be_planned_is_one_line(
    run: Run, project: Path, name: str, text: str | None, said: str
) -> None:
    if text is not None:
        (project / name).write_text(text)
    assert said in failure(run("batch", "plan", name, "--key", "id"))
