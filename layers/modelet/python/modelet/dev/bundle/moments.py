"""Types of datetimes and dates for contracts: ISO 8601 texts, and nothing that pydantic would read in another way."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

DAY = r"\d{4}-\d{2}-\d{2}"
TIME = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6}0{0,3})?)?"
"""A time of a day to the microsecond. Digits beyond it would be lost, so they must be zero."""
NAIVE = rf"{DAY}([Tt ]{TIME})?"
AWARE = rf"{DAY}[Tt ]{TIME}([Zz]|[+-]\d{{2}}:\d{{2}})"
LIMITS = "no 24:00, no leap second, no digits below a microsecond"
DATE_TEXT, NAIVE_TEXT, AWARE_TEXT = (re.compile(text, re.ASCII) for text in (DAY, NAIVE, AWARE))


class _IsoText:
    """Lets a type accept only texts of one ISO 8601 form, because pydantic reads 20260101 as seconds since 1970."""

    def __init__(self, pattern: str, message: str, rule: str, shown: str) -> None:
        # The pattern is for Rust, whose \d has the digits of all scripts.
        self._pattern = f"^{pattern}$".replace(r"\d", "[0-9]")
        self._message, self._rule, self._shown = message, rule, shown

    def __get_pydantic_core_schema__(self, source: Any, _: GetCoreSchemaHandler) -> CoreSchema:
        """Return a schema that checks the form, and then the value, such as the days of a month."""
        text = core_schema.custom_error_schema(
            core_schema.str_schema(pattern=self._pattern),
            custom_error_type=self._rule,
            custom_error_message=self._message,
        )
        parsed = core_schema.date_schema() if source is date else core_schema.datetime_schema()
        return core_schema.chain_schema([text, parsed])

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the JSON schema of such a text."""
        return {"type": "string", "format": self._shown}


DATE = Annotated[date, _IsoText(DAY, "Input should be a date in ISO 8601 form, such as 2026-01-31", "iso_date", "date")]
NAIVE_DATETIME = Annotated[
    datetime,
    _IsoText(
        NAIVE,
        f"Input should be a date and time in ISO 8601 form without an offset, such as 2026-01-31T09:30:00 ({LIMITS})",
        "iso_datetime",
        "date-time",
    ),
]
AWARE_DATETIME = Annotated[
    datetime,
    _IsoText(
        AWARE,
        "Input should be a date and time in ISO 8601 form with an offset, such as 2026-01-31T09:30:00+09:00 "
        f"({LIMITS})",
        "iso_datetime",
        "date-time",
    ),
]


def is_aware(dtype: str) -> bool:
    """Return whether a dtype of pandas has a time zone, as in `datetime64[us, UTC]`."""
    return dtype.startswith("datetime64[") and "," in dtype
