"""Old rows are deleted in a pass that goes on where it was left, also in a table full of rows that stay."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from modelet.batch import deletion, dynamodb
from modelet.batch.deletion import Deletion, sweep
from modelet.batch.dynamodb import Table
from modelet.batch.table import PREDICTIONS
from modelet.errors import StoreError
from support.tables import make_table

PAST = 0.0
"""A monotonic time at which every call stops as soon as it may."""


@pytest.fixture
def table(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Table:
    """A prediction table, of which each call reads little."""
    monkeypatch.setattr(deletion, "PAGE_ITEMS", 5)
    monkeypatch.setattr(deletion, "SEGMENTS", 3)
    return Table(dynamodb, make_table(dynamodb, PREDICTIONS))


def fill(table: Table, rows: dict[str, int]) -> None:
    """Write some rows of each generation."""
    for generation, count in rows.items():
        for number in range(count):
            key = {"id": {"S": f"k{number}"}, "generation": {"S": generation}}
            table.client.put_item(TableName=table.name, Item=key)


def left(table: Table) -> Counter[str]:
    items = table.client.scan(TableName=table.name)["Items"]
    return Counter(item["generation"]["S"] for item in items)


def test_each_call_goes_on_where_the_one_before_stopped(table: Table) -> None:
    fill(table, {"b1": 20, "b2": 100, "b3": 20})
    state, calls = Deletion().begin("b2"), 0
    while state.parts:
        before = state.parts
        state, error = sweep(table, state, "b2", PAST)
        assert error is None
        assert state.parts != before, "each call does at least a page"
        calls += 1
    assert calls > 5
    assert state.deleted == "b2"
    assert left(table) == {"b2": 100, "b3": 20}


def test_without_a_limit_one_call_reads_the_whole_table(table: Table) -> None:
    fill(table, {"b1": 40, "b2": 40})
    state, _ = sweep(table, Deletion().begin("b2"), "b2", None)
    assert (state.parts, state.deleted) == ({}, "b2")
    assert left(table) == {"b2": 40}


def test_a_pass_promises_what_was_settled_at_its_beginning_and_deletes_what_is_old_now(table: Table) -> None:
    fill(table, {"b1": 10, "b2": 10, "b3": 10})
    state, _ = sweep(table, Deletion().begin("b1"), "b3", None)
    assert state.deleted == "b1"
    assert left(table) == {"b3": 10}


def test_an_error_keeps_what_the_other_parts_have_done(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(table, {"b1": 60, "b2": 60})
    scan_page = table.scan_page

    def break_one(*arguments: Any, **members: Any) -> dynamodb.Page:
        if members["part"][0] == 1:
            raise StoreError("DynamoDB throttles")
        return scan_page(*arguments, **members)

    monkeypatch.setattr(table, "scan_page", break_one)
    state, error = sweep(table, Deletion().begin("b2"), "b2", time.monotonic() + 60)
    assert isinstance(error, StoreError)
    assert state.parts["1"] is None
    assert state.deleted == ""
    monkeypatch.undo()
    state, error = sweep(table, state, "b2", None)
    assert (state.deleted, error) == ("b2", None)
    assert left(table) == {"b2": 60}


def test_a_throttled_table_is_left_in_the_middle_of_a_page_and_the_next_call_goes_on_there(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page is 2,000 deletions, which may outlive the call."""
    monkeypatch.setattr(deletion, "PAGE_ITEMS", 1_000)
    monkeypatch.setattr(deletion, "SEGMENTS", 1)
    monkeypatch.setattr(deletion, "MOST_WRITES", 10)
    fill(table, {"b1": 45, "b2": 20})
    state, counts = Deletion().begin("b2"), []
    while state.parts:
        state, error = sweep(table, state, "b2", PAST)
        assert error is None
        counts.append(left(table)["b1"])
    assert counts[:5] == [35, 25, 15, 5, 0]
    assert left(table) == {"b2": 20}


def test_it_is_read_as_it_was_written(table: Table, dynamodb: Any, control: str) -> None:
    records = Table(dynamodb, control)
    assert Deletion.read(records, "iris") == Deletion()
    fill(table, {"b1": 30})
    state, _ = sweep(table, Deletion("b0").called("b9").begin("b1"), "b0", PAST)
    assert state.parts
    state.write(records, "iris")
    assert Deletion.read(records, "iris") == state
    assert Deletion.read(records, "other") == Deletion()


def test_calls_are_counted_for_one_batch() -> None:
    twice = Deletion().called("b1").called("b1")
    assert (twice.batch, twice.calls) == ("b1", 2)
    assert twice.called("b2").calls == 1
