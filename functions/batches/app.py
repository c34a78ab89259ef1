"""batches, a platform function: batches, their predictions, jobs and uploads of all models."""

from __future__ import annotations

from typing import Any


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an event of API Gateway."""
    raise NotImplementedError
