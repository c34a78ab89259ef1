"""Open the pinned version: check the bundle, read the secrets, start the downloads.

The entry point (`modelet.app`) does this before it imports the author's code and the framework, so that the files
download meanwhile; the handler then uses the opened version. Without the entry point, the handler opens it itself.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from modelet.bundle import BUNDLE_FILE, Bundle
from modelet.shortcuts import skip_pydantic_plugins
from modelet.store.artifacts import Artifacts, source
from modelet.store.folder import Folder
from modelet.store.keys import CODE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.settings import Settings

_deferred: ContextVar[bool] = ContextVar("deferred", default=False)
_opened_early: list[Opened] = []


class Opened(NamedTuple):
    """The pinned version, ready for `load`, and the seconds that opening it took."""

    settings: Settings
    bundle: Bundle
    artifacts: Artifacts
    seconds: float


@contextmanager
def deferred() -> Iterator[None]:
    """Create handlers without loading their models, to import an author's module before its bundle exists."""
    token = _deferred.set(True)
    try:
        yield
    finally:
        _deferred.reset(token)


def is_deferred() -> bool:
    """Return whether the code runs inside `deferred`."""
    return _deferred.get()


def open_early(settings: Settings) -> Bundle:
    """Open the pinned version before the handler needs it. Raises the errors of `open_pinned`."""
    opened = open_pinned(settings)
    _opened_early.append(opened)
    if not is_opened_and_compiled():
        skip_pydantic_plugins()
    return opened.bundle


def is_opened_and_compiled() -> bool:
    """Return whether a version was opened early and its contract is compiled, so that its types are never read."""
    return bool(_opened_early) and None not in _opened_early[-1].bundle.contract.values()


def open_pinned(settings: Settings) -> Opened:
    """Return the version that was opened early; otherwise open it.

    Opening reads the bundle, checks it against the lock, reads the secrets and starts the downloads. Raises StartError
    with the reason, and StoreError if Secrets Manager does not answer.
    """
    if _opened_early:
        opened = _opened_early.pop()
        if opened.settings == settings:
            return opened
        opened.artifacts.drop_prefetched()
    started = perf_counter()
    path = settings.bundle or f"{settings.task_root}/{BUNDLE_FILE}"
    bundle = Bundle.read(path, settings.task_root, settings.bundle_sha256)
    if settings.bundle_sha256 is None:
        sys.stderr.write(f"{BUNDLE_FILE} is not verified: MODELET_BUNDLE_SHA256 is not set to its SHA-256\n")
    bundle.require(settings.lock)
    if settings.secrets:
        from modelet.startup.secrets import read_secrets  # noqa: PLC0415 - only models with secrets need http and ssl

        read_secrets(settings.secrets)
    # A version that is code has no files, so that a store of S3 need not be opened.
    store = Folder("file:///var/task") if bundle.spec.get("version") == CODE else source(settings.store)
    artifacts = Artifacts.open(store, bundle.manifest.encode(), bundle.name, bundle.lock, settings.tmp)
    if not isinstance(store, Folder):  # a local disk has no latency to hide
        artifacts.prefetch()
    return Opened(settings, bundle, artifacts, perf_counter() - started)
