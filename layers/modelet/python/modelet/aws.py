"""Call AWS with the standard library only: find credentials, sign a request, send it.

boto3 would cost twice the whole budget of a cold start. obstore downloads the models; this module does what obstore
cannot, and is imported only when that is needed. No error message contains a key, a token or a request body.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import ssl
import time
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from modelet.errors import SettingsError, StoreError
from modelet.settings import aws_keys, aws_keys_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obstore.store import S3Credential

ATTEMPTS = 3
"""Attempts in all, if a service does not answer."""

RETRY_WINDOW_S = 4.0
"""Seconds after which there is no further attempt: an init has ten seconds, and the store needs its share."""

SOCKET_TIMEOUT_S = 2.0
"""Timeout in seconds for connecting and for each read."""

THROTTLED = {"ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}
"""Throttling errors that AWS answers with status 400; they are retried."""


class Keys(NamedTuple):
    """AWS credentials. token: the session token, empty for a user's own keys. expires: ISO 8601, empty if unknown."""

    access_key: str
    secret_key: str
    token: str = ""
    expires: str = ""


def find_keys() -> Keys:
    """Return the function's own keys, from its environment or, under SnapStart, from the URL that it names.

    Raises SettingsError if the environment has neither, StoreError if the URL does not give the keys.
    """
    found = aws_keys()
    if found:
        return Keys(*found)
    url, token = aws_keys_url()
    if not url:
        raise SettingsError("the environment has no AWS credentials: AWS_ACCESS_KEY_ID is not set")
    status, body = exchange("GET", url, {"Authorization": token} if token else {})
    try:
        given = json.loads(body)
        return Keys(given["AccessKeyId"], given["SecretAccessKey"], given.get("Token", ""), given.get("Expiration", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StoreError(f"the environment's AWS credentials cannot be read: {url} answered {status}") from None


def credentials() -> S3Credential:
    """Return the function's keys in obstore's format. Raises the errors of `find_keys`."""
    keys = find_keys()
    return {
        "access_key_id": keys.access_key,
        "secret_access_key": keys.secret_key,
        "token": keys.token or None,
        "expires_at": datetime.fromisoformat(keys.expires) if keys.expires else None,
    }


def post(url: str, headers: Mapping[str, str], body: bytes, keys: Keys, region: str, service: str) -> tuple[int, bytes]:
    """Send a signed POST and return the status and the body of the answer. Raises the errors of `exchange`."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return exchange("POST", url, sign(url, headers, body, keys, region, service, now), body)


def sign(
    url: str, headers: Mapping[str, str], body: bytes, keys: Keys, region: str, service: str, now: str
) -> dict[str, str]:
    """Return the headers of a POST with a signature. url: without a query. now: UTC, for example 20261121T023000Z.

    Source: "Signature Version 4 for API requests" in AWS's IAM user guide.
    """
    parts = urlsplit(url)
    signed = {**headers, "Host": parts.netloc, "X-Amz-Date": now}
    if keys.token:
        signed["X-Amz-Security-Token"] = keys.token
    lower = {name.lower(): value for name, value in sorted(signed.items(), key=lambda header: header[0].lower())}
    names = ";".join(lower)
    lines = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in lower.items())
    request = f"POST\n{parts.path or '/'}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{now[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = _signing_key(keys.secret_key, scope)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={keys.access_key}/{scope}"
    return {**signed, "Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"}


@lru_cache(maxsize=4)
def _signing_key(secret_key: str, scope: str) -> bytes:
    """Return the key of a day, a region and a service."""
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def exchange(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, bytes]:
    """Send a request, retry transient errors, and return the status and the body of the answer.

    Raises StoreError if every attempt fails, SettingsError if the headers cannot be sent.
    """
    began, why = time.monotonic(), ""
    for attempt in range(ATTEMPTS):
        if attempt:
            if time.monotonic() - began > RETRY_WINDOW_S:
                break
            time.sleep(0.1 * attempt)
        try:
            status, answer = _exchange(method, url, headers, body)
        except (OSError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
            continue
        except ValueError:  # its text would show the headers
            raise SettingsError("the environment's AWS credentials contain invalid header characters") from None
        if status < 500 and status != 429 and not (status == 400 and error_name(answer) in THROTTLED):
            return status, answer
        why = f"status {status}"
    raise StoreError(f"{urlsplit(url).netloc} did not answer: {why}")


def error_name(answer: bytes) -> str:
    """Return the name of AWS's error, from `{"__type": "…#AccessDeniedException"}`."""
    try:
        return str(json.loads(answer)["__type"]).rpartition("#")[2]
    except (ValueError, KeyError, TypeError):
        return "an unnamed error"


def _exchange(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = (
        http.client.HTTPSConnection(parts.netloc, timeout=SOCKET_TIMEOUT_S, context=tls())
        if parts.scheme == "https"
        else http.client.HTTPConnection(parts.netloc, timeout=SOCKET_TIMEOUT_S)
    )
    try:
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        connection.request(method, path, body or None, dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@cache
def tls() -> ssl.SSLContext:
    """Return the TLS context, made once because it reads all certificates of the image."""
    return ssl.create_default_context()
