"""AWS's cron expressions: those of its documentation are read, and what never comes is refused with the remedy."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.project.cron import FIELDS, NO_ZONES, _zones, check_time_zone, read_cron

DOCUMENTED = (
    "0 10 * * ? *",
    "15 12 * * ? *",
    "0 18 ? * MON-FRI *",
    "0 8 1 * ? *",
    "0/15 * * * ? *",
    "0/10 * ? * MON-FRI *",
    "0/5 8-17 ? * MON-FRI *",
    "0/30 20-23 ? * MON-FRI *",
    "0/30 0-2 ? * MON-FRI *",
    "0/30 20-2 ? * MON-FRI *",
    "30 6 ? * MON *",
    "15 10 ? * 6L 2022-2023",
    "0 9 L-3 * ? *",
    "0 9 LW * ? *",
    "0 9 3W * ? *",
    "0 0 ? * 3#2 *",
    "0 0 29 FEB ? *",
    "*/5 * * * ? *",
    "0 8 ? jan,feb mon-fri 2030/2",
    "0 0 ? * L *",
)


@pytest.mark.parametrize("expression", DOCUMENTED)
def test_what_aws_documents_is_read(expression: str) -> None:
    assert next(read_cron(expression).dates())


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("0 8 31 FEB ? *", r"never matches: no such month has that day of month"),
        ("0 8 30 2 ? *", r"never matches"),
        ("0 8 31 4,6,9,11 ? *", r"never matches"),
        ("0 8 29 FEB ? 2027", r"never matches"),
        ("0 8 29 FEB ? 2100", r"never matches"),
        ("0 8 31W FEB ? *", r"never matches"),
        ("0 8 L-30 FEB ? *", r"never matches"),
        ("0 8 ? FEB MON#5 2027", r"never matches: no such month has that day of week"),
        ("0 8 * * MON-FRI *", r"both set, but AWS allows one: write \? for the day of month"),
        ("0 8 1 * * *", r"write \? for the day of week"),
        ("0 8 1 * MON *", r"write \? for the other"),
        ("0 8 ? * ? *", r"are both \?: write \* for one"),
        ("60 8 * * ? *", r"minute: '60' is not valid: give 0 to 59"),
        ("0 24 * * ? *", r"hour: '24' is not valid: give 0 to 23"),
        ("0 8 0 * ? *", r"day of month: '0' is not valid: give 1 to 31"),
        ("0 8 32 * ? *", r"day of month: '32'"),
        ("0 8 * 13 ? *", r"month: '13' is not valid: give 1 to 12, or JAN to DEC"),
        ("0 8 ? * 0 *", r"day of week: '0' is not valid: give 1 to 7, or SUN to SAT"),
        ("0 8 ? * MONDAY *", r"day of week: 'MONDAY'"),
        ("0 8 * * ? 1969", r"year: '1969' is not valid: give 1970 to 2199"),
        ("0 8 ? * MON-FRI 2030-2029/2", r"year: 2030-2029/2 ends before it starts: swap the two numbers"),
        ("0 20-8/24 * * ? *", r"hour: 20-8/24 has an invalid step: give 1 to 23"),
        ("0 8 * * ? 2030-2029", r"year: 2030-2029 ends before it starts: swap the two numbers"),
        ("0/0 8 * * ? *", r"minute: 0/0 has an invalid step: give 1 to 59"),
        ("0/90 8 * * ? *", r"minute: 0/90 has an invalid step"),
        ("0/x 8 * * ? *", r"an invalid step"),
        ("*-5 8 * * ? *", r"minute: '\*' is not valid"),
        ("0 8 ? * MON#6 *", r"MON#6 is not a week of any month: give #1 to #5"),
        ("0 8 L-31 * ? *", r"L-31 is before the first day of every month"),
        ("0 8 ? * MON, *", r"day of week: '' is not valid"),
        ("0 8 15W,16 * ? *", r"day of month: '15W'"),
        ("0 8 * * *", r"has 5 fields: give minute, hour"),
        ("0 8  * * ? *", r"separated by single spaces"),
        ("cron(0 8 * * ? *)", r"has cron\( \) around it: write only the six fields"),
        (f"{'9' * 5000} 8 * * ? *", r"minute: '9999"),
        ("\u0661 8 * * ? *", "minute: '\u0661'"),
    ],
)
def test_what_aws_refuses_or_what_never_comes_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        read_cron(expression)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("wrapping", "written_out"),
    [
        ("50-10/10 8 * * ? *", "50,0,10 8 * * ? *"),
        ("0 20-2 * * ? *", "0 20-23,0-2 * * ? *"),
        ("0 20-2/3 * * ? *", "0 20,23,2 * * ? *"),
        ("0 23-0 * * ? *", "0 23,0 * * ? *"),
        ("0 8 30-2 * ? *", "0 8 30,31,1,2 * ? *"),
        ("0 8 1 NOV-FEB ? *", "0 8 1 NOV,DEC,JAN,FEB ? *"),
        ("0 8 1 12-1 ? *", "0 8 1 12,1 ? *"),
        ("0 8 ? * FRI-MON *", "0 8 ? * FRI,SAT,SUN,MON *"),
        ("0 8 ? * SAT-MON,WED *", "0 8 ? * SAT,SUN,MON,WED *"),
        ("0 8 ? * SAT-SAT *", "0 8 ? * SAT *"),
    ],
)
def test_a_range_goes_on_from_the_first_behind_the_last(wrapping: str, written_out: str) -> None:
    wrapped, expected = read_cron(wrapping), read_cron(written_out)
    assert (wrapped.minutes, wrapped.hours, wrapped.months) == (expected.minutes, expected.hours, expected.months)
    assert list(wrapped.dates()) == list(expected.dates())


@given(st.text(alphabet="0123456789*?,-/LW#AFJMNORSTU ", max_size=24) | st.text())
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    refusals = []
    try:
        assert read_cron(text).years
    except ValueError as error:
        refusals.append(str(error))
    assert all(len(refusal.splitlines()) == 1 for refusal in refusals)
    assert refusals or len(text.split(" ")) == len(FIELDS)


@given(
    st.sets(st.integers(1, 31), min_size=1, max_size=3),
    st.sets(st.integers(1, 12), min_size=1, max_size=2),
    st.sets(st.integers(1970, 2199), min_size=1, max_size=2),
)
def test_the_dates_of_a_day_of_month_are_those_of_the_calendar(
    days: set[int], months: set[int], years: set[int]
) -> None:
    expected = []
    for year in sorted(years):
        for month in sorted(months):
            for day in sorted(days):
                try:
                    date(year, month, day)
                except ValueError:
                    continue
                expected.append((year, month, day))
    expression = " ".join(["0", "0", _list(days), _list(months), "?", _list(years)])
    if expected:
        assert list(read_cron(expression).dates()) == expected
    else:
        with pytest.raises(ValueError, match="never matches"):
            read_cron(expression)


@given(st.integers(1, 7), st.integers(1, 5), st.integers(1, 12), st.integers(1970, 2199))
def test_the_dates_of_a_day_of_week_are_those_of_the_calendar(weekday: int, which: int, month: int, year: int) -> None:
    first = date(year, month, 1)
    days = [first.replace(day=day) for day in range(1, 29)]
    days += [first.replace(day=day) for day in (29, 30, 31) if _there_is(year, month, day)]
    own = [day for day in days if day.isoweekday() % 7 + 1 == weekday]
    found = list(read_cron(f"0 0 ? {month} {weekday} {year}").dates())
    assert found == [(year, month, day.day) for day in own]
    assert list(read_cron(f"0 0 ? {month} {weekday}L {year}").dates()) == found[-1:]
    if which <= len(own):
        assert list(read_cron(f"0 0 ? {month} {weekday}#{which} {year}").dates()) == [found[which - 1]]
    else:
        with pytest.raises(ValueError, match="never matches"):
            read_cron(f"0 0 ? {month} {weekday}#{which} {year}")


def _list(numbers: set[int]) -> str:
    return ",".join(map(str, sorted(numbers)))


def _there_is(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", ["UTC", "Asia/Seoul", "Etc/GMT+9", "America/Argentina/Buenos_Aires", "Europe/Berlin"])
def test_a_time_zone_of_iana_is_known(name: str) -> None:
    check_time_zone(name)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("Asia/Soul", "did you mean Asia/Seoul"),
        ("asia/seoul", "did you mean Asia/Seoul"),
        ("KST", "give an IANA name such as Europe/Berlin|did you mean"),
        ("Mars/Olympus_Mons", "give an IANA name such as Europe/Berlin"),
        ("+09:00", "give an IANA name"),
        ("", "give an IANA name"),
    ],
)
def test_what_is_no_time_zone_is_refused_with_the_nearest(name: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=f"is not a time zone: ({remedy})"):
        check_time_zone(name)


def test_a_file_beside_the_zones_is_none() -> None:
    assert not _zones() & NO_ZONES
