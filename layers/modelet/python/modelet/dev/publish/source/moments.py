"""Datetimes and dates in examples: which of them requests can hold, and ISO 8601 texts in files."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.dev.bundle.moments import AWARE_TEXT, DATE_TEXT, NAIVE_TEXT
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from modelet.dev.publish.parity.predictions import Answers

    Ask = Callable[[Any], Answers | None]
    """A function that returns an estimator's predictions for a table, or None if it rejects the table."""
    Alike = Callable[[Answers, Answers], bool]

MISSING = frozenset({"NaT", "NaN", "nan", "None", "NULL", "null", "<NA>", "NA", "N/A", "n/a", "#N/A"})
"""How programs write a missing datetime."""
TRIED = 32
"""The most combinations of types that an estimator is asked about."""
UNITS = ("s", "ms", "ns")
"""The units beside microseconds that a column of datetimes may have."""


def iso_text(value: date) -> str:
    """Return a date or a datetime as a request has it: in ISO 8601 form, with a time zone in UTC."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC)
    return value.isoformat()


def unservable(values: Any) -> str | None:
    """Return why requests cannot hold a column of datetime64, with the remedy, or None if they can."""
    import pandas as pd

    dtype = values.dtype
    zone = dtype.tz if isinstance(dtype, pd.DatetimeTZDtype) else None
    if not isinstance(dtype, np.dtype) and zone is None:
        return f'has the dtype {dtype}: convert it with .astype("datetime64[us]") before the fit'
    if zone is not None:
        if not _has_name(dtype):
            return f'has the time zone {zone}, which has no name: convert it with .dt.tz_convert("UTC") before the fit'
        values = pd.Series(values).dt.tz_convert("UTC")
    present = pd.Series(values).dropna()
    if (present.dt.nanosecond != 0).any():
        return 'has nanoseconds, which requests cannot hold: round it with .dt.round("us") before the fit'
    if len(present) and not 1 <= present.dt.year.min() <= present.dt.year.max() <= 9999:
        return "has years outside of 1 to 9999, which requests cannot hold: make them missing"
    return None


def _has_name(dtype: Any) -> bool:
    """Return whether a dtype with a time zone can be made from its name again."""
    from pandas.api.types import pandas_dtype

    try:
        return bool(pandas_dtype(str(dtype)) == dtype)
    except (TypeError, ValueError):
        return False


def read(texts: Any, kind: str) -> Any | None:
    """Return ISO 8601 texts as a column of datetimes or of dates; None unless all are of that kind.

    kind: "datetime" or "date". Texts with an offset must be in UTC.
    """
    import pandas as pd

    plain = [text if isinstance(text, str) and text and text not in MISSING else None for text in texts]
    present = [text for text in plain if text is not None]
    if not present:
        return None
    is_zoned = all(map(AWARE_TEXT.fullmatch, present))
    form = DATE_TEXT if kind == "date" else AWARE_TEXT if is_zoned else NAIVE_TEXT
    if not all(map(form.fullmatch, present)):
        return None
    try:
        found = [None if text is None else datetime.fromisoformat(text.upper()) for text in plain]
    except ValueError:  # 2026-02-30
        return None
    if any(moment.utcoffset() for moment in found if moment is not None):
        return None
    if kind == "date":
        return pd.Series([None if moment is None else moment.date() for moment in found], dtype=object)
    naive = [None if moment is None else moment.replace(tzinfo=None) for moment in found]
    made = pd.Series(np.array(naive, "datetime64[us]"))
    return made.dt.tz_localize("UTC") if is_zoned else made


def said(name: str, texts: Any, kind: str) -> Any:
    """Return the cells of a column of the user's type. Raises PublishError."""
    made = read(texts, kind)
    if made is not None:
        return made
    wrong = next((text for text in texts if isinstance(text, str) and text and read([text], kind) is None), None)
    if wrong is None:
        why = "is empty, or mixes times with and without an offset: write all of them in the same way"
    elif kind == "date":
        why = f"has {wrong!r}, which is not a date such as 2026-01-31: pass another type"
    else:
        why = (
            f"has {wrong!r}, which is neither a date and time such as 2026-01-31T09:30:00, nor one in UTC such as "
            "2026-01-31T09:30:00Z: write it so, or publish from train.py, whose DataFrame has a time zone"
        )
    raise PublishError(f"column {name} of the examples {why}")


def with_moments(table: Any, names: Sequence[str], ask: Ask, alike: Alike) -> Any:
    """Return a file's table with the texts of some columns as datetimes or dates, if the estimator takes those.

    names: columns that may be of either type. Raises PublishError if several types work but predictions differ.
    """
    options = {name: _options(table[name]) for name in names}
    options = {name: found for name, found in options.items() if len(found) > 1}
    working = [(kinds, answers) for kinds in _combined(options) if (answers := ask(_as(table, options, kinds)))]
    if not working:
        for name in names:
            if _is_zoned(table[name]):
                said(name, table[name], "datetime")  # raises unless it is in UTC
        return table
    (kinds, first), *others = working
    for other, answers in others:
        if not alike(first, answers):
            name = next(name for name in kinds if kinds[name] != other[name])
            cell = next(text for text in table[name] if isinstance(text, str))
            raise PublishError(
                f"column {name} of the examples has {cell!r}, which may be a {_word(kinds[name])} or a "
                f"{_word(other[name])}: pass --types {name}={kinds[name]} or --types {name}={other[name]}"
            )
    return _as(table, options, kinds)


def check_units(table: Any, ask: Ask, alike: Alike) -> None:
    """Raise PublishError if the predictions depend on the unit of datetimes, which no file shows."""
    names = [name for name in table.columns if table[name].dtype.kind == "M"]
    for name in names:
        import pandas as pd

        first = ask(table)
        for unit in UNITS:
            try:
                column = table[name].dt.as_unit(unit)
            except pd.errors.OutOfBoundsDatetime:
                continue
            if first is None or not (column == table[name]).equals(table[name].notna()):
                continue
            other = ask(table.assign(**{name: column}))
            if other is None or not alike(first, other):
                raise PublishError(
                    f"column {name} of the examples: the model's predictions depend on the unit of its datetimes, "
                    "which a file does not show: publish from train.py, whose DataFrame has the unit"
                )


def _is_zoned(texts: Any) -> bool:
    present = [text for text in texts if isinstance(text, str) and text]
    return bool(present) and all(map(AWARE_TEXT.fullmatch, present))


def _options(texts: Any) -> dict[str, Any]:
    """Return a column's values by type, the most likely type first."""
    found = {kind: read(texts, kind) for kind in ("datetime", "date")}
    return {kind: made for kind, made in {**found, "string": texts}.items() if made is not None}


def _combined(options: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """Yield combinations of the columns' types; only equal ones if there are too many columns."""
    if not options:
        return
    every = list(product(*options.values())) if 3 ** len(options) <= TRIED else []
    for kinds in every or (("datetime",) * len(options), ("string",) * len(options)):
        yield dict(zip(options, kinds, strict=True))


def _as(table: Any, options: Mapping[str, Mapping[str, Any]], kinds: Mapping[str, str]) -> Any:
    columns = {name: options[name][kind].set_axis(table.index) for name, kind in kinds.items()}
    return table.assign(**columns)


def _word(kind: str) -> str:
    return "text" if kind == "string" else kind
