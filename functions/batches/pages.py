"""Pages of a list, and times, as answers have them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query

MOST = 100
ID = r"[0-9A-Za-z_.-]{1,100}"
"""The ids of batches, jobs and uploads."""

Limit = Annotated[int, Query(ge=1, le=MOST)]
After = Annotated[str | None, Query(pattern=f"^{ID}$")]


def page(member: str, views: Sequence[Any], path: str, limit: int, after: str | None) -> dict[str, Any]:
    """Return a page. after: the id of its last entry if there are more; the page links to the next one."""
    following = f"{path}?limit={limit}&after={after}" if after else None
    return {member: list(views), "after": after, "next": following}


def moment(seconds: float | None) -> str | None:
    """Return Unix seconds as a time of RFC 3339, in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
