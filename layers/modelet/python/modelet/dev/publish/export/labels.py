"""The labels of a model in the files that people keep them in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelet.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path


def read_labels(path: Path, count: int) -> list[str]:
    """Return the labels in the order of the model's scores.

    path: a JSON list, a JSON object from id to label or from label to id (also as its member `id2label`), or lines of
    text. count: the number of scores. Raises PublishError if the labels are not as many.
    """
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else text.split("\n")
    except (OSError, ValueError) as error:
        raise PublishError(f"{path.name} cannot be read as a list of labels: {error}") from error
    labels = labels_of(found, path.name)
    if len(labels) != count:
        raise PublishError(
            f"{path.name} has {len(labels)} labels, but the model has {count} scores: "
            "give one label for each, in the order of training"
        )
    return labels


def labels_of(found: Any, name: str) -> list[str]:
    """Return labels from a list or a mapping. Raises PublishError with the name of their file."""
    if isinstance(found, dict) and isinstance(found.get("id2label"), dict):
        found = found["id2label"]
    if isinstance(found, dict):
        if all(type(value) is int for value in found.values()):
            found = {place: label for label, place in found.items()}
        try:
            named = {int(place): label for place, label in found.items()}
        except ValueError:
            raise PublishError(
                f"{name} is neither from ids to labels nor from labels to ids: write one of them"
            ) from None
        missing = next((place for place in range(len(named)) if place not in named), None)
        if missing is not None:
            raise PublishError(f"{name} has no label for id {missing}: give every id from 0 a label")
        found = [named[place] for place in range(len(named))]
    if not isinstance(found, list):
        raise PublishError(f"{name} is not a list of labels: write a JSON list, an object, or one label in a line")
    labels = [label.strip() if isinstance(label, str) else label for label in found]
    while labels and labels[-1] == "":
        labels.pop()
    if wrong := [label for label in labels if not isinstance(label, str) or not label]:
        raise PublishError(f"{name} has the label {wrong[0]!r}: give each label a name")
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise PublishError(f"{name} has the label {twice} twice: give each score its own label")
    return labels
