"""The inputs of a batch on this machine are looked at before anything is started."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from modelet.batch.request import BatchRequest
from modelet.dev.cli.batch.inputs import check_files, folder_url, input_url
from modelet.errors import ModeletError
from modelet.store.objects import Objects
from support.commands import Run, failure
from support.projects import make_tiny

ROWS = b"id,x\n1,2\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which has blanks and the signs of wildcards in its name."""
    made = tmp_path / "my [x] 100% #1"
    made.mkdir()
    monkeypatch.chdir(made)
    monkeypatch.setenv("HOME", str(made))
    return made


def found(given: str) -> list[str]:
    """The names of the files that an input is."""
    return [each.url.rpartition("/")[2] for each in Objects().find(input_url(given, local=True))]


@pytest.mark.parametrize(
    "given",
    ["a.csv", "./a.csv", "../my [x] 100% #1/a.csv", "~/a.csv", "sub/../a.csv", "{here}/a.csv", "a*.csv", "?.csv"],
)
def test_a_path_is_found_however_it_is_written(folder: Path, given: str) -> None:
    (folder / "a.csv").write_bytes(ROWS)
    assert found(given.replace("{here}", str(folder))) == ["a.csv"]


@pytest.mark.parametrize(
    "name", ["a b.csv", "ä.csv", "100%.csv", "a%20b.csv", "[1].csv", "a*.csv", "what?.csv", "#.csv"]
)
def test_a_path_that_exists_is_meant_literally(folder: Path, name: str) -> None:
    (folder / name).write_bytes(ROWS)
    (folder / "ax.csv").write_bytes(ROWS)
    [one] = Objects().find(input_url(name, local=True))
    assert one.size == len(ROWS)
    assert Path(found(name)[0]).suffix == ".csv"
    (folder / name).unlink()
    assert one.url not in {each.url for each in Objects().find(input_url("*.csv", local=True))}


def test_urls_stay_what_they_are() -> None:
    assert input_url("s3://lake/a*.csv", local=False) == "s3://lake/a*.csv"
    assert input_url("file:///a%20b/*.csv", local=True) == "file:///a%20b/*.csv"
    assert input_url("file://localhost/a.csv", local=True) == "file:///a.csv"


def test_a_folder_for_results_is_meant_literally(folder: Path) -> None:
    assert folder_url("../out [1]/", local=True) == f"{folder.parent.as_uri()}/out%20%5B1%5D"
    assert folder_url("~/out", local=True) == f"{folder.as_uri()}/out"


def checked(*inputs: str, **members: Any) -> str:
    """What is said about the inputs; empty if nothing is."""
    urls = [input_url(each, local=True) for each in inputs]
    said = ""
    try:
        check_files(BatchRequest.from_json({"inputs": urls, "key": "id", **members}))
    except ModeletError as error:
        said = str(error)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", ROWS, ""),
        ("a.csv", b"\xef\xbb\xbfid,x\r\n1,2\r\n", ""),
        ("a.csv.gz", gzip.compress(ROWS, mtime=0), ""),
        ("a.jsonl", b'{"id": 1}\n', ""),
        ("a.csv", b"id;x\n1;2\n", "separate its columns by commas, not by ';'"),
        ("a.csv", b"1,2\n3,4\n", "it has 1, 2: correct the name, or give `columns`"),
        ("a.csv", b"", "the inputs have no rows"),
        ("a.csv", b"id,x\n", "the inputs have no rows"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "the inputs have no rows"),
        ("a.csv", b"\x89PNG\x00", "is no text, it has NUL bytes"),
        ("a.csv", "id,x\n1,2\n".encode("utf-16"), "is no text, it has NUL bytes"),
        ("a.csv", b"id,\xff\n1,2\n", "is not UTF-8"),
        ("a.csv", b"id,x\r1,2\r", "a carriage return alone"),
        ("a.csv", gzip.compress(ROWS, mtime=0), "is compressed with gzip: let its name end with .gz"),
        ("a.csv.gz", ROWS, "is no gzip file, or damaged"),
        ("a.parquet", ROWS, "cannot be read as Parquet"),
        ("a.txt", ROWS, "has no ending of a known format"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_one_clear_problem(folder: Path, name: str, data: bytes, said: str) -> None:
    (folder / name).write_bytes(data)
    assert said in checked(name)
    assert bool(checked(name)) is bool(said)


def test_a_file_without_rows_beside_another_is_no_problem(folder: Path) -> None:
    (folder / "a.csv").write_bytes(ROWS)
    (folder / "b.csv").write_bytes(b"")
    assert checked("a.csv", "b.csv") == ""
    assert checked("*.csv") == ""


def test_a_file_that_is_not_there_is_named_with_its_folder(folder: Path) -> None:
    said = f"correct the path, or change to its folder; this one is {folder}"
    assert checked("nowhere.csv") == f"{folder}/nowhere.csv does not exist: {said}"
    assert checked("none*.csv") == f"{folder}/none*.csv matches no file: {said}"
    assert "does not exist" in checked("file:///nowhere/a.csv")


def test_a_folder_is_no_file(folder: Path) -> None:
    (folder / "sub").mkdir()
    for given in ("sub", "sub/", "."):
        assert "is a folder: give its files, for example" in checked(given)


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "a.csv")
    assert "is not a file that you may read" in checked("a.csv")


def test_a_folder_for_results_that_cannot_be_made_is_named(folder: Path) -> None:
    (folder / "a.csv").write_bytes(ROWS)
    (folder / "file").write_bytes(b"")
    assert "file is not a folder that you may write" in checked("a.csv", results=folder_url("file/out", local=True))
    assert checked("a.csv", results=folder_url("new/out", local=True)) == ""


def test_objects_of_s3_are_left_to_the_batch(folder: Path) -> None:
    assert checked("s3://lake/a.csv") == ""


@pytest.mark.parametrize(("name", "data"), [("nowhere.csv", None), ("a.csv", b"name,x\n1,2\n")])
def test_start_says_it_before_a_server_is_started(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes | None
) -> None:
    monkeypatch.delenv("MODELET_URL", raising=False)
    make_tiny(project, spec="batch: {}\n")
    if data is not None:
        (project / name).write_bytes(data)
    assert name in failure(run("batch", "start", "tiny", name, "--key", "id"))
    assert not list((project / ".modelet").glob("run*"))
