"""A platform function: its zip, its configuration, and rights that name what they are for."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from infra.checks import nag
from infra.constructs.platform.layer import ModeletLayer
from infra.constructs.platform.platform_function import PlatformFunction
from infra.errors import SynthError
from infra.layer import BUILT, ROOT
from infra.stage import Stage
from support.layers import project_with_layer

STAGE = Stage(name="test", log_retention_days=7)
EVENT = "events/sentiment/infer.json"
_numbers = itertools.count()


@pytest.fixture
def root(tmp_path_factory: pytest.TempPathFactory, worker_id: str, tmp_path: Path) -> Path:
    """A project with the platform functions, an event and a layer."""
    (tmp_path / BUILT.parent).mkdir()
    (tmp_path / BUILT).symlink_to(project_with_layer(tmp_path_factory, worker_id) / BUILT)
    for folder in ("models_index", "release_check"):
        shutil.copytree(ROOT / "functions" / folder, tmp_path / "functions" / folder)
    (tmp_path / EVENT).parent.mkdir(parents=True)
    shutil.copy(ROOT / EVENT, tmp_path / EVENT)
    return tmp_path


class Synthesized:
    """One platform function in a stack of its own."""

    def __init__(self, root: Path, stage: Stage = STAGE, **options: Any) -> None:
        app = App(outdir=str(root / f"cdk.out.{next(_numbers)}"))  # the CDK keeps one folder's assets in mind
        stack = Stack(app, "platform")
        layer = ModeletLayer(stack, "Layer", root=root).version
        options = {"folder": "models_index", "environment": {"MODELET_MODELS": "{}"}, **options}
        PlatformFunction(stack, "Platform", stage=stage, root=root, layer=layer, **options)
        nag.check(app)
        self.template = Template.from_stack(stack)
        self.assembly = app.synth()

    def only(self, kind: str) -> dict[str, Any]:
        [resource] = self.template.find_resources(f"AWS::{kind}").values()
        properties: dict[str, Any] = resource["Properties"]
        return properties

    @property
    def zipped(self) -> dict[str, bytes]:
        """The files of the function's zip."""
        manifest = json.loads((Path(self.assembly.directory) / "platform.assets.json").read_text())
        key = self.only("Lambda::Function")["Code"]["S3Key"].removesuffix(".zip")
        folder = Path(self.assembly.directory) / manifest["files"][key]["source"]["path"]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_platform_function_is_a_zip_with_the_layer(root: Path) -> None:
    made = Synthesized(root)
    function = made.only("Lambda::Function")
    assert (function["FunctionName"], function["Handler"]) == ("modelet-test-models-index", "app.handler")
    assert (function["Runtime"], function["Architectures"]) == ("python3.11", ["x86_64"])
    assert (function["MemorySize"], function["Timeout"]) == (512, 10)
    assert function["Environment"]["Variables"] == {
        "MODELET_MODELS": "{}",
        "POWERTOOLS_METRICS_NAMESPACE": "Modelet/test",
    }
    [layer] = made.template.find_resources("AWS::Lambda::LayerVersion")
    assert function["Layers"] == [{"Ref": layer}]
    assert sorted(made.zipped) == ["app.py", "listing.py"]


def test_extra_files_keep_their_paths(root: Path) -> None:
    (root / "functions" / "release_check" / "__pycache__").mkdir(exist_ok=True)
    (root / "functions" / "release_check" / "__pycache__" / "app.cpython-311.pyc").touch()
    zipped = Synthesized(root, folder="release_check", extra_files=[EVENT]).zipped
    assert sorted(zipped) == ["app.py", EVENT, "invoke_errors.py"]
    assert zipped[EVENT] == (ROOT / EVENT).read_bytes()


def test_only_a_changed_event_changes_the_code(root: Path) -> None:
    def code() -> Any:
        made = Synthesized(root, folder="release_check", extra_files=[EVENT])
        return made.only("Lambda::Function")["Code"]

    before = code()
    assert code() == before
    (root / EVENT).write_text("{}")
    assert code() != before


def test_it_has_its_own_log_group_with_the_stage_s_retention(root: Path) -> None:
    made = Synthesized(root, function_name="modelet-test-tiny-check")
    log = made.only("Logs::LogGroup")
    assert (log["LogGroupName"], log["RetentionInDays"]) == ("/aws/lambda/modelet-test-tiny-check", 7)
    [name] = made.template.find_resources("AWS::Logs::LogGroup")
    assert made.only("Lambda::Function")["LoggingConfig"] == {"LogGroup": {"Ref": name}}


def test_it_may_write_its_own_log_and_nothing_else(root: Path) -> None:
    made = Synthesized(root)
    assert "ManagedPolicyArns" not in made.only("IAM::Role")
    [log] = made.template.find_resources("AWS::Logs::LogGroup")
    assert made.only("IAM::Policy")["PolicyDocument"]["Statement"] == [
        {
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Effect": "Allow",
            "Resource": {"Fn::GetAtt": [log, "Arn"]},
        }
    ]


def test_with_tracing_only_x_ray_s_statement_has_a_wildcard(root: Path) -> None:
    made = Synthesized(root, dataclasses.replace(STAGE, tracing=True))
    assert made.only("Lambda::Function")["TracingConfig"] == {"Mode": "Active"}
    statements = made.only("IAM::Policy")["PolicyDocument"]["Statement"]
    starred = [sorted(statement["Action"]) for statement in statements if statement["Resource"] == "*"]
    assert starred == [["xray:PutTelemetryRecords", "xray:PutTraceSegments"]]
    assert "TracingConfig" not in Synthesized(root).only("Lambda::Function")


def test_too_large_variables_stop_the_synth_with_the_remedy(root: Path) -> None:
    def models(count: int) -> dict[str, str]:
        return {"MODELET_MODELS": json.dumps({f"a-model-called-{number:03}": "2026-01-01" for number in range(count)})}

    Synthesized(root, environment=models(100))
    with pytest.raises(
        SynthError, match=r"functions/models_index: .* above Lambda's limit of 4,096: shorten MODELET_MODELS"
    ):
        Synthesized(root, environment=models(150))


def test_a_missing_folder_stops_the_synth(root: Path) -> None:
    with pytest.raises(SynthError, match=r"^functions/nothing/app\.py: is missing: "):
        Synthesized(root, folder="nothing")
