"""Dates against Python's own, with zones and at the ends of the calendar."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.logic.errors import LogicError
from modelet.logic.operators.dates import added, difference, formatted, moment, parsed

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES)
FORMAT = "%Y-%m-%d %H:%M:%S.%f %z"


@given(MOMENTS)
def test_a_date_is_read_as_it_is_written(given: datetime) -> None:
    assert moment(given.isoformat()) == given
    assert moment(parsed(formatted(given.isoformat(), FORMAT), FORMAT)) == given


@given(MOMENTS)
def test_a_date_is_written_as_python_does(given: datetime) -> None:
    assert formatted(given.isoformat(), "%m/%d %H:%M:%S %j %u") == given.strftime("%m/%d %H:%M:%S %j %u")
    assert formatted(given.isoformat(), "%H:%M", "UTC") == given.astimezone(UTC).strftime("%H:%M")


@given(MOMENTS, MOMENTS)
def test_a_difference_leads_from_one_date_to_the_other(one: datetime, other: datetime) -> None:
    hours = difference(one.isoformat(), other.isoformat(), "hours")
    assert hours == (one - other) / timedelta(hours=1)


@given(MOMENTS, st.integers(-400, 400))
def test_adding_days_is_undone_by_taking_them_away(given: datetime, days: int) -> None:
    try:
        later = added(given.isoformat(), days, "days")
    except LogicError:
        return
    assert moment(later) == given + timedelta(days=days)
    assert moment(added(later, -days, "days")) == given


@pytest.mark.parametrize(
    "text",
    [
        "", "2026", "2026-1-1", "2026-01-01T", "2026-W01-1", "20260101", "\uff12\uff10\uff12\uff16-01-01", "2026-13-01",
        "0000-01-01", "2026-01-01T25:00Z", "2026-01-01T00:00:00.1234567Z", "2026-01-01T00:00:00+99:00",
    ],
)  # fmt: skip
def test_a_text_that_is_not_a_date_is_refused(text: str) -> None:
    with pytest.raises(LogicError):
        moment(text, "UTC")


@given(st.text(max_size=30), st.text(max_size=12), st.text(max_size=8))
def test_any_text_is_read_or_refused(text: str, pattern: str, zone: str) -> None:
    for function, values in ((parsed, (text, pattern, zone)), (formatted, (text, pattern, zone))):
        with suppress(LogicError):
            function(*values)


def test_a_clock_that_is_put_forward_counts_real_hours() -> None:
    start = "2026-03-29T01:30:00"
    later = added(formatted(start, "%Y-%m-%dT%H:%M:%S%z", "Europe/Berlin"), 1, "hours")
    assert formatted(later, "%H:%M", "Europe/Berlin") == "03:30"


def test_a_difference_counts_the_hours_that_passed_though_the_clock_of_the_zone_changed() -> None:
    assert difference("2026-03-30T00:00", "2026-03-29T00:00", "hours", "Europe/Berlin") == 23
    assert difference("2026-10-26T00:00", "2026-10-25T00:00", "hours", "Europe/Berlin") == 25


@given(st.datetimes(datetime(1980, 1, 1), datetime(2030, 1, 1)), st.integers(-9000, 9000))
def test_a_difference_in_a_zone_is_undone_by_adding_it(local: datetime, hours: int) -> None:
    with suppress(LogicError):
        later = added(local.isoformat(), hours, "hours", "Europe/Berlin")
        assert difference(later[:-6], local.isoformat(), "hours", "Europe/Berlin") == hours


@pytest.mark.parametrize(
    ("local", "reason"), [("2026-03-29T02:30", "does not exist"), ("2026-10-25T02:30", "occurs twice")]
)
def test_a_local_time_that_is_not_one_moment_is_refused(local: str, reason: str) -> None:
    with pytest.raises(LogicError, match=reason):
        moment(local, "Europe/Berlin")
    assert moment(local + "+01:00", "Europe/Berlin") == datetime.fromisoformat(local + "+01:00")


@pytest.mark.parametrize(
    ("function", "values"),
    [
        (parsed, ("1900-01-01", "%Y-%m-%d", "Asia/Seoul")),
        (formatted, ("1900-01-01T00:00Z", "%H:%M %z", "Asia/Seoul")),
        (formatted, ("1900-01-01T00:00", "%z", "Asia/Seoul")),
    ],
)
def test_an_offset_with_seconds_is_refused_because_no_other_operator_could_read_it(
    function: Callable[..., str], values: tuple[str, ...]
) -> None:
    with pytest.raises(LogicError, match="has seconds"):
        function(*values)


@pytest.mark.parametrize(
    ("function", "values"), [(formatted, ("2026-01-01", "%Y" * 500_000, "UTC")), (parsed, ("2026", "a" * 500_000))]
)
def test_a_format_of_any_length_is_refused_before_it_is_read(
    function: Callable[..., str], values: tuple[str, ...]
) -> None:
    with pytest.raises(LogicError, match="above 200: shorten it"):
        function(*values)
