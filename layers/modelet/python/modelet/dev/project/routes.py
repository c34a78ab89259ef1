"""The routes of a gateway, from paths to functions, as in docs/design.md."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIXES = ("/models/", "/v2/models/")

BATCH_ROUTES = (
    "/models/{name}/batches",
    "/models/{name}/batches/{id}",
    "/models/{name}/batches/{id}/{part}",
    "/models/{name}/predictions",
    "/models/{name}/predictions/{key}",
    "/models/{name}/jobs",
    "/models/{name}/jobs/{id}",
    "/models/{name}/uploads",
    "/jobs/{id}",
)
"""The paths of the platform function `batches`, by any method, for all models."""

OF_A_MODEL = "/models/{name}/"
"""The beginning of the shared paths that belong to one model."""


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
    """Routes `/models/{name}` and all paths below it, also under /v2, to its function; other paths to `default`.

    shared: the function for BATCH_ROUTES. tree: whether the routes are a tree, as in a REST API. An HTTP API prefers
    each full match, also one with variables, to a greedy `{proxy+}`, and that to `$default`. A REST API prefers the
    fixed part at each level, and what is below a fixed part is out of reach of the `{proxy+}` beside it. There the
    shared paths are resources of each model.

    Sources: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html, "Routing API requests",
    and …/api-gateway-set-up-simple-proxy.html: "sibling resources are excluded from the representation of the proxy
    resource".
    """

    def __init__(
        self, names: Iterable[str], default: str | None = None, shared: str | None = None, *, tree: bool = False
    ) -> None:
        self._names = frozenset(names)
        self._default = default
        self._shared = shared
        self._tree = tree

    def match(self, path: str) -> Route | None:
        """Return the route of a path. The greedy `{proxy+}` matches at least one character."""
        if self._shared is not None and path.startswith(_SHARED_PREFIXES):
            route = self._match_shared(path, self._shared)
            if route is not None:
                return route
            if self._tree and self._is_below_shared(path):
                return None
        for prefix in PREFIXES:
            if path.startswith(prefix):
                name, slash, rest = path[len(prefix) :].partition("/")
                if name in self._names and rest:
                    return Route(name, f"{prefix}{name}/{{proxy+}}", {"proxy": rest})
                if name in self._names and not slash:
                    return Route(name, f"{prefix}{name}")
        return Route(self._default) if self._default is not None else None

    def _match_shared(self, path: str, function: str) -> Route | None:
        for template, pattern in _PATTERNS:
            if found := pattern.fullmatch(path):
                parameters = found.groupdict()
                if not self._tree or "name" not in parameters:
                    return Route(function, template, parameters)
                name = parameters.pop("name")
                if name in self._names:
                    return Route(function, template.replace("{name}", name), parameters)
        return None

    def _is_below_shared(self, path: str) -> bool:
        """Return whether a path begins like a shared one of a model; a REST API goes no other way from there."""
        name, _, rest = path.removeprefix("/models/").partition("/")
        return path.startswith("/models/") and name in self._names and rest.partition("/")[0] in _SHARED_PARTS


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)))


_PATTERNS = tuple((template, _pattern(template)) for template in BATCH_ROUTES)
_SHARED_PREFIXES = tuple({f"/{template.split('/')[1]}/" for template in BATCH_ROUTES})
_SHARED_PARTS = frozenset(
    template.removeprefix(OF_A_MODEL).partition("/")[0] for template in BATCH_ROUTES if template.startswith(OF_A_MODEL)
)
