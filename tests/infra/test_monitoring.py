"""The monitoring of a stage: graphs of metrics that functions write, and alarms that notify the topic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelet.observability import STAGES as PIPELINE
from modelet.observability import RequestLog, Startup, Timings
from modelet.settings import Settings
from support.apis import COLD, STAGES, WARM, Apis

MONITORED = ("iam", "restkey")
Metric = tuple[str, str, dict[str, str], str]


def written(namespace: str, service: str) -> set[tuple[str, str, str]]:
    """Namespace, name and service of the metrics in a model's lines: a cold one that inferred is the richest."""
    lines: list[str] = []
    settings = Settings(task_root=Path(), store="file:///store", tmp=Path(), namespace=namespace)
    timings = Timings()
    timings.infer = 0.1
    startup = Startup(0.0, 0.1, 0.1, 0.1)
    RequestLog(settings, service, "3", startup, lines.append).request("arn", "id", 200, timings, 0.2)
    line = json.loads(lines[0])
    block, by_version = line["_aws"]["CloudWatchMetrics"]
    assert block["Dimensions"] == [["service"]]
    assert by_version["Dimensions"] == [["service", "ExecutedVersion"]]
    return {(block["Namespace"], metric["Name"], line["service"]) for metric in block["Metrics"]}


def metrics(apis: Apis, stage: str, under: str = "") -> list[Metric]:
    """Namespace, name, dimensions and statistic of each plain metric on a dashboard, or below one heading of it."""
    found: list[Metric] = []
    heading = ""
    for widget in apis.widgets(stage):
        properties = widget["properties"]
        heading = properties.get("markdown", heading)
        for row in properties.get("metrics", ()) if under in heading else ():
            texts = [cell for cell in row if isinstance(cell, str)]
            options = row[-1] if isinstance(row[-1], dict) else {}
            if len(texts) >= 2:
                names = dict(zip(texts[2::2], texts[3::2], strict=True))
                found.append((texts[0], texts[1], names, options.get("stat", "Average")))
    return found


@pytest.mark.parametrize("stage", MONITORED)
def test_a_stage_has_a_dashboard_for_the_api_and_one_per_model(apis: Apis, stage: str) -> None:
    prefix = f"modelet-{stage}"
    assert set(apis.dashboards(stage)) == {prefix, f"{prefix}-{WARM}", f"{prefix}-{COLD}"}


@pytest.mark.parametrize("stage", MONITORED)
def test_the_stage_s_dashboard_shows_every_model_without_naming_any(apis: Apis, stage: str) -> None:
    board = apis.dashboards(stage)[f"modelet-{stage}"]
    assert WARM not in json.dumps(board)
    titles = {each["properties"].get("title"): each["properties"] for each in board["widgets"]}
    for title, name, statistic in (
        ("Requests by model", "total_ms", "SampleCount"),
        ("Latency by model, p99, ms", "total_ms", "p99"),
        ("4xx by model", "errors", "Sum"),
        ("5xx by model", "faults", "Sum"),
    ):
        [[line]] = titles[title]["metrics"]
        assert line["expression"] == f"SEARCH('{{Modelet/{stage},service}} MetricName=\"{name}\"', '{statistic}', 300)"


@pytest.mark.parametrize("model", [WARM, COLD])
def test_a_model_s_graphs_show_exactly_the_metrics_that_its_function_writes(apis: Apis, model: str) -> None:
    shown = {
        (space, name, dimensions["service"])
        for space, name, dimensions, _ in metrics(apis, "iam", f"Model {model}")
        if not space.startswith("AWS/")
    }
    assert shown == written("Modelet/iam", model)


@pytest.mark.parametrize("percentile", ["p50", "p99"])
def test_latency_is_shown_by_stage_of_the_pipeline(apis: Apis, percentile: str) -> None:
    shown = {name for _, name, _, statistic in metrics(apis, "iam", f"Model {WARM}") if statistic == percentile}
    assert shown >= {f"{stage}_ms" for stage in ("total", "init", *PIPELINE)}


@pytest.mark.parametrize("model", [WARM, COLD])
def test_errors_are_shown_by_class_and_for_the_live_alias(apis: Apis, model: str) -> None:
    shown = {(space, name): dimensions for space, name, dimensions, _ in metrics(apis, "iam", f"Model {model}")}
    assert {("Modelet/iam", "errors"), ("Modelet/iam", "faults")} <= set(shown)
    for name in ("Errors", "Throttles"):
        assert shown["AWS/Lambda", name]["Resource"].endswith(":live")


def test_concurrency_is_shown_with_the_provisioned_and_the_maximum(apis: Apis) -> None:
    widgets = [each["properties"] for each in apis.widgets("iam")]
    warm, cold = (each for each in widgets if each.get("title", "").startswith("Concurrency"))
    lines = {line["label"]: line["value"] for line in warm["annotations"]["horizontal"]}
    assert (lines["provisioned"], lines["maximum"]) == (2, 5)
    names = {row[1] for row in warm["metrics"]}
    assert names == {
        "ConcurrentExecutions",
        "ProvisionedConcurrentExecutions",
        "ProvisionedConcurrencySpilloverInvocations",
    }
    assert {row[1] for row in cold["metrics"]} == {"ConcurrentExecutions"}
    assert "annotations" not in cold


