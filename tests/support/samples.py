"""The sample models and their events, as data."""

from __future__ import annotations

import json
from typing import Any

from support.repository import ROOT

FOLDERS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/model.yaml"))
EVERY_EVENT = [(folder, path) for folder in FOLDERS for path in sorted((ROOT / "events" / folder).glob("*.json"))]
"""Each model's folder with the file of each event that API Gateway sends."""
STATUSES = {"infer_invalid": 422}
"""The status of the answers to events of a name; 200 for all others."""


def sample(folder: str, name: str = "infer") -> Any:
    """An event of a model."""
    return json.loads((ROOT / "events" / folder / f"{name}.json").read_text(encoding="utf-8"))
