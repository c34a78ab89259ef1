"""Inputs of a batch as real files, read in blocks of a few bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelet.batch.chunk import Chunk
from modelet.batch.inputs.cut import cut
from modelet.batch.inputs.find import find_inputs
from modelet.batch.inputs.read import read_pieces
from modelet.batch.piece import Piece
from modelet.batch.request import BatchRequest
from modelet.store.objects import BLOCK, Found, Objects


class SmallBlocks(Objects):
    """Objects whose streams have small blocks, so that rows cross them, and count what they hand out."""

    def __init__(self, block: int = 7) -> None:
        super().__init__()
        self.block = block
        self.bytes = 0

    def stream(self, found: Found, start: int, end: int, block: int = BLOCK) -> Iterator[bytes]:  # noqa: ARG002
        for each in super().stream(found, start, end, self.block):
            self.bytes += len(each)
            yield each


class Inputs:
    """A folder with inputs, and the request for a batch of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects: Objects = SmallBlocks()

    def write(self, name: str, data: bytes) -> str:
        (self.folder / name).write_bytes(data)
        return (self.folder / name).as_uri()

    def request(self, *names: str, **members: Any) -> BatchRequest:
        urls = [f"{self.folder.as_uri()}/{name}" for name in names]
        return BatchRequest.from_json({"inputs": urls, "key": "id", **members})

    def chunks(self, request: BatchRequest) -> list[Chunk]:
        return list(cut(find_inputs(request, self.objects), request, self.objects))

    def pieces(self, request: BatchRequest, **options: Any) -> list[Piece]:
        """All pieces of all chunks, whose descriptors went through JSON; their rows' numbers have no holes."""
        pieces: list[Piece] = []
        for chunk in self.chunks(request):
            sent = Chunk.from_json(chunk.to_json())
            assert sent == chunk
            row = chunk.first_row
            for piece in read_pieces(sent, request, self.objects, **options):
                assert piece.first_row == row
                row += len(piece.keys)
                pieces.append(piece)
            assert chunk.rows in {None, row - chunk.first_row}
        return pieces


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    """An empty folder for inputs."""
    return Inputs(tmp_path)
