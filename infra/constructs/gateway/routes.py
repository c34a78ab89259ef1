"""The routes of the API. They are few, so that our own code answers 404 and 405 (docs/design.md, the wire)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.dev.project.routes import BATCH_ROUTES, OF_A_MODEL, PREFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable

GREEDY = "{proxy+}"
"""A path variable that matches the rest of a path."""


def model_paths(name: str) -> list[str]:
    """Return the paths that a model's own function answers, by any method."""
    return [path for prefix in PREFIXES for path in (f"{prefix}{name}", f"{prefix}{name}/{GREEDY}")]


def batch_paths() -> list[str]:
    """Return the HTTP API paths that the platform function `batches` answers, for all models.

    AWS prefers them to a model's `{proxy+}`: a full match, with variables or without, comes before a greedy one.
    Rolling back is POST /models/{name}/batches/rollback, which has the route of a batch: no id is that word, because
    every id begins with a digit.

    Source: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html, "Routing API requests".
    """
    return list(BATCH_ROUTES)


def rest_batch_paths(names: Iterable[str]) -> list[str]:
    """Return the REST API paths of `batches`, for the models with batches or jobs.

    There, a resource of one model is no way to the resources of `{name}`: each model has its own.
    """
    own = [path.removeprefix(OF_A_MODEL) for path in BATCH_ROUTES if path.startswith(OF_A_MODEL)]
    shared = [path for path in BATCH_ROUTES if not path.startswith(OF_A_MODEL)]
    return [f"/models/{name}/{path}" for name in names for path in own] + shared


def index_paths() -> list[str]:
    """Return the REST API paths that correspond to an HTTP API's `$default`, which a REST API lacks.

    A REST API walks its tree of resources: each level above a model needs a resource that matches all other paths.
    """
    parents = {"/"}
    for prefix in PREFIXES:
        names = prefix.strip("/").split("/")
        parents |= {"/" + "/".join(names[: i + 1]) + "/" for i in range(len(names))}
    return sorted(path for parent in parents for path in (parent.rstrip("/") or "/", f"{parent}{GREEDY}"))
