"""AWS signatures as botocore makes them: what our own are held against, and how test servers check a caller's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<names>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


def signature(
    method: str, url: str, headers: Mapping[str, str], body: bytes, *, secret_key: str, region: str, service: str
) -> str:
    """What botocore signs a request with. headers: all that are signed, X-Amz-Date among them."""
    request = AWSRequest(method, url, dict(headers), body)
    request.context["timestamp"] = {name.lower(): value for name, value in headers.items()}["x-amz-date"]
    auth = SigV4Auth(Credentials("any", secret_key), service, region)
    found: str = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return found


def is_signed(
    method: str, target: str, headers: Mapping[str, str], body: bytes, *, secret_key: str, service: str, region: str
) -> bool:
    """Whether a request, as it came over the wire, has botocore's signature. target: path and query."""
    sent = {name.lower(): value for name, value in headers.items()}
    found = SIGNED.fullmatch(sent.get("authorization", ""))
    if found is None or (found["service"], found["region"]) != (service, region):
        return False
    names = found["names"].split(";")
    if not {"host", "x-amz-date"} <= set(names) <= sent.keys():
        return False
    url = f"http://{sent['host']}{target}"
    known = {name: sent[name] for name in names}
    given = {"secret_key": secret_key, "region": region, "service": service}
    return found["signature"] == signature(method, url, known, body, **given)
