"""The small JSON files beside a model's weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelet.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path


def read_object(path: Path) -> dict[str, Any]:
    """Return a JSON object, empty if the file is missing. Raises PublishError if it is none."""
    found = _read(path, {})
    if not isinstance(found, dict):
        raise PublishError(f"{path.name} is not a JSON object: save the model again")
    return found


def read_objects(path: Path) -> list[dict[str, Any]]:
    """Return a JSON list of objects, empty if the file is missing. Raises PublishError if it is none."""
    found = _read(path, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise PublishError(f"{path.name} is not a JSON list of objects: save the model again")
    return found


def _read(path: Path, missing: Any) -> Any:
    if not path.is_file():
        return missing
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PublishError(f"{path.name} cannot be read ({error}): save the model again") from error
