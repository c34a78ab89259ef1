"""The invoker: what the emulator asks is answered by environments, in turn."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from modelet.dev.local.emulator.invoker import Invoker
from modelet.dev.local.emulator.worker import Worker
from modelet.dev.local.runtime.log import MemoryLog
from modelet.dev.local.runtime.runtime import Runtime
from support.clients import Make, run

WORKER = """
import time
class RefusedError(Exception): pass
def handler(event, context):
    if event == "refuse": raise RefusedError("no")
    time.sleep(0.2)
    return ["done", event]
"""


async def ask(client: httpx.AsyncClient, url: str, function: str, event: Any) -> Any:
    reply = await client.post(url, json={"function": function, "event": event, "request_id": "1"})
    assert reply.status_code == 200
    return reply.json()


def test_invocations_of_a_worker_wait_for_their_turn_and_a_model_s_own_are_throttled(
    make: Make, log: MemoryLog
) -> None:
    async def scenario() -> None:
        worker = Worker("tiny", make(WORKER, "tiny-worker", max_concurrency=1))
        async with Runtime([worker.function, make(WORKER, "tiny", max_concurrency=1)], log=log) as runtime:
            invoker = Invoker(runtime, [worker])
            url = await invoker.start()
            async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
                many = await asyncio.gather(*(ask(client, url, "local-tiny-worker", number) for number in range(4)))
                assert [answer["payload"] for answer in many] == [["done", number] for number in range(4)]
                assert not any("Throttled" in line for line in log.lines)
                both = await asyncio.gather(*(ask(client, url, "local-tiny", number) for number in range(2)))
                assert sorted(answer["throttled"] for answer in both) == [False, True]
            await invoker.stop()

    run(scenario())


def test_errors_keep_their_type_and_nobody_else_is_answered(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        worker = Worker("tiny", make(WORKER, "tiny-worker"))
        async with Runtime([worker.function], log=log) as runtime:
            invoker = Invoker(runtime, [worker])
            url = await invoker.start()
            async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
                refused = await ask(client, url, "local-tiny-worker", "refuse")
                assert (refused["error"], refused["payload"]["errorType"]) == ("RefusedError", "RefusedError")
                large = await ask(client, url, "local-tiny-worker", "x" * 6_400_000)
                assert large["error"] == "RequestEntityTooLargeException"
                unknown = await ask(client, url, "local-other-worker", 1)
                assert unknown["payload"]["errorMessage"] == "modelet up does not serve local-other-worker now"
                assert (await client.post(url.rpartition("/")[0] + "/guess", json={})).status_code == 404
                assert (await client.get(url)).status_code == 404
                assert (await client.post(url, content=b"no JSON")).status_code == 500
            await invoker.stop()

    run(scenario())
