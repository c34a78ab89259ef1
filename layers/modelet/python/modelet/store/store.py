"""The store of models: a folder (`file:///…`) or S3 (`s3://bucket/prefix`), both through obstore."""

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
from modelet.store.download import PART, InMemory, OnDisk, download
from modelet.store.folder import folder_of
from modelet.store.keys import is_path, valid_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Literal

    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import ObjectStore, S3Credential

    from modelet.store.download import Target

CHUNK = 256 * 1024
"""Bytes of a part that are in memory at once, so that they are still in the processor's cache when written."""

# Timeouts of one request: for a small file, for a part of a large file, and for a whole upload.
SMALL_TIMEOUT, PART_TIMEOUT, UPLOAD_TIMEOUT = "6s", "2m", "15m"
ATTEMPTS = 3
"""Attempts in all, if S3 does not answer."""


class Store:
    """A team's models: immutable files below a URL.

    `file:///…` is a folder, created by the first write; `s3://bucket/prefix` is S3 or the service at
    `AWS_ENDPOINT_URL`. A model function signs in with its environment's credentials, laptop and platform code like
    boto3 (profiles, SSO). Every method raises StoreError, with the URL and the path, if the store does not answer, and
    ValueError for a path outside the store (`..`). Reading from S3 fails after about 6 s without an answer, within the
    10 s of a Lambda init. A store can be used from several threads. Raises SettingsError for another URL.
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
            self._objects = self._s3(PART_TIMEOUT if sign_in_as_boto3 else SMALL_TIMEOUT, retries=ATTEMPTS - 1)
        elif self._folder is None:
            raise SettingsError(f"{url!r} is not the URL of a store: use file:///folder or s3://bucket/prefix")

    def read(self, path: str) -> bytes:
        """Return the contents of a small file. Raises FileNotFoundError."""
        with self._converted_errors(path):
            return obstore.get(self._reading(), valid_path(path)).bytes().to_bytes()

    def write_once(self, path: str, data: bytes | Path) -> None:
        """Create a file atomically; of several writers, one wins. Raises FileExistsError.

        data: the contents, or the path of the file to copy; S3 limits it to 5 GB, because it is one put.
        """
        self._put(path, data, "create")

    def overwrite(self, path: str, data: bytes) -> None:
        """Create or replace a file atomically; for aliases only, because all other files are immutable."""
        self._put(path, data, "overwrite")

    def children(self, prefix: str) -> list[str]:
        """Return the sorted names of folders and files directly below a folder ("" for the top)."""
        with self._converted_errors(prefix):
            listed = obstore.list_with_delimiter(self._reading(), valid_path(prefix) if prefix else None)
        paths = {*listed["common_prefixes"], *(found["path"] for found in listed["objects"])}
        return sorted(path.rstrip("/").rpartition("/")[2] for path in paths)

    def paths(self, prefix: str) -> list[str]:
        """Return the sorted paths of all files below a folder ("" for the top)."""
        with self._converted_errors(prefix):
            chunks = obstore.list(self._reading(), valid_path(prefix) if prefix else None)
            return sorted(found["path"] for chunk in chunks for found in chunk)

    def fetch(self, path: str, size: int, sha256: str) -> bytes:
        """Download a file of up to 64 MB to memory, in parallel ranges, and return its bytes.

        size: its published size in bytes. sha256: its published digest in hex. Raises ArtifactError, with the file and
        the reason, if the file is missing or differs.
        """
        if size <= PART:
            return self._download_small(path, size, sha256)
        self._download(path, size, sha256, target := InMemory(size))
        return target.whole()

    def fetch_to(self, path: str, target: Path, size: int, sha256: str) -> Path:
        """Download a file of any size to disk, with a few chunks in memory, and return its path.

        The file appears at `target` only if size and digest match. Raises ArtifactError like `fetch`, and if the disk
        is full.
        """
        unfinished = target.with_name(f"{target.name}.partial")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            self._download(path, size, sha256, OnDisk(unfinished, size))
            unfinished.replace(target)
        except OSError as error:
            raise ArtifactError(
                f"{path} cannot be written to {target}: {error.strerror}; it has {size:,} bytes: raise resources.tmp_mb"
            ) from error
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
        return target

    def _download_small(self, path: str, size: int, sha256: str) -> bytes:
        """Download a file in one request. Raises ArtifactError if it is not the published one."""
        check = DigestCheck(path, self.url, size, sha256)
        try:
            with self._converted_errors(path):
                found = obstore.get(self._reading(), valid_path(path))
                check.check_size(found.meta["size"])
                data = found.bytes().to_bytes()
        except FileNotFoundError:
            raise check.missing() from None
        check.update(data)
        check.finish()
        return data

    def _download(self, path: str, size: int, sha256: str, target: Target) -> None:
        """Download a file in parts. Raises ArtifactError if it is not the published one."""
        if size <= PART:
            return target.write(0, self._download_small(path, size, sha256))
        check = DigestCheck(path, self.url, size, sha256)
        try:
            with self._converted_errors(path):
                check.check_size(obstore.head(self._reading(), valid_path(path))["size"])
                parts = self._s3(PART_TIMEOUT, retries=ATTEMPTS - 1) if self._folder is None else self._reading()
            download(partial(self._chunks, parts, path), check, size, target)
        except FileNotFoundError:
            raise check.missing() from None
        return check.finish()

    def _chunks(self, store: ObjectStore, path: str, start: int, end: int) -> Iterator[obstore.Bytes]:
        with self._converted_errors(path):
            part = obstore.get(store, valid_path(path), options={"range": (start, end)})
            yield from part.stream(min_chunk_size=CHUNK)

    def _put(self, path: str, data: bytes | Path, mode: Literal["create", "overwrite"]) -> None:
        """Write a file, with retries if S3 does not answer; obstore's own retries could not tell whose file exists."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._converted_errors(path, writing=True):
                    obstore.put(self._writing(), valid_path(path), data, mode=mode, use_multipart=False)
            except FileExistsError:
                # An earlier attempt may have succeeded although its answer was lost: then the file is our own.
                if attempt == 1 or self.read(path) != (data if isinstance(data, bytes) else data.read_bytes()):
                    raise
            except StoreError:
                if attempt == ATTEMPTS:
                    raise
                sleep(0.1 * attempt)
                continue
            return

    def _writing(self) -> ObjectStore:
        """Return the client for writing; uploads may take long, so only connecting has a short timeout."""
        if self._uploads is None:
            folder = self._folder
            self._uploads = LocalStore(folder, mkdir=True) if folder else self._s3(UPLOAD_TIMEOUT, retries=0)
        return self._uploads

    def _reading(self) -> ObjectStore:
        """Return the client for reading; a folder that does not exist is an empty store and is not created."""
        if self._objects is None:
            if self._folder is None or not isdir(self._folder):  # noqa: PTH112 - pathlib is 3 ms of a cold start
                return MemoryStore()
            self._objects = LocalStore(self._folder)
        return self._objects

    def _s3(self, timeout: str, retries: int) -> S3Store:
        """Return a client of S3 with credentials from the environment or from boto3's chain."""
        if not self._sign_in_as_boto3 and not aws_signs_in():
            raise StoreError(f"{self.url}: the environment has no AWS credentials: AWS_ACCESS_KEY_ID is not set")
        provider: Callable[[], S3Credential] | Boto3CredentialProvider | None = None
        if self._sign_in_as_boto3:
            provider = _boto3_credentials(self.url)
        elif aws_keys_are_fetched():
            from modelet.aws import credentials as provider  # noqa: PLC0415 - only with SnapStart
        endpoint = aws_endpoint()
        return S3Store(
            self._bucket,
            prefix=self._prefix or None,
            config={"endpoint": endpoint} if endpoint else None,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": "2s",
                "timeout": timeout,
            },
            retry_config={"max_retries": retries, "retry_timeout": timedelta(seconds=5)},
            credential_provider=provider,
        )

    @contextmanager
    def _converted_errors(self, path: str, *, writing: bool = False) -> Iterator[None]:
        """Convert obstore's exceptions to our errors, with messages of one line."""
        place = f"{self.url}/{path}"
        try:
            yield
        except AlreadyExistsError:
            raise FileExistsError(f"{place} exists already, and files are immutable") from None
        except FileNotFoundError as error:
            # S3 answers 404 for a missing bucket too. When writing, the missing file is the local one to upload.
            if "<Code>NoSuchBucket<" in str(error):
                raise StoreError(f"{place}: {reason_of(error)}") from error
            if writing:
                raise
            raise FileNotFoundError(f"{place} does not exist") from None
        except (BaseError, OSError) as error:
            raise StoreError(f"{place}: {reason_of(error)}") from error


def reason_of(error: Exception) -> str:
    """Return the store's error as one line: S3's code and message, or the first line of obstore's."""
    text = str(error)
    answer = re.search(r"<Code>([^<]*)</Code>\s*<Message>([^<]*)", text)
    hint = " (S3 also answers this for a missing file)" if answer and answer[1] == "AccessDenied" else ""
    return f"{answer[1]}: {answer[2]}{hint}" if answer else text.partition("\n")[0]


def _boto3_credentials(url: str) -> Boto3CredentialProvider:
    """Return boto3's credentials. Raises StoreError if it finds none."""
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415 - boto3 takes twice a cold start's budget

    try:  # boto3 has many error classes for missing credentials
        return Boto3CredentialProvider()
    except Exception as error:
        reason = f"{url}: boto3 finds no AWS credentials ({error})"
        raise StoreError(f"{reason}: run `aws sso login` or `aws configure`, or set AWS_PROFILE") from error
