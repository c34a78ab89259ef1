"""Objects in any bucket or folder, by their URLs: the inputs of batches, and the files that batches write."""

from __future__ import annotations

import re
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from random import random
from time import sleep
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, PreconditionError
from obstore.store import LocalStore

from modelet.errors import StoreError
from modelet.store.errors import ChangedInputError, InputError
from modelet.store.store import ATTEMPTS, PART_TIMEOUT, UPLOAD_TIMEOUT, Store, reason_of
from modelet.threads import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from obstore import GetOptions, ObjectMeta
    from obstore.store import ObjectStore

BLOCK = 4 * 1024 * 1024
"""Bytes of a stream that are yielded at once."""
AHEAD = 3
"""Blocks of a stream that are read ahead or yielded next: requests in parallel, and a bound of memory."""
RETRIES = 5
"""How often a range is read again after obstore gave it up."""
HIDDEN = ("_", ".")
"""How the names begin that wildcards skip."""
_WILDCARDS = re.compile(r"[*?[]")


class Found(NamedTuple):
    """An object as it was found. size: in bytes. etag: changes with its content."""

    url: str
    size: int
    etag: str


class Bucket(Store):
    """A bucket's clients, set up as a store's are."""

    def reading(self) -> ObjectStore:
        """Return a client for ranges of megabytes."""
        return self._s3(PART_TIMEOUT, retries=ATTEMPTS - 1)

    def writing(self) -> ObjectStore:
        """Return a client for whole objects in one request."""
        return self._s3(UPLOAD_TIMEOUT, retries=ATTEMPTS - 1)


class Objects:
    """Objects by full URL: `s3://bucket/key` as it is, or `file:///path`, percent-encoded.

    Clients are kept for each bucket. All methods raise StoreError (retryable) if the store does not answer, InputError
    if it denies reading or the URL is wrong. Can be used from several threads.
    """

    def __init__(self, *, sign_in_as_boto3: bool = False) -> None:
        self._sign_in_as_boto3 = sign_in_as_boto3
        self._clients: dict[tuple[str, bool], ObjectStore] = {}

    def find(self, pattern: str) -> list[Found]:
        """Return the objects whose URLs match, sorted; [] if there are none.

        pattern: a URL; in its path, `*`, `?` and `[…]` match within one folder, and `**` any number of folders. Names
        that begin with `_` or `.` are skipped, as Spark and Hive do, unless the pattern says so. Without wildcards it
        is the URL of one object.
        """
        bucket, path = _split(pattern, is_pattern=True)
        if not _WILDCARDS.search(path):
            try:
                return [self.head(pattern)]
            except FileNotFoundError:
                return []
        segments = tuple(path.split("/"))
        fixed = next(place for place, segment in enumerate(segments) if _WILDCARDS.search(segment))
        metas = self._matching(bucket, "/".join(segments[:fixed]), segments[fixed:])
        found = {meta["path"]: _found(bucket, meta) for meta in metas}
        return [found[each] for each in sorted(found)]

    def head(self, url: str) -> Found:
        """Return an object's size and etag. Raises FileNotFoundError."""
        bucket, path = _split(url)
        with _errors(url):
            return _found(bucket, obstore.head(self._client(bucket), path))

    def read(self, found_or_url: Found | str, start: int | None = None, end: int | None = None) -> bytes:
        """Return an object's bytes, or those from `start` up to `end`, in one request into memory.

        What lies behind the object's end is left out. A Found is read only as it was found. Raises ChangedInputError if
        it is not, FileNotFoundError for a URL without an object.
        """
        if isinstance(found_or_url, Found):
            size = found_or_url.size
            return self._block(found_or_url, start or 0, size if end is None else min(end, size))
        return _persistently(partial(self._read, found_or_url, start or 0, end))

    def stream(self, found: Found, start: int, end: int, block: int = BLOCK) -> Iterator[bytes]:
        """Yield the bytes from `start` up to `end` in blocks, with AHEAD of them in memory.

        Every block is a request of its own, so that a slow reader keeps no connection open. One that breaks off is
        resumed where it broke, and read again if that fails. Raises ChangedInputError as `read` does.
        """
        end = min(end, found.size)
        return in_order(
            (partial(self._block, found, at, min(at + block, end)) for at in range(start, end, block)), AHEAD
        )

    def put(self, url: str, data: bytes) -> None:
        """Create or replace an object in one request."""
        bucket, path = _split(url)
        with _errors(url, is_writing=True):
            obstore.put(self._client(bucket, is_writing=True), path, data, mode="overwrite", use_multipart=False)

    def delete(self, url: str) -> None:
        """Delete an object, if it exists."""
        bucket, path = _split(url)
        try:
            with _errors(url, is_writing=True):
                obstore.delete(self._client(bucket, is_writing=True), path)
        except FileNotFoundError:
            return

    def below(self, url_prefix: str) -> list[Found]:
        """Return all objects below a folder, sorted by URL."""
        bucket, path = _split(url_prefix.rstrip("/") + "/", is_folder=True)
        return sorted(_found(bucket, meta) for meta in self._below(bucket, path))

    def _block(self, found: Found, start: int, end: int) -> bytes:
        """Return a range of the object that was found; obstore resumes a read that breaks off where it broke."""
        return b"" if start >= end else _persistently(partial(self._range, found, start, end))

    def _read(self, url: str, start: int, end: int | None) -> bytes:
        """Return a range of an object whose size is not known; to ask for it would be a request more."""
        bucket, path = _split(url)
        if end is not None and start >= end:
            return b""
        options: GetOptions = {}
        if end is not None:
            options = {"range": (start, end)}
        elif start:
            options = {"range": {"offset": start}}
        try:
            with _errors(url):
                return obstore.get(self._client(bucket), path, options=options).bytes().to_bytes()
        except StoreError:
            if options and start >= self.head(url).size:  # a service refuses a range that begins behind the end
                return b""
            raise

    def _range(self, found: Found, start: int, end: int) -> bytes:
        bucket, path = _split(found.url)
        try:
            with _errors(found.url):
                options: GetOptions = {"range": (start, end), "if_match": found.etag}
                answer = obstore.get(self._client(bucket), path, options=options)
                if answer.meta["e_tag"] != found.etag:  # not every service knows If-Match
                    raise _changed(found.url)
                return answer.bytes().to_bytes()
        except FileNotFoundError:
            raise ChangedInputError(f"{found.url} was deleted after the batch was planned: start a new batch") from None

    def _matching(self, bucket: str, folder: str, pattern: tuple[str, ...]) -> Iterator[ObjectMeta]:
        """Yield the objects below a folder whose remaining path matches, one segment after the other."""
        if "**" in pattern:
            for meta in self._below(bucket, folder):
                if _fits(tuple(_name(folder, meta["path"]).split("/")), pattern):
                    yield meta
            return
        with _errors(_url(bucket, folder)):
            listed = obstore.list_with_delimiter(self._client(bucket), folder or None)
        if len(pattern) == 1:
            yield from (meta for meta in listed["objects"] if _fits_one(_name(folder, meta["path"]), pattern[0]))
            return
        for each in sorted(listed["common_prefixes"]):
            if _fits_one(_name(folder, each), pattern[0]):
                yield from self._matching(bucket, each.rstrip("/"), pattern[1:])

    def _below(self, bucket: str, folder: str) -> Iterator[ObjectMeta]:
        with _errors(_url(bucket, folder)):
            for metas in obstore.list(self._client(bucket), folder or None):
                yield from metas

    def _client(self, bucket: str, *, is_writing: bool = False) -> ObjectStore:
        client = self._clients.get((bucket, is_writing))
        if client is None:
            if bucket:
                store = Bucket(f"s3://{bucket}", sign_in_as_boto3=self._sign_in_as_boto3)
                client = store.writing() if is_writing else store.reading()
            else:
                client = LocalStore("/")
            self._clients[bucket, is_writing] = client
        return client


