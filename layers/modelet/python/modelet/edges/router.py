"""The router: dispatch a request by path and method to its protocol, and write errors in that protocol's format."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from modelet.deadline import Alarm, Deadline, disarm
from modelet.errors import DeadlineError, MethodNotAllowedError, ModeletError, NotFoundError
from modelet.protocols import rows

if TYPE_CHECKING:
    from types import ModuleType

    from modelet.protocols.service import Request, Response, Route, Routes, Service


def exchange(request: Request, service: Service) -> tuple[Response, ModeletError | None]:
    """Answer a request; return the response and, for the log, the error if there was one."""
    try:
        with Deadline(request.remaining):
            route = _route(request.method, request.path, service.address)
            return route(request, service), None
    except Alarm:
        disarm()
        late = DeadlineError("the deadline came before the answer was ready")
        return problem(late, request), late
    except ModeletError as error:
        return problem(error, request), error
    except Exception as cause:  # noqa: BLE001 - a bug in Modelet must not end the environment; it is logged
        unexpected = ModeletError.unexpected(cause)
        return problem(unexpected, request), unexpected


def problem(error: ModeletError, request: Request) -> Response:
    """Return an error in the format of the request's protocol."""
    answer: Response = (_oip() if _segments(request.path)[:1] == ["v2"] else rows).problem(error)
    return answer


def _oip() -> ModuleType:
    """Return the module of the Open Inference Protocol, which is imported on first use."""
    from modelet.protocols.oip import oip  # noqa: PLC0415 - 2 ms of a cold start

    return oip


def _predictor() -> ModuleType:
    """Return the module of plain predictors' routes, which only they import."""
    from modelet.protocols import predictor  # noqa: PLC0415 - only for plain predictors

    return predictor


def _segments(path: str) -> list[str]:
    segments = [segment for segment in path.split("/") if segment]
    if "%" not in path:
        return segments
    from urllib.parse import unquote  # noqa: PLC0415 - 3 ms of a cold start, and few paths are quoted

    return [unquote(segment) for segment in segments]


@lru_cache(maxsize=64)
def matched(path: str, route: str, proxy: str) -> str | None:
    """Return the part of a path that the gateway's route matched, without a custom domain's path mapping before it.

    route: the route's path, such as `/models/sentiment/{proxy+}`, alone or after a method. proxy: the value of its
    greedy parameter. Returns None if the path does not match the route. The number of segments decides, not their
    names, because a mapping may have the name of a route.
    """
    wanted = [segment for segment in route.rpartition(" ")[2].split("/") if segment]
    if wanted and wanted[-1] == "{proxy+}":
        taken = sum(1 for segment in proxy.split("/") if segment)
        if not taken:
            return None
        wanted[-1:] = ["{proxy}"] * taken
    found = [segment for segment in path.split("/") if segment]
    here = found[len(found) - len(wanted) :] if 0 < len(wanted) <= len(found) else []
    fits = here and all(want[0] == "{" or want == have for want, have in zip(wanted, here, strict=True))
    return f"/{'/'.join(here)}" if fits else None


@lru_cache(maxsize=64)  # exceptions are not cached
def _route(method: str, path: str, address: tuple[str, str, bool]) -> Route:
    """Return the function that answers a path and a method. Raises NotFoundError and MethodNotAllowedError."""
    model, served, takes_payloads = address
    match _segments(path):
        case ["models", name, *rest]:
            routes: Routes = _predictor().ROUTES if takes_payloads else rows.ROUTES
        case ["v2", "models", name, "versions", version, *rest]:
            routes = _predictor().OIP_ROUTES if takes_payloads else _oip().ROUTES
            if version != served:
                raise NotFoundError(f"{model} serves version {served}, not {version}.")
        case ["v2", "models", name, *rest]:
            routes = _predictor().OIP_ROUTES if takes_payloads else _oip().ROUTES
        case _:
            raise rows.unknown_route(path, model)
    methods = routes.get(tuple(rest))
    if name != model or methods is None:
        raise rows.unknown_route(path, model)
    # HEAD is answered like GET, and the gateway removes the body but not its length: RFC 9110, 9.3.2.
    route = methods.get("GET" if method == "HEAD" else method)
    if route is None:
        raise MethodNotAllowedError(method, [*methods, *(["HEAD"] if "GET" in methods else [])])
    return route
