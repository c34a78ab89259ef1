"""batch plan: rows, chunks, time and both prices, from files on this machine."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from modelet.batch.prices import estimate
from modelet.batch.quotas import quotas
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
    assert found[3] == ["load write: 120,000 rows; writing them costs $0.08, importing them $0.00"]
    assert found[4] == ["deleting these rows after a later batch costs $0.08 more, and nothing with batch.expires_days"]


def test_a_plan_names_the_quotas_and_those_that_the_input_comes_near(run: Run, patients: Path) -> None:
    found = lines(run("batch", "plan", patients.name, "--key", "id"))[5:]
    text_bytes = patients.stat().st_size - len("id,x\n")
    met = quotas(ROWS, 3, concurrency=50, memory_mb=1769, text_bytes=text_bytes)
    assert [row[1:] for row in found] == [
        [f"{each.most:,.0f}", f"{each.used:,.0f}", each.verdict or "-"] for each in met
    ]
    assert ["writes a second of a table (default) (write)", "40,000", "50,000", "reached"] in found


def test_the_options_change_the_chunks_and_the_time(run: Run, patients: Path) -> None:
    words = ("--chunk-rows", "10000", "--load", "import", "--concurrency", "1")
    found = lines(run("batch", "plan", str(patients), "--key", "id", *words))
    assert found[0][0].startswith("120,000 rows in 12 chunks")
    assert [row[4] for row in found[1:3]] == ["-", "chosen"]
    assert found[1][3] == "7 s"
    assert found[3][0].startswith("load import, as asked for: 120,000 rows; ")
    assert not any("deleting" in row[0] for row in found), "deleting a table is free"


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


def test_without_a_table_no_load_is_chosen(run: Run, patients: Path) -> None:
    found = lines(run("batch", "plan", patients.name, "--key", "id", "--no-table", "--results", "out"))
    assert [row[4] for row in found[1:3]] == ["-", "-"]
    assert not any(row[0].startswith("load ") for row in found)


def test_a_plan_as_json_has_the_same(run: Run, patients: Path) -> None:
    found = json.loads(run("batch", "plan", patients.name, "--key", "id", "--json").stdout)
    assert (found["rows"], found["is_guess"], found["chunks"]) == (ROWS, False, 3)
    assert found["loads"]["write"]["dollars"]["DynamoDB"] == pytest.approx(0.075)
    assert found["load_reason"].startswith("write: 120,000 rows; ")
    assert found["quotas"][0] == {
        "quota": "parallel executions of a map",
        "load": None,
        "value": 10_000,
        "used": 3,
        "verdict": "",
    }


def test_rows_of_a_compressed_file_are_a_guess_and_it_says_so(run: Run, project: Path) -> None:
    text = "id,x\n" + "".join(f"{number},{number % 7}\n" for number in range(400_000))
    (project / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    found = lines(run("batch", "plan", "a.csv.gz", "--key", "id"))
    count = int(found[0][0].removeprefix("about ").partition(" ")[0].replace(",", ""))
    assert count == pytest.approx(400_000, rel=0.1)
    assert " in 1 chunk, " in found[0][0]
    assert found[1] == ["the rows of compressed files are a guess from their beginnings, and so are time and price"]
    assert found[2][0] == "write"
    assert found[4][0].startswith(f"load write: about {count:,} rows; ")


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
