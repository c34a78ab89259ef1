"""Items of a prediction table, and JSON texts without NaN.

An item is `{"id": {"S": key}, "generation": {"S": …}, "prediction": {"S": JSON text}, "source": {"S": "batch"}}`, with
`passed` (JSON text) and `expires_at` if there are any. A text needs no Decimal, and is what a look-up answers.
"""

from __future__ import annotations

import datetime
import json
import math
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

from modelet.batch.outputs.row import Rejected
from modelet.batch.table import EXPIRES, MOST_KEY_BYTES, PREDICTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelet.batch.outputs.row import Encoded, Row

MOST_ITEM_BYTES = 400 * 1024
"""DynamoDB's limit of an item: the bytes of its attributes' names and values."""

_NUMBER_OVERHEAD = 1


class UnwritableError(ValueError):
    """A value that JSON cannot express. path: the member of the value, empty for all of it."""

    def __init__(self, path: str, reason: str, rule: str) -> None:
        super().__init__(reason)
        self.path = path
        self.rule = rule


class Items:
    """Makes the items of one generation. expires_at: Unix seconds, None for never."""

    def __init__(self, generation: str, *, expires_at: int | None = None, source: str = "batch") -> None:
        fixed: dict[str, dict[str, str]] = {PREDICTIONS.sort: {"S": generation}, "source": {"S": source}}
        self._size = item_size({PREDICTIONS.sort: generation, "source": source})
        if expires_at is not None:
            fixed[EXPIRES] = {"N": str(expires_at)}
            self._size += len(EXPIRES) + number_size(str(expires_at))
        self._size += len(PREDICTIONS.partition) + len("prediction")
        # An item is put together from texts: a dict for each row takes a third more time.
        self._before = orjson.dumps({PREDICTIONS.partition: 0})[:-2] + b'{"S":'
        self._between = b"}," + orjson.dumps(fixed)[1:-1] + b',"prediction":{"S":'

    def encode_all(self, rows: Iterable[Row], rejected: list[Rejected]) -> Iterator[Encoded]:
        """Yield rows with their items. rejected: takes those that cannot be items."""
        encode = self.encode
        for row in rows:
            item = encode(row)
            if isinstance(item, Rejected):
                rejected.append(item)
            else:
                yield row, item

    def encode(self, row: Row) -> bytes | Rejected:
        """Return a row's item as DynamoDB JSON, or why it cannot be one."""
        try:
            key = row.key.encode()
        except UnicodeEncodeError:
            return Rejected(row.number, None, None, "the key is not valid Unicode", "key")
        if not 0 < len(key) <= MOST_KEY_BYTES:
            reason = f"the key has {len(key)} bytes of UTF-8; it must have 1 to {MOST_KEY_BYTES}"
            return Rejected(row.number, row.key[:100], None, reason, "key")
        try:
            prediction = json_text(row.prediction, "prediction")
            passed = json_text(row.passed, "passed") if row.passed else b""
        except UnwritableError as error:
            return Rejected(row.number, row.key, error.path, str(error), error.rule)
        size = self._size + len(key) + len(prediction) + (len("passed") + len(passed) if passed else 0)
        if size > MOST_ITEM_BYTES:
            reason = f"the item has {size} bytes, and DynamoDB allows {MOST_ITEM_BYTES}: write such results to S3"
            return Rejected(row.number, row.key, "prediction", reason, "item_size")
        end = b'},"passed":{"S":' + orjson.dumps(passed.decode()) + b"}}" if passed else b"}}"
        return self._before + orjson.dumps(row.key) + self._between + orjson.dumps(prediction.decode()) + end


def item_size(texts: dict[str, str]) -> int:
    """Return the size of an item of texts in bytes.

    Source: "DynamoDB item sizes and formats" in the DynamoDB developer guide.
    """
    return sum(len(name.encode()) + len(text.encode()) for name, text in texts.items())


def number_size(digits: str) -> int:
    """Return the size of a positive whole number in bytes: one for two digits, and one more."""
    return (len(digits.rstrip("0")) + 1) // 2 + _NUMBER_OVERHEAD


def digest(key: str) -> bytes:
    """Return 16 bytes that stand for a key where its text would take too much memory."""
    return blake2b(key.encode(), digest_size=16).digest()


def json_text(value: Any, name: str = "") -> bytes:
    """Return compact JSON in UTF-8; floats have the fewest digits that give them back.

    Decimals, dates and times become texts, so that no digit is lost. name: begins the path of a value that cannot be
    written. Raises UnwritableError for NaN, infinity, text that is not Unicode, and other types.
    """
    try:
        text = orjson.dumps(value, default=_as_json)
    except TypeError:  # an integer beyond 64 bits, which JSON allows, or a value that it does not
        text = _slow_text(value, name)
    if b"null" in text:  # which is how orjson writes NaN
        for path in _not_finite(value, name):
            raise UnwritableError(path, "is NaN or infinite, which JSON cannot express", "finite_number")
    return text


def _slow_text(value: Any, name: str) -> bytes:
    try:
        return _encode(value).encode()
    except UnicodeEncodeError:
        raise UnwritableError(name, "contains text that is not valid Unicode", "string_unicode") from None
    except ValueError:
        path = next(_not_finite(value, name), name)
        raise UnwritableError(path, "is NaN or infinite, which JSON cannot express", "finite_number") from None
    except (TypeError, RecursionError) as error:
        raise UnwritableError(name, f"cannot be written as JSON: {error}"[:200], "json_type") from None


def _as_json(value: Any) -> Any:
    if isinstance(value, float):  # of a subclass, as NumPy's
        return float(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    raise TypeError(f"there is no JSON for {type(value).__name__}")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_as_json).encode


def _not_finite(value: Any, path: str) -> Iterator[str]:
    """Yield the paths of NaN and infinity."""
    if isinstance(value, float):
        if not math.isfinite(value):
            yield path
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _not_finite(member, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for index, member in enumerate(value):
            yield from _not_finite(member, f"{path}.{index}" if path else str(index))
