"""Opens the version that a function serves: its bundle checked, its secrets there, its files on their way.

A function's entry point (`modelet.app`) does so before it imports the author's code and the framework, so that S3
answers meanwhile; the handler then takes what was opened. Where nobody did, the handler opens it itself.
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.settings import Settings

_deferred: ContextVar[bool] = ContextVar("deferred", default=False)
_ahead: list[Opened] = []


class Opened(NamedTuple):
    """A function's pinned version, ready for `load`, and the seconds that opening it took."""

    settings: Settings
    bundle: Bundle
    artifacts: Artifacts
    seconds: float


@contextmanager
def deferred() -> Iterator[None]:
    """Inside, handlers keep their class and load nothing: for reading an author's module before there is a bundle."""
    token = _deferred.set(True)
    try:
        yield
    finally:
        _deferred.reset(token)


def is_deferred() -> bool:
    """Whether nothing is to be opened or loaded now."""
    return _deferred.get()


def open_ahead(settings: Settings) -> Bundle:
    """Open the pinned version before its handler asks for it. Raises as `open_pinned` does."""
    opened = open_pinned(settings)
    _ahead.append(opened)
    if not is_opened_and_compiled():
        skip_pydantic_plugins()
    return opened.bundle


def is_opened_and_compiled() -> bool:
    """Whether a version was opened ahead, and pydantic-core alone checks its contract: nobody reads the types then."""
    return bool(_ahead) and None not in _ahead[-1].bundle.contract.values()


def open_pinned(settings: Settings) -> Opened:
    """What was opened ahead; else read the bundle, check it against the lock, fetch the secrets, ask for the files.

    Raises StartError with the reason, and StoreError where Secrets Manager does not answer.
    """
    if _ahead:
        opened = _ahead.pop()
        if opened.settings == settings:
            return opened
        opened.artifacts.forget()
    started = perf_counter()
    path = settings.bundle or f"{settings.task_root}/{BUNDLE_FILE}"
    bundle = Bundle.read(path, settings.task_root, settings.bundle_sha256)
    if settings.bundle_sha256 is None:
        sys.stderr.write(f"{BUNDLE_FILE} is trusted unchecked: MODELET_BUNDLE_SHA256 is not set to its SHA-256\n")
    bundle.require(settings.lock)
    if settings.secrets:
        from modelet.startup.secrets import read_secrets  # noqa: PLC0415 - only models with secrets pay for http and ssl

        read_secrets(settings.secrets)
    kept = source(settings.store)
    artifacts = Artifacts.open(kept, bundle.manifest.encode(), bundle.name, bundle.lock, settings.tmp)
    if not isinstance(kept, Folder):  # a disk has no latency to hide
        artifacts.prefetch()
    return Opened(settings, bundle, artifacts, perf_counter() - started)
