"""Calls of a deployed API as its users make them: over TLS, signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from e2e.deploy.account import REGION, ROOT_KEYS, Account
from support.callers import received, sent


@dataclass(frozen=True)
class Api:
    """A deployed API. Its host has no address here, so that calls go to the emulator and name it."""

    account: Account
    url: str

    @property
    def id(self) -> str:
        return (urlsplit(self.url).hostname or "").partition(".")[0]

    def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        credentials: dict[str, str] | None = ROOT_KEYS,
    ) -> httpx.Response:
        """Send a request, signed with credentials as STS gives them, or not signed without any.

        path: with its query, which the signature covers.
        """
        host = f"{self.id}.execute-api.localhost:{self.account.port}"
        request = AWSRequest(method, f"https://{host}{path}", data=body, headers={**(headers or {}), "Host": host})
        if credentials is not None:
            names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
            held = Credentials(*(credentials.get(name) for name in names))
            SigV4Auth(held, "execute-api", REGION).add_auth(request)
        with httpx.Client(verify=self.account.trust, timeout=60) as client:
            return client.request(method, self.account.endpoint + path, content=body, headers=dict(request.headers))

    def send(self, event: dict[str, Any]) -> dict[str, Any]:
        """Send what an event of API Gateway says was sent, and give the answer as its handler gave it."""
        method, path, query, headers, body = sent(event)
        return received(self.call(method, f"{path}?{urlencode(query)}" if query else path, body, headers))

    def by_address(self, path: str) -> str:
        """A URL for programs that must find the API's host: the emulator takes its name in the path too."""
        return f"{self.account.endpoint}/_aws/execute-api/{self.id}/$default{path}"
