"""The rejected rows of a chunk, as JSON Lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.batch.outputs.items import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelet.batch.outputs.row import Rejected

MOST_TEXT = 500
"""Characters of a key and of a reason that are repeated."""


def rejected_jsonl(url: str, rejected: Iterable[Rejected]) -> bytes:
    """Return a line for each rejected row: `{"object", "row", "key", "field", "reason", "rule"}`.

    url: the input object of the rows. A key that is not valid Unicode has question marks.
    """
    lines = []
    for each in rejected:
        line = {"object": url, "row": each.number, "key": _text(each.key), "field": _text(each.field)}
        lines.append(json_text({**line, "reason": _text(each.reason), "rule": each.rule}) + b"\n")
    return b"".join(lines)


def _text(text: str | None) -> str | None:
    return None if text is None else text[:MOST_TEXT].encode("utf-8", "replace").decode()
