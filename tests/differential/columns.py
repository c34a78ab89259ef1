"""Kinds of columns: what a feature holds, and the dtype in which an estimator is fitted on it.

A new kind is one line of KINDS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

Chance = np.random.Generator
Role = Literal["number", "flag", "word", "text", "moment", "day"]

WORDS = ("red", "green", "blue", "Ærø", "서울", "b b", "02139", "true", "1e5")
PHRASES = (
    "good",
    "bad",
    "great",
    "awful",
    "좋아요",
    "별로예요",
    "it",
    "was",
    "very",
    "product",
    "naïve",
    "x1",
    "A",
    "don't",
)
CODES = (0, 1, 2, 5, 7)
EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class ColumnKind:
    """A kind of column.

    role: how a pipeline prepares it. dtype: pandas' name of its dtype. values: as many plain values as asked for.
    missing: the share of values that are missing.
    """

    name: str
    role: Role
    dtype: str
    values: Callable[[Chance, int], list[Any]]
    missing: float = 0.0

    def cells(self, chance: Chance, count: int) -> list[Any]:
        """Plain values for so many rows, None where one is missing."""
        made = self.values(chance, count)
        lost = chance.random(count) < self.missing
        return [None if gone else value for value, gone in zip(made, lost, strict=True)]


def _reals(chance: Chance, count: int) -> list[Any]:
    return [float(value) for value in chance.normal(size=count)]


def _singles(chance: Chance, count: int) -> list[Any]:
    return [float(value) for value in chance.normal(size=count).astype(np.float32)]


def _offset(chance: Chance, count: int) -> list[Any]:
    return [float(value) for value in np.round(500 + 200 * chance.normal(size=count), 2)]


def _positives(chance: Chance, count: int) -> list[Any]:
    return [float(value) for value in chance.gamma(2.0, size=count)]


def _wholes(chance: Chance, count: int) -> list[Any]:
    return [int(value) for value in chance.integers(-20, 40, count)]


def _counts(chance: Chance, count: int) -> list[Any]:
    return [int(value) for value in chance.integers(0, 5, count)]


def _flags(chance: Chance, count: int) -> list[Any]:
    return [bool(value) for value in chance.integers(0, 2, count)]


def _words(chance: Chance, count: int) -> list[Any]:
    known = chance.permutation(WORDS)[:4]
    return [str(word) for word in chance.choice(known, count)]


def _ascii_words(chance: Chance, count: int) -> list[Any]:
    return [str(word) for word in chance.choice([word for word in WORDS if word.isascii()][:4], count)]


def _codes(chance: Chance, count: int) -> list[Any]:
    return [int(code) for code in chance.choice(CODES, count)]


def _phrases(chance: Chance, count: int) -> list[Any]:
    lengths = chance.integers(2, 8, count)
    return [" ".join(str(word) for word in chance.choice(PHRASES, length)) for length in lengths]


def _moments(chance: Chance, count: int) -> list[Any]:
    """Datetimes in the words of a request, to the second."""
    seconds = chance.integers(-(10**9), 3 * 10**9, count).tolist()
    return [(EPOCH + timedelta(seconds=each)).isoformat() for each in seconds]


def _zoned(chance: Chance, count: int) -> list[Any]:
    return [f"{moment}Z" for moment in _moments(chance, count)]


def _days(chance: Chance, count: int) -> list[Any]:
    return [moment[:10] for moment in _moments(chance, count)]


KINDS = {
    kind.name: kind
    for kind in (
        ColumnKind("real", "number", "float64", _reals),
        ColumnKind("real_offset", "number", "float64", _offset),
        ColumnKind("real_gaps", "number", "float64", _reals, missing=0.15),
        ColumnKind("real_nullable", "number", "Float64", _reals, missing=0.15),
        ColumnKind("single", "number", "float32", _singles),
        ColumnKind("positive", "number", "float64", _positives),
        ColumnKind("whole", "number", "int64", _wholes),
        ColumnKind("whole_int8", "number", "int8", _wholes),
        ColumnKind("whole_nullable", "number", "Int64", _wholes, missing=0.15),
        ColumnKind("whole_no_gaps", "number", "Int64", _wholes),
        ColumnKind("count", "number", "int64", _counts),
        ColumnKind("flag", "flag", "bool", _flags),
        ColumnKind("flag_nullable", "flag", "boolean", _flags, missing=0.15),
        ColumnKind("word", "word", "str", _words),
        ColumnKind("word_gaps", "word", "str", _words, missing=0.15),
        ColumnKind("word_object", "word", "object", _words),
        ColumnKind("word_object_gaps", "word", "object", _words, missing=0.15),
        ColumnKind("word_nullable", "word", "string", _words, missing=0.15),
        ColumnKind("word_category", "word", "category", _words),
        ColumnKind("word_category_gaps", "word", "category", _words, missing=0.15),
        ColumnKind("word_ascii", "word", "category", _ascii_words),
        ColumnKind("code_category", "word", "category", _codes),
        ColumnKind("code", "word", "int64", _codes),
        ColumnKind("moment", "moment", "datetime64[us]", _moments),
        ColumnKind("moment_gaps", "moment", "datetime64[ns]", _moments, missing=0.15),
        ColumnKind("moment_seconds", "moment", "datetime64[s]", _moments, missing=0.15),
        ColumnKind("moment_zoned", "moment", "datetime64[us, Asia/Seoul]", _zoned, missing=0.15),
        ColumnKind("moment_object", "moment", "object", _moments, missing=0.15),
        ColumnKind("day", "day", "object", _days),
        ColumnKind("day_gaps", "day", "object", _days, missing=0.15),
        ColumnKind("text", "text", "str", _phrases),
        ColumnKind("text_object", "text", "object", _phrases),
    )
}
"""Every kind, by name."""


def named(*names: str) -> tuple[ColumnKind, ...]:
    """Some kinds."""
    return tuple(KINDS[name] for name in names)


NUMBERS = named("real", "real_offset", "single", "whole", "whole_int8", "count", "flag")
"""What estimators of numbers take in a frame as it is."""

POSITIVES = named("positive", "count")
COUNTS = named("count")
GAPS = named("real_gaps", "real")
EVERY = tuple(
    kind for kind in KINDS.values() if kind.role not in {"text", "moment", "day"} and kind.name != "word_ascii"
)
"""What a pipeline may prepare column by column, and a graph may have as inputs."""

MOMENTS = tuple(kind for kind in KINDS.values() if kind.role in {"moment", "day"})
"""What no graph has as an input."""
CATEGORIES = named("real_gaps", "whole", "flag", "word_category", "word_ascii", "code_category")

TEXTS = named("text", "text_object")

NAMES = ("length", "price", "Age", "kind", "가격", "note", "copy", "a b", "x-y", "label", "is_new", "class", "zip", "n")
"""What columns are called: identifiers, words of Python, of pydantic and of graphs, and what is none of these."""
