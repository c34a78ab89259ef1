"""The API before the models: its routes are the local gateway's, and nobody asks it without saying who he is."""

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
def test_the_routes_are_as_many_as_the_limit_counts(apis: Apis, stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = "ApiGatewayV2::Route" if stage.api == "http" else "ApiGateway::Resource"
    made = len(apis.of(kind, stage.name, "0"))
    own = 2 * routes.routes_of_a_model(stage)
    shared = made - own
    assert 0 < shared < RESERVED
    monkeypatch.setattr("infra.checks.routes.RESERVED", stage.routes_quota - own)
    routes.validate(stage, 2)
    monkeypatch.setattr("infra.checks.routes.RESERVED", stage.routes_quota - own + 1)
    with pytest.raises(Exception, match=f"make {own} routes"):
        routes.validate(stage, 2)
    assert made < ROUTE_LIMIT


@pytest.mark.parametrize(("stage", "kind"), [("iam", "AWS_IAM"), ("jwt", "JWT"), ("open", "NONE")])
def test_every_route_of_an_http_api_asks_who_calls_unless_the_stage_is_open(apis: Apis, stage: str, kind: str) -> None:
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
def test_every_method_of_a_rest_api_asks_who_calls_unless_the_stage_is_open(
    apis: Apis, stage: str, kind: str, key: bool | None
) -> None:
    methods = [each["Properties"] for each in apis.of("ApiGateway::Method", stage, "0").values()]
    assert {(method["AuthorizationType"], method.get("ApiKeyRequired")) for method in methods} == {(kind, key)}
    assert all(("AuthorizerId" in method) == (stage == "restcognito") for method in methods)


def test_tokens_are_those_of_the_stage_s_issuer_for_its_audience(apis: Apis) -> None:
    authorizer = apis.only("ApiGatewayV2::Authorizer", "jwt")
    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["JwtConfiguration"] == {"Issuer": ISSUER, "Audience": [AUDIENCE]}
    assert apis.only("ApiGateway::Authorizer", "restcognito")["ProviderARNs"] == [POOL]


def test_a_key_comes_with_a_plan_that_limits_it(apis: Apis) -> None:
    plan = apis.only("ApiGateway::UsagePlan", "restkey")
    assert plan["Throttle"] == {"RateLimit": 7, "BurstLimit": 9}
    assert plan["Quota"] == {"Limit": 1000, "Period": "MONTH"}
    [stage] = plan["ApiStages"]
    assert set(stage) >= {"ApiId", "Stage"}
    assert apis.only("ApiGateway::UsagePlanKey", "restkey")["KeyType"] == "API_KEY"
    assert "Value" not in apis.only("ApiGateway::ApiKey", "restkey")
    assert "ApiKeyId" in apis.template["Outputs"]


def test_an_http_api_hands_payload_2_to_the_live_alias_and_a_rest_api_payload_1(apis: Apis) -> None:
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
def test_only_the_stage_s_own_api_may_invoke_a_function_and_an_http_api_s_default_route_may(
    apis: Apis, stage: str
) -> None:
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


def test_pages_of_the_stage_s_origins_may_ask_and_their_preflight_needs_no_credentials(apis: Apis) -> None:
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
def test_without_origins_no_page_may_ask_and_no_preflight_is_answered(apis: Apis, stage: str) -> None:
    if stage in HTTP:
        assert "CorsConfiguration" not in apis.only("ApiGatewayV2::Api", stage)
        assert not [key for key in http_routes(apis, stage) if key.startswith("OPTIONS ")]
    assert "Access-Control" not in json.dumps(apis.of("ApiGateway::Method", stage, "0"))


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_each_request_is_a_line_of_json_that_is_kept_as_long_as_the_stage_says(apis: Apis, stage: Any) -> None:
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
def test_the_stage_lets_through_what_it_says(apis: Apis, stage: Any) -> None:
    if stage.api == "http":
        throttle = apis.only("ApiGatewayV2::Stage", stage.name)["DefaultRouteSettings"]
    else:
        [throttle] = apis.only("ApiGateway::Stage", stage.name)["MethodSettings"]
        assert (throttle["HttpMethod"], throttle["ResourcePath"]) == ("*", "/*")
    assert throttle["ThrottlingRateLimit"] == stage.throttle_rate
    assert throttle["ThrottlingBurstLimit"] == stage.throttle_burst


def test_a_rest_api_is_regional_speaks_tls_1_2_at_least_and_is_traced_if_the_stage_says_so(apis: Apis) -> None:
    for stage in REST:
        api = apis.only("ApiGateway::RestApi", stage)
        assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
        assert api["SecurityPolicy"].startswith("SecurityPolicy_TLS13_1_2_")
        assert api["EndpointAccessMode"] == "STRICT"
        assert apis.only("ApiGateway::Stage", stage)["TracingEnabled"] is (stage == "restiam")


def test_the_firewall_stands_before_the_stage_that_asks_for_it(apis: Apis) -> None:
    assert len(apis.of("WAFv2::WebACL")) == len(apis.of("WAFv2::WebACLAssociation")) == 1
    [acl] = apis.of("WAFv2::WebACL", "restkey", "0")
    association = apis.only("WAFv2::WebACLAssociation", "restkey")
    [stage] = apis.of("ApiGateway::Stage", "restkey", "0")
    assert association["WebACLArn"] == {"Fn::GetAtt": [acl, "Arn"]}
    assert {"Ref": stage} in association["ResourceArn"]["Fn::Join"][1]


def test_the_firewall_has_aws_s_rules_and_a_limit_for_each_address(apis: Apis) -> None:
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


def test_a_caller_is_let_in_by_name_to_one_stage_s_api_alone(apis: Apis) -> None:
    policy = apis.only("IAM::Policy", "caller", "")
    [statement] = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    ends = {arn["Fn::Join"][1][-2]["Ref"]: arn["Fn::Join"][1][-1] for arn in statement["Resource"]}
    expected = {}
    for stage in STAGES:
        [api] = apis.of("ApiGatewayV2::Api" if stage.api == "http" else "ApiGateway::RestApi", stage.name, "0")
        expected[api] = "/$default/*/*" if stage.api == "http" else f"/{stage.name}/*/*"
    assert ends == expected


def test_neither_cdk_nag_nor_the_cdk_itself_finds_anything(apis: Apis) -> None:
    report = json.loads((apis.folder / "validation-report.json").read_bytes())
    assert [each for plugin in report["pluginReports"] for each in plugin["violations"]] == []


def test_what_is_not_as_cdk_nag_wants_it_has_its_reason_beside_it(apis: Apis) -> None:
    """cdk-nag ran, and ends a synth at what nobody accepted; this is what was accepted, and that it is no more."""
    accepted = json.dumps({name: each.get("Metadata") for name, each in apis.resources.items()})
    for rule in ("APIG2", "APIG3", "APIG4", "APIG6", "COG4", "IAM4"):
        assert f"AwsSolutions-{rule}" in accepted
    for name, route in apis.of("ApiGatewayV2::Route", "iam", "0").items():
        assert "APIG4" not in json.dumps(route.get("Metadata")), name


def test_cloudformation_s_own_linter_finds_nothing(apis: Apis) -> None:
    template = apis.folder / "apis.template.json"
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", "W3005", "--template", str(template)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
