"""The service, the request and the response of a protocol."""

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
    """One request, independent of the kind of event.

    path: without a stage. headers: names in lower case, values as in the event. remaining: seconds until Lambda kills
    the environment, None for no limit.
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
    """A protocol's answer: status, JSON body, and headers."""

    status: int
    body: bytes
    headers: dict[str, str]

    @classmethod
    def of(cls, value: Any, status: int = 200, content_type: str = JSON) -> Response:
        """Return an answer with a JSON value."""
        # A text from the caller may contain a lone surrogate, which UTF-8 does not have: the escape is valid JSON.
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
        return cls(status, text, {"content-type": content_type})


class Service:
    """One pinned version of one model, ready to serve.

    name: the model's name, as in its routes. version: the pinned version. address: what its routes depend on: both, and
    whether the pipeline takes payloads of any kind.
    """

    __slots__ = ("address", "bundle", "manifest", "name", "pipeline", "version")

    def __init__(self, bundle: Bundle, manifest: Manifest, pipeline: InferencePipeline) -> None:
        self.bundle = bundle
        self.manifest = manifest
        self.pipeline = pipeline
        self.name = bundle.name
        self.version = bundle.lock.version
        self.address = (self.name, self.version, pipeline.takes_payloads)


Route = Callable[[Request, Service], Response]
Routes = Mapping[tuple[str, ...], Mapping[str, Route]]
"""Path below the model's path → method → the function that answers."""
