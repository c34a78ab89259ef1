"""Cross-origin requests (CORS), handled by the gateway as an HTTP API does.

Source: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from modelet.dev.local.gateway.response import GatewayResponse

if TYPE_CHECKING:
    from modelet.dev.local.gateway.request import GatewayRequest
    from modelet.dev.local.http.exchange import Headers


@dataclass(frozen=True, slots=True)
class Cors:
    """An API's CORS configuration.

    origins: exact, `*`, or with a wildcard (`https://*`). max_age_s: in seconds; None omits the header.
    """

    origins: tuple[str, ...] = ("*",)
    methods: tuple[str, ...] = ("*",)
    headers: tuple[str, ...] = ("*",)
    exposed: tuple[str, ...] = ()
    credentials: bool = False
    max_age_s: int | None = None

    def preflight(self, request: GatewayRequest) -> GatewayResponse | None:
        """Return the response to a preflight request, or None for other requests. Unknown origins get no permission."""
        asked = request.header("origin") and request.header("access-control-request-method")
        if request.method != "OPTIONS" or not asked:
            return None
        permission = self.permission(request)
        if permission:
            permission += [
                (b"access-control-allow-methods", ",".join(self.methods).encode()),
                (b"access-control-allow-headers", ",".join(self.headers).encode()),
            ]
            if self.max_age_s is not None:
                permission.append((b"access-control-max-age", str(self.max_age_s).encode()))
        return GatewayResponse(204, permission, b"")

    def permission(self, request: GatewayRequest) -> Headers:
        """Return the headers that allow pages from the request's origin to read a response."""
        origin = request.header("origin")
        # Escape the brackets of an IPv6 address, which are special characters in a pattern.
        if not origin or not any(origin == allowed or fnmatchcase(origin, allowed) for allowed in self.origins):
            return []
        given = b"*" if "*" in self.origins else origin.encode()
        headers = [(b"access-control-allow-origin", given)]
        if self.credentials:
            headers.append((b"access-control-allow-credentials", b"true"))
        if self.exposed:
            headers.append((b"access-control-expose-headers", ",".join(self.exposed).encode()))
        return headers

    def apply(self, answer: GatewayResponse, request: GatewayRequest) -> GatewayResponse:
        """Return a function's response with these headers instead of its own CORS headers."""
        own = [header for header in answer.headers if not header[0].lower().startswith(b"access-control-")]
        return GatewayResponse(answer.status, [*own, *self.permission(request)], answer.body)
