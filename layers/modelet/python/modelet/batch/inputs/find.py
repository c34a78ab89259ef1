"""Find the objects that a request names, and tell their formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelet.errors import InputError

if TYPE_CHECKING:
    from modelet.batch.request import BatchRequest
    from modelet.store.objects import Found, Objects

SUFFIXES = {"csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl", "parquet": "parquet", "pq": "parquet"}
"""Formats by the last part of a name, below `.gz`."""
MOST_OBJECTS = 50_000


class Input(NamedTuple):
    """An input object. format: csv, jsonl or parquet. gzip: whether it is compressed as a whole."""

    found: Found
    format: str
    gzip: bool


def find_inputs(request: BatchRequest, objects: Objects) -> list[Input]:
    """Return the inputs of a request, each once, in the order of its patterns and of their names.

    Raises InputError for a pattern that matches nothing, and for an object whose format is not known.
    """
    found: dict[str, Found] = {}
    for pattern in request.inputs:
        matching = objects.find(pattern)
        if not matching:
            raise InputError(f"{pattern} does not exist, or matches no object: correct `inputs`")
        found.update((each.url, each) for each in matching)
    if len(found) > MOST_OBJECTS:
        raise InputError(f"the inputs are {len(found)} objects, at most {MOST_OBJECTS} are allowed: use larger ones")
    return [Input(each, *_format(each.url, request.format)) for each in found.values()]


def _format(url: str, given: str | None) -> tuple[str, bool]:
    name = url.rpartition("/")[2].lower()
    gzip = name.endswith(".gz")
    suffix = name.removesuffix(".gz").rpartition(".")[2]
    known = given or SUFFIXES.get(suffix)
    if known is None:
        raise InputError(f"the format of {url} is not known by its suffix: set `format` to csv, jsonl or parquet")
    if gzip and known == "parquet":
        raise InputError(f"{url} is Parquet in gzip, which cannot be read in parts: Parquet compresses its own pages")
    return known, gzip
