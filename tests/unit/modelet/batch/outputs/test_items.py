from __future__ import annotations

import datetime
import json
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch.outputs.items import MOST_ITEM_BYTES, Items, UnwritableError, digest, json_text, number_size
from modelet.batch.outputs.row import Rejected, Row

TEXT = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def item(row: Row, **settings: Any) -> dict[str, Any]:
    encoded = Items("g1", **settings).encode(row)
    assert isinstance(encoded, bytes), encoded
    found: dict[str, Any] = json.loads(encoded)
    return found


def rejected(row: Row) -> Rejected:
    found = Items("g1").encode(row)
    assert isinstance(found, Rejected)
    return found


def measured(item: dict[str, Any]) -> int:
    """The size of an item by the developer guide, from what boto3 makes of it."""
    assert {
        name: TypeSerializer().serialize(TypeDeserializer().deserialize(value)) for name, value in item.items()
    } == item
    size = 0
    for name, value in item.items():
        ((kind, text),) = value.items()
        size += len(name.encode())
        size += len(text.encode()) if kind == "S" else (len(text.rstrip("0")) + 1) // 2 + 1
    return size


def test_an_item_has_its_key_generation_source_and_prediction_as_text() -> None:
    assert item(Row("a", 0, {"label": "no", "p": 0.1})) == {
        "id": {"S": "a"},
        "generation": {"S": "g1"},
        "source": {"S": "batch"},
        "prediction": {"S": '{"label":"no","p":0.1}'},
    }


def test_an_item_has_passed_values_and_an_expiry_if_there_are_any() -> None:
    found = item(Row("a", 0, 1, {"region": "é"}), expires_at=1_700_000_000, source="online")
    assert found["passed"] == {"S": '{"region":"é"}'}
    assert found["expires_at"] == {"N": "1700000000"}
    assert found["source"] == {"S": "online"}


@given(VALUES)
def test_json_text_gives_every_value_back(value: Any) -> None:
    assert json.loads(json_text(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_has_the_fewest_digits_that_give_it_back(value: float) -> None:
    digits = json_text(value).decode()
    assert float(digits) == value
    assert len(digits.lstrip("-").partition("e")[0].replace(".", "").strip("0")) <= 17


def test_a_float32_that_came_as_its_shortest_decimal_stays_so() -> None:
    assert json_text(float(str(np.float32(0.1)))) == b"0.1"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_nan_is_refused_by_its_path_and_never_becomes_null(bad: float) -> None:
    found = rejected(Row("a", 7, {"label": None, "scores": [0.5, bad]}))
    assert (found.number, found.key, found.field, found.rule) == (7, "a", "prediction.scores.1", "finite_number")
    assert "NaN" in found.reason


def test_nan_beside_a_huge_integer_is_refused_by_its_path_too() -> None:
    with pytest.raises(UnwritableError) as raised:
        json_text({"huge": 2**80, "p": math.nan}, "prediction")
    assert raised.value.path == "prediction.p"


def test_nan_among_the_passed_values_is_refused() -> None:
    assert rejected(Row("a", 0, 1, {"weight": math.nan})).field == "passed.weight"


def test_numbers_dates_and_decimals_of_a_table_lose_no_digit() -> None:
    day = datetime.date(2026, 11, 29)
    value = {
        "n": np.float64(0.5),
        "d": Decimal("0.10"),
        "day": day,
        "at": datetime.datetime(2026, 1, 2, 3, 4),
        "huge": 2**70,
    }
    assert json.loads(json_text(value)) == {
        "n": 0.5, "d": "0.10", "day": "2026-11-29", "at": "2026-01-02T03:04:00", "huge": 2**70
    }  # fmt: skip


@pytest.mark.parametrize("value", [b"bytes", {1j}, object])
def test_a_type_without_json_is_refused(value: Any) -> None:
    assert rejected(Row("a", 0, {"x": value})).rule == "json_type"


def test_text_that_is_not_unicode_is_refused() -> None:
    assert rejected(Row("a", 0, {"x": "\ud800"})).rule == "string_unicode"
    assert rejected(Row("\ud800", 3, 1)) == Rejected(3, None, None, "the key is not valid Unicode", "key")


@pytest.mark.parametrize(("key", "fits"), [("", False), ("é" * 1024, True), ("é" * 1024 + "a", False), ("\0", True)])
def test_a_key_has_1_to_2048_bytes(key: str, fits: bool) -> None:
    found = Items("g1").encode(Row(key, 5, 1))
    assert isinstance(found, bytes) is fits
    if not fits:
        assert isinstance(found, Rejected)
        assert found.rule == "key"


@given(
    key=TEXT.filter(lambda key: 0 < len(key.encode()) <= 2048),
    prediction=VALUES,
    passed=VALUES,
    expires=st.integers(1, 2**40),
)
def test_the_size_is_that_of_dynamodbs_rules(key: str, prediction: Any, passed: Any, expires: int) -> None:
    row = Row(key, 0, prediction, {"given": passed})
    items = Items("g1", expires_at=expires)
    size = measured(item(row, expires_at=expires))
    room = MOST_ITEM_BYTES - size
    padded = row._replace(passed={"given": passed, "p": "x" * (room - len(',"p":""'))})
    assert isinstance(items.encode(padded), bytes)
    assert measured(item(padded, expires_at=expires)) == MOST_ITEM_BYTES
    above = items.encode(row._replace(passed={"given": passed, "p": "x" * (room - len(',"p":""') + 1)}))
    assert isinstance(above, Rejected)
    assert above.rule == "item_size"
    assert str(MOST_ITEM_BYTES + 1) in above.reason


@pytest.mark.parametrize(("digits", "size"), [("1", 2), ("12", 2), ("123", 3), ("1700000000", 2), ("1712345678", 6)])
def test_the_size_of_a_number_counts_pairs_of_digits(digits: str, size: int) -> None:
    assert number_size(digits) == size


def test_a_digest_stands_for_one_key() -> None:
    assert len({digest(key) for key in ("a", "b", "é", "")}) == 4
    assert len(digest("a")) == 16
