"""Which function answers a path: the routes of docs/design.md, as one gateway has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIXES = ("/models/", "/v2/models/")


@dataclass(frozen=True, slots=True)
class Route:
    """A matched route: the function, the resource (`/models/sentiment/{proxy+}`, "" for `$default`), its parameters."""

    function: str
    resource: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The route's key in an HTTP API."""
        return f"ANY {self.resource}" if self.resource else "$default"


class Routes:
    """`/models/{name}` and all below it, the same under /v2, for each function; all else goes to `default`, if any."""

    def __init__(self, names: Iterable[str], default: str | None = None) -> None:
        self._names = frozenset(names)
        self._default = default

    def match(self, path: str) -> Route | None:
        """The route of a path; a greedy `{proxy+}` needs one character at least."""
        for prefix in PREFIXES:
            if path.startswith(prefix):
                name, slash, rest = path[len(prefix) :].partition("/")
                if name in self._names and rest:
                    return Route(name, f"{prefix}{name}/{{proxy+}}", {"proxy": rest})
                if name in self._names and not slash:
                    return Route(name, f"{prefix}{name}")
        return Route(self._default) if self._default is not None else None
