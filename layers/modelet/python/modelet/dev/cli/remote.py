"""Calls to a deployed API: botocore signs them with boto3's credentials, and urllib sends them."""

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
"""Seconds to wait for a response: longer than any gateway waits for its function."""

LOCAL = {"127.0.0.1", "localhost", "::1"}

AMAZON = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.(?:amazonaws\.com|on\.aws)")
"""The region in the name of an AWS host."""

REMEDIES = {
    400: "the body cannot be parsed: see `detail`",
    401: "the token was not accepted: pass a new one with --token",
    403: "access was denied: check that your user or role has execute-api:Invoke, that --region is the API's region, "
    "and that the path exists",
    404: "the path does not exist: GET /models lists the models",
    405: "the method is not allowed: pass a JSON body to send POST, or no body to send GET",
    413: "the request or the response is too large: send fewer instances",
    422: "validation of the instances failed: `errors` lists the fields",
    429: "too many requests at once, or the usage plan's quota is used up: try again later",
    503: "the function did not respond: see its log",
    504: "the model took too long: send fewer instances, or raise resources.timeout_s",
}


@dataclass(frozen=True, slots=True)
class RemoteResponse:
    """A response of an API. remedy: for an error, one line that says what to do; otherwise empty."""

    status: int
    body: bytes

    @property
    def remedy(self) -> str:
        """Return what the status usually means and what to do about it."""
        if self.status < 300:
            return ""
        known = "the API redirects to another URL: call that URL" if self.status < 400 else "see the function's log"
        return f"{self.status}: {REMEDIES.get(self.status, known)}"


class _NoRedirect(HTTPRedirectHandler):
    """Does not follow redirects, because the signature and the body are meant for one host."""

    def redirect_request(self, *_: Any) -> None:
        """Return None, so that no redirect is followed."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls an API. service, region: the scope of the signature; if region is None, it is read from the URL."""

    service: str = "execute-api"
    region: str | None = None
    signs: bool = True
    api_key: str | None = None
    token: str | None = None

    def call(self, url: str, body: bytes | None, *, method: str | None = None) -> RemoteResponse:
        """POST the body, or GET if it is None. Raises CommandError without credentials or without a response."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise CommandError(f"{url!r} is not the URL of an API: give https://…/models/NAME/infer")
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.api_key:
            headers["X-Api-Key"] = self.api_key
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        method = method or ("GET" if body is None else "POST")
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
            raise CommandError(f"{parts.netloc} does not respond ({why}): check the URL and the network") from error
        except (HTTPException, ValueError) as error:  # a line break in a token, a non-ASCII character in a URL
            raise CommandError("the URL, the key or the token has invalid characters: check the quoting") from error

    def _signature(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> dict[str, str]:
        """Return the headers that sign a request. Raises CommandError if there are no valid credentials."""
        import boto3
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            session = boto3.Session()
            keys = session.get_credentials()
            frozen = keys.get_frozen_credentials() if keys else None
        except (BotoCoreError, ClientError) as error:
            raise CommandError(f"AWS sign-in failed: {error}: run `aws sso login`, or pass --no-sign") from error
        found = AMAZON.search(urlsplit(url).netloc)
        region = self.region or (found[1] if found else session.region_name)
        if frozen is None and urlsplit(url).hostname in LOCAL:
            return {}  # `modelet up` needs no signature
        if frozen is None:
            raise CommandError(
                "no AWS credentials found: run `aws sso login` or `aws configure`, or set AWS_PROFILE; for an open API "
                "pass --no-sign"
            )
        if not region:
            raise CommandError("the URL does not contain a region: pass --region")
        request: Any = AWSRequest(method, url, headers, body)
        SigV4Auth(frozen, self.service, region).add_auth(request)
        signed: dict[str, str] = dict(request.headers.items())
        return signed
