"""The places of a batch's files below the bucket of batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelet.store.errors import InputError

if TYPE_CHECKING:
    from modelet.store.objects import Objects


class BatchFiles(NamedTuple):
    """The URLs of one batch's files. root: `<bucket of batches>/<model>/<batch>`.

    A chunk's files have fixed names, so that a chunk that runs twice writes the same files again.
    """

    root: str

    @classmethod
    def of(cls, batches: str, model: str, batch: str) -> BatchFiles:
        """Return the files of a batch. batches: the URL of the bucket."""
        return cls(f"{batches}/{model}/{batch}")

    @property
    def plan(self) -> str:
        """The list of all chunks, as JSON Lines."""
        return f"{self.root}/chunks/all.jsonl"

    def chunks(self, attempt: int) -> str:
        """Return the list of the chunks that an attempt runs, as JSON Lines."""
        return f"{self.root}/chunks/{attempt}.jsonl"

    @property
    def all_rejected(self) -> str:
        """The folder with the rejected rows of all chunks."""
        return f"{self.root}/rejected/"

    def rejected(self, number: int) -> str:
        """Return the rejected rows of a chunk, as JSON Lines."""
        return f"{self.all_rejected}{number:08d}.jsonl"

    def items(self, number: int) -> str:
        """Return the items of a chunk for an import, as gzip DynamoDB JSON."""
        return f"{self.root}/import/{number:08d}.json.gz"

    def keys(self, number: int) -> str:
        """Return the digests of a chunk's keys."""
        return f"{self.root}/keys/{number:08d}.bin"

    @property
    def repeats(self) -> str:
        """The folder of what the check of the keys has found so far."""
        return f"{self.root}/repeats"

    def key_index(self, group: int) -> str:
        """Return the indexes of the key files of a group of chunks."""
        return f"{self.repeats}/index/{group:08d}.bin"

    @property
    def parts(self) -> str:
        """The parts of the digests: for each its first byte, and the byte behind its last one, as JSON."""
        return f"{self.repeats}/parts.json"

    def repeated(self, first: int, end: int) -> str:
        """Return what repeats in a part of the digests."""
        return f"{self.repeats}/{first:03d}-{end:03d}.bin"


def read_file(objects: Objects, url: str, start: int | None = None, end: int | None = None) -> bytes:
    """Return one of a batch's own files, or a range of it. Raises FileNotFoundError, StoreError.

    S3 answers that a file may not be read if it is gone and the role may list only folders.
    """
    try:
        return objects.read(url, start, end)
    except InputError:
        raise FileNotFoundError(f"{url} does not exist, or may not be read") from None


def result_url(folder: str, batch: str, number: int, suffix: str) -> str:
    """Return a chunk's result file in the folder that the request names."""
    return f"{result_folder(folder, batch)}{number:08d}{suffix}"


def result_folder(folder: str, batch: str) -> str:
    """Return the place of a batch's result files in the folder that the request names."""
    return f"{folder.rstrip('/')}/{batch}/"
