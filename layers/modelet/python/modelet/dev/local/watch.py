"""Files that change while functions are served."""

from __future__ import annotations

import asyncio
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

from watchfiles import Change, DefaultFilter, awatch

from modelet.dev.baking import BAKED
from modelet.dev.local.variables import LAYER
from modelet.errors import ModeletError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelet.dev.local.function import LocalFunction
    from modelet.dev.local.log import Log
    from modelet.dev.local.runtime import Runtime

PACKAGE = LAYER / "modelet"
LAPTOP_ONLY = PACKAGE / "dev"
GENERATED = "bundle.json"
"""Written by `modelet bundle` for images, as is the folder `baked`: what runs here has its own bundle, and a store."""


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
    rebuild: Callable[[str], LocalFunction] | None = None,
) -> None:
    """Replace a function's environments when its folder changes, everybody's when modelet itself does; until cancelled.

    rebuild: makes the function anew (its bundle, its configuration) before that; where it raises, the reason is
    logged and the old environments go on.
    """
    folders = {function.name: function.folder.resolve() for function in functions}
    async for changes in awatch(PACKAGE, *set(folders.values()), watch_filter=Sources(folders.values())):
        changed = [Path(path).resolve() for _, path in changes]
        everybody = any(path.is_relative_to(PACKAGE) for path in changed)
        for name, folder in folders.items():
            files = sorted({path.name for path in changed if path.is_relative_to(folder)})
            if not everybody and not files:
                continue
            forget_bytecode(path for path in changed if path.suffix == ".py")
            log.line(name, f"Reload: {', '.join(files) or 'modelet'} changed")
            try:
                renewed = await asyncio.to_thread(rebuild, name) if rebuild is not None else None
            except Exception as error:  # noqa: BLE001  # it runs the author's modules, which raise what they like
                why = str(error) if isinstance(error, ModeletError) else f"{type(error).__name__}: {error}"
                log.line(name, f"Reload failed, the old environments go on: {why}")
                continue
            runtime.replace(name, renewed)


def forget_bytecode(sources: Iterable[Path]) -> None:
    """Remove what Python compiled: it knows a file by size and second alone, and edits can be quicker than that."""
    for source in sources:
        Path(cache_from_source(source)).unlink(missing_ok=True)
