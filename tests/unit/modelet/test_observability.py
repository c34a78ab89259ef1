"""One line per request: log and metrics at once."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from hypothesis import given
from hypothesis import strategies as st

from modelet.errors import ModelError
from modelet.observability import STAGES, RequestLog, Startup, Timings
from modelet.settings import Settings

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
SETTINGS = Settings(
    Path("/var/task"), "file:///store", Path("/tmp"), function_name="f", function_version="7", memory_mb=512
)
STARTUP = Startup(open=0.05, fetch=0.1, load=0.12, contract=0.03)


def written(request_id: str = "r-1", status: int = 200, times: int = 1, model: str = "m") -> list[dict[str, Any]]:
    lines: list[str] = []
    log = RequestLog(SETTINGS, model, "3", STARTUP, lines.append)
    timings = Timings()
    timings.validate, timings.preprocess, timings.infer, timings.postprocess = 0.001, 0.0005, 0.0025, 0.00025
    timings.instances = 7
    for _ in range(times):
        log.request(ARN, request_id, status, timings, total=0.005)
    return [json.loads(line) for line in lines]


def test_the_stages_of_few_models_are_fields_and_metrics_of_these_models_alone() -> None:
    lines: list[str] = []
    log = RequestLog(SETTINGS, "m", "3", STARTUP, lines.append)
    log.more = ("features", "logic")
    timings = Timings()
    timings.infer, timings.logic = 0.001, 0.0025
    log.request(ARN, "r-1", 200, timings, total=0.005)
    log.request(ARN, "r-2", 422, Timings(), total=0.005)
    inferred, rejected = map(json.loads, lines)
    assert (inferred["features_ms"], inferred["logic_ms"], rejected["logic_ms"]) == (0.0, 2.5, 0.0)
    metrics = [
        {metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]} for line in (inferred, rejected)
    ]
    assert {"features_ms", "logic_ms", "infer_ms"} <= metrics[0]
    assert not {"features_ms", "logic_ms", "infer_ms"} & metrics[1]
    assert "logic_ms" not in written()[0]


@dataclass
class Context:
    """What Powertools reads of Lambda's context."""

    function_name = "f"
    memory_limit_in_mb = "512"  # awslambdaric takes it from the environment as it is
    invoked_function_arn = ARN
    aws_request_id = "r-1"


def powertools_line() -> dict[str, Any]:
    """What Powertools' own Logger writes of a call."""
    stream = io.StringIO()
    logger = Logger(service="m", stream=stream)
    logger.inject_lambda_context(lambda _event, _context: logger.info("infer"))({}, Context())
    line: dict[str, Any] = json.loads(stream.getvalue())
    return line


def test_a_line_has_the_field_names_and_forms_of_powertools() -> None:
    [ours], theirs = written(), powertools_line()
    assert theirs.keys() <= ours.keys()
    same = theirs.keys() - {"timestamp", "location"}
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}
    shape = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\+0000"
    assert re.fullmatch(shape, theirs["timestamp"])
    assert re.fullmatch(shape, ours["timestamp"])


def test_a_restore_is_another_cold_start_whose_line_tells_of_it_and_not_of_the_init() -> None:
    lines: list[str] = []
    log = RequestLog(SETTINGS, "m", "3", STARTUP, lines.append)
    for startup in (None, None, Startup(open=0.001, fetch=0.0, load=0.002, contract=0.0)):
        if startup:
            log.restart(startup)
        log.request(ARN, "r-1", 200, Timings(), total=0.005)
    said = [json.loads(line) for line in lines]
    assert [(line["cold_start"], line["ColdStart"]) for line in said] == [(True, 1), (False, 0), (True, 1)]
    assert [line["init_ms"] for line in said] == pytest.approx([300, 0, 3])
    assert [line["load_ms"] for line in said] == pytest.approx([120, 0, 2])


def test_a_line_has_the_request_s_figures() -> None:
    [line] = written()
    assert line["function_request_id"] == "r-1"
    assert (line["model"], line["version"], line["status"], line["instances"]) == ("m", "3", 200, 7)
    assert [line[f"{stage}_ms"] for stage in STAGES] == [1.0, 0.5, 2.5, 0.25]
    assert line["total_ms"] == 5.0


def test_a_line_is_an_emf_document_whose_metrics_are_beside_it() -> None:
    [line] = written()
    directives = line["_aws"]["CloudWatchMetrics"]
    for directive in directives:
        assert directive["Namespace"] == "Modelet"
        assert all(isinstance(line[name], str) for names in directive["Dimensions"] for name in names)
        assert all(isinstance(line[metric["Name"]], int | float) for metric in directive["Metrics"])
    assert {f"{stage}_ms" for stage in STAGES} <= {metric["Name"] for metric in directives[0]["Metrics"]}
    assert line["_aws"]["Timestamp"] > 1_700_000_000_000


def test_faults_are_counted_by_lambda_s_version_too_and_nothing_else_is() -> None:
    [line] = written()
    [by_version] = [each for each in line["_aws"]["CloudWatchMetrics"] if len(each["Dimensions"][0]) > 1]
    assert by_version["Dimensions"] == [["service", "ExecutedVersion"]]
    assert by_version["Metrics"] == [{"Name": "faults", "Unit": "Count"}]
    assert (line["service"], line["ExecutedVersion"]) == ("m", "7")


def test_only_the_first_line_of_an_environment_is_a_cold_start() -> None:
    first, second = written(times=2)
    assert (first["cold_start"], first["ColdStart"], first["init_ms"]) == (True, 1, 300.0)
    assert (second["cold_start"], second["ColdStart"], second["init_ms"]) == (False, 0, 0.0)


@pytest.mark.parametrize(
    ("status", "level", "errors", "faults"),
    [(200, "INFO", 0, 0), (399, "INFO", 0, 0), (400, "WARNING", 1, 0), (499, "WARNING", 1, 0), (500, "ERROR", 0, 1)],
)
def test_a_refused_request_counts_as_an_error_and_a_failed_one_as_a_fault(
    status: int, level: str, errors: int, faults: int
) -> None:
    [line] = written(status=status)
    assert (line["level"], line["errors"], line["faults"]) == (level, errors, faults)


@given(st.text(max_size=20), st.text(max_size=10))
def test_whatever_a_request_id_holds_the_line_stays_one_line_of_json(request_id: str, model: str) -> None:
    [line] = written(request_id, model=model)
    assert (line["function_request_id"], line["service"]) == (request_id, model)


def fail() -> None:
    empty: dict[str, int] = {}
    try:
        empty["secret cause"]
    except KeyError as cause:
        raise ModelError("M raised KeyError") from cause


def test_an_error_s_cause_and_stack_are_in_the_log() -> None:
    lines: list[str] = []
    log = RequestLog(SETTINGS, "m", "3", STARTUP, lines.append)
    with pytest.raises(ModelError) as caught:
        fail()
    log.failure("r-2", caught.value)
    line = json.loads(lines[0])
    assert (line["exception_name"], line["function_request_id"]) == ("KeyError", "r-2")
    assert "secret cause" in line["exception"]
    assert __file__ in line["stack_trace"]
