"""The labels of a model in the files that people keep them in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LABEL_FILES = ("labels.json", "labels.txt", "label.txt")


def choose_labels(id2label: Mapping[Any, str], count: int, folder: Path, given: Path | None) -> list[str]:
    """Return the labels in the order of the model's scores: those of a file, or of config.json.

    id2label: as in config.json. given: a file that is taken instead of any other. Raises PublishError if neither has
    names, and if a file in the folder and config.json have different ones.
    """
    known = {int(place): label for place, label in id2label.items()}
    named = len(known) == count and any(label != f"LABEL_{place}" for place, label in known.items())
    path = given or next((folder / name for name in LABEL_FILES if (folder / name).is_file()), None)
    if path is None and not named:
        raise PublishError(
            f"config.json names {len(known)} labels by number for {count} scores: give their names in id2label, "
            f"or in a file ({', '.join(LABEL_FILES)}, or --labels FILE)"
        )
    if path is None:
        return labels_of(known, "config.json")
    labels = read_labels(path, count)
    if named and given is None and labels != (said := labels_of(known, "config.json")):
        place = next(place for place in range(count) if labels[place] != said[place])
        raise PublishError(
            f"{path.name} has {labels[place]} for id {place}, but id2label in config.json has {said[place]}: "
            "remove the one that is not that of the training"
        )
    return labels


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
