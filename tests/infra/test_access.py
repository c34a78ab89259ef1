"""Valid settings of a stage's API; an invalid one stops the synth with the file, the key and the remedy."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from infra.checks import access, routes
from infra.checks.access import AUTHS
from infra.checks.routes import ROUTE_LIMIT
from infra.errors import SynthError
from infra.stage import STAGES, Stage

POOL = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_aBcDeF123"
NEEDS: dict[str, dict[str, Any]] = {
    "jwt": {"jwt_issuer": "https://issuer.example.com", "jwt_audience": ("models",)},
    "cognito": {"cognito_user_pool_arn": POOL},
}
PAIRS = set(itertools.product(("http", "rest"), ("iam", "jwt", "none", "api_key", "cognito")))
GOOD = {(api, auth) for api, auths in AUTHS.items() for auth in auths}


def stage(**settings: Any) -> Stage:
    return Stage(name="dev", **settings)


def rejection(**settings: Any) -> str:
    with pytest.raises(SynthError) as caught:
        access.validate(stage(**settings))
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_each_kind_of_api_supports_its_authorizations() -> None:
    assert {
        *(("http", auth) for auth in ("iam", "jwt", "none")),
        *(("rest", auth) for auth in ("iam", "api_key", "cognito", "none")),
    } == GOOD
    assert PAIRS > GOOD


@pytest.mark.parametrize(("api", "auth"), sorted(GOOD))
def test_a_supported_authorization_is_accepted(api: Any, auth: Any) -> None:
    access.validate(stage(api=api, auth=auth, **NEEDS.get(auth, {})))


@pytest.mark.parametrize(("api", "auth"), sorted(PAIRS - GOOD))
def test_an_unsupported_authorization_is_rejected_with_the_supported_ones(api: Any, auth: Any) -> None:
    message = rejection(api=api, auth=auth, **NEEDS.get(auth, {}))
    assert message.startswith("infra/stage.py: stage dev: auth: ")
    assert repr(auth) in message
    [other] = {"http", "rest"} - {api}
    assert f"api={other!r}" in message
    for known in AUTHS[api]:
        assert known in message


@pytest.mark.parametrize(
    ("settings", "key", "remedy"),
    [
        ({"api": "graphql"}, "api", "'http' or 'rest'"),
        ({"waf": True}, "waf", "api='rest'"),
        ({"auth": "jwt", "jwt_audience": ("a",)}, "jwt_issuer", "set jwt_issuer"),
        ({"auth": "jwt", "jwt_issuer": "https://a.b"}, "jwt_audience", "set jwt_audience"),
        ({"auth": "jwt", "jwt_issuer": "a.b", "jwt_audience": ("a",)}, "jwt_issuer", "https://"),
        ({"jwt_issuer": "https://a.b"}, "jwt_issuer", "auth='jwt'"),
        ({"jwt_audience": ("a",)}, "jwt_audience", "auth='jwt'"),
        ({"api": "rest", "auth": "cognito"}, "cognito_user_pool_arn", "set cognito_user_pool_arn"),
        ({"api": "rest", "cognito_user_pool_arn": POOL}, "cognito_user_pool_arn", "auth='cognito'"),
        (
            {"api": "rest", "auth": "cognito", "cognito_user_pool_arn": "eu-west-1_aBc"},
            "cognito_user_pool_arn",
            "arn:aws:cognito-idp",
        ),
        ({"monthly_quota": 100}, "monthly_quota", "auth='api_key'"),
        ({"api": "rest", "auth": "api_key", "monthly_quota": 0}, "monthly_quota", "1 or more"),
        ({"throttle_rate": 0}, "throttle_rate", "1 or more"),
        ({"throttle_burst": -1}, "throttle_burst", "1 or more"),
        ({"api": "rest", "cors_origins": ("https://a.b",)}, "cors_origins", "api='http'"),
        ({"cors_origins": ("a.b",)}, "cors_origins", "https://example.com"),
        ({"cors_origins": ("https://a.b/",)}, "cors_origins", "https://example.com"),
        ({"cors_origins": ("https://*.b",)}, "cors_origins", "https://example.com"),
    ],
    ids=str,
)
def test_an_invalid_setting_is_rejected_with_its_key_and_the_remedy(
    settings: dict[str, Any], key: str, remedy: str
) -> None:
    message = rejection(**settings)
    assert message.startswith(f"infra/stage.py: stage dev: {key}: ")
    assert remedy in message


@pytest.mark.parametrize("origins", [("https://a.example.com", "http://localhost:3000"), ("*",)])
def test_valid_cors_origins_are_accepted(origins: tuple[str, ...]) -> None:
    access.validate(stage(cors_origins=origins))


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_of_the_project_is_valid_and_requires_authorization(name: str) -> None:
    access.validate(STAGES[name])
    assert STAGES[name].auth != "none"


@pytest.mark.parametrize(
    ("settings", "most"),
    [({}, 69), ({"cors_origins": ("*",)}, 34), ({"api": "rest"}, 69)],
    ids=["http", "cors", "rest"],
)
def test_more_routes_than_the_limit_are_rejected(settings: dict[str, Any], most: int) -> None:
    routes.validate(stage(**settings), most)
    with pytest.raises(
        SynthError, match=rf"^functions/: {most + 1} models .* above the limit of {ROUTE_LIMIT}: "
    ) as caught:
        routes.validate(stage(**settings), most + 1)
    assert int(re.search(r"need (\d+) routes", str(caught.value))[1]) > ROUTE_LIMIT  # type: ignore[index] # else it is None and fails
