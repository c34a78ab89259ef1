"""Import an author's modules (`app.py`, `train.py` and what they import), and remove them from this process again."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modelet.startup.version import deferred

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType


@contextmanager
def author_modules(folder: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Yield an import function that searches `folder` first, as in the function's environment.

    Because two functions may both have an `app.py`, the modules imported from the folder are removed on exit. Handlers
    that are created inside the context do not load their model.
    """
    folder = folder.resolve()
    _forget(folder)
    hidden = {path.stem: sys.modules.pop(path.stem) for path in folder.glob("*.py") if path.stem in sys.modules}
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        with deferred():
            yield importlib.import_module
    finally:
        sys.path.remove(str(folder))
        _forget(folder)
        sys.modules.update(hidden)


def _forget(folder: Path) -> None:
    inside = f"{folder}{os.sep}"  # not a Path: for the modules of scientific libraries, Path objects take half a second
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(inside):
            del sys.modules[name]
