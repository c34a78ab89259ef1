"""Where models are kept: one door to a folder (`file:///…`) or to S3 (`s3://bucket/prefix`), both through obstore."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from os.path import isdir
from time import sleep
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, MemoryStore, S3Store

from modelet.digest import DigestCheck
from modelet.errors import ArtifactError, SettingsError, StoreError
from modelet.settings import aws_endpoint, aws_keys_are_fetched, aws_signs_in
from modelet.store.download import PART, InMemory, OnDisk, receive
from modelet.store.folder import folder_of
from modelet.store.keys import is_path, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Literal

    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import ObjectStore, S3Credential

    from modelet.store.download import Place

CHUNK = 256 * 1024
"""Bytes of a part that are in memory at once: they are still in the processor's cache when they are kept."""

QUICK, PATIENT, WRITING = "6s", "2m", "15m"  # for one request: of a small file, a part of a large one, a whole upload
ATTEMPTS = 3
"""How often S3 is asked in all when it does not answer."""


class Store:
    """The models of a team: files below a URL, written once.

    `file:///…` is a folder, made by the first write; `s3://bucket/prefix` is S3 or what `AWS_ENDPOINT_URL` says. A
    model function signs in by its environment; laptop and platform code as boto3 does (profiles, SSO).
    Every method raises StoreError, with the URL and the path, where the store does not answer, and ValueError for a
    path that leaves it (`..`). Reading from S3 that is dead or silent is given up after about 6 s, within the 10 s of a
    Lambda init. Safe to use from several threads.
    Raises SettingsError for another URL.
    """

    def __init__(self, url: str, *, sign_in_as_boto3: bool = False) -> None:
        self.url = url.rstrip("/")
        self._objects: ObjectStore | None = None
        self._uploads: ObjectStore | None = None
        self._sign_in_as_boto3 = sign_in_as_boto3
        self._folder = folder_of(self.url)
        scheme, _, rest = self.url.partition("://")
        self._bucket, _, self._prefix = rest.partition("/")
        if scheme == "s3" and is_path(self._bucket) and (not self._prefix or is_path(self._prefix)):
            self._objects = self._s3(PATIENT if sign_in_as_boto3 else QUICK, retries=ATTEMPTS - 1)
        elif self._folder is None:
            raise SettingsError(f"{url!r} is no store: use file:///folder or s3://bucket/prefix")

    def read(self, path: str) -> bytes:
        """All of a small file. Raises FileNotFoundError."""
        with self._answering(path):
            return obstore.get(self._reading(), plain(path)).bytes().to_bytes()

    def write_once(self, path: str, data: bytes | Path) -> None:
        """Create a file, whole or not at all; of many writers one wins. Raises FileExistsError.

        A Path is the file to copy; on S3 it is one put, so at most 5 GB.
        """
        self._put(path, data, "create")

    def overwrite(self, path: str, data: bytes) -> None:
        """Put a file in the place of what was there, whole: for aliases only, all else is written once."""
        self._put(path, data, "overwrite")

    def children(self, prefix: str) -> list[str]:
        """The sorted names directly below a folder ("" for the top), folders and files; empty where there is none."""
        with self._answering(prefix):
            listed = obstore.list_with_delimiter(self._reading(), plain(prefix) if prefix else None)
        paths = {*listed["common_prefixes"], *(found["path"] for found in listed["objects"])}
        return sorted(path.rstrip("/").rpartition("/")[2] for path in paths)

    def paths(self, prefix: str) -> list[str]:
        """The sorted paths of all files below a folder ("" for the top); empty where there is none."""
        with self._answering(prefix):
            chunks = obstore.list(self._reading(), plain(prefix) if prefix else None)
            return sorted(found["path"] for chunk in chunks for found in chunk)

    def fetch(self, path: str, size: int, sha256: str) -> bytes:
        """A file of up to 64 MB in memory, in bounded parallel ranges.

        `size` is in bytes, `sha256` in hex: raises ArtifactError, naming the file and the reason, where it is missing
        or differs, before anybody has parsed a byte of it.
        """
        if size <= PART:
            return self._receive_small(path, size, sha256)
        self._receive(path, size, sha256, place := InMemory(size))
        return place.whole()

    def fetch_to(self, path: str, target: Path, size: int, sha256: str) -> Path:
        """A file of any size to disk, hashed on the way and a few chunks of it in memory; where it is then.

        Nothing is at `target` unless size and digest match. Raises ArtifactError as `fetch` does, and where the disk is
        full.
        """
        unfinished = target.with_name(f"{target.name}.partial")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            self._receive(path, size, sha256, OnDisk(unfinished, size))
            unfinished.replace(target)
        except OSError as error:
            raise ArtifactError(
                f"{path}: cannot be kept at {target}: {error.strerror}; it takes {size:,} bytes (resources.tmp_mb)"
            ) from error
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
        return target

    def _receive_small(self, path: str, size: int, sha256: str) -> bytes:
        """A file of one request, refused where it is not the one that was published."""
        check = DigestCheck(path, self.url, size, sha256)
        try:
            with self._answering(path):
                found = obstore.get(self._reading(), plain(path))
                check.check_size(found.meta["size"])
                data = found.bytes().to_bytes()
        except FileNotFoundError:
            raise check.missing() from None
        check.update(data)
        check.finish()
        return data

    def _receive(self, path: str, size: int, sha256: str, place: Place) -> None:
        """Put a file's parts in their place as they come, hash them in their order, refuse what was not published."""
        if size <= PART:
            return place.put(0, self._receive_small(path, size, sha256))
        check = DigestCheck(path, self.url, size, sha256)
        try:
            with self._answering(path):
                check.check_size(obstore.head(self._reading(), plain(path))["size"])
                parts = self._s3(PATIENT, retries=ATTEMPTS - 1) if self._folder is None else self._reading()
            receive(partial(self._chunks, parts, path), check, size, place)
        except FileNotFoundError:
            raise check.missing() from None
        return check.finish()

    def _chunks(self, store: ObjectStore, path: str, start: int, end: int) -> Iterator[obstore.Bytes]:
        with self._answering(path):
            part = obstore.get(store, plain(path), options={"range": (start, end)})
            yield from part.stream(min_chunk_size=CHUNK)

    def _put(self, path: str, data: bytes | Path, mode: Literal["create", "overwrite"]) -> None:
        """Write a file, again where S3 does not answer; obstore would hide whose file it is then."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._answering(path, writing=True):
                    obstore.put(self._writing(), plain(path), data, mode=mode, use_multipart=False)
            except FileExistsError:
                # The answer to an earlier attempt may be lost after S3 obeyed it: then the file is ours, not another's.
                if attempt == 1 or self.read(path) != (data if isinstance(data, bytes) else data.read_bytes()):
                    raise
            except StoreError:
                if attempt == ATTEMPTS:
                    raise
                sleep(0.1 * attempt)
                continue
            return

    def _writing(self) -> ObjectStore:
        """Where files are written; an upload may take long, so that only its connection has a short timeout."""
        if self._uploads is None:
            folder = self._folder
            self._uploads = LocalStore(folder, mkdir=True) if folder else self._s3(WRITING, retries=0)
        return self._uploads

    def _reading(self) -> ObjectStore:
        """Where files are read; a folder that is not there yet is an empty store, and reading does not make it."""
        if self._objects is None:
            if self._folder is None or not isdir(self._folder):  # noqa: PTH112 - pathlib is 3 ms of a cold start
                return MemoryStore()
            self._objects = LocalStore(self._folder)
        return self._objects

    def _s3(self, longest: str, retries: int) -> S3Store:
        """A client of S3, signed in by the environment or by boto3's own chain."""
        if not self._sign_in_as_boto3 and not aws_signs_in():
            raise StoreError(f"{self.url}: the environment has no AWS credentials: AWS_ACCESS_KEY_ID is not set")
        provider: Callable[[], S3Credential] | Boto3CredentialProvider | None = None
        if self._sign_in_as_boto3:
            provider = _boto3_credentials(self.url)
        elif aws_keys_are_fetched():
            from modelet.aws import credentials as provider  # noqa: PLC0415 - under SnapStart only
        endpoint = aws_endpoint()
        return S3Store(
            self._bucket,
            prefix=self._prefix or None,
            config={"endpoint": endpoint} if endpoint else None,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": "2s",
                "timeout": longest,
            },
            retry_config={"max_retries": retries, "retry_timeout": timedelta(seconds=5)},
            credential_provider=provider,
        )

    @contextmanager
    def _answering(self, path: str, *, writing: bool = False) -> Iterator[None]:
        """Turns what obstore raises into our errors, one line each."""
        place = f"{self.url}/{path}"
        try:
            yield
        except AlreadyExistsError:
            raise FileExistsError(f"{place} is there already: files are written once") from None
        except FileNotFoundError as error:
            # S3 says 404 for a missing bucket too; a missing file that was to be uploaded is the caller's own.
            if "<Code>NoSuchBucket<" in str(error):
                raise StoreError(f"{place}: {_reason(error)}") from error
            if writing:
                raise
            raise FileNotFoundError(f"{place} does not exist") from None
        except (BaseError, OSError) as error:
            raise StoreError(f"{place}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """What the store said, as one line: S3's own code and message, or obstore's first line."""
    said = str(error)
    answer = re.search(r"<Code>([^<]*)</Code>\s*<Message>([^<]*)", said)
    hint = " (S3 says so of a missing file too)" if answer and answer[1] == "AccessDenied" else ""
    return f"{answer[1]}: {answer[2]}{hint}" if answer else said.partition("\n")[0]


def _boto3_credentials(url: str) -> Boto3CredentialProvider:
    """What boto3 would sign in with. Raises StoreError where that is nothing."""
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415  boto3 alone is twice a cold start's budget

    try:  # boto3 has an error of its own for each way of not signing in
        return Boto3CredentialProvider()
    except Exception as error:
        said = f"{url}: boto3 finds no AWS credentials ({error})"
        raise StoreError(f"{said}: run `aws sso login` or `aws configure`, or set AWS_PROFILE") from error
