"""Files that change while functions are served."""

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
"""Written by `modelet bundle` for images, as is the folder `baked`: what runs here has its own bundle, and a store."""
LOCK = "model.lock"
KEPT = "Reload failed, the old environments go on"


class Sources(DefaultFilter):
    """All that functions in `folders` can read, without caches, what is generated, and the laptop's part of modelet."""

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        super().__init__()
        self._generated = {folder / BAKED for folder in folders}

    def __call__(self, change: Change, path: str) -> bool:
        """Whether a change of this file matters."""
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
    """Replace a function's environments when its folder changes, everybody's when modelet itself does; until cancelled.

    rebuild: makes the function anew (its snapshot, bundle and configuration) before that. Where it raises, or the new
    function does not load, the reason is logged and the old environments go on. A change that comes meanwhile starts
    the load afresh: nobody waits for an init that was wrong. served: told what a reload brought, and names another
    function that has to be made anew then, if there is one.
    """
    reloads = _Reloads(runtime, log, rebuild, served)
    try:
        async for changed in _changes(functions, PACKAGE):
            for name, files in changed.items():
                reloads.begin(name, f"{', '.join(files) or 'modelet'} changed")
    finally:
        await reloads.stop()


async def tell(functions: Iterable[LocalFunction], *, log: Log) -> None:
    """Say once for each function that its files changed, and once that its lock did, and how to take that up."""
    said: set[tuple[str, bool]] = set()
    remedy = "what is served stays as it was at the start; modelet up --reload takes changes up"
    async for changed in _changes(functions):
        for name, files in changed.items():
            for pinned in (False, True):
                told = [file for file in files if (file == LOCK) is pinned]
                if told and (name, pinned) not in said:
                    said.add((name, pinned))
                    log.line(name, f"{', '.join(told)} changed: {remedy}")


class _Reloads:
    """The reloads under way: one a function at a time, the latest."""

    def __init__(self, runtime: Runtime, log: Log, rebuild: Rebuild | None, served: Served | None) -> None:
        self._runtime = runtime
        self._log = log
        self._rebuild = rebuild
        self._served = served
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._rebuilding = ThreadPoolExecutor(1)  # one at a time: it imports the author's modules into this process

    def begin(self, name: str, why: str) -> None:
        """Reload a function; what was loading for it is given up."""
        self._log.line(name, f"Reload: {why}")
        if name in self._tasks:
            self._tasks[name].cancel()
        self._tasks[name] = asyncio.create_task(self._reload(name))

    async def stop(self) -> None:
        """Give up all of them."""
        self._rebuilding.shutdown(wait=False, cancel_futures=True)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _reload(self, name: str) -> None:
        try:
            rebuild = self._rebuild
            renewed = None if rebuild is None else await _rebuilt(self._rebuilding.submit(rebuild, name))
        except Exception as error:  # noqa: BLE001  # it runs the author's modules, which raise what they like
            why = str(error) if isinstance(error, ModeletError) else f"{type(error).__name__}: {error}"
            self._log.line(name, f"{KEPT}: {why}")
            return
        if failed := await self._runtime.replace(name, renewed):
            self._log.line(name, f"{KEPT}: the new init ended with {failed}")
            return
        self._log.line(name, "Reload: the new sources are served")
        if renewed and self._served and (follower := self._served(renewed)):
            self.begin(follower, f"{name} serves version {renewed.version}")


async def _rebuilt(work: Future[LocalFunction]) -> LocalFunction:
    """The function that is made in a thread; where nobody waits for it any more, its snapshot is removed."""
    try:
        return await asyncio.wrap_future(work)
    except asyncio.CancelledError:
        work.add_done_callback(_discard)
        raise


def _discard(work: Future[LocalFunction]) -> None:
    if not work.cancelled() and work.exception() is None:
        work.result().discard()


async def _changes(functions: Iterable[LocalFunction], *more: Path) -> AsyncIterator[dict[str, list[str]]]:
    """Which files changed, by the function; a change in one of the folders `more` is everybody's, with no name."""
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
    """Remove what Python compiled: it knows a file by size and second alone, and edits can be quicker than that."""
    for source in sources:
        if source.suffix == ".py":
            Path(cache_from_source(source)).unlink(missing_ok=True)
