"""The API of the models: it routes like the local gateway, and every call is authorized."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.checks import routes
from infra.checks.routes import RESERVED, ROUTE_LIMIT
from infra.constructs.gateway.routes import GREEDY
from modelet.dev.project.routes import Routes
from support.apis import AUDIENCE, COLD, ISSUER, ORIGIN, POOL, STAGES, WARM, Apis

HTTP = [stage.name for stage in STAGES if stage.api == "http"]
REST = [stage.name for stage in STAGES if stage.api == "rest"]
INDEX = "models-index"
LOCAL = Routes([WARM, COLD], default=INDEX)
SEGMENTS = st.sampled_from(["models", "v2", WARM, COLD, f"{WARM}-two", "infer", "health", "ready", "versions", "1"])
PATHS = st.lists(SEGMENTS, max_size=6).map(lambda segments: "/" + "/".join(segments))


def function_of(integration: Any) -> str:
    """The function behind an integration's URI."""
    text = json.dumps(integration)
    [name] = {name for name in (WARM, COLD, "index") if f'"{name}' in text or f"-{name}:live/" in text}
    return INDEX if name == "index" else name


@functools.cache
def http_routes(apis: Apis, stage: str) -> dict[str, str]:
    """Functions by route keys."""
    integrations = apis.of("ApiGatewayV2::Integration", stage, "0")
    functions = {name: function_of(each["Properties"]["IntegrationUri"]) for name, each in integrations.items()}
    routes = [each["Properties"] for each in apis.of("ApiGatewayV2::Route", stage, "0").values()]
    return {route["RouteKey"]: functions[route["Target"]["Fn::Join"][1][1]["Ref"]] for route in routes}


@functools.cache
def rest_tree(apis: Apis, stage: str) -> dict[str, str]:
    """Functions by the paths of resources that have a method."""
    resources = apis.of("ApiGateway::Resource", stage, "0")

    def path(name: str) -> str:
        if name not in resources:
            return ""
        properties = resources[name]["Properties"]
        return f"{path(properties['ParentId'].get('Ref', ''))}/{properties['PathPart']}"

    methods = [each["Properties"] for each in apis.of("ApiGateway::Method", stage, "0").values()]
    assert {method["HttpMethod"] for method in methods} == {"ANY"}
    return {
        path(method["ResourceId"].get("Ref", "")) or "/": function_of(method["Integration"]["Uri"])
        for method in methods
    }


def http_match(routes: dict[str, str], method: str, path: str) -> str:
    """The key that an HTTP API chooses: a full match, then the longest greedy one, then $default; ANY comes second.

    Source: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html.
    """
    found = []
    for key in routes:
        kind, _, pattern = key.partition(" ")
        literal = re.escape(pattern.removesuffix(GREEDY)) + (".+" if pattern.endswith(GREEDY) else "")
        if kind in {method, "ANY"} and re.fullmatch(literal, path):
            found.append((not pattern.endswith(GREEDY), len(pattern), kind == method, key))
    return max(found)[-1] if found else "$default"


def rest_match(tree: dict[str, str], path: str) -> str:
    """The resource that a REST API chooses, walking down without ever turning back; "" where it finds none."""
    here = "/"
    segments = [segment for segment in path.split("/") if segment]
    paths = {parent for each in tree for parent in (each, *map(str, Path(each).parents))}
    for segment in segments:
        below = f"{here.rstrip('/')}/"
        if f"{below}{segment}" not in paths:
            return f"{below}{GREEDY}" if f"{below}{GREEDY}" in tree else ""
        here = f"{below}{segment}"
    return here if here in tree else ""


@pytest.mark.parametrize("stage", HTTP)
@given(path=PATHS, method=st.sampled_from(["GET", "POST", "DELETE"]))
def test_an_http_api_routes_as_the_local_gateway_does(apis: Apis, stage: str, path: str, method: str) -> None:
    routes = http_routes(apis, stage)
    local = LOCAL.match(path)
    assert local is not None
    key = http_match(routes, method, path)
    assert (key, routes[key]) == (local.key, local.function)


