"""What the local runtime must know of a function."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class LocalFunction:
    """One function, as its configuration in Lambda would say it.

    folder: its code (Lambda: /var/task). handler: `module.name`. timeout_s: seconds, then the environment is killed.
    max_concurrency: requests in flight at once (Lambda: reserved concurrency). provisioned: environments that are
    initialised before traffic and kept. snapstart: environments start as from a snapshot; there is none, so that each
    takes its own init's time. environment: its own variables, MODELET_STORE among them. sources: the author's own
    folder where `folder` is a snapshot of it; None where the code runs in the author's folder. version: what a model
    serves; none for other functions.
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
        """The ARN that the function's context shows; account and region are AWS's own for examples."""
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.name}"

    @property
    def watched(self) -> Path:
        """The folder that its author edits."""
        return self.sources or self.folder

    def told(self, line: str) -> str:
        """A line of its log, with the author's own paths in the place of the snapshot's."""
        return line if self.sources is None else line.replace(str(self.folder), str(self.sources))

    def discard(self) -> None:
        """Remove its snapshot, if it runs in one."""
        if self.sources is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
