"""The routes of the API: few, so that our own code answers 404 and 405 (docs/design.md, the wire)."""

from __future__ import annotations

from modelet.dev.project.routes import PREFIXES

GREEDY = "{proxy+}"
"""A path variable that stands for all that follows."""


def model_paths(name: str) -> list[str]:
    """The paths that a model's own function answers, by any method."""
    return [path for prefix in PREFIXES for path in (f"{prefix}{name}", f"{prefix}{name}/{GREEDY}")]


def index_paths() -> list[str]:
    """What `$default` is in an HTTP API, as paths of a REST API, which has no such route.

    A REST API walks its tree of resources: below each that leads to a model stands one for all that is none.
    """
    parents = {"/"}
    for prefix in PREFIXES:
        names = prefix.strip("/").split("/")
        parents |= {"/" + "/".join(names[: i + 1]) + "/" for i in range(len(names))}
    return sorted(path for parent in parents for path in (parent.rstrip("/") or "/", f"{parent}{GREEDY}"))
