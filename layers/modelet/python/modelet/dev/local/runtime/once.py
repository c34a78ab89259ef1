"""Invoke a function once with the official runtime client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from modelet.dev.local.runtime.runtime import Runtime

if TYPE_CHECKING:
    from modelet.dev.local.runtime.function import LocalFunction
    from modelet.dev.local.runtime.log import Log
    from modelet.dev.local.runtime.outcome import Outcome


def invoke_once(function: LocalFunction, event: bytes, *, log: Log | None = None) -> Outcome:
    """Start an environment, send it one event, and stop it. log: standard error by default.

    Raises TooLargeError if the event exceeds Lambda's limit. An error of the function is in the outcome.
    """

    async def once() -> Outcome:
        async with Runtime([function], log=log) as runtime:
            return await runtime.invoke(function.name, event)

    return asyncio.run(once())
