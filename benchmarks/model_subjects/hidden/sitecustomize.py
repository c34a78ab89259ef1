"""Hide modules that this environment has, and the image of a function lacks: a library imports what it finds."""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder
from typing import Any

HIDDEN = frozenset(os.environ.get("HIDDEN", "").split(","))


class Hiding(MetaPathFinder):
    """Finds no module of HIDDEN."""

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> None:
        """Raise ModuleNotFoundError for a hidden module."""
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(name, name=name)


sys.meta_path.insert(0, Hiding())
