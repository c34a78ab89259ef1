"""Read a model's secrets from Secrets Manager at init; a model without secrets does not import this.

No message contains a value.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from modelet.aws import error_name, find_keys, post
from modelet.errors import SettingsError
from modelet.settings import aws_endpoint, get_variable, set_variable
from modelet.threads import in_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.aws import Keys

SERVICE = "secretsmanager"
AT_ONCE = 8
"""Secrets that are requested at once: an init has ten seconds for all of them."""


def read_secrets(secrets: Mapping[str, str]) -> None:
    """Set an environment variable for each secret. secrets: the secret's ARN by the variable's name.

    A variable that is already set keeps its value; this is how secrets are set on a laptop. Raises SettingsError if
    something must be fixed in AWS or in model.yaml, StoreError if Secrets Manager does not answer.
    """
    missing = {name: arn for name, arn in secrets.items() if get_variable(name) is None}
    if not missing:
        return
    keys = find_keys()
    calls = (partial(_value, name, arn, keys) for name, arn in missing.items())
    for name, value in zip(missing, in_order(calls, at_once=AT_ONCE), strict=True):
        try:
            set_variable(name, value)
        except ValueError:
            raise SettingsError(
                f"secrets.{name}: an environment variable cannot hold the secret's value: store plain text in it"
            ) from None


def _value(name: str, arn: str, keys: Keys) -> str:
    """Return one secret's text."""
    parts = arn.split(":")
    if len(parts) < 7 or parts[2] != SERVICE:
        raise SettingsError(f"secrets.{name}: {arn!r} is not the ARN of a secret: use the full ARN in model.yaml")
    partition, region = parts[1], parts[3]
    domain = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    endpoint = aws_endpoint("SECRETS_MANAGER") or f"https://{SERVICE}.{region}.{domain}"
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{SERVICE}.GetSecretValue"}
    body = json.dumps({"SecretId": arn}).encode()
    status, answer = post(f"{endpoint.rstrip('/')}/", headers, body, keys, region, SERVICE)
    try:
        document = json.loads(answer)
        if status == 200:
            text: str = document["SecretString"]
            return text
        reason = f"{error_name(answer)}: {document.get('message') or document.get('Message')}"
    except (ValueError, KeyError, TypeError, AttributeError):
        reason = "the secret is not text: store it as a string" if status == 200 else f"status {status}"
    raise SettingsError(f"secrets.{name}: {arn}: {reason}: fix model.yaml, the secret, or the function's permissions")