def test_the_index_s_graphs_show_metrics_that_it_writes(apis: Apis) -> None:
    own = {
        (space, name, dimensions["service"])
        for space, name, dimensions, _ in metrics(apis, "iam", "models_index")
        if not space.startswith("AWS/")
    }
    assert own < written("Modelet/iam", "models-index")


@pytest.mark.parametrize("stage", MONITORED)
def test_the_gateway_s_own_responses_are_those_that_no_function_counted(apis: Apis, stage: str) -> None:
    widgets = [each["properties"] for each in apis.widgets(stage)]
    for kind, own in (("4xx", "errors"), ("5xx", "faults")):
        [widget] = [each for each in widgets if each.get("title") == f"{kind} by source"]
        functions, gateway, responses = widget["metrics"]
        search = f"SUM(SEARCH('{{Modelet/{stage},service}} MetricName=\"{own}\"', 'Sum', 300))"
        assert functions[0]["expression"] == search
        assert gateway[0]["expression"] == f"responses - {search}"
        assert responses[0] == "AWS/ApiGateway"
        assert (responses[-1]["id"], responses[-1]["stat"]) == ("responses", "Sum")


def test_the_firewall_is_shown_if_there_is_one(apis: Apis) -> None:
    shown = {space for space, *_ in metrics(apis, "restkey")}
    assert "AWS/WAFV2" in shown
    assert "AWS/WAFV2" not in {space for space, *_ in metrics(apis, "iam")}


def test_every_alarm_notifies_the_stage_s_topic(apis: Apis) -> None:
    topics = {stage: next(iter(apis.of("SNS::Topic", stage, "1"))) for stage in MONITORED}

    def stage_of(action: dict[str, Any]) -> str:
        """The stage whose topic an alarm notifies: the API's alarm refers to it, a model's has its ARN."""
        text = json.dumps(action)
        [stage] = [each for each, topic in topics.items() if topic in text or f':modelet-{each}-alarms"' in text]
        return stage

    alarms = apis.of("CloudWatch::Alarm")
    assert len(alarms) == 2 * 3 + 2 * 2, "three of each model's own; of each monitoring, spillover and the API's"
    for name, alarm in alarms.items():
        expected = [stage for stage in MONITORED if name.startswith(f"{stage}1")] or list(MONITORED)
        assert [stage_of(each) for each in alarm["Properties"]["AlarmActions"]] == expected, name
        assert alarm["Properties"]["TreatMissingData"] == "notBreaching"


def test_a_model_with_provisioned_concurrency_has_a_spillover_alarm(apis: Apis) -> None:
    [alarm] = [
        each["Properties"]
        for each in apis.of("CloudWatch::Alarm", "iam", "1").values()
        if each["Properties"]["MetricName"] == "ProvisionedConcurrencySpilloverInvocations"
    ]
    assert alarm["Threshold"] == 0
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert f"functions/{WARM}/model.yaml" in alarm["AlarmDescription"]
    assert {each["Name"] for each in alarm["Dimensions"]} == {"FunctionName", "Resource"}


@pytest.mark.parametrize(("stage", "metric"), [("iam", "5xx"), ("restkey", "5XXError")])
def test_the_api_s_alarm_is_above_one_percent_of_5xx(apis: Apis, stage: str, metric: str) -> None:
    [alarm] = [
        each["Properties"]
        for each in apis.of("CloudWatch::Alarm", stage, "1").values()
        if each["Properties"]["Namespace"] == "AWS/ApiGateway"
    ]
    assert (alarm["MetricName"], alarm["Statistic"], alarm["Threshold"]) == (metric, "Average", 0.01)
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (2, 3)


def test_the_models_alarms_are_on_their_dashboards(apis: Apis) -> None:
    widgets = [each for each in apis.widgets("iam") if each["type"] == "alarm"]
    assert [len(each["properties"]["alarms"]) for each in widgets] == [3, 3]


@pytest.mark.parametrize("stage", MONITORED)
def test_the_topic_is_encrypted_and_accepts_only_this_account_s_alarms_over_tls(apis: Apis, stage: str) -> None:
    [(topic, properties)] = apis.of("SNS::Topic", stage, "1").items()
    [key] = apis.of("KMS::Key", stage, "1")
    assert properties["Properties"]["KmsMasterKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
    own = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    deny, allow = apis.only("SNS::TopicPolicy", stage, "1")["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert (allow["Action"], allow["Resource"], allow["Condition"]) == ("sns:Publish", {"Ref": topic}, own)
    assert allow["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    _, encrypts = apis.only("KMS::Key", stage, "1")["KeyPolicy"]["Statement"]
    assert encrypts["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert (encrypts["Action"], encrypts["Condition"]) == (["kms:Decrypt", "kms:GenerateDataKey"], own)
    assert apis.only("KMS::Key", stage, "1")["EnableKeyRotation"] is True


def test_only_a_stage_with_an_alarm_email_has_a_subscription(apis: Apis) -> None:
    [subscription] = apis.of("SNS::Subscription").values()
    wanted: Any = {"Protocol": "email", "Endpoint": STAGES[0].alarm_email}
    assert wanted.items() <= subscription["Properties"].items()
