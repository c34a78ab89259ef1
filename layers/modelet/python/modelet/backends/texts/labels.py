"""The labels of a token classifier: B-PER, I-PER, O and their kind, and their readable names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

OUTSIDE = ("O", "o")
IGNORED = ("X",)
"""Labels of tokens in which a word goes on, in some data sets: they are no entities either."""
BEGINS, ENDS = frozenset("BSU"), frozenset("ELSU")
PARTED = re.compile(r"(?P<mark>[BILESU])[-_](?P<kind>.+)|(?P<first_kind>.+)[-_](?P<last_mark>[BILESU])", re.DOTALL)


class Label(NamedTuple):
    """A label of a token. kind: of entity, empty outside of entities. begins, ends: whether an entity does so here.

    name, tag: the readable names of the label and of its entity.
    """

    kind: str
    name: str
    tag: str
    begins: bool
    ends: bool


def check_outside(labels: Sequence[str]) -> None:
    """Raise ArtifactError if labels mark the parts of entities, but none is for a token outside of all entities."""
    marked = next((raw for raw in labels if PARTED.fullmatch(raw)), None)
    if marked is not None and not any(raw in OUTSIDE for raw in labels):
        raise ArtifactError(
            f"the labels have {marked}, but no {OUTSIDE[0]} for a token outside of entities: "
            "give the labels of the training, in its order, and publish the model again"
        )


def label_of(raw: str, names: Mapping[str, str], special: Container[str] = ()) -> Label:
    """Return a raw label, B-PER or PER-B in any of the schemes IOB, IOBES and BILOU, or PER without a mark.

    O, X and the tokenizer's special tokens are no entities.

    names: readable names by kind. special: these tokens. A label without a key of its own gets the name of the longest
    key that it contains, and keeps its own name if there is none.
    """
    if raw in OUTSIDE or raw in IGNORED or raw in special:
        return Label("", raw, raw, begins=False, ends=False)
    parted = PARTED.fullmatch(raw)
    mark, kind = (
        (parted["mark"] or parted["last_mark"], parted["kind"] or parted["first_kind"]) if parted else ("", raw)
    )
    key = kind if kind in names else max((key for key in names if key in raw), key=len, default=None)
    readable = None if key is None else names[key]
    return Label(kind, readable or raw, readable or kind, begins=mark in BEGINS, ends=mark in ENDS)


def entities_of(
    text: str, offsets: Sequence[tuple[int, int]], labels: Sequence[Label], shares: Sequence[float]
) -> list[dict[str, Any]]:
    """Merge tokens into entities: one begins at B-, and where the kind changes; I- continues one of its kind.

    Its probability is the mean of its tokens' probabilities.
    """
    found: list[dict[str, Any]] = []
    kind, start, last, summed = "", 0, 0, 0.0
    for place in range(len(labels) + 1):
        label = labels[place] if place < len(labels) else None
        if kind and (label is None or label.begins or label.kind != kind or labels[place - 1].ends):
            begin, end = offsets[start][0], offsets[last][1]
            share = min(summed / (last + 1 - start), 1.0)
            entity = {"text": text[begin:end], "tag": labels[start].tag, "start": begin, "end": end}
            found.append({**entity, "probability": share})
            kind = ""
        if label is None or not label.kind:
            continue
        if not kind:
            kind, start, summed = label.kind, place, 0.0
        last = place
        summed += shares[place]
    return found
