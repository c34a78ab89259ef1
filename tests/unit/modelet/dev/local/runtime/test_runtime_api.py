"""The Runtime API, as a client on the wire meets it."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from modelet.dev.local.runtime.runtime_api import Invocation, Reply, RuntimeApi
from modelet.violation import RESPONSE_LIMIT
from support.clients import run, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = "/2018-06-01/runtime/"
INVOCATION = Invocation("an-id", b'{"a": 1}', 1_700_000_000_000, "arn:f", "Root=1-2-3")


class Heard:
    """What the API told its environment."""

    def __init__(self) -> None:
        self.waiting = 0
        self.replies: list[Reply] = []
        self.init_errors: list[Reply] = []

    def on_waiting(self) -> None:
        self.waiting += 1


class Runtime:
    """A runtime client in the hands of a test."""

    def __init__(self, address: str) -> None:
        self.connection = http.client.HTTPConnection(address, timeout=10)

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        def called() -> tuple[int, dict[str, str], bytes]:
            self.connection.request(method, ROOT + path, body, headers)
            response = self.connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

        return await asyncio.to_thread(called)


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[RuntimeApi, Runtime, Heard]]:
    heard = Heard()
    api = RuntimeApi(heard.on_waiting, heard.replies.append, heard.init_errors.append)
    client = Runtime(await api.start())
    try:
        yield api, client, heard
    finally:
        client.connection.close()
        await api.stop()


async def handed_over(api: RuntimeApi, client: Runtime, heard: Heard) -> tuple[int, dict[str, str], bytes]:
    asked = asyncio.create_task(client.call("GET", "invocation/next"))
    before = heard.waiting
    await until(lambda: heard.waiting > before)
    api.send(INVOCATION)
    return await asked


def test_the_next_event_comes_with_lambdas_headers() -> None:
    async def scenario() -> None:
        async with listening() as (api, client, heard):
            status, headers, body = await handed_over(api, client, heard)
            assert (status, body) == (200, INVOCATION.event)
            assert headers["content-type"] == "application/json"
            assert headers["lambda-runtime-aws-request-id"] == "an-id"
            assert headers["lambda-runtime-deadline-ms"] == "1700000000000"
            assert headers["lambda-runtime-invoked-function-arn"] == "arn:f"
            assert headers["lambda-runtime-trace-id"] == "Root=1-2-3"

    run(scenario())


def test_an_answer_is_accepted_once_and_only_for_the_invocation_under_way() -> None:
    async def scenario() -> None:
        async with listening() as (api, client, heard):
            await handed_over(api, client, heard)
            assert (await client.call("POST", "invocation/another/response", b"1"))[0] == 400
            assert (await client.call("POST", "invocation/an-id/response", b"1"))[0] == 202
            status, _, body = await client.call("POST", "invocation/an-id/response", b"2")
            assert (status, json.loads(body)["errorType"]) == (400, "InvalidRequestID")
            assert heard.replies == [Reply(b"1")]

    run(scenario())


def test_errors_come_with_their_type_from_the_body_or_the_header() -> None:
    async def scenario() -> None:
        async with listening() as (api, client, heard):
            typed = b'{"errorType": "ValueError", "errorMessage": "no"}'
            for body, headers, error in [
                (typed, {}, "ValueError"),
                (b"{}", {"Lambda-Runtime-Function-Error-Type": "Runtime.Odd"}, "Runtime.Odd"),
                (b"no json", {}, "Runtime.Unknown"),
            ]:
                await handed_over(api, client, heard)
                assert (await client.call("POST", "invocation/an-id/error", body, **headers))[0] == 202
                assert heard.replies.pop() == Reply(body, error)
            assert (await client.call("POST", "init/error", typed))[0] == 202
            assert heard.init_errors == [Reply(typed, "ValueError")]

    run(scenario())


def test_who_starts_from_a_snapshot_goes_on_at_once_and_may_say_why_not() -> None:
    async def scenario() -> None:
        async with listening() as (_, client, heard):
            assert (await client.call("GET", "restore/next"))[0] == 200
            header = {"Lambda-Runtime-Function-Error-Type": "Runtime.AfterRestoreError"}
            assert (await client.call("POST", "restore/error", b"{}", **header))[0] == 202
            assert heard.init_errors == [Reply(b"{}", "Runtime.AfterRestoreError")]

    run(scenario())


def test_an_answer_above_the_limit_is_refused_with_413() -> None:
    async def scenario() -> None:
        async with listening() as (api, client, heard):
            await handed_over(api, client, heard)
            status, _, body = await client.call("POST", "invocation/an-id/response", b"x" * (RESPONSE_LIMIT + 1))
            assert (status, json.loads(body)["errorType"]) == (413, "RequestEntityTooLarge")
            assert heard.replies[0].error == "Function.ResponseSizeTooLarge"

    run(scenario())


def test_what_is_no_endpoint_is_not_found() -> None:
    async def scenario() -> None:
        async with listening() as (_, client, _):
            for method, path in [
                ("GET", "init/error"),
                ("POST", "invocation/next"),
                ("POST", "restore/next"),
                ("PUT", "x"),
            ]:
                assert (await client.call(method, path))[0] == 404

    run(scenario())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "invocation/next"),
        ("POST", "invocation/an-id/response"),
        ("POST", "init/error"),
        ("GET", "restore/next"),
    ],
)
@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "localhost:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"]
)
def test_a_page_that_leads_here_by_another_name_is_not_answered(method: str, path: str, host: str) -> None:
    async def scenario() -> None:
        async with listening() as (api, client, heard):
            await handed_over(api, client, heard)
            named = host.format(port=client.connection.port)
            status, _, body = await client.call(method, path, b"{}" if method == "POST" else None, Host=named)
            assert (status, json.loads(body)["errorType"]) == (403, "Forbidden")
            assert (heard.waiting, heard.replies, heard.init_errors) == (1, [], [])
            assert (await client.call("POST", "invocation/an-id/response", b"1"))[0] == 202

    run(scenario())


OFFICIAL = """
import sys
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
client = LambdaRuntimeClient(sys.argv[1])
asked = client.wait_next_invocation()
client.post_invocation_result(asked.invoke_id, asked.event_body)
client.call_rapid("POST", "/2018-06-01/runtime/init/error", 202, {"errorType": "Own"}, {})
"""


def test_the_official_client_is_answered_by_each_of_its_two_ways() -> None:
    async def scenario() -> None:
        async with listening() as (api, client, heard):
            address = f"{client.connection.host}:{client.connection.port}"
            environment = {**os.environ, "AWS_LAMBDA_RUNTIME_API": address}
            official = await asyncio.create_subprocess_exec(sys.executable, "-c", OFFICIAL, address, env=environment)
            await until(lambda: heard.waiting == 1)
            api.send(INVOCATION)
            assert await asyncio.wait_for(official.wait(), 20) == 0
            assert heard.replies == [Reply(INVOCATION.event)]
            assert [reply.error for reply in heard.init_errors] == ["Own"]

    run(scenario())


def test_each_environment_has_a_port_of_its_own_and_gives_it_back() -> None:
    async def scenario() -> None:
        async with listening() as (_, first, _), listening() as (_, second, _):
            assert first.connection.port != second.connection.port
        for client in (first, second):
            try:
                await client.call("GET", "x")
            except OSError:
                continue
            raise AssertionError("the port still answers")

    run(scenario())
