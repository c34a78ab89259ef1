"""Plan a batch: find its inputs, cut them into chunks, and write the list that the state machine's map reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelet.batch.chunk import Chunk
from modelet.batch.inputs.cut import cut
from modelet.batch.inputs.find import find_inputs
from modelet.batch.inputs.guess import guess_rows
from modelet.batch.prices import choose_load, load_reason
from modelet.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.batch.inputs.find import Input
    from modelet.batch.request import BatchRequest
    from modelet.store.objects import Objects

CHUNK_ROWS = 50_000
MOST_CHUNKS = 50_000
"""The most chunks of a batch; the map's output, which is limited to 256 KiB, has 3 bytes for each."""
SMALLEST_ROW = 20
"""Bytes of a small row in a text file, from which the rows of a large input are guessed before they are counted."""


class Plan:
    """The chunks of a batch. rows: None if some input was not counted. about: the rows, guessed where not counted.

    size: bytes of the inputs; text_size: of the plain CSV and JSON Lines among them, which were read. load: write or
    import. load_reason: why, with both prices; None without a table.
    """

    def __init__(self, chunks: Sequence[Chunk], size: int, request: BatchRequest, guessed: int = 0) -> None:
        self.chunks = list(chunks)
        counts = [chunk.rows for chunk in self.chunks]
        self.about = sum(count or 0 for count in counts) + guessed
        self.rows = None if None in counts else self.about
        self.size = size
        text = (chunk for chunk in self.chunks if chunk.format != "parquet" and not chunk.gzip)
        self.text_size = sum(chunk.end - chunk.start for chunk in text)
        self.load = choose_load(request.load, self.about)
        reason = load_reason(request.load, self.about, is_guess=self.rows is None)
        self.load_reason = reason if request.table else None

    @classmethod
    def of(cls, request: BatchRequest, objects: Objects) -> Plan:
        """Plan a request. Raises RequestError, with the object, for inputs that cannot be read or have no rows."""
        inputs = find_inputs(request, objects)
        size = sum(each.found.size for each in inputs)
        chunks = list(cut(inputs, sized(request, inputs), objects))
        if len(chunks) > MOST_CHUNKS:
            raise RequestError(
                f"the inputs have {len(chunks)} chunks, at most {MOST_CHUNKS} are allowed: raise chunk_rows, "
                "or start several batches"
            )
        chunks = [chunk for chunk in chunks if chunk.rows != 0]
        if not chunks:
            raise RequestError("the inputs have no rows: nothing was scored, and the active generation stays")
        uncounted = [chunk for chunk in chunks if chunk.rows is None]
        return cls(chunks, size, request, guess_rows(uncounted, objects, has_header=request.columns is None))


def sized(request: BatchRequest, inputs: Sequence[Input]) -> BatchRequest:
    """Return the request with larger chunks if its inputs would otherwise have too many."""
    if request.chunk_rows is not None:
        return request
    guess = sum(each.found.size for each in inputs) // SMALLEST_ROW
    return request._replace(chunk_rows=max(CHUNK_ROWS, min(1_000_000, guess // MOST_CHUNKS + 1)))


def to_lines(chunks: Sequence[Chunk]) -> bytes:
    """Return chunks as JSON Lines."""
    return b"".join(json.dumps(chunk.to_json(), separators=(",", ":")).encode() + b"\n" for chunk in chunks)


def from_lines(data: bytes) -> list[Chunk]:
    """Read chunks from JSON Lines."""
    return [Chunk.from_json(json.loads(line)) for line in data.splitlines()]


def place_of(url: str) -> dict[str, Any]:
    """Return the bucket and the key of an object's URL, as the map's reader takes them."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return {"bucket": bucket, "key": key}
