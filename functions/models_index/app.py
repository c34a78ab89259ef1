"""models_index, a platform function: the list of models, the Open Inference Protocol's server routes, and every 404.

The gateway sends the paths of a model to that model's function, and all others here. Like a model function, it writes
one line per request, which is log and metrics.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from fastapi import FastAPI, Request, Response
from listing import Listing
from mangum import Mangum
from starlette.exceptions import HTTPException

from modelet.errors import MethodNotAllowedError, ModeletError, NotFoundError, StoreError
from modelet.platform.gateway import serve
from modelet.protocols import rows
from modelet.protocols.oip import oip
from modelet.protocols.service import JSON, PROBLEM
from modelet.settings import IndexSettings

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

SETTINGS = IndexSettings.from_environ()
SERVICE = "models-index"
SERVER = {"name": "modelet", "version": version("modelet"), "extensions": []}

logger = Logger(service=SERVICE, utc=True)
metrics = Metrics(service=SERVICE, namespace=SETTINGS.namespace)
listing = Listing(SETTINGS.models, SETTINGS.models_path)
app = FastAPI(openapi_url=None, redirect_slashes=False)

READ = ["GET", "HEAD"]
"""The methods of every route; the gateway leaves out the body of an answer to HEAD."""


@app.api_route("/models", methods=READ)
async def models() -> dict[str, Any]:
    """Return all models, with their versions and links."""
    return {"models": [_model(name, served) for name, served in listing.models().items()]}


@app.api_route("/v2", methods=READ)
async def server() -> dict[str, Any]:
    """Return the server's metadata."""
    return SERVER


@app.api_route("/v2/health/live", methods=READ)
async def live() -> dict[str, bool]:
    """Return whether the server is live."""
    return {"live": True}


@app.api_route("/v2/health/ready", methods=READ)
async def ready() -> dict[str, bool]:
    """Return that all models are ready, because Lambda starts each model's function on demand.

    The specification names the member `live` here too; KServe's client reads `ready`.
    """
    return {"live": True, "ready": True}


@app.exception_handler(HTTPException)
async def error_response(request: Request, error: HTTPException) -> Response:
    """Answer the router's errors with a problem, and OPTIONS, a browser's preflight request, with any success."""
    if request.method == "OPTIONS":
        return Response(status_code=204)
    path = request.url.path
    problem: ModeletError = NotFoundError(f"There is no route {path[:200]}: GET /models lists the models.")
    if error.status_code == 405:
        problem = MethodNotAllowedError(request.method, READ)
    answer = (oip if path.startswith("/v2") else rows).problem(problem)
    return Response(answer.body, answer.status, answer.headers)


@app.exception_handler(StoreError)
async def unavailable(_: Request, error: StoreError) -> Response:
    """Answer with 503 if the list of models cannot be read; a client may retry."""
    logger.exception("the list of models cannot be read")
    answer = rows.problem(error)
    return Response(answer.body, answer.status, answer.headers)


def _model(name: str, served: str) -> dict[str, Any]:
    base = f"/models/{name}"
    links = {"self": base, "infer": f"{base}/infer", "openapi": f"{base}/openapi.json", "oip": f"/v2{base}"}
    return {"name": name, "version": served, "links": links}


async def _without_slash(scope: Scope, receive: Receive, send: Send) -> None:
    """Ignore one trailing slash; redirect a model's path, which an HTTP API sends here, to the path without it.

    The location is relative, so that it is right below a stage or a domain's path mapping too.
    """
    path = scope["path"]
    plain = path.removesuffix("/") or "/"
    name = plain.removeprefix("/v2").removeprefix("/models/")
    if plain != path and "/" not in name and _is_model(name):
        await Response(status_code=308, headers={"location": f"../{name}"})(scope, receive, send)
    else:
        await app({**scope, "path": plain}, receive, send)


def _is_model(name: str) -> bool:
    """Whether there is such a model; where nobody can say, there is none."""
    try:
        return name in listing.models()
    except StoreError:
        return False


_gateway = Mangum(_without_slash, lifespan="off", text_mime_types=[JSON, PROBLEM])


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an event of API Gateway."""
    return serve(_gateway, event, context, logger, metrics)
