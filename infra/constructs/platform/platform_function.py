"""A platform function: a folder of functions/ without a model.yaml, deployed as a zip with the layer."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from aws_cdk import Duration, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.checks.nag import accept
from infra.constructs.platform.layer import ARCHITECTURE, RUNTIME
from infra.constructs.platform.log_group import log_group
from infra.errors import SynthError
from modelet.dev.project.sections import ENVIRONMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from infra.stage import Stage


class PlatformFunction(Construct):
    """A function of the platform: `handler` in the folder's app.py.

    root: the project. folder: its name in functions/. extra_files: paths below `root`, which have the same paths in the
    zip. function: it may write its own log, and do what it is granted. log_group: that log.
    Raises SynthError if the folder does not exist, or if the variables exceed Lambda's limit.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        root: Path,
        folder: str,
        layer: lambda_.ILayerVersion,
        environment: Mapping[str, str],
        function_name: str | None = None,
        extra_files: Sequence[str] = (),
        memory_mb: int = 512,
        timeout_s: int = 10,
    ) -> None:
        super().__init__(scope, construct_id)
        name = function_name or stage.function_name(folder.replace("_", "-"))
        variables = {**environment, "POWERTOOLS_METRICS_NAMESPACE": stage.namespace}
        _reject_too_large(folder, variables)
        self.log_group = log_group(self, stage, name)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Execution role of {name}",
        )
        self.log_group.grant_write(role)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description=f"Modelet's {folder}, {stage.name}",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            handler="app.handler",
            code=lambda_.Code.from_asset(str(_copy_files(root, folder, name, extra_files))),
            layers=[layer],
            memory_size=memory_mb,
            timeout=Duration.seconds(timeout_s),
            environment=variables,
            role=role,
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE if stage.tracing else lambda_.Tracing.DISABLED,
        )
        accept(
            self.function,
            "L1",
            "Laptop, images and layer have one Python version, for which the layer's wheels are built.",
        )
        if stage.tracing:
            accept(role, "IAM5[Resource::*]", "X-Ray has no permissions for single resources.")


def _copy_files(root: Path, folder: str, name: str, extra_files: Sequence[str]) -> Path:
    """Copy all files of the zip to a new folder in .modelet/platform, and return that folder."""
    source, target = root / "functions" / folder, root / ".modelet" / "platform" / name
    if not (source / "app.py").is_file():
        raise SynthError(
            f"functions/{folder}/app.py: is missing: restore it, because every deployment needs this function"
        )
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    for path in extra_files:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target / path)
    return target


def _reject_too_large(folder: str, variables: Mapping[str, str]) -> None:
    known = {name: value for name, value in variables.items() if not Token.is_unresolved(value)}
    size = sum(len(f"{name}{value}".encode()) for name, value in known.items())
    if size > ENVIRONMENT_BYTES:
        longest = max(known, key=lambda name: len(known[name]))
        raise SynthError(
            f"functions/{folder}: its environment variables have {size:,} bytes, above Lambda's limit of "
            f"{ENVIRONMENT_BYTES:,}: shorten {longest}, the longest"
        )
