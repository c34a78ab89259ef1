"""What a protocol serves, what it is asked, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.observability import Timings

if TYPE_CHECKING:
    from modelet.bundle import Bundle
    from modelet.pipeline import InferencePipeline
    from modelet.store.manifest import Manifest

JSON = "application/json"
PROBLEM = "application/problem+json"


class Request:
    """One question, whatever event it came in.

    path: without a stage. headers: names in lower case, values as the event has them. remaining: seconds until the
    environment is killed, if it will be.
    """

    __slots__ = ("body", "headers", "method", "path", "query", "remaining", "timings")

    def __init__(
        self,
        method: str,
        path: str,
        headers: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        timings: Timings | None = None,
        remaining: float | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = {} if headers is None else headers
        self.query = {} if query is None else query
        self.body = body
        self.timings = Timings() if timings is None else timings
        self.remaining = remaining


class Response(NamedTuple):
    """What a protocol answers: status, a JSON body, and headers."""

    status: int
    body: bytes
    headers: dict[str, str]

    @classmethod
    def of(cls, value: Any, status: int = 200, content_type: str = JSON) -> Response:
        """An answer that holds a JSON value."""
        # What a caller sent may hold a lone surrogate, which UTF-8 lacks: as an escape it is JSON all the same.
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
        return cls(status, text, {"content-type": content_type})


class Service(NamedTuple):
    """One pinned version of one model, ready to be asked."""

    bundle: Bundle
    manifest: Manifest
    pipeline: InferencePipeline

    @property
    def name(self) -> str:
        """The model's name, as in its routes."""
        return self.bundle.name

    @property
    def version(self) -> str:
        """The pinned version."""
        return self.bundle.lock.version


Route = Callable[[Request, Service], Response]
Routes = Mapping[tuple[str, ...], Mapping[str, Route]]
"""Path below a model's own → method → what answers."""
