"""The commands that call a deployed model, shown in its stack's outputs."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.discovery import Deployable
    from infra.stage import Stage

HEADERS: dict[str, tuple[str, ...]] = {
    "iam": ("x-amz-security-token: $AWS_SESSION_TOKEN",),
    "jwt": ("authorization: Bearer $TOKEN",),
    "cognito": ("authorization: $TOKEN",),
    "api_key": ("x-api-key: $API_KEY",),
    "none": (),
}
"""A caller's headers, by the stage's `auth`."""


def call_lines(stage: Stage, model: Deployable, url: str, region: str) -> dict[str, str]:
    """Return the commands that call a model with its infer.json, by the names of their outputs.

    url, region: may be tokens that only CloudFormation can resolve.
    """
    body, query = _sent(model)
    target = f"{url}/models/{model.name}/infer"
    if query:
        target = f'"{target}?{query}"'
    options = [f'-H "{header}"' for header in ("content-type: application/json", *HEADERS[stage.auth])]
    if stage.auth == "iam":
        options = [
            f'--aws-sigv4 "aws:amz:{region}:execute-api"',
            '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"',
            *options,
        ]
    curl = {"CallWithCurl": " ".join(["curl", target, *options, "-d", shlex.quote(body)])}
    signed = {"CallWith": f"modelet call {target} {shlex.quote(body)}"}
    return {**signed, **curl} if stage.auth in {"iam", "none"} else curl


def _sent(model: Deployable) -> tuple[str, str]:
    """Return the body of the model's event, in ASCII: CloudFormation's outputs show nothing else; and its query."""
    event = json.loads(model.event.read_bytes())
    return json.dumps(json.loads(event["body"])), event.get("rawQueryString", "")
