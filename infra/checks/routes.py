"""The limit of models per API: AWS's quota of routes, minus the routes that all models share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.constructs.gateway.routes import model_paths
from infra.errors import SynthError

if TYPE_CHECKING:
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


def validate(stage: Stage, models: int) -> None:
    """Raise SynthError, one line with the quota's name, if the models have more routes than an API may have."""
    if stage.routes_quota < ROUTES_QUOTA:
        raise SynthError(
            f"infra/stage.py: stage {stage.name}: routes_quota: {stage.routes_quota} is below {ROUTES_QUOTA}, AWS's "
            f"default: use {ROUTES_QUOTA}, or the account's value of {QUOTAS[stage.api]!r} in Service Quotas"
        )
    limit = stage.routes_quota - RESERVED
    count = models * routes_of_a_model(stage)
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