@pytest.mark.parametrize("stage", REST)
@given(path=PATHS)
def test_a_rest_api_routes_as_the_local_gateway_does(apis: Apis, stage: str, path: str) -> None:
    tree = rest_tree(apis, stage)
    local = LOCAL.match(path)
    assert local is not None
    resource = rest_match(tree, path)
    assert tree[resource] == local.function
    assert resource == local.resource or local.function == INDEX


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_the_limit_counts_the_actual_routes_of_a_model(apis: Apis, stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = "ApiGatewayV2::Route" if stage.api == "http" else "ApiGateway::Resource"
    made = len(apis.of(kind, stage.name, "0"))
    own = 2 * routes.routes_of_a_model(stage)
    shared = made - own
    assert 0 < shared < RESERVED
    monkeypatch.setattr("infra.checks.routes.RESERVED", stage.routes_quota - own)
    routes.validate(stage, 2)
    monkeypatch.setattr("infra.checks.routes.RESERVED", stage.routes_quota - own + 1)
    with pytest.raises(Exception, match=f"need {own} routes"):
        routes.validate(stage, 2)
    assert made < ROUTE_LIMIT


@pytest.mark.parametrize(("stage", "kind"), [("iam", "AWS_IAM"), ("jwt", "JWT"), ("open", "NONE")])
def test_every_route_of_an_http_api_has_the_stage_s_authorization(apis: Apis, stage: str, kind: str) -> None:
    routes = [each["Properties"] for each in apis.of("ApiGatewayV2::Route", stage, "0").values()]
    kinds = {each["RouteKey"]: each["AuthorizationType"] for each in routes}
    assert set(kinds) >= {"$default", f"ANY /models/{WARM}", f"ANY /v2/models/{WARM}/{GREEDY}"}
    assert {kind for key, kind in kinds.items() if not key.startswith("OPTIONS ")} == {kind}


@pytest.mark.parametrize(
    ("stage", "kind", "key"),
    [
        ("restiam", "AWS_IAM", None),
        ("restkey", "NONE", True),
        ("restcognito", "COGNITO_USER_POOLS", None),
        ("restopen", "NONE", None),
    ],
)
def test_every_method_of_a_rest_api_has_the_stage_s_authorization(
    apis: Apis, stage: str, kind: str, key: bool | None
) -> None:
    methods = [each["Properties"] for each in apis.of("ApiGateway::Method", stage, "0").values()]
    assert {(method["AuthorizationType"], method.get("ApiKeyRequired")) for method in methods} == {(kind, key)}
    assert all(("AuthorizerId" in method) == (stage == "restcognito") for method in methods)


def test_the_authorizer_uses_the_stage_s_issuer_and_audience_or_user_pool(apis: Apis) -> None:
    authorizer = apis.only("ApiGatewayV2::Authorizer", "jwt")
    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["JwtConfiguration"] == {"Issuer": ISSUER, "Audience": [AUDIENCE]}
    assert apis.only("ApiGateway::Authorizer", "restcognito")["ProviderARNs"] == [POOL]


def test_an_api_key_has_a_usage_plan_with_limits(apis: Apis) -> None:
    plan = apis.only("ApiGateway::UsagePlan", "restkey")
    assert plan["Throttle"] == {"RateLimit": 7, "BurstLimit": 9}
    assert plan["Quota"] == {"Limit": 1000, "Period": "MONTH"}
    [stage] = plan["ApiStages"]
    assert set(stage) >= {"ApiId", "Stage"}
    assert apis.only("ApiGateway::UsagePlanKey", "restkey")["KeyType"] == "API_KEY"
    assert "Value" not in apis.only("ApiGateway::ApiKey", "restkey")
    assert "ApiKeyId" in apis.template["Outputs"]


def test_an_http_api_sends_payload_2_and_a_rest_api_payload_1_to_the_live_alias(apis: Apis) -> None:
    for stage in HTTP:
        for each in apis.of("ApiGatewayV2::Integration", stage, "0").values():
            assert each["Properties"]["PayloadFormatVersion"] == "2.0"
            target = each["Properties"]["IntegrationUri"]
            assert function_of(target) == INDEX or re.fullmatch(r".*ReleaseLive[0-9A-F]+", target["Ref"])
    for stage in REST:
        for each in apis.of("ApiGateway::Method", stage, "0").values():
            assert each["Properties"]["Integration"]["Type"] == "AWS_PROXY"
            assert "TimeoutInMillis" not in each["Properties"]["Integration"]
        assert "BinaryMediaTypes" not in apis.only("ApiGateway::RestApi", stage)


@pytest.mark.parametrize("stage", [*HTTP, *REST])
def test_only_the_stage_s_own_api_may_invoke_a_function(apis: Apis, stage: str) -> None:
    found = [each["Properties"] for each in apis.of("Lambda::Permission", stage, "0").values()]
    [api] = apis.of("ApiGatewayV2::Api" if stage in HTTP else "ApiGateway::RestApi", stage, "0")
    ends = []
    for each in found:
        assert each["Principal"] == "apigateway.amazonaws.com"
        *_, reference, end = each["SourceArn"]["Fn::Join"][1]
        assert reference == {"Ref": api}
        ends.append((function_of(each["FunctionName"]), end))
    whole = [(name, "/*/*/*") for name in (WARM, COLD, INDEX)]
    assert sorted(ends) == sorted([*whole, (INDEX, "/$default/$default")] if stage in HTTP else whole)


def test_cors_allows_the_stage_s_origins_and_preflight_without_credentials(apis: Apis) -> None:
    cors = apis.only("ApiGatewayV2::Api", "jwt")["CorsConfiguration"]
    assert cors["AllowOrigins"] == [ORIGIN]
    assert cors["AllowMethods"] == ["GET", "POST"]
    assert {"authorization", "content-type"} <= set(cors["AllowHeaders"])
    assert "AllowCredentials" not in cors
    routes = [each["Properties"] for each in apis.of("ApiGatewayV2::Route", "jwt", "0").values()]
    kinds = {each["RouteKey"]: each["AuthorizationType"] for each in routes}
    functions = http_routes(apis, "jwt")
    for path in ("/models", "/v2/health/ready", f"/models/{WARM}", f"/models/{WARM}/infer", f"/v2/models/{COLD}/infer"):
        key = http_match(functions, "OPTIONS", path)
        assert key.startswith("OPTIONS ")
        assert (kinds[key], functions[key]) == ("NONE", INDEX)


@pytest.mark.parametrize("stage", sorted({*HTTP, *REST} - {"jwt"}))
def test_without_origins_there_is_no_cors_and_no_preflight_route(apis: Apis, stage: str) -> None:
    if stage in HTTP:
        assert "CorsConfiguration" not in apis.only("ApiGatewayV2::Api", stage)
        assert not [key for key in http_routes(apis, stage) if key.startswith("OPTIONS ")]
    assert "Access-Control" not in json.dumps(apis.of("ApiGateway::Method", stage, "0"))


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_the_access_log_is_json_with_the_stage_s_retention(apis: Apis, stage: Any) -> None:
    [(group, properties)] = apis.of("Logs::LogGroup", stage.name, "0").items()
    assert properties["Properties"]["RetentionInDays"] == stage.log_retention_days
    assert properties["DeletionPolicy"] == "Delete"
    kind, key = (
        ("ApiGatewayV2::Stage", "AccessLogSettings")
        if stage.api == "http"
        else ("ApiGateway::Stage", "AccessLogSetting")
    )
    log = apis.only(kind, stage.name)[key]
    assert f'"{group}"' in json.dumps(log["DestinationArn"])
    line = json.loads(log["Format"])
    assert all(re.fullmatch(r"\$context\.[A-Za-z.]+", value) for value in line.values())
    assert {"request_id", "route", "status", "latency_ms", "integration_error", "caller"} <= set(line)
    assert "path" not in json.dumps(line).replace("resourcePath", "")


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_the_api_has_the_stage_s_throttling_limits(apis: Apis, stage: Any) -> None:
    if stage.api == "http":
        throttle = apis.only("ApiGatewayV2::Stage", stage.name)["DefaultRouteSettings"]
    else:
        [throttle] = apis.only("ApiGateway::Stage", stage.name)["MethodSettings"]
        assert (throttle["HttpMethod"], throttle["ResourcePath"]) == ("*", "/*")
    assert throttle["ThrottlingRateLimit"] == stage.throttle_rate
    assert throttle["ThrottlingBurstLimit"] == stage.throttle_burst


def test_a_rest_api_is_regional_requires_tls_1_2_and_has_the_stage_s_tracing(apis: Apis) -> None:
    for stage in REST:
        api = apis.only("ApiGateway::RestApi", stage)
        assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
        assert api["SecurityPolicy"].startswith("SecurityPolicy_TLS13_1_2_")
        assert api["EndpointAccessMode"] == "STRICT"
        assert apis.only("ApiGateway::Stage", stage)["TracingEnabled"] is (stage == "restiam")


def test_only_a_stage_with_waf_has_a_firewall(apis: Apis) -> None:
    assert len(apis.of("WAFv2::WebACL")) == len(apis.of("WAFv2::WebACLAssociation")) == 1
    [acl] = apis.of("WAFv2::WebACL", "restkey", "0")
    association = apis.only("WAFv2::WebACLAssociation", "restkey")
    [stage] = apis.of("ApiGateway::Stage", "restkey", "0")
    assert association["WebACLArn"] == {"Fn::GetAtt": [acl, "Arn"]}
    assert {"Ref": stage} in association["ResourceArn"]["Fn::Join"][1]


def test_the_firewall_has_aws_s_managed_rules_and_a_rate_limit_per_address(apis: Apis) -> None:
    acl = apis.only("WAFv2::WebACL", "restkey")
    assert acl["Scope"] == "REGIONAL"
    assert acl["DefaultAction"] == {"Allow": {}}
    rate, *groups = acl["Rules"]
    assert rate["Action"] == {"Block": {}}
    assert rate["Statement"]["RateBasedStatement"]["Limit"] == 7 * 300 // 2
    assert [rule["Priority"] for rule in acl["Rules"]] == list(range(len(acl["Rules"])))
    statements = {rule["Name"]: rule["Statement"]["ManagedRuleGroupStatement"] for rule in groups}
    assert {"AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"} <= set(statements)
    assert {statement["VendorName"] for statement in statements.values()} == {"AWS"}
    counting = {rule["Name"] for rule in statements["AWSManagedRulesCommonRuleSet"]["RuleActionOverrides"]}
    assert "SizeRestrictions_BODY" in counting, "a batch of rows is longer than that rule allows"
    assert all(name.endswith("_BODY") for name in counting)


def test_grant_invoke_allows_only_the_stage_s_own_api(apis: Apis) -> None:
    policy = apis.only("IAM::Policy", "caller", "")
    [statement] = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    ends = {arn["Fn::Join"][1][-2]["Ref"]: arn["Fn::Join"][1][-1] for arn in statement["Resource"]}
    expected = {}
    for stage in STAGES:
        [api] = apis.of("ApiGatewayV2::Api" if stage.api == "http" else "ApiGateway::RestApi", stage.name, "0")
        expected[api] = "/$default/*/*" if stage.api == "http" else f"/{stage.name}/*/*"
    assert ends == expected


def test_the_cdk_and_cdk_nag_find_nothing(apis: Apis) -> None:
    report = json.loads((apis.folder / "validation-report.json").read_bytes())
    assert [each for plugin in report["pluginReports"] for each in plugin["violations"]] == []


def test_accepted_findings_of_cdk_nag_are_in_the_template(apis: Apis) -> None:
    """cdk-nag ran, and ends a synth at what nobody accepted; this is what was accepted, and that it is no more."""
    accepted = json.dumps({name: each.get("Metadata") for name, each in apis.resources.items()})
    for rule in ("APIG2", "APIG3", "APIG4", "APIG6", "COG4", "IAM4"):
        assert f"AwsSolutions-{rule}" in accepted
    for name, route in apis.of("ApiGatewayV2::Route", "iam", "0").items():
        assert "APIG4" not in json.dumps(route.get("Metadata")), name


def test_cfn_lint_accepts_the_template(apis: Apis) -> None:
    template = apis.folder / "apis.template.json"
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", "W3005", "--template", str(template)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
