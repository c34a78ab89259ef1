"""What tests of the deployment share: a project that can be deployed, and what it is synthesized to, once a run."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from infra.app import assemble
from infra.checks.statements import Statement, statements
from infra.layer import BUILT, ROOT
from infra.stage import STAGES, Stage, StageVpc
from modelet.dev.bundle.bake import bake
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.project import Project
from modelet.store.store import Store
from support.apis import Apis, synthesized
from support.layers import project_with_layer

CONTEXT: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
AS_THE_COMMAND_LINE = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}
"""What the CDK's command line adds by itself."""

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:modelet/key-AbCdEf"
FULL = Stage(
    name="full",
    account="123456789012",
    region="eu-west-1",
    permissions_boundary="arn:aws:iam::123456789012:policy/boundary",
    tags={"team": "search"},
    tracing=True,
    canary="Canary10Percent5Minutes",
    log_retention_days=90,
    vpc=StageVpc(
        id="vpc-0123456789abcdef0",
        subnet_ids=("subnet-0123456789abcdef0", "subnet-0123456789abcdef1"),
        availability_zones=("eu-west-1a", "eu-west-1b"),
        security_group_ids=("sg-0123456789abcdef0",),
        route_table_ids=("rtb-0123456789abcdef0",),
        s3_endpoint=True,
    ),
)
"""A stage that asks for everything there is."""

FULL_YAML = {
    "sentiment": f"""
backend: onnx
vpc: true
batch:
  inputs: [s3://warehouse/reviews/*.csv, s3://warehouse/more/*]
  results: [s3://reports/scores/*]
  duplicates: last
  expires_days: 30
  schedule: cron(0 3 * * ? *)
  timezone: Asia/Seoul
  input: {{inputs: ["s3://warehouse/reviews/new-*.csv"], key: id}}
jobs: {{max_concurrency: 4, attempts: 5}}
worker: {{memory_mb: 3538, timeout_s: 600, tmp_mb: 1024, max_concurrency: 20}}
environment: {{GREETING: hello}}
secrets: {{API_KEY: "{SECRET}"}}
tags: {{cost: reviews}}
resources: {{memory_mb: 1024, timeout_s: 20, tmp_mb: 2048, architecture: arm64}}
scaling:
  max_concurrency: 40
  provisioned: 2
  provisioned_max: 10
  target_utilization: 0.6
  schedules:
    - {{cron: "0 8 ? * MON-FRI *", timezone: Asia/Seoul, provisioned: 5, provisioned_max: 20}}
    - {{cron: "0 20 ? * MON-FRI *", provisioned: 1}}
""",
    "diabetes": "backend: sklearn\nscaling: {snapstart: true}\n",
    "breast_cancer": """
backend: onnx
preprocessing: {module: features, function: to_feeds}
stages: {full: {artifact: baked, scaling: {provisioned: 3}}}
""",
}
"""Models that, together, ask for everything there is."""

_numbers = itertools.count()


@dataclass(frozen=True)
class Synthesized:
    """A stage's templates, and the folder that they are in. models: by the models' names."""

    outdir: Path
    storage: dict[str, Any]
    api: dict[str, Any]
    models: dict[str, dict[str, Any]]

    @property
    def serving(self) -> list[dict[str, Any]]:
        """The templates of all stacks that serve."""
        return [self.api, *self.models.values()]

    def resources(self, kind: str, path: str = "") -> list[dict[str, Any]]:
        """The resources of a kind, of all stacks that serve, whose path in their stack begins with `path`."""
        return [
            each
            for template in self.serving
            for each in template["Resources"].values()
            if each["Type"] == kind and each["Metadata"]["aws:cdk:path"].partition("/")[2].startswith(path)
        ]

    def only(self, kind: str, path: str = "") -> dict[str, Any]:
        """The properties of the one resource that `resources` finds."""
        [resource] = self.resources(kind, path)
        properties: dict[str, Any] = resource["Properties"]
        return properties

    def resource(self, name: str) -> dict[str, Any]:
        """The one resource with that logical id, of all stacks that serve."""
        [found] = [each["Resources"][name] for each in self.serving if name in each["Resources"]]
        return dict(found)

    def statements(self) -> list[Statement]:
        """Every statement of every role, of all stacks that serve."""
        return [each for template in self.serving for each in statements(template)]

    def images(self) -> list[dict[str, Any]]:
        """How each model's image is built."""
        manifests = [json.loads(path.read_bytes()) for path in sorted(self.outdir.glob("*.assets.json"))]
        return [each["source"] for manifest in manifests for each in manifest["dockerImages"].values()]

    @property
    def manifest(self) -> dict[str, Any]:
        """What the CDK's command line reads of each stack."""
        found: dict[str, Any] = json.loads((self.outdir / "manifest.json").read_bytes())["artifacts"]
        return found

    def findings(self) -> list[dict[str, Any]]:
        """What cdk-nag, and the CDK's own rules, find."""
        report = json.loads((self.outdir / "validation-report.json").read_bytes())
        return [each for plugin in report["pluginReports"] for each in plugin["violations"]]