def _split(url: str, *, is_folder: bool = False, is_pattern: bool = False) -> tuple[str, str]:
    """Return the bucket ("" for files) and the path of a URL. Raises InputError if it is not the URL of an object."""
    scheme, _, rest = url.partition("://")
    bucket, _, path = rest.partition("/")
    segments = path.rstrip("/").split("/") if is_folder else path.split("/")
    is_whole = all(segment and segment not in {".", ".."} for segment in segments) or (
        is_folder and not path.strip("/")
    )
    if scheme not in {"s3", "file"} or bool(bucket) != (scheme == "s3") or not is_whole:
        example = "s3://bucket/key or file:///path, without empty segments"
        raise InputError(f"{url!r} is not the URL of {'a pattern' if is_pattern else 'an object'}: use {example}")
    path = "/".join(segments)
    return bucket, path if bucket else unquote(path)


def _url(bucket: str, path: str) -> str:
    return f"s3://{bucket}/{path}" if bucket else f"file:///{quote(path)}"


def _found(bucket: str, meta: ObjectMeta) -> Found:
    return Found(_url(bucket, meta["path"]), meta["size"], meta["e_tag"] or "")


def _name(folder: str, path: str) -> str:
    """Return the name of something directly in a folder; "" for the folder's own marker, which S3's console makes."""
    return path.rstrip("/")[len(folder) + 1 if folder else 0 :]


def _fits(segments: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Return whether the segments of a path match a pattern's."""
    if not pattern:
        return not segments
    first, rest = pattern[0], pattern[1:]
    if first != "**":
        return bool(segments) and _fits_one(segments[0], first) and _fits(segments[1:], rest)
    return _fits(segments, rest) or (bool(segments) and _fits_one(segments[0], "*") and _fits(segments[1:], pattern))


def _fits_one(name: str, pattern: str) -> bool:
    is_hidden = name[:1] in HIDDEN and pattern[:1] != name[:1]
    return bool(name) and not is_hidden and fnmatchcase(name, pattern)


def _persistently(read: Callable[[], bytes]) -> bytes:
    """Read, and read again while the store does not answer. Raises what the last time raises."""
    for failures in range(1, RETRIES + 1):
        try:
            return read()
        except StoreError:
            sleep(0.05 * 2**failures * random())  # noqa: S311 - jitter, so that workers do not retry in step
    return read()


def _changed(url: str) -> ChangedInputError:
    return ChangedInputError(f"{url} has changed since the batch was planned: start a new batch")


@contextmanager
def _errors(url: str, *, is_writing: bool = False) -> Iterator[None]:
    """Convert obstore's exceptions to our errors, with messages of one line."""
    try:
        yield
    except PreconditionError:
        raise _changed(url) from None
    except FileNotFoundError as error:
        if "<Code>NoSuchBucket<" in str(error):
            raise StoreError(f"{url}: {reason_of(error)}") from error
        raise FileNotFoundError(f"{url} does not exist") from None
    except PermissionDeniedError as error:
        if is_writing:
            raise StoreError(f"{url}: {reason_of(error)}") from error
        raise InputError(
            f"{url} may not be read: allow it in the model's `batch: inputs:`, or correct the URL"
        ) from error
    except (BaseError, OSError) as error:
        raise StoreError(f"{url}: {reason_of(error)}") from error
