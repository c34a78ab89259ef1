"""A model of texts that was exported to a folder: the return value of a train.py, or what `--from FOLDER` names."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelet.digest import digest
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

GRAPH_FILE, TOKENIZER, RECORD, LABEL_MAP = "model.onnx", "tokenizer.json", "export.json", "label_map.json"


@dataclass(kw_only=True)
class Exported:
    """An exported model of texts with its examples: the return value of `def train() -> Exported` in a train.py.

    folder: the folder that `python -m modelet.dev.publish.export` wrote (docs/texts.md), with model.onnx,
        tokenizer.json, export.json, and label_map.json if tags get readable names.
    examples: held-out instances as requests have them, such as {"sentence": "..."}; a text alone stands for the first
        field. With its `entities` (start, end, tag as in the raw labels: PER), an example of token classification
        measures precision, recall and F1 of the version that is served; with its `label`, one of classification
        measures the accuracy.
    info: additional entries of `model_info`.
    """

    folder: Path
    examples: Sequence[Any]
    info: Mapping[str, Any] = field(default_factory=dict)


def read_record(folder: Path) -> dict[str, Any]:
    """Return export.json of an exported folder. Raises PublishError if a file is missing or has changed."""
    for name in (GRAPH_FILE, TOKENIZER, RECORD):
        if not (folder / name).is_file():
            raise PublishError(f"{folder.name} has no {name}: export the model again (docs/texts.md)")
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        known = {GRAPH_FILE: record["graph_sha256"], TOKENIZER: record["tokenizer_sha256"]}
    except (ValueError, KeyError, TypeError) as error:
        raise PublishError(f"{folder.name}/{RECORD} is damaged ({error}): export the model again") from error
    for name, sha256 in known.items():
        if digest((folder / name).read_bytes()) != sha256:
            raise PublishError(
                f"{folder.name}/{name} has changed since it was compared with torch: export the model again"
            )
    return record
