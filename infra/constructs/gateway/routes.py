"""The routes of the API. They are few, so that our own code answers 404 and 405 (docs/design.md, the wire)."""

from __future__ import annotations

from modelet.dev.project.routes import PREFIXES

GREEDY = "{proxy+}"
"""A path variable that matches the rest of a path."""


def model_paths(name: str) -> list[str]:
    """Return the paths that a model's own function answers, by any method."""
    return [path for prefix in PREFIXES for path in (f"{prefix}{name}", f"{prefix}{name}/{GREEDY}")]


def index_paths() -> list[str]:
    """Return the REST API paths that correspond to an HTTP API's `$default`, which a REST API lacks.

    A REST API walks its tree of resources: each level above a model needs a resource that matches all other paths.
    """
    parents = {"/"}
    for prefix in PREFIXES:
        names = prefix.strip("/").split("/")
        parents |= {"/" + "/".join(names[: i + 1]) + "/" for i in range(len(names))}
    return sorted(path for parent in parents for path in (parent.rstrip("/") or "/", f"{parent}{GREEDY}"))
