"""The app as the CDK's command line runs it: a template that the rules accept, or one line and exit code 1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.checks import resources
from infra.errors import SynthError
from infra.layer import ROOT

from .conftest import Copy, Synthesized


def run(project: Path, stage: str = "dev", outdir: str = "out") -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers/modelet/python")]),
        "CDK_CONTEXT_JSON": json.dumps({"stage": stage}),
        "CDK_OUTDIR": str(project / outdir),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
    }
    command = [sys.executable, "-m", "infra.app"]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_the_cdk_and_cdk_nag_find_nothing(dev: Synthesized, full: Synthesized) -> None:
    assert dev.findings() == []
    assert full.findings() == []


@pytest.mark.parametrize("which", ["dev", "full"])
def test_every_function_has_the_stage_s_log_retention_the_cdk_s_own_too(
    which: str, request: pytest.FixtureRequest
) -> None:
    found: Synthesized = request.getfixturevalue(which)
    days = {"dev": 7, "full": 90}[which]
    functions = []
    for template in (found.storage, *found.serving):
        resources = template["Resources"]
        for name, each in resources.items():
            if each["Type"] == "AWS::Lambda::Function":
                functions.append(name)
                log = resources[each["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]
                assert log["RetentionInDays"] == days, name
    assert any("CustomResourceProvider" in name for name in functions), "the CDK adds one behind its triggers"


@pytest.mark.parametrize("which", ["dev", "full"])
def test_cfn_lint_accepts_the_templates(which: str, request: pytest.FixtureRequest) -> None:
    found: Synthesized = request.getfixturevalue(which)
    templates = [str(path) for path in found.outdir.glob("*.template.json")]
    assert len(templates) == 2 + len(found.models)
    # W3005: the CDK's own `DependsOn` beside a reference.
    command = [
        str(Path(sys.executable).parent / "cfn-lint"),
        "--ignore-checks",
        "W3005",
        "--regions",
        "eu-west-1",
        "--",
        *templates,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_app_writes_one_stack_per_model_and_two_shared_ones_and_prints_nothing(plain_project: Path) -> None:
    done = run(plain_project)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    written = {path.name for path in (plain_project / "out").glob("*.template.json")}
    parts = (
        "storage",
        "api",
        "model-breast-cancer",
        "model-churn",
        "model-diabetes",
        "model-ner",
        "model-sentiment",
        "model-toolbox",
    )
    assert written == {f"modelet-dev-{part}.template.json" for part in parts}


def break_yaml(project: Path) -> str:
    (project / "functions" / "sentiment" / "model.yaml").write_text("memory_mb: 512\n")
    return "error: functions/sentiment/model.yaml: unknown key 'memory_mb': did you mean resources.memory_mb?"


def lose_lock(project: Path) -> str:
    (project / "functions" / "sentiment" / "model.lock").unlink()
    return "error: functions/sentiment/model.lock: is missing: run `modelet pin sentiment`"


def lose_event(project: Path) -> str:
    (project / "events" / "sentiment" / "infer.json").unlink()
    return "error: events/sentiment/infer.json: is missing"


def lose_layer(project: Path) -> str:
    (project / ".modelet" / "layer").unlink()
    return "error: .modelet/layer: is missing: run `make layer`"


@pytest.mark.parametrize("broken", [break_yaml, lose_lock, lose_event, lose_layer])
def test_an_invalid_project_prints_one_line_and_writes_no_template(copy_project: Copy, broken: object) -> None:
    project = copy_project()
    assert callable(broken)
    message = broken(project)
    done = run(project)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert not list((project / "out").glob("*.template.json"))


def test_an_unknown_stage_prints_one_line(own_project: Path) -> None:
    done = run(own_project, stage="moon")
    assert done.returncode == 1
    assert done.stderr.startswith("error: infra/stage.py: there is no stage 'moon': use dev or prod")
    assert done.stderr.count("\n") == 1


def test_more_resources_than_cloudformation_s_limit_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    from aws_cdk import App, CfnResource, Stack

    stack = Stack(App(), "stack")
    for number in range(3):
        CfnResource(stack, f"R{number}", type="AWS::SNS::Topic")
    resources.validate(stack, "functions/: 1 models", "have fewer")
    monkeypatch.setattr(resources, "RESOURCE_LIMIT", 2)
    message = r"functions/: 1 models need 3 resources in the stack stack, above CloudFormation's limit of 2: have fewer"
    with pytest.raises(SynthError, match=message):
        resources.validate(stack, "functions/: 1 models", "have fewer")
