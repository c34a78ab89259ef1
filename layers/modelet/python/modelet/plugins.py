"""pydantic's plugins are not looked for, where a contract needs pydantic: that is a tenth of its cold start."""

from __future__ import annotations

import sys
from types import ModuleType

from modelet.settings import names_pydantic_plugins

SEARCH = "pydantic.plugin._loader"


def decline_plugins() -> None:
    """Put a search that finds nothing in the place of pydantic's own, which reads the metadata of all distributions.

    Whoever has a plugin in a function's image names those that are not wanted, as pydantic documents it, and an empty
    PYDANTIC_DISABLE_PLUGINS names none: then pydantic looks for itself.
    """
    if SEARCH in sys.modules or names_pydantic_plugins():
        return
    nothing = ModuleType(SEARCH, "Finds no plugins.")
    vars(nothing)["get_plugins"] = tuple
    sys.modules[SEARCH] = nothing
