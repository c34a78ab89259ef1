"""How many models one API takes: what AWS gives an API, less what all models share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.constructs.routes import model_paths
from infra.errors import SynthError

if TYPE_CHECKING:
    from infra.stage import Stage

ROUTES_QUOTA = 300
"""What AWS gives at first: 300 routes of an HTTP API, 300 resources of a REST API.

Sources: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html and
…/api-gateway-execution-service-limits-table.html.
"""

RESERVED = 24
"""Routes that stay free for all that is no model's own."""

ROUTE_LIMIT = ROUTES_QUOTA - RESERVED
"""The routes of the models themselves, until AWS gives more."""

QUOTAS = {"http": "Routes per API", "rest": "Resources per API"}
"""What Service Quotas calls it, by the kind of API."""


def validate(stage: Stage, models: int) -> None:
    """Raise SynthError, one line with the quota's name, when so many models have more routes than an API may have."""
    if stage.routes_quota < ROUTES_QUOTA:
        raise SynthError(
            f"infra/stage.py: stage {stage.name}: routes_quota: {stage.routes_quota} is below the {ROUTES_QUOTA} that "
            f"AWS gives every account: give {ROUTES_QUOTA}, or what Service Quotas has raised {QUOTAS[stage.api]!r} to"
        )
    limit = stage.routes_quota - RESERVED
    count = models * routes_of_a_model(stage)
    if count > limit:
        needed = count + RESERVED
        raise SynthError(
            f"functions/: {models} models make {count} routes in the stage {stage.name}, above an API's {limit}: raise "
            f"API Gateway's quota {QUOTAS[stage.api]!r} to {needed} in Service Quotas ({RESERVED} are for what models "
            f"share) and write routes_quota={needed} into infra/stage.py, or move some of the models to a project of "
            "their own"
        )


def routes_of_a_model(stage: Stage) -> int:
    """How many routes one model has; where a stage names origins, each path has one for preflights too."""
    return len(model_paths("")) * (2 if stage.cors_origins else 1)
