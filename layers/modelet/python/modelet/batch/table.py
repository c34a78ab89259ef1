"""The tables of batches and jobs as data: their keys, and the names of their items.

The infrastructure and the laptop create the tables from this module, and all code addresses items through it. Partition
keys begin with the model, so that `dynamodb:LeadingKeys` can confine a role to one model.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

EXPIRES = "expires_at"
"""The attribute with the time in Unix seconds after which DynamoDB may delete an item; readers compare it too."""

MOST_KEY_BYTES = 2_048
"""DynamoDB's limit of a partition key in bytes of UTF-8."""
LONG = f"the key is longer than {MOST_KEY_BYTES} bytes of UTF-8"


class TableKeys(NamedTuple):
    """The names of a table's two key attributes, both texts."""

    partition: str
    sort: str


CONTROL = TableKeys("pk", "sk")
"""The control table: batches, chunks, jobs, the pointer to the active generation."""
PREDICTIONS = TableKeys("id", "generation")
"""A prediction table: the key of a row, and the batch that wrote it."""


def new_id(now: float | None = None) -> str:
    """Return the id of a new batch or job: its UTC time in milliseconds and eight random digits; ids sort by time."""
    import secrets  # noqa: PLC0415 - model functions with features by key read only names from this module

    moment = time.time() if now is None else now
    text = time.strftime("%Y%m%dT%H%M%S", time.gmtime(moment))
    return f"{text}{int(moment * 1000) % 1000:03d}Z-{secrets.token_hex(4)}"


def utc(moment: float) -> str:
    """Return a time in Unix seconds as people read it."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))


def batch_key(model: str, batch: str) -> dict[str, str]:
    """Return the key of a batch's record."""
    return {"pk": f"batch#{model}#{batch}", "sk": "batch"}


def chunk_key(model: str, batch: str, number: int) -> dict[str, str]:
    """Return the key of a chunk's record."""
    return {"pk": f"batch#{model}#{batch}", "sk": f"chunk#{number:08d}"}


def listed_batch_key(model: str, batch: str) -> dict[str, str]:
    """Return the key of a batch in the list of its model."""
    return {"pk": f"model#{model}", "sk": f"batch#{batch}"}


def active_key(model: str) -> dict[str, str]:
    """Return the key of the pointer to a model's active generation."""
    return {"pk": f"model#{model}", "sk": "active"}


def deletion_key(model: str) -> dict[str, str]:
    """Return the key of the item that says how far a model's old predictions are deleted."""
    return {"pk": f"model#{model}", "sk": "deletion"}


def job_key(model: str, job: str) -> dict[str, str]:
    """Return the key of a job's record."""
    return {"pk": f"job#{model}#{job}", "sk": "job"}


def listed_job_key(model: str, job: str) -> dict[str, str]:
    """Return the key of a job in the list of its model."""
    return {"pk": f"model#{model}", "sk": f"job#{job}"}


def leading_keys(model: str) -> list[str]:
    """Return the patterns of the partition keys that belong to a model."""
    return [f"batch#{model}#*", f"job#{model}#*", f"model#{model}"]


def key_of(value: Any) -> tuple[str, str | None]:
    """Return the key of a row as a text, or "" and why there is none: a key is a text or a whole number."""
    if type(value) is int:
        # Python writes no more than 4,300 digits; a digit has more than 3 bits.
        return ("", LONG) if value.bit_length() > 4 * MOST_KEY_BYTES else _short(str(value))
    if value is None or value == "":
        return "", "the key is missing or empty"
    if not isinstance(value, str):
        return "", f"the key is of type {type(value).__name__}: give a text or a whole number"
    return _short(value)


def _short(key: str) -> tuple[str, str | None]:
    try:
        return ("", LONG) if len(key.encode()) > MOST_KEY_BYTES else (key, None)
    except UnicodeEncodeError:
        return "", "the key has a character without a form in UTF-8"
