"""The limit of models per API: AWS's quota of routes, minus the routes that all models share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.constructs.gateway.routes import batch_paths, index_paths, model_paths, rest_batch_paths
from infra.errors import SynthError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.stage import Stage

ROUTES_QUOTA = 300
"""AWS's default quota: 300 routes per HTTP API, 300 resources per REST API.

Sources: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html and
…/api-gateway-execution-service-limits-table.html.
"""

RESERVED = 24
"""Routes reserved for everything that does not belong to a model."""

ROUTE_LIMIT = ROUTES_QUOTA - RESERVED
"""Routes available to the models, until AWS raises the quota."""

QUOTAS = {"http": "Routes per API", "rest": "Resources per API"}
"""The quota's name in Service Quotas, by kind of API."""


def validate(stage: Stage, models: int, workers: int = 0) -> None:
    """Raise SynthError, one line with the quota's name, if the models have more routes than an API may have.

    workers: the models with batches or jobs; in a REST API, each of them has routes of its own for these.
    """
    if stage.routes_quota < ROUTES_QUOTA:
        raise SynthError(
            f"infra/stage.py: stage {stage.name}: routes_quota: {stage.routes_quota} is below {ROUTES_QUOTA}, AWS's "
            f"default: use {ROUTES_QUOTA}, or the account's value of {QUOTAS[stage.api]!r} in Service Quotas"
        )
    limit = stage.routes_quota - RESERVED
    count = models * routes_of_a_model(stage) + workers * routes_of_a_worker(stage)
    if count > limit:
        needed = count + RESERVED
        raise SynthError(
            f"functions/: {models} models need {count} routes in the stage {stage.name}, above the limit of {limit}: "
            f"raise API Gateway's quota {QUOTAS[stage.api]!r} to {needed} in Service Quotas ({RESERVED} are reserved "
            f"for shared routes) and set routes_quota={needed} in infra/stage.py, or move some models to another "
            "project"
        )


def routes_of_a_model(stage: Stage) -> int:
    """Return the number of routes per model; if the stage has CORS origins, each path has one more for preflights."""
    return len(model_paths("")) * (2 if stage.cors_origins else 1)


def routes_of_a_worker(stage: Stage) -> int:
    """Return the number of routes that only batches and jobs of one model have; an HTTP API shares them."""
    return 0 if stage.api == "http" else len(rest_batch_paths([""])) - len(rest_batch_paths([]))


def shared_routes(stage: Stage, workers: int) -> int:
    """Return the number of routes that belong to no single model."""
    if stage.api == "rest":
        return len(_resources([*index_paths(), *(rest_batch_paths([]) if workers else ())]))
    default = ["$default"]
    paths = [*default, *(batch_paths() if workers else ())]
    return len(paths) * (2 if stage.cors_origins else 1)


def _resources(paths: Sequence[str]) -> set[tuple[str, ...]]:
    """Return the resources of a REST API's tree: the paths, each level above them, and the root."""
    parts = [path.rstrip("/").split("/") for path in paths]
    return {tuple(each[:end]) for each in parts for end in range(1, len(each) + 1)}


def summary(stage: Stage, models: int, workers: int) -> str:
    """Return one line with the routes of a stage: how many there are, and how many its API may have."""
    own = models * routes_of_a_model(stage) + workers * routes_of_a_worker(stage)
    shared = shared_routes(stage, workers)
    paths = rest_batch_paths(["NAME"]) if stage.api == "rest" else batch_paths()
    batches = f"; batches and jobs: {', '.join(paths)}" if workers else ""
    return f"routes: {own} of models, {shared} shared, {stage.routes_quota} allowed{batches}"
