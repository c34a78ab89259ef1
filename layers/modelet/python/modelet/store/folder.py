"""Read a store in a folder without importing obstore, for functions with their model in the image."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from modelet.digest import DigestCheck
from modelet.errors import SettingsError, StoreError
from modelet.store.keys import valid_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Buffer

PART = 4 * 1024 * 1024
"""Bytes that are read at once."""


def folder_of(url: str) -> str | None:
    """Return the folder of a store's URL; None for another scheme. Raises SettingsError for `file://host/…`."""
    scheme, _, rest = url.partition("://")
    if scheme != "file":
        return None
    folder = rest
    if "%" in rest:
        from urllib.parse import unquote  # noqa: PLC0415 - 3 ms, and few paths need it

        folder = unquote(rest)
    if not rest.startswith("/") or not rest.isprintable() or "\0" in folder or {"?", "#"} & set(rest):
        raise SettingsError(f"{url!r} is not the URL of a store: use file:///folder or s3://bucket/prefix")
    return folder.rstrip("/") or "/"


class Folder:
    """The published files below a `file:///…` URL, read-only. Raises SettingsError for another URL."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        folder = folder_of(self.url)
        if folder is None:
            raise SettingsError(f"{url!r} is not the URL of a folder: use file:///folder")
        self._folder = folder

    def fetch(self, path: str, size: int, sha256: str) -> bytes:
        """Return a file's bytes. Raises ArtifactError if it is missing or altered, StoreError if it cannot be read."""
        parts: list[Buffer] = []
        self._read(path, size, sha256, parts.append)
        return b"".join(parts)

    def fetch_to(self, path: str, target: Path, size: int, sha256: str) -> Path:
        """Check a file's digest and return its own path; it is not copied to `target`.

        Raises the errors of `fetch`.
        """
        self._read(path, size, sha256, lambda _part: None)
        return type(target)(self._place(path))  # a Path, without importing one

    def _read(self, path: str, size: int, sha256: str, sink: Callable[[Buffer], object]) -> None:
        check = DigestCheck(path, self.url, size, sha256)
        try:
            with open(self._place(path), "rb") as file:  # noqa: PTH123 - pathlib is 3 ms of a cold start
                check.check_size(os.fstat(file.fileno()).st_size)
                while part := file.read(PART):
                    check.update(part)
                    sink(part)
        except FileNotFoundError:
            raise check.missing() from None
        except OSError as error:
            raise StoreError(f"{self.url}/{path}: {error.strerror}") from error
        check.finish()

    def _place(self, path: str) -> str:
        return f"{self._folder}/{valid_path(path)}"
