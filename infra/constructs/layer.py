"""modelet without its laptop part, and what platform functions import besides, as a layer of Lambda's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.layer import require

if TYPE_CHECKING:
    from pathlib import Path

RUNTIME = lambda_.Runtime.PYTHON_3_11
ARCHITECTURE = lambda_.Architecture.X86_64
"""What the layer's wheels are for: infra/layer.py chooses them."""


class ModeletLayer(Construct):
    """The layer that `make layer` built.

    version: a new one whenever a byte of it changes. Raises SynthError where none is built, or a stale one.
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
