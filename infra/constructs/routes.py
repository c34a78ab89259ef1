"""The routes of the API: few, so that our own code answers 404 and 405 (docs/design.md, the wire)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.errors import SynthError
from modelet.dev.project.routes import PREFIXES

if TYPE_CHECKING:
    from infra.stage import Stage

ROUTE_LIMIT = 280
"""Twenty below what AWS gives at first: 300 routes of an HTTP API, 300 resources of a REST API.

Sources: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html and
…/api-gateway-execution-service-limits-table.html.
"""

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


def refuse_too_many(stage: Stage, models: int) -> None:
    """Raise SynthError when so many models have more routes than an API of the stage's kind may have."""
    each, rest = len(model_paths("")), len(index_paths()) - 1 if stage.api == "rest" else 1
    if stage.cors_origins:
        each, rest = 2 * each, 2 * rest
    count = each * models + rest
    if count > ROUTE_LIMIT:
        raise SynthError(
            f"functions/: {models} models make {count} routes in the stage {stage.name}, above an API's {ROUTE_LIMIT}: "
            f"move some of the models to a project of their own"
        )
