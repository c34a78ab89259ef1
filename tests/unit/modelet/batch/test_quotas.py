"""The quotas of AWS that a batch meets."""

from __future__ import annotations

import pytest

from modelet.batch.quotas import Quota, quotas

BILLION = 1_000_000_000


def met(rows: int, chunks: int, concurrency: int = 50) -> dict[str, Quota]:
    return {each.what: each for each in quotas(rows, chunks, concurrency=concurrency, memory_mb=1769)}


def test_a_billion_rows_reach_the_writes_of_a_table_and_nothing_else() -> None:
    found = met(BILLION, 20_000)
    assert {name for name, each in found.items() if each.verdict} == {
        "writes a second of a table (default)",
        "writes a second of a new table, at first",
    }
    assert found["bytes imported at one time"].used == pytest.approx(2e11)
    assert found["executions that a map starts a second"].used == pytest.approx(50 / 3)


def test_a_small_batch_comes_near_nothing() -> None:
    assert not {name for name, each in met(1_000, 1).items() if each.verdict}


def test_a_larger_one_meets_what_a_new_table_takes_at_first() -> None:
    found = met(30_000, 1)
    assert {name for name, each in found.items() if each.verdict} == {"writes a second of a new table, at first"}


def test_what_is_used_is_held_against_each_quota() -> None:
    found = met(BILLION, 49_000)
    assert {name for name, each in found.items() if each.verdict == "near"} == {
        "bytes of the map's output",
        "chunks of a batch",
        "objects of an import",
    }
    assert met(BILLION, 50_000)["chunks of a batch"].verdict == "reached"
    assert met(1_000_000, 20_000)["executions that a map starts a second"].verdict == "reached"


def test_no_more_workers_run_than_there_are_chunks() -> None:
    assert met(1_000_000, 7)["parallel executions of a map"].used == 7


def test_text_that_one_worker_cannot_read_within_its_timeout_is_named() -> None:
    def verdict(text_bytes: int) -> str:
        found = quotas(BILLION, 20_000, concurrency=50, memory_mb=1769, text_bytes=text_bytes)
        return next(each.verdict for each in found if each.what == "bytes of text that a plan reads, about")

    assert (verdict(0), verdict(40 * 10**9), verdict(259 * 10**9)) == ("", "near", "reached")
