"""The sample models and their events, as data."""

from __future__ import annotations

import json
from typing import Any

from support.repository import ROOT

FOLDERS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/model.yaml"))
EVERY_EVENT = [(folder, path) for folder in FOLDERS for path in sorted((ROOT / "events" / folder).glob("*.json"))]
"""Each model's folder with the file of each event that API Gateway sends."""
STATUSES = {"infer_invalid": 422, "toolbox/infer_invalid": 400}
"""The status of the answers to events of a name, or of a folder and a name; 200 for all others."""


def status(folder: str, name: str) -> int:
    """The status of the answer to an event of a model. A plain predictor chooses its own for an invalid one."""
    return STATUSES.get(f"{folder}/{name}", STATUSES.get(name, 200))


def sample(folder: str, name: str = "infer") -> Any:
    """An event of a model."""
    return json.loads((ROOT / "events" / folder / f"{name}.json").read_text(encoding="utf-8"))
