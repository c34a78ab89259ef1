"""Dates: texts in ISO 8601. A moment has an offset, or its zone is given: the zone of a machine is never used."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any

from modelet.logic.errors import LogicError
from modelet.logic.operators.operator import NUMBER, TEXT, Operator
from modelet.logic.values import finite, number, shown, text

UNITS = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400, "weeks": 604_800}
"""The units of time in seconds."""
READ = {
    "%Y": r"(?P<year>[0-9]{4})",
    "%m": r"(?P<month>[0-9]{1,2})",
    "%d": r"(?P<day>[0-9]{1,2})",
    "%H": r"(?P<hour>[0-9]{1,2})",
    "%M": r"(?P<minute>[0-9]{1,2})",
    "%S": r"(?P<second>[0-9]{1,2})",
    "%f": r"(?P<fraction>[0-9]{1,6})",
    "%z": r"(?P<zone>Z|[-+][0-9]{2}:?[0-9]{2})",
    "%%": "%",
}
"""The directives of a format, and what each reads."""
WRITTEN = {*READ, "%j", "%u"}
"""The directives that `format_date` writes: also the day of the year and of the week (1 is Monday)."""
MAX_FORMAT = 200
"""The most characters of a format: each directive costs more than a character."""
PARTS = ("year", "month", "day", "hour", "minute", "second")
DIRECTIVE = re.compile(r"%.?")
OFFSET = re.compile(r"([-+])([0-9]{2}):?([0-9]{2})")
ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[-+][0-9]{2}:?[0-9]{2})?)?"
)


def zone_of(name: Any) -> tzinfo:
    """Return a time zone: UTC, an offset such as +09:00, or a name such as Asia/Seoul."""
    given = text(name)
    if given in {"UTC", "Z"}:
        return UTC
    if match := OFFSET.fullmatch(given):
        minutes = int(match[2]) * 60 + int(match[3])
        if minutes >= 24 * 60 or int(match[3]) >= 60:
            raise LogicError(f"has no time zone {shown(given)}")
        return timezone(timedelta(minutes=minutes if match[1] == "+" else -minutes))
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - 2 ms, for few rules

    try:
        return ZoneInfo(given)
    except (ValueError, OSError, LookupError):
        raise LogicError(
            f"has no time zone {shown(given)}: give UTC, an offset such as +09:00, or a name such as Asia/Seoul"
        ) from None


def moment(value: Any, zone: Any = None) -> datetime:
    """Return the moment that a text in ISO 8601 names. zone: that of a text without an offset."""
    given = text(value)
    try:
        found = datetime.fromisoformat(given) if ISO.fullmatch(given) else None
    except ValueError:
        found = None
    if found is None:
        raise LogicError(f"needs a date such as 2026-01-31T09:00:00+09:00, not {shown(given)}: see `parse_date`")
    return _zoned(found, zone, given)


def _zoned(found: datetime, zone: Any, given: str) -> datetime:
    if found.tzinfo is not None:
        return found
    if zone is None:
        raise LogicError(f"does not know the time zone of {shown(given)}: give one, such as UTC")
    made = found.replace(tzinfo=zone_of(zone))
    offset = _offset(made)
    if offset != made.replace(fold=1).utcoffset():
        back = (made.replace(tzinfo=UTC) - offset).astimezone(made.tzinfo)
        why = "occurs twice" if back.replace(tzinfo=None) == found else "does not exist"
        raise LogicError(f"{shown(given)} {why} in {shown(zone)}, where the clock changes: give it with its offset")
    return made


def _offset(made: datetime) -> timedelta:
    """Return the offset from UTC. Raises LogicError for the local times of before there were zones."""
    offset = made.utcoffset() or timedelta()
    if offset.total_seconds() % 60:
        raise LogicError(f"the offset of {made.isoformat()} has seconds, which ISO 8601 does not have: use UTC")
    return offset


def _format(pattern: Any) -> str:
    form = text(pattern)
    if len(form) > MAX_FORMAT:
        raise LogicError(f"has a format of {len(form):,} characters, above {MAX_FORMAT}: shorten it")
    return form


def parsed(value: Any, pattern: Any, zone: Any = None) -> str:
    """Return a date in a format as a text in ISO 8601."""
    given, form = text(value), _format(pattern)
    expression, end, seen = "", 0, set()
    for match in DIRECTIVE.finditer(form):
        if match[0] not in READ or match[0] in seen:
            raise LogicError(f"has the directives {' '.join(READ)}, each once, not {shown(match[0])}")
        seen.add(match[0])
        expression += re.escape(form[end : match.start()]) + READ[match[0]]
        end = match.end()
    found = re.fullmatch(expression + re.escape(form[end:]), given)
    parts = found.groupdict() if found else {}
    if not {"year", "month", "day"} <= parts.keys():
        missing = "has no %Y, %m and %d" if found else f"does not match {shown(given)}"
        raise LogicError(f"the format {shown(form)} {missing}")
    try:
        year, month, day, hour, minute, second = (int(parts.get(name) or 0) for name in PARTS)
        micro = int((parts.get("fraction") or "0").ljust(6, "0"))
        offset = zone_of(parts["zone"]) if parts.get("zone") else None
        made = datetime(year, month, day, hour, minute, second, micro, offset)
    except ValueError:
        raise LogicError(f"has no date {shown(given)}") from None
    return _zoned(made, zone, given).isoformat()


def formatted(value: Any, pattern: Any, zone: Any = None) -> str:
    """Return a date in a format, in its own zone or in another."""
    form = _format(pattern)
    made = moment(value, zone)
    if zone is not None:
        made = _moved(made, zone)
    offset = made.isoformat()[-6:]
    year_day = made.toordinal() - date(made.year, 1, 1).toordinal() + 1
    puts = {
        "%Y": f"{made.year:04}", "%m": f"{made.month:02}", "%d": f"{made.day:02}", "%H": f"{made.hour:02}",
        "%M": f"{made.minute:02}", "%S": f"{made.second:02}", "%f": f"{made.microsecond:06}", "%z": offset,
        "%j": f"{year_day:03}", "%u": str(made.isoweekday()), "%%": "%",
    }  # fmt: skip

    def put(match: re.Match[str]) -> str:
        if match[0] not in puts:
            raise LogicError(f"has the directives {' '.join(puts)}, not {shown(match[0])}")
        return puts[match[0]]

    return DIRECTIVE.sub(put, form)


def _moved(made: datetime, zone: Any) -> datetime:
    try:
        moved = made.astimezone(zone_of(zone))
    except OverflowError:
        raise LogicError("the date is before the year 1 or after the year 9999") from None
    _offset(moved)
    return moved


def difference(later: Any, earlier: Any, unit: Any = "seconds", zone: Any = None) -> int | float:
    """Return the time from the second date to the first, in a unit."""
    span = _elapsed(moment(later, zone)) - _elapsed(moment(earlier, zone))
    return finite(span / timedelta(seconds=_unit(unit)))


def _elapsed(made: datetime) -> timedelta:
    """Return the time since the year 1 in UTC: Python subtracts dates of one zone by their local clocks."""
    return made.replace(tzinfo=None) - datetime.min - _offset(made)


def added(value: Any, amount: Any, unit: Any = "seconds", zone: Any = None) -> str:
    """Return the date that is later by an amount of a unit, by the clock of UTC."""
    start = moment(value, zone)
    try:
        made = start.astimezone(UTC) + timedelta(seconds=_unit(unit)) * number(amount)
        moved = made.astimezone(start.tzinfo)
    except OverflowError:
        raise LogicError("the date is before the year 1 or after the year 9999") from None
    _offset(moved)
    return moved.isoformat()


def now() -> str:
    """Return the present moment, in UTC."""
    return datetime.now(UTC).isoformat()


def _unit(name: Any) -> float:
    if type(name) is not str or name not in UNITS:
        raise LogicError(f"has the units {', '.join(UNITS)}, not {shown(name)}")
    return UNITS[name]


OPERATORS = (
    Operator(
        "parse_date",
        "text, format: text, zone: text",
        2,
        3,
        (TEXT,),
        TEXT,
        "A date in ISO 8601, read in a format of %Y %m %d %H %M %S %f %z; zone is that of a text without one: "
        "UTC, +09:00 or Asia/Seoul.",
        parsed,
    ),
    Operator(
        "format_date",
        "date: text, format: text, zone: text",
        2,
        3,
        (TEXT,),
        TEXT,
        "A date in a format, which may also have %j (day of the year) and %u (day of the week, 1 is Monday); "
        "in the zone, if there is one.",
        formatted,
        makes=True,
    ),
    Operator(
        "date_diff",
        "later: text, earlier: text, unit: text = seconds, zone: text",
        2,
        4,
        (TEXT,),
        NUMBER,
        "The time that passed between two dates in milliseconds, seconds, minutes, hours, days or weeks.",
        difference,
    ),
    Operator(
        "date_add",
        "date: text, amount: number, unit: text = seconds, zone: text",
        2,
        4,
        (TEXT, f"{NUMBER}|{TEXT}", TEXT, TEXT),
        TEXT,
        "The date that is later by an amount of time.",
        added,
    ),
    Operator("now", "", 0, 0, (), TEXT, "The present moment in UTC; only with `clock: true`.", now, needs_clock=True),
)
"""The operators of dates."""
