"""Problems: every error as an RFC 9457 answer, the framework's own errors too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from modelet.errors import ContractError, MethodNotAllowedError, ModeletError, NotFoundError, StoreError
from modelet.protocols import rows, service
from modelet.violation import MAX_NAME_LENGTH, Violation

logger = Logger(service="batches", child=True)


class GivenError(Exception):
    """A problem that a model answered. problem: it is passed on as it is."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        super().__init__(str(problem.get("detail", "")))


@contextmanager
def calling(name: str) -> Iterator[None]:
    """Call a service of AWS. Raises StoreError with the service's name and the cause; a client may retry."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StoreError(f"{name} refused the call or did not answer: {error}") from error


def code_of(error: ClientError) -> str:
    """Return the name of an error of AWS, without the namespace that some protocols have before it."""
    return str(error.response.get("Error", {}).get("Code", "")).rpartition("#")[2].rpartition(".")[2]


def answer_problems(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Register the handlers, so that every error of the app becomes a problem. routes: all of the app's own."""

    @app.exception_handler(ModeletError)
    async def ours(_: Request, error: ModeletError) -> Response:
        if error.status >= 500:
            logger.error("the request failed", exc_info=error)
        return _answer(error)

    @app.exception_handler(GivenError)
    async def given(_: Request, error: GivenError) -> Response:
        made = service.Response.of(error.problem, error.problem["status"], service.PROBLEM)
        again = {"retry-after": "1"} if made.status in {429, 503} else {}
        return Response(made.body, made.status, made.headers | again)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return _answer(ContractError([_violation(each) for each in error.errors()]))

    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, error: HTTPException) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204)  # a browser's preflight request wants any success
        if error.status_code == 405:
            return _answer(MethodNotAllowedError(request.method, sorted(_methods(routes, request))))
        path = request.url.path
        return _answer(NotFoundError(f"There is no route {path[:200]}: docs/batch.md lists the routes."))

    @app.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> Response:
        logger.error("the function has a bug", exc_info=error)
        return _answer(ModeletError.unexpected(error))


def _answer(error: ModeletError) -> Response:
    answer = rows.problem(error)
    return Response(answer.body, answer.status, answer.headers)


def _violation(error: Any) -> Violation:
    place: Sequence[Any] = error["loc"][1:]
    return Violation(None, ".".join(map(str, place))[:MAX_NAME_LENGTH], error["msg"], error["type"])


def _methods(routes: Sequence[BaseRoute], request: Request) -> set[str]:
    """Return the methods of all routes of a path; the router itself knows only those of the first."""
    found: set[str] = set()
    for route in routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return found
