"""The rows of compressed inputs are guessed from the beginning of each file."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from modelet.batch.chunk import Chunk
from modelet.batch.inputs import guess
from modelet.batch.inputs.guess import guess_rows
from modelet.store.errors import InputError
from modelet.store.objects import Objects

ROWS = 60_000


def chunk(folder: Path, name: str, data: bytes) -> Chunk:
    (folder / name).write_bytes(data)
    found = Objects().head((folder / name).as_uri())
    kind = "csv" if ".csv" in name else "jsonl"
    return Chunk(0, found.url, found.etag, found.size, kind, True, 0, found.size, 0, None)


def lines(count: int) -> bytes:
    draw = random.Random(7)
    return b"".join(b'%d,"a\nb",%d\n' % (number, draw.getrandbits(60)) for number in range(count))


def test_a_large_file_is_guessed_from_its_beginning(tmp_path: Path) -> None:
    found = chunk(tmp_path, "a.csv.gz", gzip.compress(b"id,x,y\n" + lines(ROWS)))
    assert found.size > 2 * guess.SAMPLE
    assert guess_rows([found], Objects(), has_header=True) == pytest.approx(ROWS, rel=0.05)


def test_quoted_newlines_are_no_rows_and_the_header_is_none(tmp_path: Path) -> None:
    found = chunk(tmp_path, "a.csv.gz", gzip.compress(b"id,x,y\n" + lines(10)))
    assert guess_rows([found], Objects(), has_header=True) == pytest.approx(10, abs=1)
    assert guess_rows([found], Objects(), has_header=False) == pytest.approx(11, abs=1)


def test_json_lines_have_no_header(tmp_path: Path) -> None:
    found = chunk(tmp_path, "a.jsonl.gz", gzip.compress(b'{"id": 1}\n' * 100))
    assert guess_rows([found], Objects(), has_header=True) == pytest.approx(100, abs=30)


def test_files_that_are_not_looked_at_are_taken_to_be_like_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guess, "MOST_FILES", 2)
    text = gzip.compress(lines(100))
    found = [chunk(tmp_path, f"{number}.csv.gz", text) for number in range(10)]
    (tmp_path / "9.csv.gz").unlink()
    assert guess_rows(found, Objects(), has_header=False) == pytest.approx(1_000, rel=0.05)


def test_nothing_compressed_is_no_row() -> None:
    assert guess_rows([], Objects(), has_header=True) == 0


def test_a_file_that_is_no_gzip_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.jsonl\.gz is no gzip file"):
        guess_rows([chunk(tmp_path, "a.jsonl.gz", b'{"id": 1}\n')], Objects(), has_header=True)
