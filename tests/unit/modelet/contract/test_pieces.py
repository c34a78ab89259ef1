"""The rows of a body of very many lists and objects, parsed a piece at a time."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from modelet.contract import pieces
from modelet.contract.contract import Contract
from modelet.contract.pieces import Pieces, parsed, paused_gc
from modelet.contract.schema import from_json, tighten
from modelet.errors import ContractError, MalformedBodyError
from support.services import read_rows

VALUES = st.recursive(
    st.none() | st.integers(-2, 3) | st.text('a,[]{}"\\é\n', max_size=6),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.sampled_from(["a", ",{", "b"]), child, max_size=3),
    max_leaves=6,
)
BODIES = st.builds(
    lambda rows, indent, more: json.dumps({"instances": rows} | more, indent=indent).encode(),
    st.lists(VALUES, max_size=12),
    st.sampled_from([None, 0, 1]),
    st.sampled_from([{}, {"k": [1, 2]}, {"instance": 1}]),
)


class Pair(TypedDict):
    a: float
    b: float


CORE = tighten(dict(TypeAdapter(Pair).core_schema))
CONTRACT = Contract(CORE, CORE)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "MANY", 0)
    monkeypatch.setattr(pieces, "PIECE", 8)


@settings(max_examples=300)
@given(body=BODIES)
def test_the_rows_are_those_of_the_whole(body: bytes) -> None:
    document, found = parsed(body)
    whole = from_json(body)
    if found is None:
        assert document == whole
        return
    rows = whole["instances"]
    assert list(found) == rows
    assert len(found) == len(rows)
    assert document | {"instances": 0} == whole | {"instances": 0}
    for first in range(len(rows) + 1):
        parts = list(found.parts(first))
        assert [row for part, _ in parts for row in part] == rows[first:]
        assert all(
            len(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()) <= size + 2
            for part, size in parts
        )


@settings(max_examples=300)
@given(
    body=BODIES,
    place=st.integers(0, 200),
    put=st.sampled_from([b"", b",", b"}", b"]", b"x", b'"', b"\n", b"[", b"\xff"]),
)
def test_what_is_not_json_is_refused_in_the_same_words(body: bytes, place: int, put: bytes) -> None:
    place %= len(body)
    for text in (body[:place], body[:place] + put + body[place:], body[:place] + put + body[place + 1 :]):
        assert outcome(together, text) == outcome(from_json, text)


def together(text: bytes) -> Any:
    document, found = parsed(text)
    return document if found is None else document | {"instances": list(found)}


def outcome(parse: Callable[[bytes], Any], text: bytes) -> tuple[Any, str]:
    try:
        return parse(text), ""
    except ValueError as error:
        return None, str(error)


@pytest.mark.parametrize("row", ["{}", "[]", "[[[1]]]", '{"a":{"b":[]}}'])
def test_only_a_piece_is_parsed_at_once(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def noting(text: bytes) -> Any:
        sizes.append(len(text.replace(b" ", b"")))
        return from_json(text)

    monkeypatch.setattr(pieces, "from_json", noting)
    _, found = parsed(f'{{"instances":[{",".join([row] * 1_000)}]}}'.encode())
    assert isinstance(found, Pieces)
    assert sum(1 for _ in found) == 1_000
    assert max(sizes) < 100


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances":[{},{},{},{},{},{}],"instances":[1]}',
        b'{"instances":[{},{},{},{},{},{}],"\\u0069nstances":[1]}',
        b'{"k":1,"instances":[{},{},{},{},{},{}]}',
        b'{"instances":{"a":[{},{},{},{},{}]}}',
        b"[{},{},{},{},{},{}]",
    ],
)
def test_where_rows_cannot_be_told_apart_all_is_parsed(body: bytes) -> None:
    assert parsed(body) == (from_json(body), None)


@settings(max_examples=100)
@given(rows=st.lists(VALUES | st.just({"a": 1, "b": 2}), min_size=1, max_size=12), partial=st.booleans())
def test_rows_in_pieces_are_judged_as_all_at_once(rows: list[Any], partial: bool) -> None:
    body = json.dumps({"instances": rows}).encode()
    found = read_rows(body, CONTRACT, partial=partial)
    expected = CONTRACT.check_rows(rows, partial=partial)
    assert found.failed == expected.failed
    assert found.total == expected.total
    assert found.count == expected.count
    if partial or not found.failed:
        assert found.instances == expected.instances


def test_very_many_rows_are_counted_and_no_more_than_a_hundred_named() -> None:
    with pytest.raises(ContractError) as caught:
        read_rows(b'{"instances":[%b]}' % b",".join([b"{}"] * 5_000), CONTRACT).require_all()
    assert len(caught.value.violations) == 100
    assert 1_500 <= caught.value.count < 3_000
    assert not caught.value.is_complete


@pytest.mark.parametrize("is_enabled", [True, False])
def test_cycles_are_looked_for_again_afterwards(is_enabled: bool) -> None:
    seen = []
    if not is_enabled:
        gc.disable()
    try:
        with pytest.raises(MalformedBodyError):
            read_rows(b"{", CONTRACT)
        with paused_gc():
            seen.append(gc.isenabled())
        seen.append(gc.isenabled())
    finally:
        gc.enable()
    assert seen == [False, is_enabled]
