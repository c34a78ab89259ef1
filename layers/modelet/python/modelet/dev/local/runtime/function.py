"""The configuration of a function for the local runtime."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class LocalFunction:
    """The configuration of one function, as in Lambda.

    folder: its code (Lambda: /var/task). handler: `module.name`. timeout_s: seconds after which the environment is
    killed. max_concurrency: the most requests at once (Lambda: reserved concurrency). provisioned: environments that
    are initialised in advance and kept. snapstart: environments start as if from a snapshot; without a real snapshot,
    each start takes the time of an init. environment: its own variables, including MODELET_STORE. sources: the author's
    folder if `folder` is a snapshot of it, otherwise None. version: the version that a model serves; None for other
    functions.
    """

    name: str
    folder: Path
    handler: str
    memory_mb: int = 512
    timeout_s: float = 10
    max_concurrency: int = 10
    provisioned: int = 0
    snapstart: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    sources: Path | None = None
    version: str = ""

    @property
    def arn(self) -> str:
        """Return the ARN in the function's context, with the account and region of AWS's examples."""
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.name}"

    @property
    def watched(self) -> Path:
        """Return the folder that the author edits."""
        return self.sources or self.folder

    def told(self, line: str) -> str:
        """Replace the snapshot's paths in a log line by the author's."""
        return line if self.sources is None else line.replace(str(self.folder), str(self.sources))

    def discard(self) -> None:
        """Remove its snapshot, if it runs in one."""
        if self.sources is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
