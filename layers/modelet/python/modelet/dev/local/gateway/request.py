"""A request to API Gateway, before it becomes an event of either format."""

from __future__ import annotations

import json
import os
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from modelet.dev.local.http.exchange import Exchange

ACCOUNT = "123456789012"
API = "local"
CONNECTION = {"connection", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
"""Headers of a single connection, which a gateway does not forward. Source: RFC 9110, 7.6.1."""
REWRITTEN = {"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
"""Headers that the gateway sets itself."""
ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class GatewayRequest(NamedTuple):
    """One request.

    path, query: as sent, percent-encoded; query without its `?`. headers: in the sender's order and case, without the
    connection's headers. time: seconds since the epoch. trace: the X-Ray header, from the caller or new.
    """

    method: str
    path: str
    query: str
    protocol: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    port: int
    time: float
    trace: str

    def header(self, name: str) -> str:
        """Return the first value of a header (name in lower case), or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def domain(self) -> str:
        """Return the host that the caller addressed, without the port."""
        host = self.header("host")
        return host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host

    @property
    def forwarded(self) -> dict[str, str]:
        """Return the headers that the gateway sets. It keeps what a proxy has recorded about the caller."""
        before = [value for name, value in self.headers if name.lower() == "x-forwarded-for"]
        return {
            "X-Amzn-Trace-Id": self.trace,
            "X-Forwarded-For": ", ".join([*before, self.source_ip]),
            "X-Forwarded-Port": str(self.port),
            "X-Forwarded-Proto": "http",
        }

    @property
    def parameters(self) -> dict[str, list[str]]:
        """Return the decoded values of the query by name: `+` is a space, and a missing value is empty."""
        values: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            values.setdefault(name, []).append(value)
        return values

    @property
    def clock(self) -> str:
        """Return the time in the common log format, UTC."""
        now = time.gmtime(self.time)
        return time.strftime(f"%d/{MONTHS[now.tm_mon - 1]}/%Y:%H:%M:%S +0000", now)


def read(exchange: Exchange, port: int) -> GatewayRequest:
    """Read the request of an exchange. port: the gateway's own port."""
    path, _, query = exchange.target.decode("latin-1").partition("?")
    if not path.startswith("/"):  # the absolute form of a proxy, http://host/path
        path = "/" + path.partition("://")[2].partition("/")[2]
    headers = [(decoded(name), decoded(value)) for name, value in exchange.headers]
    trace = next((value for name, value in headers if name.lower() == "x-amzn-trace-id"), "")
    return GatewayRequest(
        method=exchange.method,
        path=path,
        query=query,
        protocol=f"HTTP/{exchange.version}",
        headers=[header for header in headers if header[0].lower() not in CONNECTION],
        body=exchange.body,
        source_ip=exchange.peer,
        port=port,
        time=time.time(),
        trace=trace if "Root=" in trace else new_root(),
    )


def host_of(exchange: Exchange) -> str | None:
    """Return the host of a request: from the absolute target, or from the Host header; None for HTTP/1.0 without it.

    Source: RFC 9112, 3.2.2.
    """
    target = exchange.target.decode("latin-1")
    if "://" in target and not target.startswith("/"):
        return re.split("[/?#]", target.partition("://")[2], maxsplit=1)[0]
    return next((decoded(value) for name, value in exchange.headers if name.lower() == b"host"), None)


def decoded(raw: bytes) -> str:
    """Decode header bytes: as UTF-8 if valid, otherwise as Latin-1."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def new_root() -> str:
    """Make a new X-Ray trace. Source: docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html, "Tracing header"."""
    return f"Root=1-{int(time.time()):08x}-{os.urandom(12).hex()}"


def encoded(event: dict[str, Any]) -> bytes:
    """Encode an event as JSON in UTF-8. Lambda's size limit applies to this form."""
    return ENCODER.encode(event).encode("utf-8", "replace")