def synthesize(root: Path, stage: Stage, **context: str) -> Synthesized:
    """Synthesize a project; what is raised is raised."""
    outdir = root / f"cdk.out.{next(_numbers)}"
    app = App(outdir=str(outdir), analytics_reporting=False, context={**CONTEXT, **AS_THE_COMMAND_LINE, **context})
    assemble(app, root, stage)
    app.synth()
    start, end = f"{stage.prefix}-", ".template.json"
    templates = {
        path.name.removeprefix(start).removesuffix(end): json.loads(path.read_bytes())
        for path in sorted(outdir.glob(f"{start}*{end}"))
    }
    models = {name.removeprefix("model-"): each for name, each in templates.items() if name.startswith("model-")}
    return Synthesized(outdir, templates["storage"], templates["api"], models)


def rebundle(root: Path, store: Store, stage: str) -> None:
    """Bundle every model of a project for a stage, and bake those that ask for it."""
    for function in Project(root).functions():
        lock = function.lock()
        assert lock is not None
        bundled = write_bundle(function.at_stage(stage), store, lock)
        bake(function.folder, bundled.bundle, store)


Copy = Callable[[], Path]


@pytest.fixture(scope="session")
def store(published: Project) -> Store:
    """Where the project's versions are."""
    return Store(published.store_url(None))


@pytest.fixture(scope="session")
def copy_project(published: Project, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Copy:
    """Makes copies of the project: its models pinned and bundled, its layer built."""
    layer = project_with_layer(tmp_path_factory, worker_id) / BUILT

    def copy() -> Path:
        root = tmp_path_factory.mktemp("project")
        for folder in ("functions", "events"):
            shutil.copytree(published.root / folder, root / folder)
        for folder in ("layers", "requirements"):
            shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
        for name in (".dockerignore", "LICENSE", "README.md", "pyproject.toml"):
            shutil.copy(ROOT / name, root)
        (root / BUILT.parent).mkdir()
        (root / BUILT).symlink_to(layer)
        return root

    return copy


@pytest.fixture(scope="session")
def project(copy_project: Copy) -> Path:
    """A project that can be deployed; no test changes it."""
    return copy_project()


@pytest.fixture
def own_project(copy_project: Copy) -> Path:
    """A project of the test's own."""
    return copy_project()


@pytest.fixture(scope="session")
def dev(project: Path) -> Synthesized:
    """The samples as they are, in dev."""
    return synthesize(project, STAGES["dev"])


@pytest.fixture(scope="session")
def plain_project(copy_project: Copy, store: Store) -> Path:
    """A project without batches and jobs; no test changes it."""
    root = copy_project()
    (root / "functions" / "diabetes" / "model.yaml").write_text("backend: sklearn\n")
    rebundle(root, store, "dev")
    return root


@pytest.fixture(scope="session")
def plain(plain_project: Path) -> Synthesized:
    """Models without batches and jobs, in dev."""
    return synthesize(plain_project, STAGES["dev"])


@pytest.fixture(scope="session")
def full(copy_project: Copy, store: Store) -> Synthesized:
    """Models and a stage that ask for everything there is."""
    root = copy_project()
    for folder, yaml in FULL_YAML.items():
        (root / "functions" / folder / "model.yaml").write_text(yaml)
    rebundle(root, store, FULL.name)
    return synthesize(root, FULL)


@pytest.fixture(scope="session")
def apis(project: Path) -> Apis:
    """Every kind of API before two of the samples."""
    return synthesized(project)
