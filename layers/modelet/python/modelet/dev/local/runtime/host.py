"""The parts that all environments of a server share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelet.dev.local.runtime.credentials import Credentials
    from modelet.dev.local.runtime.log import Log
    from modelet.dev.local.runtime.watchdog import Watchdog


@dataclass(frozen=True, slots=True)
class Host:
    """The log, the watchdog that cleans up after a kill, the folder of the environments, and the AWS credentials."""

    log: Log
    watchdog: Watchdog
    credentials: Credentials
