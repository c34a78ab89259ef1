"""A batch's price and load are estimated before it runs."""

from __future__ import annotations

import pytest

from modelet.batch.prices import IMPORT_ROWS, choose_load, estimate, load_reason

BILLION = 1_000_000_000


def test_a_billion_rows_cost_hundreds_when_written_and_tens_when_imported() -> None:
    """The figures of docs/batch.md."""
    written = estimate(BILLION, 20_000, "write", concurrency=200, memory_mb=1769)
    imported = estimate(BILLION, 20_000, "import", concurrency=200, memory_mb=1769)
    assert written.dollars["DynamoDB"] == pytest.approx(625)
    assert imported.dollars["DynamoDB"] == pytest.approx(30)
    assert written.dollars["Step Functions"] == pytest.approx(1, abs=0.01)
    assert 6 * 3600 < written.seconds < 8 * 3600
    assert imported.total < written.total / 15


def test_a_batch_takes_no_less_time_than_its_chunks_need_to_start() -> None:
    assert estimate(20_000, 20_000, "none", concurrency=10_000, memory_mb=1769).seconds == pytest.approx(200)


def test_an_item_above_a_kilobyte_takes_more_write_units() -> None:
    small, large = (
        estimate(1_000, 1, "write", concurrency=1, memory_mb=1769, item_bytes=size).dollars["DynamoDB"]
        for size in (1_024, 1_025)
    )
    assert large == 2 * small


def test_auto_chooses_by_the_rows_and_an_explicit_load_stays() -> None:
    assert choose_load("auto", IMPORT_ROWS - 1) == "write"
    assert choose_load("auto", IMPORT_ROWS) == "import"
    assert choose_load("write", BILLION) == "write"


def test_the_reason_of_a_load_has_the_rows_and_both_prices() -> None:
    prices = "writing them costs $7.50, importing them $0.36"
    assert load_reason("auto", 12_000_000, is_guess=False) == f"import: 12,000,000 rows; {prices}"
    assert load_reason("auto", 12_000_000, is_guess=True) == f"import: about 12,000,000 rows; {prices}"
    assert load_reason("write", 12_000_000, is_guess=False) == f"write, as asked for: 12,000,000 rows; {prices}"
