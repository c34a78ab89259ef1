"""TLS with an authority of our own."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from benchmarks.tls import behind_tls
from support.threads import served


class Hello(BaseHTTPRequestHandler):
    """Answers every question alike."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def server() -> Iterator[str]:
    """The URL of a server without TLS."""
    with served(HTTPServer(("127.0.0.1", 0), Hello)) as found:
        yield f"http://127.0.0.1:{found.server_port}"


def test_who_knows_the_authority_is_answered_and_who_does_not_refuses(server: str) -> None:
    with behind_tls(server, 0) as variables:
        assert variables["AWS_ENDPOINT_URL"].startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=variables["SSL_CERT_FILE"])
        with urlopen(variables["AWS_ENDPOINT_URL"], context=trusting) as answer:
            assert answer.read() == b"hello"
        with pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urlopen(variables["AWS_ENDPOINT_URL"], context=ssl.create_default_context())
