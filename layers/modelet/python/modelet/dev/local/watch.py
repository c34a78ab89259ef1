"""Watch the files of functions while they are served."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

from watchfiles import Change, DefaultFilter, awatch

from modelet.dev.bundle.bake import BAKED
from modelet.dev.local.runtime.variables import LAYER
from modelet.errors import ModeletError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from concurrent.futures import Future

    from modelet.dev.local.runtime.function import LocalFunction
    from modelet.dev.local.runtime.log import Log
    from modelet.dev.local.runtime.runtime import Runtime

    Rebuild = Callable[[str], LocalFunction]
    Served = Callable[[LocalFunction], str | None]

PACKAGE = LAYER / "modelet"
LAPTOP_ONLY = PACKAGE / "dev"
GENERATED = "bundle.json"
"""A file that `modelet bundle` writes for images, like the folder `baked`. A local run does not use them."""
LOCK = "model.lock"
KEPT = "Reload failed, the old environments stay in use"


class Sources(DefaultFilter):
    """Accepts all files that the functions in `folders` can read, without caches, generated files and modelet.dev."""

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        super().__init__()
        self._generated = {folder / BAKED for folder in folders}

    def __call__(self, change: Change, path: str) -> bool:
        """Return whether a change of this file matters."""
        own = Path(path)
        generated = (
            own.name == GENERATED
            or not self._generated.isdisjoint((own, *own.parents))
            or any(part.startswith(f".{BAKED}.") for part in own.parts)
        )
        return not generated and not own.is_relative_to(LAPTOP_ONLY) and super().__call__(change, path)


async def watch(
    functions: Iterable[LocalFunction],
    runtime: Runtime,
    *,
    log: Log,
    rebuild: Rebuild | None = None,
    served: Served | None = None,
) -> None:
    """Reload a function when its folder changes, and all functions when modelet itself changes, until cancelled.

    rebuild: creates the function again (its snapshot, bundle and configuration) before a reload. If it raises, or if
    the new function does not load, the reason is logged and the old environments stay in use. A change during a reload
    restarts it. served: called with a reloaded function; returns the name of another function to reload, or None.
    """
    reloads = _Reloads(runtime, log, rebuild, served)
    try:
        async for changed in _changes(functions, PACKAGE):
            for name, files in changed.items():
                reloads.begin(name, f"{', '.join(files) or 'modelet'} changed")
    finally:
        await reloads.stop()


async def report_changes(functions: Iterable[LocalFunction], *, log: Log) -> None:
    """Log once for each function that its files have changed, and once that its lock has, and how to apply changes."""
    said: set[tuple[str, bool]] = set()
    remedy = "restart modelet up to apply the change, or use modelet up --reload"
    async for changed in _changes(functions):
        for name, files in changed.items():
            for pinned in (False, True):
                told = [file for file in files if (file == LOCK) is pinned]
                if told and (name, pinned) not in said:
                    said.add((name, pinned))
                    log.line(name, f"{', '.join(told)} changed: {remedy}")


class _Reloads:
    """The running reloads, at most one for each function."""

    def __init__(self, runtime: Runtime, log: Log, rebuild: Rebuild | None, served: Served | None) -> None:
        self._runtime = runtime
        self._log = log
        self._rebuild = rebuild
        self._served = served
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._rebuilding = ThreadPoolExecutor(1)  # one at a time: it imports the author's modules here

    def begin(self, name: str, why: str) -> None:
        """Reload a function, and cancel its running reload."""
        self._log.line(name, f"Reload: {why}")
        if name in self._tasks:
            self._tasks[name].cancel()
        self._tasks[name] = asyncio.create_task(self._reload(name))

    async def stop(self) -> None:
        """Cancel all reloads."""
        self._rebuilding.shutdown(wait=False, cancel_futures=True)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _reload(self, name: str) -> None:
        try:
            rebuild = self._rebuild
            renewed = None if rebuild is None else await _rebuilt(self._rebuilding.submit(rebuild, name))
        except Exception as error:  # noqa: BLE001  # it runs the author's modules, which may raise any error
            why = str(error) if isinstance(error, ModeletError) else f"{type(error).__name__}: {error}"
            self._log.line(name, f"{KEPT}: {why}")
            return
        if failed := await self._runtime.replace(name, renewed):
            self._log.line(name, f"{KEPT}: the new init ended with {failed}")
            return
        self._log.line(name, "Reload: serving the new sources")
        if renewed and self._served and (follower := self._served(renewed)):
            self.begin(follower, f"{name} now serves version {renewed.version}")


async def _rebuilt(work: Future[LocalFunction]) -> LocalFunction:
    """Return the function that a thread creates; remove its snapshot if this task is cancelled."""
    try:
        return await asyncio.wrap_future(work)
    except asyncio.CancelledError:
        work.add_done_callback(_discard)
        raise


def _discard(work: Future[LocalFunction]) -> None:
    if not work.cancelled() and work.exception() is None:
        work.result().discard()


async def _changes(functions: Iterable[LocalFunction], *more: Path) -> AsyncIterator[dict[str, list[str]]]:
    """Yield the changed files by function. A change in one of the folders `more` affects all, without file names."""
    folders = {function.name: function.watched.resolve() for function in functions}
    async for changes in awatch(*more, *set(folders.values()), watch_filter=Sources(folders.values())):
        paths = [Path(path).resolve() for _, path in changes]
        everybody = any(path.is_relative_to(folder) for path in paths for folder in more)
        _forget_bytecode(paths)
        named = {
            name: sorted({path.name for path in paths if path.is_relative_to(folder)})
            for name, folder in folders.items()
        }
        yield {name: files for name, files in named.items() if files or everybody}


def _forget_bytecode(sources: Iterable[Path]) -> None:
    """Remove cached bytecode, because Python compares only size and seconds, and two edits may be in one second."""
    for source in sources:
        if source.suffix == ".py":
            Path(cache_from_source(source)).unlink(missing_ok=True)
