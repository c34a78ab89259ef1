"""The labels of a token classifier: B-PER, I-PER, O and their kind, and their readable names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OUTSIDE = "O"
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


def label_of(raw: str, names: Mapping[str, str]) -> Label:
    """Return a raw label, B-PER or PER-B in any of the schemes IOB, IOBES and BILOU, or PER without a mark.

    names: readable names by kind. A label that is no kind gets the name of the longest key that it contains, and keeps
    its own name if there is none.
    """
    if raw == OUTSIDE:
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
