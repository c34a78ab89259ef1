"""Calls to a deployed API: signed by botocore with what boto3 signs in with, sent by the standard library."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from modelet.errors import CommandError

TIMEOUT_S = 60
"""Longer than any gateway waits for its function."""

LOCAL = {"127.0.0.1", "localhost", "::1"}

AMAZON = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.(?:amazonaws\.com|on\.aws)")
"""A region in the name of one of AWS's own hosts, before the domain."""

REMEDIES = {
    400: "the body cannot be read: `detail` says why",
    401: "the API did not accept the token: give a fresh one with --token",
    403: "the API did not let this caller in: its user or role needs execute-api:Invoke, --region must be the API's, "
    "and the path must exist",
    404: "there is no such path: GET /models lists the models",
    405: "this path takes another method: give a JSON body to post it, none to get it",
    413: "the request or its answer is too large: send fewer instances",
    422: "the instances break the model's contract: `errors` names the fields",
    429: "too many requests at once, or a usage plan's quota is used up: try again later",
    503: "the function did not answer: its log says why",
    504: "the model took too long: send fewer instances, or raise resources.timeout_s",
}


@dataclass(frozen=True, slots=True)
class RemoteResponse:
    """What an API said. remedy: one line where it is an error, else empty."""

    status: int
    body: bytes

    @property
    def remedy(self) -> str:
        """What the status usually means, and what to do about it."""
        if self.status < 300:
            return ""
        known = "the API points elsewhere: call that URL" if self.status < 400 else "the function's log says why"
        return f"{self.status}: {REMEDIES.get(self.status, known)}"


class _NoRedirect(HTTPRedirectHandler):
    """A signature is for one host, and the body is for nobody else."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


@dataclass(frozen=True, slots=True)
class Caller:
    """How an API is called. service, region: what a signature is for; region None reads it from the URL."""

    service: str = "execute-api"
    region: str | None = None
    signs: bool = True
    api_key: str | None = None
    token: str | None = None

    def call(self, url: str, body: bytes | None) -> RemoteResponse:
        """POST the body, or GET where it is None. Raises CommandError where nobody signs in or nobody answers."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise CommandError(f"{url!r} is no URL of an API: give https://…/models/NAME/infer")
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.api_key:
            headers["X-Api-Key"] = self.api_key
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        method = "GET" if body is None else "POST"
        if self.signs:
            headers |= self._signature(method, url, headers, body)
        try:
            with build_opener(_NoRedirect).open(Request(url, body, headers, method=method), timeout=TIMEOUT_S) as found:  # noqa: S310 - checked above
                return RemoteResponse(found.status, found.read())
        except HTTPError as error:
            with error:
                return RemoteResponse(error.code, error.read())
        except OSError as error:
            why = getattr(error, "reason", error)
            raise CommandError(f"{parts.netloc} does not answer ({why}): check the URL and the network") from error
        except (HTTPException, ValueError) as error:  # a line break in a token, a letter of no alphabet in a URL
            raise CommandError("the URL, the key or the token holds what HTTP cannot send: quote it anew") from error

    def _signature(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> dict[str, str]:
        """The headers that sign a request. Raises CommandError that says how to sign in."""
        import boto3
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            session = boto3.Session()
            keys = session.get_credentials()
            frozen = keys.get_frozen_credentials() if keys else None
        except (BotoCoreError, ClientError) as error:
            raise CommandError(f"AWS does not sign in: {error}: run `aws sso login`, or give --no-sign") from error
        found = AMAZON.search(urlsplit(url).netloc)
        region = self.region or (found[1] if found else session.region_name)
        if frozen is None and urlsplit(url).hostname in LOCAL:
            return {}  # `modelet up` asks for no signature
        if frozen is None:
            raise CommandError(
                "nobody is signed in to AWS: run `aws sso login` or `aws configure`, or set AWS_PROFILE; an open API "
                "takes --no-sign"
            )
        if not region:
            raise CommandError("the URL does not say which region it is in: give --region")
        request: Any = AWSRequest(method, url, headers, body)
        SigV4Auth(frozen, self.service, region).add_auth(request)
        signed: dict[str, str] = dict(request.headers.items())
        return signed
