"""All uses of private parts of libraries: what each saves at a cold start, and when it can be removed.

Each falls back to the library's public interface if a release has changed, so that a change can only cost time.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

from modelet.settings import names_pydantic_plugins

# SHA-256 from where `random` imports it: hashlib imports OpenSSL, which takes 4 ms and 3.5 MB of every cold start. It
# can be removed when hashlib imports OpenSSL lazily.
try:
    from _sha2 import sha256  # type: ignore[import-not-found]  # has no stub; from 3.12 on
except ImportError:
    try:
        from _sha256 import sha256  # type: ignore[import-not-found]  # has no stub; until 3.11
    except ImportError:  # this Python was built without it
        from hashlib import sha256

__all__ = ["native_pydantic_core", "release_graph", "sha256", "skip_pydantic_plugins"]

PYDANTIC_CORE = "pydantic_core"
PLUGIN_SEARCH = "pydantic.plugin._loader"


def native_pydantic_core() -> ModuleType:
    """Import pydantic-core's native module without its Python code, which is a tenth of a cold start.

    The Python code is for type checkers. A placeholder stands for the package during the import and is then removed, so
    that a later import of the package (by pydantic, for a contract that needs it) works as usual and gets the same
    native module. This can be removed when the package no longer imports `typing_extensions`.
    """
    found = None if PYDANTIC_CORE in sys.modules else PathFinder.find_spec(PYDANTIC_CORE)
    if found is None or found.submodule_search_locations is None:
        return import_module(PYDANTIC_CORE)
    package = ModuleType(PYDANTIC_CORE)
    package.__path__ = found.submodule_search_locations
    sys.modules[PYDANTIC_CORE] = package
    try:
        return import_module(f"{PYDANTIC_CORE}._{PYDANTIC_CORE}")
    except ImportError:  # the package's layout has changed
        del sys.modules[PYDANTIC_CORE]
        return import_module(PYDANTIC_CORE)
    finally:
        if sys.modules.get(PYDANTIC_CORE) is package:
            del sys.modules[PYDANTIC_CORE]


def skip_pydantic_plugins() -> None:
    """Replace pydantic's search for plugins, which reads the metadata of all distributions, by one that finds none.

    The search is a tenth of the cold start of a contract that needs pydantic. To use a plugin in a function's image,
    set pydantic's variable PYDANTIC_DISABLE_PLUGINS to the plugins to disable, or to an empty value: then pydantic
    searches. This can be removed when pydantic no longer searches for plugins, or searches only on request.
    """
    if PLUGIN_SEARCH in sys.modules or names_pydantic_plugins():
        return
    search = ModuleType(PLUGIN_SEARCH, "Finds no plugins.")
    vars(search)["get_plugins"] = tuple
    sys.modules[PLUGIN_SEARCH] = search


def release_graph(session: Any) -> None:
    """Release the bytes of the graph's file that an onnxruntime session keeps: 20 MB for 500 trees.

    The session keeps them to change its providers, which we never do. This can be removed when onnxruntime no longer
    keeps them.
    """
    session._model_bytes = None
