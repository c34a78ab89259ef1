"""Find the inputs of a batch, and tell their formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelet.errors import ContractError, StoreError
from modelet.store.errors import InputError
from modelet.violation import Violation

if TYPE_CHECKING:
    from modelet.batch.request import BatchRequest
    from modelet.store.objects import Found, Objects

SUFFIXES = {"csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl", "parquet": "parquet", "pq": "parquet"}
"""The formats that a name's ending tells."""


class Input(NamedTuple):
    """One object to read. format: csv, jsonl or parquet. gzip: whether it is compressed as a whole."""

    found: Found
    format: str
    gzip: bool


def find_inputs(request: BatchRequest, objects: Objects) -> list[Input]:
    """Return the objects that a request names: in the order of its URLs, those of one wildcard sorted, each once.

    Raises ContractError with all URLs that name no object and all objects of unknown format; InputError if a bucket
    does not exist or may not be read; StoreError if the store does not answer.
    """
    wrong: list[Violation] = []
    found: dict[str, Found] = {}
    for place, url in enumerate(request.inputs):
        matching = _matching(url, objects)
        if not matching:
            reason = "matches no object" if any(sign in url for sign in "*?[") else "does not exist"
            wrong.append(Violation(None, f"inputs.{place}", f"{url} {reason}", "batch_request"))
        found.update((each.url, each) for each in matching if each.url not in found)
    inputs: list[Input] = []
    for each in found.values():
        kind, is_gzip = format_of(each.url)
        kind = request.format or kind
        if kind is None:
            endings = ", ".join(SUFFIXES)
            message = f"{each.url} has no ending of a known format ({endings}): set `format`"
            wrong.append(Violation(None, "inputs", message, "batch_request"))
        elif kind == "parquet" and is_gzip:
            message = f"{each.url} is a compressed Parquet file, which cannot be read in parts: decompress it"
            wrong.append(Violation(None, "inputs", message, "batch_request"))
        else:
            inputs.append(Input(each, kind, is_gzip))
    if wrong:
        raise ContractError(wrong)
    return inputs


def format_of(url: str) -> tuple[str | None, bool]:
    """Return the format that a name's ending tells, and whether it is compressed: `x.csv.gz` is a compressed CSV."""
    name = url.rpartition("/")[2].lower()
    is_gzip = name.endswith(".gz")
    return SUFFIXES.get(name.removesuffix(".gz").rpartition(".")[2]), is_gzip


def _matching(url: str, objects: Objects) -> list[Found]:
    try:
        return objects.find(url)
    except StoreError as error:
        if ": NoSuchBucket: " in str(error):
            raise InputError(f"{url}: the bucket does not exist") from None
        raise
