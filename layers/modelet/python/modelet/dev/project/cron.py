"""AWS cron expressions: check the six fields, and whether the expression ever matches a day.

Source: docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html, to which the documentation of
Application Auto Scaling refers. The format is that of Quartz (org.quartz.CronExpression).
"""

from __future__ import annotations

import re
from calendar import monthrange, weekday
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import available_timezones

from modelet.dev.project.messages import nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = "0 8 ? * MON-FRI *"
NO_ZONES = frozenset({"Factory", "localtime"})
"""Files in the time zone database that are not time zones."""


class CronField(NamedTuple):
    """A field: its name, its smallest and largest number, and the names of its numbers, starting with the smallest."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()


MINUTE, HOUR = CronField("minute", 0, 59), CronField("hour", 0, 23)
DAY = CronField("day of month", 1, 31)
MONTH = CronField("month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"))
WEEKDAY = CronField("day of week", 1, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))
YEAR = CronField("year", 1970, 2199)
FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY, YEAR)
ANY = "?"
NUMBER = re.compile(r"[0-9]{1,4}")


class Cron(NamedTuple):
    """A parsed expression. day, day_of_week: the text of these fields; one of them is `?`."""

    minutes: frozenset[int]
    hours: frozenset[int]
    day: str
    months: frozenset[int]
    day_of_week: str
    years: frozenset[int]

    def dates(self) -> Iterator[tuple[int, int, int]]:
        """Yield every year, month and day that matches, in order."""
        for year in sorted(self.years):
            for month in sorted(self.months):
                days = _days(self.day, year, month) if self.day_of_week == ANY else _weekdays(self, year, month)
                yield from ((year, month, day) for day in sorted(days))


def read_cron(expression: str) -> Cron:
    """Parse six fields. Raises ValueError (one line, with the remedy) if AWS would reject them or no day matches."""
    if expression.startswith("cron("):
        raise ValueError(f"{quoted(expression)} has cron( ) around it: write only the six fields")
    parts = expression.split(" ")
    if len(parts) != len(FIELDS) or not all(parts):
        raise ValueError(
            f"{quoted(expression)} has {len(expression.split())} fields: give minute, hour, day of month, month, "
            f"day of week and year, separated by single spaces, such as {EXAMPLE}"
        )
    minutes, hours, day, months, day_of_week, years = (part.upper() for part in parts)
    _check_one_day_field(day, day_of_week)
    if day != ANY:
        _check_day(day)
    else:
        _check_weekday(day_of_week)
    cron = Cron(
        _values(MINUTE, minutes),
        _values(HOUR, hours),
        day,
        _values(MONTH, months),
        day_of_week,
        _values(YEAR, years),
    )
    if next(cron.dates(), None) is None:
        field = DAY.name if day != ANY else WEEKDAY.name
        raise ValueError(f"{quoted(expression)} never matches: no such month has that {field}: change one of them")
    return cron


def check_time_zone(name: str) -> None:
    """Raise ValueError if the name is not an IANA time zone. Accept any name if this machine has no list of them."""
    zones = _zones()
    if zones and name not in zones:
        near = nearest(name, zones)
        remedy = f"did you mean {near}?" if near else "give an IANA name such as Europe/Berlin"
        raise ValueError(f"{quoted(name)} is not a time zone: {remedy}")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - NO_ZONES


def _check_one_day_field(day: str, day_of_week: str) -> None:
    """Raise ValueError unless exactly one of the two fields is `?`, as AWS requires."""
    if ANY not in {day, day_of_week}:
        which = DAY if day == "*" else WEEKDAY
        raise ValueError(
            f"day of month ({day}) and day of week ({day_of_week}) are both set, but AWS allows one: write ? for "
            + (f"the {which.name}" if "*" in {day, day_of_week} else "the other")
        )
    if day == day_of_week:
        raise ValueError("day of month and day of week are both ?: write * for one of them")


def _check_day(text: str) -> None:
    """Raise ValueError unless the text is a day, a list of days, or a form such as L, L-3, LW or 15W."""
    if text in {"L", "LW"}:
        return
    if found := re.fullmatch(r"L-([0-9]{1,4})", text):
        if int(found[1]) >= DAY.most:
            raise ValueError(f"day of month: {text} is before the first day of every month: give at most L-30")
    elif found := re.fullmatch(r"(\w+)W", text):
        _number(DAY, found[1])
    else:
        _values(DAY, text)


def _check_weekday(text: str) -> None:
    """Raise ValueError unless the text is a weekday, a list of weekdays, or a form such as L, 6L or FRI#2."""
    if text == "L":
        return
    if found := re.fullmatch(r"(\w+)#(\w+)", text):
        _number(WEEKDAY, found[1])
        if found[2] not in {"1", "2", "3", "4", "5"}:
            raise ValueError(f"day of week: {text} is not a week of any month: give #1 to #5")
    elif found := re.fullmatch(r"(\w+)L", text):
        _number(WEEKDAY, found[1])
    else:
        _values(WEEKDAY, text)


