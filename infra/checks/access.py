"""Validation of a stage's API: the kind of API Gateway, its authorization and CORS must fit each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infra.errors import SynthError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.stage import Stage

AUTHS = {"http": ("iam", "jwt", "none"), "rest": ("iam", "api_key", "cognito", "none")}
"""The values of `auth` that each kind of API supports."""

USED_WITH = {
    "jwt_issuer": "jwt",
    "jwt_audience": "jwt",
    "cognito_user_pool_arn": "cognito",
    "monthly_quota": "api_key",
}
"""The stage's keys that only one value of `auth` uses."""

ORIGIN = re.compile(r"https?://[^/*?#\s]+")
USER_POOL = re.compile(r"arn:aws[a-z-]*:cognito-idp:[a-z0-9-]+:[0-9]{12}:userpool/[\w-]+")


def validate(stage: Stage) -> None:
    """Raise SynthError, one line, if AWS cannot provide the API, or if the API would not do what the stage says."""
    for key, problem, remedy in _violations(stage):
        raise SynthError(f"infra/stage.py: stage {stage.name}: {key}: {problem}: {remedy}")


def _violations(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Yield the key, the problem and the remedy of each violation."""
    auths = AUTHS.get(stage.api)
    if auths is None:
        yield "api", f"{stage.api!r} is not a kind of API Gateway", f"use {' or '.join(map(repr, AUTHS))}"
        return
    if stage.auth not in auths:
        others = [api for api, known in AUTHS.items() if stage.auth in known]
        instead = f", or set api={others[0]!r}" if others else ""
        yield "auth", f"api={stage.api!r} does not support {stage.auth!r}", f"use one of {', '.join(auths)}{instead}"
    yield from _sign_in(stage)
    if stage.waf and stage.api == "http":
        yield "waf", "AWS WAF cannot protect an HTTP API", "set api='rest', or waf=False"
    yield from _cors(stage)
    for key in ("throttle_rate", "throttle_burst", "monthly_quota"):
        limit = getattr(stage, key)
        if limit is not None and limit < 1:
            yield key, f"{limit} allows no requests", "use 1 or more"


def _sign_in(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Yield what an `auth` lacks, and keys that it does not use: an unused key looks like protection."""
    for key, auth in USED_WITH.items():
        value = getattr(stage, key)
        if stage.auth != auth and value:
            yield key, f"auth={stage.auth!r} does not use it", f"remove it, or set auth={auth!r}"
        if stage.auth == auth and not value and key != "monthly_quota":
            yield key, f"auth={auth!r} requires it", f"set {key}, or use another auth"
    if stage.jwt_issuer and not stage.jwt_issuer.startswith("https://"):
        yield "jwt_issuer", f"{stage.jwt_issuer!r} is not an https URL", "use the `iss` claim of the tokens, https://…"
    if stage.cognito_user_pool_arn and not USER_POOL.fullmatch(stage.cognito_user_pool_arn):
        problem = f"{stage.cognito_user_pool_arn!r} is not the ARN of a user pool"
        yield "cognito_user_pool_arn", problem, "use arn:aws:cognito-idp:REGION:ACCOUNT:userpool/ID"


def _cors(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Yield wrong CORS origins. An HTTP API adds the headers; a REST API leaves that to functions; ours add none."""
    if stage.cors_origins and stage.api == "rest":
        yield "cors_origins", "a REST API adds no CORS headers", "set api='http', or remove the origins"
    for origin in stage.cors_origins:
        if origin != "*" and not ORIGIN.fullmatch(origin):
            yield "cors_origins", f"{origin!r} is not an origin", "use a scheme and a host, such as https://example.com"
