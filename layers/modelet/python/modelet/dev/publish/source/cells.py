"""Determine the types of the columns of a CSV file, whose cells are all texts.

The user's types come first, then the types that the estimator was fitted with. Any other column that can be parsed as
numbers becomes a number column if the numbers keep the text of every cell (12, 0.5), or if the estimator decides it: it
rejects the texts, or predicts the same for both. Otherwise it is an error: 02139 may be a number or a zip code, and the
user must give the type.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from modelet.dev.publish.source.moments import check_units, with_moments
from modelet.dev.publish.source.moments import said as said_moments
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from modelet.dev.publish.parity.predictions import Answers
    from modelet.dev.publish.source.columns import Type

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf", re.ASCII)
WHOLE = re.compile(r"[+-]?\d{1,400}", re.ASCII)
FLAGS = {"true": True, "false": False}
WORDS = frozenset({"", "#N/A", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"})
"""How programs write a missing number. In a text column they may be a value: NA is Namibia."""

ASKED = 200
"""The number of rows for the test whether the estimator accepts a column as texts."""

ALIKE = 1e-9
"""The tolerance between two predictions of one estimator for the same row."""


def typed(
    cells: Any, said: Mapping[str, Type], known: Mapping[str, Type], ask: Callable[[Any], Answers] | None = None
) -> Any:
    """Return the cells in the types that the model accepts, as a DataFrame.

    cells: see `lines`. said, known: types of columns from the user, and from the model. ask: returns the estimator's
    predictions for such a table; None if no column is ambiguous. Raises PublishError that names an ambiguous column.
    """
    if strange := [name for name in said if name not in cells.columns]:
        names = ", ".join(map(str, cells.columns))
        raise PublishError(f"--types has {strange[0]}, which is not a column of the examples: they have {names}")
    table = cells.copy()
    for name in cells.columns:
        table[name] = _typed(name, cells[name], said.get(name), known.get(name))
    if ask is None:
        return table
    open_ones = [name for name in cells.columns if name not in said and name not in known]
    texts = [name for name in open_ones if table[name].dtype.kind == "O"]
    table = as_moments(table, [name for name in texts if _guess(cells[name]) is None], ask)
    for name in open_ones:
        guess = _guess(cells[name])
        if guess is not None and not _keeps(cells[name], guess) and _takes_texts(name, table, cells[name], ask):
            table[name] = cells[name]
    return table


def _typed(name: str, texts: Any, said: Type | None, known: Type | None) -> Any:
    """Return a column's cells in the user's type, in the model's, or in the type that its texts look like."""
    if said is not None or known in {"datetime", "date"}:
        return _READERS[said or known](name, texts)  # type: ignore[index] # one of them is a type
    guess = None if known == "string" else _guess(texts)
    return texts if guess is None else guess


def as_moments(table: Any, names: Sequence[str], ask: Callable[[Any], Answers]) -> Any:
    """Return a table with the ISO 8601 texts of some columns as datetimes or dates, if the estimator takes those.

    Raises PublishError if several types work but predictions differ, and if predictions depend on a datetime's unit.
    """
    places = range(0, len(table), 1 + (len(table) - 1) // ASKED)

    def predicted(made: Any) -> Answers | None:
        return _predicted(ask, made.iloc[list(places)])

    made = with_moments(table, names, predicted, _alike)
    check_units(made, predicted, _alike)
    return made


def _alike(one: Answers, other: Answers) -> bool:
    return one.labels == other.labels and np.allclose(one.numbers, other.numbers, ALIKE, ALIKE, True)


def _guess(texts: Any) -> Any:
    """Return the column as numbers or booleans, or None if it has other texts."""
    present = [text.strip() for text in texts if isinstance(text, str) and text not in WORDS]
    if not present:
        return None
    if all(text.lower() in FLAGS for text in present):
        return _flags(texts)
    return _numbers(texts) if all(map(NUMBER.fullmatch, present)) else None


def _keeps(texts: Any, guess: Any) -> bool:
    """Return whether the parsed values keep the text of each cell."""
    if guess.dtype.kind not in "iuf":
        return False
    return all(_is_kept(text) for text in texts if isinstance(text, str))


def _is_kept(text: str) -> bool:
    if WHOLE.fullmatch(text):
        return str(int(text)) == text
    return text not in WORDS and repr(float(text)) == text


def _takes_texts(name: str, table: Any, texts: Any, ask: Callable[[Any], Answers]) -> bool:
    """Return whether a column has texts for the estimator. Raises PublishError if both work but predictions differ."""
    lost = [place for place, text in enumerate(texts) if isinstance(text, str) and not _is_number_kept(text)][:ASKED]
    of_read, of_texts = (
        _predicted(ask, table.iloc[lost]),
        _predicted(ask, table.assign(**{name: texts}).iloc[lost]),
    )
    if of_read is None or of_texts is None:
        return of_read is None and of_texts is not None
    if _alike(of_read, of_texts):
        return False
    cell = texts.iloc[lost[0]]
    other = "boolean" if cell.strip().lower() in FLAGS else "number"
    raise PublishError(
        f"column {name} of the examples has {cell!r}, which may be text or a {other}: "
        f"pass --types {name}=string or --types {name}={other}"
    )


def _is_number_kept(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None and _is_kept(text)


def _predicted(ask: Callable[[Any], Answers], table: Any) -> Answers | None:
    try:
        return ask(table)
    except Exception:  # noqa: BLE001 - the estimator rejects the table, which answers the question
        return None


def _flags(texts: Any) -> Any:
    found = [FLAGS.get(text.strip().lower()) if isinstance(text, str) else None for text in texts]
    return pd.Series(found, dtype=object if None in found else bool)


def _numbers(texts: Any) -> Any:
    """Return integers if all are whole numbers, otherwise doubles with NaN for missing values."""
    found = [text.strip() if isinstance(text, str) and text not in WORDS else "nan" for text in texts]
    if all(map(WHOLE.fullmatch, found)):
        return pd.Series([int(text) for text in found])
    return pd.Series([float(text) for text in found], dtype=float)


def _said_string(_: str, texts: Any) -> Any:
    return texts


def _said_number(name: str, texts: Any) -> Any:
    _require(name, texts, NUMBER.fullmatch, "number")
    return _numbers(texts).astype(float)


def _said_integer(name: str, texts: Any) -> Any:
    _require(name, texts, WHOLE.fullmatch, "integer")
    found = _numbers(texts)
    if found.dtype == float:
        raise PublishError(f"column {name} of the examples has missing values: pass --types {name}=number")
    return found


def _said_boolean(name: str, texts: Any) -> Any:
    _require(name, texts, lambda text: text.lower() in FLAGS, "boolean")
    return _flags(texts)


def _require(name: str, texts: Any, fits: Callable[[str], object], kind: str) -> None:
    for text in texts:
        if isinstance(text, str) and text not in WORDS and not fits(text.strip()):
            raise PublishError(
                f"column {name} of the examples has {text!r}, which is not a valid {kind}: pass another type"
            )


_READERS: Mapping[Type, Callable[[str, Any], Any]] = {
    "string": _said_string,
    "number": _said_number,
    "integer": _said_integer,
    "boolean": _said_boolean,
    "datetime": lambda name, texts: said_moments(name, texts, "datetime"),
    "date": lambda name, texts: said_moments(name, texts, "date"),
}
