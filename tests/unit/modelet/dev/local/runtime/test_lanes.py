"""Who waits for an environment that is about to be free, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from modelet.dev.local.runtime.lanes import QUICK_S, Lanes

QUICK, SLOW = QUICK_S / 2, QUICK_S * 2
LONG = 60.0


async def lately(duration_s: float, *, patience_s: float = LONG) -> Lanes:
    """Two lanes of a function whose last answer took so long."""
    lanes = Lanes(width=2, patience_s=patience_s)
    await lanes.enter()
    lanes.leave(duration_s)
    return lanes


def started(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work)


def test_nobody_waits_for_a_function_that_never_answered() -> None:
    async def scenario() -> None:
        lanes = Lanes(width=2, patience_s=LONG)
        async with asyncio.timeout(5):
            for _ in range(8):
                await lanes.enter()

    asyncio.run(scenario())


def test_nobody_waits_for_a_slow_function() -> None:
    async def scenario() -> None:
        lanes = await lately(SLOW)
        async with asyncio.timeout(5):
            for _ in range(8):
                await lanes.enter()

    asyncio.run(scenario())


def test_one_slow_answer_makes_no_slow_function_but_many_do() -> None:
    async def scenario() -> None:
        lanes = await lately(QUICK)
        for _ in range(2):
            await lanes.enter()
        lanes.leave(SLOW)
        await lanes.enter()
        waiting = started(lanes.enter())
        await asyncio.sleep(0)
        assert not waiting.done()
        lanes.leave(SLOW)
        await waiting
        for _ in range(20):
            lanes.leave(SLOW)
            await lanes.enter()
        async with asyncio.timeout(5):
            await lanes.enter()

    asyncio.run(scenario())


def test_a_lane_goes_to_who_waits_longest() -> None:
    async def scenario() -> None:
        lanes = await lately(QUICK)
        await lanes.enter()
        await lanes.enter()
        first, second = started(lanes.enter()), started(lanes.enter())
        await asyncio.sleep(0)
        assert not first.done()
        lanes.leave(QUICK)
        await first
        assert not second.done()
        lanes.leave(QUICK)
        await second

    asyncio.run(scenario())


def test_who_waited_long_enough_goes_on() -> None:
    async def scenario() -> None:
        lanes = await lately(QUICK, patience_s=0.001)
        async with asyncio.timeout(5):
            for _ in range(8):
                await lanes.enter()

    asyncio.run(scenario())


def test_a_request_that_is_given_up_takes_no_lane_with_it() -> None:
    async def scenario() -> None:
        lanes = await lately(QUICK)
        await lanes.enter()
        await lanes.enter()
        early, late = started(lanes.enter()), started(lanes.enter())
        await asyncio.sleep(0)
        early.cancel()
        await asyncio.sleep(0)
        lanes.leave(None)  # late has this lane now
        late.cancel()  # and is given up before it knows
        await asyncio.gather(early, late, return_exceptions=True)
        async with asyncio.timeout(5):
            await lanes.enter()
        lanes.leave(QUICK)
        lanes.leave(QUICK)
        async with asyncio.timeout(5):
            await asyncio.gather(lanes.enter(), lanes.enter())

    asyncio.run(scenario())
