"""An author's modules (`app.py`, `train.py` and what they import), read without leaving a trace in this process."""

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
    """Give an import function that looks in `folder` first, as a function's environment does.

    Two functions may both have an `app.py`: on leaving, what was imported from the folder is forgotten. Handlers that
    are made inside load nothing yet.
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
    inside = f"{folder}{os.sep}"  # a text: paths of all modules that scientific libraries import take half a second
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(inside):
            del sys.modules[name]
