"""The router: from a path and a method to the protocol that answers, and from an error to that protocol's words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from modelet.deadline import Alarm, Deadline, disarm
from modelet.errors import DeadlineError, MediaTypeError, MethodNotAllowedError, ModeletError, NotFoundError
from modelet.protocols import oip, rows

if TYPE_CHECKING:
    from modelet.protocols.service import Answer, Request, Route, Routes, Service


def exchange(request: Request, service: Service) -> tuple[Answer, ModeletError | None]:
    """Answer a request; an error comes back beside its answer, for the log."""
    try:
        with Deadline(request.remaining):
            return find(request, service)(request, service), None
    except Alarm:
        disarm()
        late = DeadlineError("the alarm rang before the answer was ready")
        return problem(late, request), late
    except ModeletError as error:
        return problem(error, request), error
    except Exception as cause:  # noqa: BLE001 - a bug of ours must not end the environment; the log holds it
        unexpected = ModeletError.unexpected(cause)
        return problem(unexpected, request), unexpected


def problem(error: ModeletError, request: Request) -> Answer:
    """An error in the words of the protocol that was asked."""
    return oip.problem(error) if _segments(request)[:1] == ["v2"] else rows.problem(error)


def _segments(request: Request) -> list[str]:
    segments = [segment for segment in request.path.split("/") if segment]
    return [unquote(segment) for segment in segments] if "%" in request.path else segments


def find(request: Request, service: Service) -> Route:
    """The function that answers a path and a method. Raises NotFoundError, MethodNotAllowedError, MediaTypeError."""
    match _segments(request):
        case ["models", name, *rest]:
            routes: Routes = rows.ROUTES
        case ["v2", "models", name, "versions", version, *rest]:
            routes = oip.ROUTES
            if version != service.version:
                raise NotFoundError(f"{service.name} serves version {service.version}, not {version}.")
        case ["v2", "models", name, *rest]:
            routes = oip.ROUTES
        case _:
            raise rows.unknown_route(request.path, service)
    methods = routes.get(tuple(rest))
    if name != service.name or methods is None:
        raise rows.unknown_route(request.path, service)
    route = methods.get(request.method)
    if route is None:
        raise MethodNotAllowedError(request.method, list(methods))
    if request.method == "POST":
        _check_media_type(request)
    return route


def _check_media_type(request: Request) -> None:
    kind = str(request.headers.get("content-type", "application/json")).partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise MediaTypeError(f"The content type is {kind[:100]}: send application/json.")
    coding = str(request.headers.get("content-encoding", "identity")).strip().lower()
    if coding != "identity":
        raise MediaTypeError(f"The content encoding is {coding[:100]}: send the body as it is.")
