"""The keys of rows: any text of 1 to 2,048 bytes, or a whole number, which is written as its digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.batch.table import MOST_KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def take_keys(
    values: Sequence[Any], passed: Mapping[str, Sequence[Any]]
) -> tuple[list[str], list[dict[str, Any]] | None]:
    """Return the keys as texts, and the passed values of each row. A key that is none becomes an empty text."""
    keys = [text_of(value) for value in values]
    if not passed:
        return keys, None
    return keys, [dict(zip(passed, row, strict=True)) for row in zip(*passed.values(), strict=True)]


def text_of(value: Any) -> str:
    """Return a key's text; empty for a value that is no key."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def fault_of(key: str) -> str | None:
    """Return why a text is no key; None if it is one."""
    if not key:
        return "the key is missing: it is a text, or a whole number"
    if len(key) * 4 <= MOST_KEY_BYTES and key.isascii():
        return None
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "the key is not valid Unicode"
    return f"the key has {size} bytes, at most {MOST_KEY_BYTES} are allowed" if size > MOST_KEY_BYTES else None
