"""batches, a platform function: batches, their predictions, jobs and uploads of all models.

The gateway sends these paths of every model here. Like a model function, it writes one line per request, which is log
and metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import batches_routes
import jobs_routes
import outputs_routes
import predictions_routes
import uploads_routes
from aws_lambda_powertools import Logger, Metrics
from endings import is_end_of_execution, settle
from fastapi import FastAPI
from mangum import Mangum
from problems import answer_problems
from scheduled import check_start
from services import Services
from settings import ApiSettings

from modelet.batch.schedule import scheduled_model
from modelet.platform.gateway import serve
from modelet.protocols.service import JSON, PROBLEM

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

SETTINGS = ApiSettings.from_environ()
SERVICE = "batches"

logger = Logger(service=SERVICE, utc=True)
metrics = Metrics(service=SERVICE, namespace=SETTINGS.namespace)
app = FastAPI(openapi_url=None, redirect_slashes=False)
app.state.services = Services(SETTINGS)
# Routes are tried in this order: look-ups are the most frequent.
ROUTERS = [nouns.router for nouns in (predictions_routes, batches_routes, outputs_routes, jobs_routes, uploads_routes)]
for router in ROUTERS:
    app.include_router(router)
answer_problems(app, [route for router in ROUTERS for route in router.routes])


async def _without_slash(scope: Scope, receive: Receive, send: Send) -> None:
    """Ignore one trailing slash. An unexpected error is answered and logged by the app, which raises it again."""
    try:
        await app({**scope, "path": scope["path"].removesuffix("/") or "/"}, receive, send)
    except Exception as error:  # the app has answered and logged it
        logger.debug("an unexpected error was answered", exc_info=error)


_gateway = Mangum(_without_slash, lifespan="off", text_mime_types=[JSON, PROBLEM])


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an event of API Gateway.

    Two kinds of event are asynchronous: a schedule's start of a batch, and the end of an execution. Their answers are
    dropped, so this raises StoreError for an error that may pass; Lambda then tries again.
    """
    if is_end_of_execution(event):
        settle(app.state.services, event)
        return {}
    response = serve(_gateway, event, context, logger, metrics)
    if (model := scheduled_model(event)) is not None:
        check_start(model, response)
    return response
