from __future__ import annotations

from typing import Any

import pytest

from modelet.batch.inputs.assemble import Roles


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("x", "x"),
        (7, "7"),
        (10**30, "1" + "0" * 30),
        (10**2_047, "1" + "0" * 2_047),
        ("ä" * 1_024, "ä" * 1_024),
        ("x" * 2_048, "x" * 2_048),
        (" ", " "),
    ],
)
def test_texts_and_whole_numbers_are_keys(value: Any, key: str) -> None:
    piece = Roles("id", (), None).piece_of_columns(0, {"id": [value]}, {})
    assert piece.keys == [key]
    assert piece.failed == {}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "the key is missing or empty"),
        ("", "the key is missing or empty"),
        (1.0, "the key is of type float: give a text or a whole number"),
        (True, "the key is of type bool: give a text or a whole number"),
        ({}, "the key is of type dict: give a text or a whole number"),
        ("ä" * 1_025, "the key is longer than 2048 bytes of UTF-8"),
        (10**2_048, "the key is longer than 2048 bytes of UTF-8"),
        pytest.param(10**5_000, "the key is longer than 2048 bytes of UTF-8", id="5,001 digits"),
    ],
)
def test_a_row_without_a_usable_key_fails_and_keeps_its_place(value: Any, reason: str) -> None:
    for piece in (
        Roles("id", (), None).piece_of_columns(0, {"id": ["a", value], "x": [1, 2]}, {}),
        Roles("id", (), None).piece_of_rows(0, [{"id": "a", "x": 1}, {"id": value, "x": 2}], {}),
    ):
        assert piece.keys == ["a", ""]
        assert piece.failed == {1: ("id", reason)}
        assert piece.columns == {"x": [1, 2]} or piece.rows == [{"x": 1}, {"x": 2}]


FIELDS = [(None, ["x"]), (frozenset({"x"}), ["x"]), (frozenset({"id"}), ["id"]), (frozenset({"p", "x"}), ["p", "x"])]


@pytest.mark.parametrize(("fields", "handed"), FIELDS)
def test_the_contract_gets_the_columns_that_it_names_or_all_but_the_key_and_the_passed_ones(
    fields: frozenset[str] | None, handed: list[str]
) -> None:
    roles = Roles("id", ("p",), fields)
    columns = roles.piece_of_columns(3, {"id": ["a"], "p": [None], "x": [2]}, {})
    rows = roles.piece_of_rows(3, [{"id": "a", "p": None, "x": 2}], {})
    assert list(columns.columns or ()) == handed
    assert list((rows.rows or [{}])[0]) == handed
    assert columns.passed == rows.passed == [{"p": None}]
    assert columns.first_row == rows.first_row == 3


def test_a_row_that_could_not_be_read_keeps_its_own_reason() -> None:
    piece = Roles("id", ("p",), None).piece_of_rows(0, [None, {"id": "b"}], {0: (None, "is no JSON")})
    assert piece.failed == {0: (None, "is no JSON")}
    assert piece.keys == ["", "b"]
    assert piece.passed == [{}, {"p": None}]
    assert piece.rows == [None, {}]


def test_the_column_instance_is_the_instance_of_a_model_without_fields() -> None:
    roles = Roles("id", (), None)
    for piece in (
        roles.piece_of_columns(0, {"id": ["a", "b"], "instance": ["x", None]}, {}),
        roles.piece_of_rows(0, [{"id": "a", "instance": "x"}, {"id": "b", "instance": None}], {}),
    ):
        assert (piece.rows, piece.columns) == (["x", None], None)


def test_an_object_without_members_has_no_key_and_is_handed_on_as_it_is() -> None:
    piece = Roles("id", ("p",), None).piece_of_rows(0, [{}, {"id": "a"}], {})
    assert piece.failed == {0: ("id", "the key is missing or empty")}
    assert piece.rows == [{}, {}]
