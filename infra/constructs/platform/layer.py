"""The Lambda layer of the platform functions: modelet without dev/, and the packages that they import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.layer import require

if TYPE_CHECKING:
    from pathlib import Path

RUNTIME = lambda_.Runtime.PYTHON_3_11
ARCHITECTURE = lambda_.Architecture.X86_64
"""The architecture of the layer's wheels, as infra/layer.py selects them."""


class ModeletLayer(Construct):
    """The layer that `make layer` built.

    version: a new layer version whenever a byte changes. Raises SynthError if the layer is missing or stale.
    """

    def __init__(self, scope: Construct, construct_id: str, *, root: Path) -> None:
        super().__init__(scope, construct_id)
        self.version = lambda_.LayerVersion(
            self,
            "Version",
            description="modelet for platform functions, with FastAPI, Mangum and Powertools",
            code=lambda_.Code.from_asset(str(require(root))),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
            license="Apache-2.0",
        )
