"""What all environments of one server share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelet.dev.local.runtime.credentials import Credentials
    from modelet.dev.local.runtime.log import Log
    from modelet.dev.local.runtime.watchdog import Keeper


@dataclass(frozen=True, slots=True)
class Host:
    """Where lines go, who cleans up after a kill and in which folder, and how functions sign in to AWS."""

    log: Log
    keeper: Keeper
    credentials: Credentials
