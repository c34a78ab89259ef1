"""The routes of a gateway, from paths to functions, as in docs/design.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIXES = ("/models/", "/v2/models/")


@dataclass(frozen=True, slots=True)
class Route:
    """A matched route: the function, the resource (`/models/sentiment/{proxy+}`, "" for `$default`), the parameters."""

    function: str
    resource: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the route's key in an HTTP API."""
        return f"ANY {self.resource}" if self.resource else "$default"


class Routes:
    """Routes `/models/{name}` and all paths below it, also under /v2, to its function; other paths to `default`."""

    def __init__(self, names: Iterable[str], default: str | None = None) -> None:
        self._names = frozenset(names)
        self._default = default

    def match(self, path: str) -> Route | None:
        """Return the route of a path. The greedy `{proxy+}` matches at least one character."""
        for prefix in PREFIXES:
            if path.startswith(prefix):
                name, slash, rest = path[len(prefix) :].partition("/")
                if name in self._names and rest:
                    return Route(name, f"{prefix}{name}/{{proxy+}}", {"proxy": rest})
                if name in self._names and not slash:
                    return Route(name, f"{prefix}{name}")
        return Route(self._default) if self._default is not None else None