def _values(field: CronField, text: str) -> frozenset[int]:
    """Return the numbers of a list of numbers, ranges and steps."""
    return frozenset(number for part in text.split(",") for number in _range(field, part))


def _range(field: CronField, part: str) -> Iterator[int]:
    """Yield the numbers of one range. If it ends before it starts, it wraps around: 20-2, FRI-MON."""
    body, slash, step_text = part.partition("/")
    first, dash, last = body.partition("-")
    if first == "*" and not dash:
        start, stop = field.least, field.most
    else:
        start = _number(field, first)
        stop = _number(field, last) if dash else field.most if slash else start
    span = field.most - field.least
    if stop < start:
        if field is YEAR:
            raise ValueError(f"{field.name}: {part} ends before it starts: swap the two numbers")
        stop += span + 1
    if slash and (not NUMBER.fullmatch(step_text) or not 1 <= int(step_text) <= span):
        raise ValueError(f"{field.name}: {part} has an invalid step: give 1 to {span} after the /")
    for number in range(start, stop + 1, int(step_text) if slash else 1):
        yield number if number <= field.most else number - span - 1


def _number(field: CronField, text: str) -> int:
    if text in field.names:
        return field.least + field.names.index(text)
    if NUMBER.fullmatch(text) and field.least <= int(text) <= field.most:
        return int(text)
    names = f", or {field.names[0]} to {field.names[-1]}" if field.names else ""
    raise ValueError(f"{field.name}: {quoted(text)} is not valid: give {field.least} to {field.most}{names}")


def _days(text: str, year: int, month: int) -> set[int]:
    """Return the days of a month that match a day-of-month field."""
    length = monthrange(year, month)[1]
    if text in {"L", "LW"}:
        return {length}
    if text.startswith("L-"):
        return {length - int(text[2:])} & set(range(1, length + 1))
    days = {int(text[:-1])} if text.endswith("W") else _values(DAY, text)
    return {day for day in days if day <= length}


def _weekdays(cron: Cron, year: int, month: int) -> set[int]:
    """Return the days of a month that match a day-of-week field."""
    text, length = cron.day_of_week, monthrange(year, month)[1]

    def days(wanted: frozenset[int]) -> list[int]:
        # In calendar, Monday is 0; in AWS, Sunday is 1.
        return [day for day in range(1, length + 1) if (weekday(year, month, day) + 1) % 7 + 1 in wanted]

    if text == "L":
        return set(days(frozenset({WEEKDAY.most})))
    if "#" in text:
        name, _, which = text.partition("#")
        return set(days(frozenset({_number(WEEKDAY, name)}))[int(which) - 1 : int(which)])
    if text.endswith("L"):
        return set(days(frozenset({_number(WEEKDAY, text[:-1])}))[-1:])
    return set(days(_values(WEEKDAY, text)))
