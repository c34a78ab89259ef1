"""The contract's own texts of datetimes and dates: ISO 8601, and nothing that pydantic would read in another way."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, NotRequired

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typing_extensions import TypedDict

from modelet.contract.contract import Contract
from modelet.contract.readers import validator
from modelet.contract.schema import ValidationError
from modelet.dev.bundle.core_schema import compile_type
from modelet.dev.bundle.moments import AWARE_DATETIME, DATE, NAIVE_DATETIME, is_aware
from modelet.dev.bundle.schema import json_schema

KINDS: dict[str, Any] = {"naive": NAIVE_DATETIME, "aware": AWARE_DATETIME, "date": DATE}


def read(kind: str, value: Any) -> Any:
    """What the compiled contract makes of a JSON value. Raises ValidationError."""
    core = compile_type(KINDS[kind]).core
    assert core is not None, "pydantic is not needed"
    return validator(core).validate_json(json.dumps(value))


@given(st.datetimes())
def test_a_datetime_without_an_offset_is_read_to_the_microsecond(moment: datetime) -> None:
    for text in (moment.isoformat(), moment.isoformat(" "), moment.isoformat(timespec="microseconds") + "000"):
        assert read("naive", text) == moment


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=9)), timezone(timedelta(minutes=-210))])))
def test_a_datetime_with_an_offset_is_read_as_the_same_moment(moment: datetime) -> None:
    found = read("aware", moment.isoformat())
    assert (found, found.utcoffset()) == (moment, moment.utcoffset())


@given(st.dates())
def test_a_date_is_read_and_a_naive_datetime_may_be_a_date(day: date) -> None:
    assert read("date", day.isoformat()) == day
    assert read("naive", day.isoformat()) == datetime(day.year, day.month, day.day)


NOT_ISO = [
    *(0, 1769851800, 1769851800.5, True, [], {}, ""),
    *("20260131", "1769851800", "2026-1-31", "31.01.2026", "2026-02-30", "2026-W05-6", "2026-031", "+2026-01-31"),
    *("0000-01-01", "0000-01-01T00:00:00", "10000-01-01", "\uff12026-01-31", " 2026-01-31", "2026-01-31\n"),
    *("2026-01-31T24:00:00", "2026-12-31T23:59:60", "2026-01-31T09", "2026-01-31T09:30:00,5", "2026-01-31_09:30"),
    *("2026-01-31T09:30:00.1234567", "2026-01-31T09:30:00.", "2026-01-31T09:30:00+09", "2026-01-31T09:30:00+0900"),
    *("2026-01-31T09:30:00+24:00", "2026-01-31T09:30:00 Z", "2026-01-31T09:30:00+00:00:30", "now", "NaT"),
]


@pytest.mark.parametrize("value", NOT_ISO, ids=repr)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_datetime_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        read(kind, value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("naive", "2026-01-31T09:30:00Z"),
        ("aware", "2026-01-31T09:30:00"),
        ("aware", "2026-01-31"),
        ("date", "2026-01-31T00:00:00"),
    ],
)
def test_an_offset_is_neither_dropped_nor_assumed(kind: str, text: str) -> None:
    with pytest.raises(ValidationError, match="Input should be a date"):
        read(kind, text)


@given(st.sampled_from(sorted(KINDS)), st.from_regex(r"[0-9:T Z+.\-]{8,32}", fullmatch=True))
@example("naive", "2026-01-31T09:30")
def test_no_text_is_read_as_another_moment_than_python_reads(kind: str, text: str) -> None:
    try:
        found = read(kind, text)
    except ValidationError:
        return
    assert found == (date if kind == "date" else datetime).fromisoformat(text)


class Row(TypedDict):
    seen: NAIVE_DATETIME
    day: NotRequired[DATE | None]


def test_a_row_is_named_with_its_field_and_says_what_is_expected() -> None:
    core = compile_type(Row).core
    assert core is not None
    contract = Contract(core, {"type": "float"})
    rows = [{"seen": "2026-01-31"}, {"seen": 5}, {}, {"seen": "2026-02-30", "day": "x"}]
    checked = contract.check_rows(rows)
    named = {row: [(one.field, one.rule) for one in found] for row, found in checked.failed.items()}
    assert named == {
        1: [("seen", "iso_datetime")],
        2: [("seen", "missing")],
        3: [("seen", "datetime_from_date_parsing"), ("day", "iso_date")],
    }
    assert "such as 2026-01-31T09:30:00" in checked.failed[1][0].message
    body = json.dumps({"instances": rows}).encode()
    assert contract.check_envelope(body) is None
    assert contract.check_columns({"seen": ["2026-01-31", "2026-01-31T09:30:00"]}).total == 2


def test_the_json_schema_has_the_format_and_no_pattern() -> None:
    schema = json_schema(Row, "validation")["properties"]
    assert schema["seen"] == {"type": "string", "format": "date-time", "title": "Seen"}
    assert schema["day"]["anyOf"][0] == {"type": "string", "format": "date"}


@pytest.mark.parametrize(
    ("dtype", "aware"),
    [("datetime64[us]", False), ("datetime64[us, UTC]", True), ("object", False), ("category", False), ("", False)],
)
def test_a_dtype_says_whether_it_has_a_time_zone(dtype: str, aware: bool) -> None:
    assert is_aware(dtype) is aware
