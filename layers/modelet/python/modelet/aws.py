"""A function's own calls of AWS, by the standard library alone: its keys, a signature, an exchange.

boto3 would cost twice the whole budget of a cold start. obstore fetches the models; this is for what it cannot do, and
nothing imports it where that is not asked for. No message holds a key, a token or what was sent.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import ssl
import time
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from modelet.errors import SettingsError, StoreError
from modelet.settings import aws_keys, aws_keys_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obstore.store import S3Credential

ATTEMPTS = 3
"""How often a service is asked in all when it does not answer."""

PATIENCE_S = 4.0
"""After how many seconds no further attempt is made: an init has ten, and the store needs its share."""

SOCKET_S = 2.0
"""How long a connection, and each part of an answer, may take."""

THROTTLED = {"ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}
"""Refusals that pass: AWS answers them with 400."""


class Keys(NamedTuple):
    """Who asks. token: of a session, empty for a user's own keys. expires: ISO 8601, empty where nobody says."""

    access_key: str
    secret_key: str
    token: str = ""
    expires: str = ""


def find_keys() -> Keys:
    """The function's own keys: in its environment, or, under SnapStart, where that says they are fetched.

    Raises SettingsError where the environment says neither, StoreError where the keys cannot be had.
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
    """The function's keys as obstore takes them. Raises as `find_keys` does."""
    keys = find_keys()
    return {
        "access_key_id": keys.access_key,
        "secret_access_key": keys.secret_key,
        "token": keys.token or None,
        "expires_at": datetime.fromisoformat(keys.expires) if keys.expires else None,
    }


def post(url: str, headers: Mapping[str, str], body: bytes, keys: Keys, region: str, service: str) -> tuple[int, bytes]:
    """The status and the body of the answer to a signed POST. Raises as `exchange` does."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return exchange("POST", url, sign(url, headers, body, keys, region, service, now), body)


def sign(
    url: str, headers: Mapping[str, str], body: bytes, keys: Keys, region: str, service: str, now: str
) -> dict[str, str]:
    """The headers of a POST, signed. url: without a query. now: UTC, as 20261121T023000Z.

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
    key = f"AWS4{keys.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={keys.access_key}/{scope}"
    return {**signed, "Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"}


def exchange(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, bytes]:
    """The status and the body of an answer, asked for again after faults that pass.

    Raises StoreError where they do not, SettingsError for headers that cannot be sent.
    """
    began, why = time.monotonic(), ""
    for attempt in range(ATTEMPTS):
        if attempt:
            if time.monotonic() - began > PATIENCE_S:
                break
            time.sleep(0.1 * attempt)
        try:
            status, answer = _exchange(method, url, headers, body)
        except (OSError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
            continue
        except ValueError:  # its text would show what was to be sent
            raise SettingsError("the environment's AWS credentials hold what no header may") from None
        if status < 500 and status != 429 and not (status == 400 and error_name(answer) in THROTTLED):
            return status, answer
        why = f"status {status}"
    raise StoreError(f"{urlsplit(url).netloc} does not answer: {why}")


def error_name(answer: bytes) -> str:
    """The name of AWS's error, from `{"__type": "…#AccessDeniedException"}`."""
    try:
        return str(json.loads(answer)["__type"]).rpartition("#")[2]
    except (ValueError, KeyError, TypeError):
        return "an error without a name"


def _exchange(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = (
        http.client.HTTPSConnection(parts.netloc, timeout=SOCKET_S, context=_tls())
        if parts.scheme == "https"
        else http.client.HTTPConnection(parts.netloc, timeout=SOCKET_S)
    )
    try:
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        connection.request(method, path, body or None, dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@cache
def _tls() -> ssl.SSLContext:
    """Made once: it reads all certificates of the image."""
    return ssl.create_default_context()
