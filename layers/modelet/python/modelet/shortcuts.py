"""Every use of what a library keeps to itself: what each saves at a cold start, and when it can go.

Each falls back to the library's public way where a release has changed, so that it can only cost time.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

from modelet.settings import names_pydantic_plugins

# SHA-256 as `random` takes it: hashlib imports OpenSSL's, 4 ms and 3.5 MB of every cold start. It can go when hashlib
# imports OpenSSL when it is first asked for.
try:
    from _sha2 import sha256  # type: ignore[import-not-found]  # has no stub; from 3.12 on
except ImportError:
    try:
        from _sha256 import sha256  # type: ignore[import-not-found]  # has no stub; until 3.11
    except ImportError:  # a Python that was built without its own
        from hashlib import sha256

__all__ = ["decline_pydantic_plugins", "forget_graph", "native_pydantic_core", "sha256"]

PYDANTIC_CORE = "pydantic_core"
PLUGIN_SEARCH = "pydantic.plugin._loader"


def native_pydantic_core() -> ModuleType:
    """pydantic-core's native module without the Python around it, which is for type checkers and a tenth of a start.

    A stand-in for the package is there while the module is imported, and goes: whoever asks for the package later
    (pydantic itself, for a contract that needs it) imports it as ever, and finds the same native module in it. It can
    go when the package no longer imports `typing_extensions`.
    """
    found = None if PYDANTIC_CORE in sys.modules else PathFinder.find_spec(PYDANTIC_CORE)
    if found is None or found.submodule_search_locations is None:
        return import_module(PYDANTIC_CORE)
    package = ModuleType(PYDANTIC_CORE)
    package.__path__ = found.submodule_search_locations
    sys.modules[PYDANTIC_CORE] = package
    try:
        return import_module(f"{PYDANTIC_CORE}._{PYDANTIC_CORE}")
    except ImportError:  # another layout than that of today
        del sys.modules[PYDANTIC_CORE]
        return import_module(PYDANTIC_CORE)
    finally:
        if sys.modules.get(PYDANTIC_CORE) is package:
            del sys.modules[PYDANTIC_CORE]


def decline_pydantic_plugins() -> None:
    """Put a search that finds nothing in the place of pydantic's own, which reads the metadata of all distributions.

    That is a tenth of the cold start of a contract that needs pydantic. Who has a plugin in a function's image sets
    PYDANTIC_DISABLE_PLUGINS, as pydantic documents it, to those that are not wanted, or to nothing: then pydantic looks
    for itself. It can go when pydantic looks for plugins no more, or only once asked.
    """
    if PLUGIN_SEARCH in sys.modules or names_pydantic_plugins():
        return
    nothing = ModuleType(PLUGIN_SEARCH, "Finds no plugins.")
    vars(nothing)["get_plugins"] = tuple
    sys.modules[PLUGIN_SEARCH] = nothing


def forget_graph(session: Any) -> None:
    """Let an onnxruntime session go of its file's bytes: 20 MB for 500 trees.

    It keeps them for a change of providers, which nobody asks for. It can go when onnxruntime keeps them no more.
    """
    session._model_bytes = None
