"""The gateway in front of real environments: what a client on the wire gets."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventModel, APIGatewayProxyEventV2Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelet.dev.local.gateway.cors import Cors
from modelet.dev.local.gateway.gateway import BODY_LIMIT, HEAD_LIMIT
from modelet.dev.local.gateway.http_api import HttpApi
from modelet.dev.local.gateway.rest_api import RestApi
from modelet.dev.local.http.server import LONGEST_HEAD
from modelet.edges.base import EVENT_LIMIT
from modelet.errors import CommandError
from support.clients import run, served, until

if TYPE_CHECKING:
    from modelet.dev.local.runtime.log import MemoryLog
    from support.clients import Make

ECHO = """
import json
def handler(event, context):
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}
"""
TROUBLES = """
import os, time
def handler(event, context):
    path = event.get("rawPath") or event["path"]
    if path.endswith("raise"): raise RuntimeError("a secret of /home/me/model.py")
    if path.endswith("exit"): os._exit(1)
    if path.endswith("hang"): time.sleep(60)
    if path.endswith("wait"): time.sleep(1)
    if path.endswith("malformed"): return {"statusCode": "secret"}
    if path.endswith("big"): return {"statusCode": 200, "body": "x" * 7_000_000}
    return {"statusCode": 200, "body": "ok"}
"""
HTTP_500 = (500, {"message": "Internal Server Error"})
REST_502 = (502, {"message": "Internal server error"})
JSON = {"content-type": "application/json"}


def test_a_request_becomes_an_event_of_format_2(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with served(make(ECHO, "sentiment"), log=log) as client:
            headers = {
                "Content-Type": "application/json",
                "Cookie": "a=1; b=2",
                "X-Case": "kept",
                "Connection": "close",
            }
            path = "/models/sentiment/a%20b?x=1&x=2&y=%ED%95%9C"
            response = await client.ask("PUT", path, '{"text": "한"}'.encode(), headers)
            event = json.loads(response.body)
            APIGatewayProxyEventV2Model.model_validate(event)
            assert event["routeKey"] == "ANY /models/sentiment/{proxy+}"
            assert event["pathParameters"] == {"proxy": "a b"}
            assert event["queryStringParameters"] == {"x": "1,2", "y": "한"}
            assert event["cookies"] == ["a=1", "b=2"]
            assert json.loads(event["body"]) == {"text": "한"}
            assert event["headers"]["x-case"] == "kept"
            assert "connection" not in event["headers"]
            assert event["headers"]["host"] == f"127.0.0.1:{client.port}"
            assert event["headers"]["x-forwarded-port"] == str(client.port)
            assert event["requestContext"]["domainName"] == "127.0.0.1"
            assert event["requestContext"]["http"]["method"] == "PUT"
            assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
            assert response.headers["apigw-requestid"] == event["requestContext"]["requestId"]
            assert response.headers["date"].endswith("GMT")

    run(scenario())


def test_a_request_becomes_an_event_of_format_1(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with served(make(ECHO, "sentiment"), log=log, api=RestApi()) as client:
            response = await client.ask("POST", "/models/sentiment/infer?x=1&x=2", b"{}", {"X-Case": "kept"})
            event = json.loads(response.body)
            APIGatewayProxyEventModel.model_validate(event)
            assert event["resource"] == "/models/sentiment/{proxy+}"
            assert event["pathParameters"] == {"proxy": "infer"}
            assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
            assert event["headers"]["X-Case"] == "kept"
            assert response.headers["x-amzn-requestid"] == event["requestContext"]["requestId"]

    run(scenario())


def test_the_trace_of_a_request_reaches_the_function(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        source = "import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID']\n"
        async with served(make(source), log=log) as client:
            trace = "Root=1-5e6722a7-0123456789abcdef01234567"
            response = await client.ask("GET", "/models/echo", headers={"x-amzn-trace-id": trace})
            assert json.loads(response.body).startswith(trace)

    run(scenario())


def test_each_path_goes_to_its_function_and_all_else_to_the_default(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        functions = [make(f"def handler(event, context): return '{name}'\n", name) for name in ("a", "b", "index")]
        async with served(*functions, log=log, default="index") as client:
            for path, name in [("/models/a", "a"), ("/v2/models/b/infer", "b"), ("/models/c", "index"), ("/", "index")]:
                assert json.loads((await client.ask("GET", path)).body) == name

    run(scenario())


@pytest.mark.parametrize(
    ("api", "resource", "parameters"),
    [
        (HttpApi(), "/models/{name}/predictions/{key}", {"name": "sentiment", "key": "a"}),
        (RestApi(), "/models/sentiment/predictions/{key}", {"key": "a"}),
    ],
)
def test_a_shared_path_goes_to_the_platform_function_with_its_parameters(
    make: Make, log: MemoryLog, api: HttpApi | RestApi, resource: str, parameters: dict[str, str]
) -> None:
    async def scenario() -> None:
        functions = make(ECHO, "sentiment"), make(ECHO, "batches")
        async with served(*functions, log=log, api=api, shared="batches") as client:
            event = json.loads((await client.ask("GET", "/models/sentiment/predictions/a")).body)
            assert event.get("resource", event.get("routeKey")).removeprefix("ANY ") == resource
            assert event["pathParameters"] == parameters
            own = json.loads((await client.ask("GET", "/models/sentiment/infer")).body)
            assert own["pathParameters"] == {"proxy": "infer"}

    run(scenario())


def test_a_request_waits_for_what_its_function_needs_however_long_it_takes(make: Make, log: MemoryLog) -> None:
    api = HttpApi()
    api.timeout_s = 0.5
    waits: list[str] = []

    async def wait() -> None:
        waits.append("began")
        if len(waits) == 1:
            raise CommandError("the emulator cannot be installed: check the network")
        await asyncio.sleep(0.7)

    async def scenario() -> None:
        functions = make(ECHO, "sentiment"), make(ECHO, "batches", provisioned=1)
        async with served(*functions, log=log, api=api, shared="batches", awaited={"batches": wait}) as client:
            refused = await client.ask("GET", "/jobs/1")
            assert (refused.status, json.loads(refused.body)) == HTTP_500
            assert any("check the network" in line for line in log.lines)
            assert (await client.ask("GET", "/jobs/1")).status == 200
            assert waits == ["began", "began"]

    run(scenario())


@pytest.mark.parametrize(("api", "name"), [(HttpApi(), "index"), (RestApi(), "a")], ids=["http", "rest"])
def test_a_slash_after_a_resource_counts_to_an_http_api_and_not_to_a_rest_api(
    make: Make, log: MemoryLog, api: HttpApi | RestApi, name: str
) -> None:
    async def scenario() -> None:
        functions = [
            make(f"def handler(event, context): return {{'statusCode': 200, 'body': '{name}'}}\n", name)
            for name in ("a", "index")
        ]
        async with served(*functions, log=log, default="index", api=api) as client:
            assert (await client.ask("GET", "/models/a/")).body.decode() == name
            assert (await client.ask("GET", "/v2/models/a/")).body.decode() == name
            for path in ("/models/a", "/models/a/infer", "/models/a/infer/"):
                assert (await client.ask("GET", path)).body == b"a"
            for path in ("/models/", "/"):
                assert (await client.ask("GET", path)).body == b"index"

    run(scenario())


@pytest.mark.parametrize(
    ("api", "status", "body"),
    [(HttpApi(), 404, {"message": "Not Found"}), (RestApi(), 403, {"message": "Missing Authentication Token"})],
    ids=["http", "rest"],
)
def test_no_route_is_aws_own_answer(
    make: Make, log: MemoryLog, api: HttpApi | RestApi, status: int, body: dict[str, str]
) -> None:
    async def scenario() -> None:
        async with served(make(ECHO), log=log, api=api) as client:
            response = await client.ask("GET", "/nowhere")
            assert (response.status, json.loads(response.body)) == (status, body)

    run(scenario())


@pytest.mark.parametrize(("api", "expected"), [(HttpApi(), HTTP_500), (RestApi(), REST_502)], ids=["http", "rest"])
def test_a_function_in_trouble_is_aws_own_answer_and_the_reason_is_in_the_log(
    make: Make, log: MemoryLog, api: HttpApi | RestApi, expected: tuple[int, Any]
) -> None:
    reasons = {
        "raise": "RuntimeError",
        "exit": "Runtime.ExitError",
        "hang": "Sandbox.Timedout",
        "malformed": "malformed answer: statusCode is 'secret'",
        "big": "Function.ResponseSizeTooLarge",
    }

    async def scenario() -> None:
        async with served(make(TROUBLES, timeout_s=1), log=log, api=api) as client:
            for path, reason in reasons.items():
                response = await client.ask("GET", f"/models/echo/{path}")
                assert (response.status, json.loads(response.body)) == expected
                assert b"secret" not in response.body + str(response.headers).encode()
                told = [line for line in log.lines if line.startswith(f"GET /models/echo/{path}: {expected[0]}, ")]
                assert len(told) == 1
                assert reason in told[0]
                assert (await client.ask("GET", "/models/echo/ok")).body == b"ok"

    run(scenario())


def test_a_failed_init_is_aws_own_answer_each_time(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with served(make("raise ValueError('model.onnx is altered')\n"), log=log) as client:
            for _ in range(2):
                response = await client.ask("GET", "/models/echo")
                assert (response.status, json.loads(response.body)) == HTTP_500
            assert sum("model.onnx is altered" in line for line in log.lines) >= 2

    run(scenario())


@pytest.mark.parametrize(
    ("api", "expected"),
    [(HttpApi(), (503, "Service Unavailable")), (RestApi(), (500, "Internal server error"))],
    ids=["http", "rest"],
)
def test_no_free_environment_is_aws_own_answer(
    make: Make, log: MemoryLog, api: HttpApi | RestApi, expected: tuple[int, str]
) -> None:
    async def scenario() -> None:
        async with served(make(TROUBLES, max_concurrency=2), log=log, api=api) as client:
            responses = await asyncio.gather(*(client.ask("GET", "/models/echo/wait") for _ in range(5)))
            assert sorted(response.status for response in responses) == [200, 200, *[expected[0]] * 3]
            for response in responses:
                if response.status != 200:
                    assert json.loads(response.body) == {"message": expected[1]}
            assert any("(max_concurrency: 2)" in line for line in log.lines)

    run(scenario())


@pytest.mark.parametrize(
    ("api", "expected"),
    [(HttpApi(), (503, "Service Unavailable")), (RestApi(), (504, "Endpoint request timed out"))],
    ids=["http", "rest"],
)
def test_an_integration_that_takes_too_long_is_given_up_and_the_function_goes_on(
    make: Make, log: MemoryLog, api: HttpApi | RestApi, expected: tuple[int, str]
) -> None:
    assert (HttpApi.timeout_s, RestApi.timeout_s) == (30, 29)
    api.timeout_s = 0.2

    async def scenario() -> None:
        function = make(TROUBLES, max_concurrency=1)
        async with served(function, log=log, api=api) as client:
            response = await client.ask("GET", "/models/echo/wait")
            assert (response.status, json.loads(response.body)) == (expected[0], {"message": expected[1]})
            assert (await client.ask("GET", "/models/echo/ok")).status in {500, 503}
            await until(lambda: any(line.startswith("REPORT") for line in log.lines))
            api.timeout_s = 30
            assert (await client.ask("GET", "/models/echo/ok")).body == b"ok"

    run(scenario())


def test_a_body_up_to_lambdas_limit_passes_and_above_it_does_not(make: Make, log: MemoryLog) -> None:
    source = "def handler(event, context): return len(event['body'])\n"

    async def scenario() -> None:
        async with served(make(source), log=log) as client:
            response = await client.ask("POST", "/models/echo", b"x" * (EVENT_LIMIT - 2000), JSON)
            assert json.loads(response.body) == EVENT_LIMIT - 2000
            for body in (b"x" * EVENT_LIMIT, b'"' * (EVENT_LIMIT // 2), b"x" * BODY_LIMIT, b"x" * (BODY_LIMIT + 1)):
                response = await client.ask("POST", "/models/echo", body, JSON)
                assert (response.status, json.loads(response.body)) == (413, {"message": "Request Entity Too Large"})
        assert sum("body too large" in line for line in log.lines) == 1
        assert sum("event too large" in line for line in log.lines) == 3

    run(scenario())


def test_a_rest_api_says_which_of_the_two_limits_it_was(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with served(make(ECHO), log=log, api=RestApi()) as client:
            event = await client.ask("POST", "/models/echo", b"x" * EVENT_LIMIT)
            assert (event.status, json.loads(event.body)) == (413, {"message": "Request Too Long"})
            body = await client.ask("POST", "/models/echo", b"x" * (BODY_LIMIT + 1))
            assert (body.status, body.body) == (413, b"HTTP content length exceeded 10485760 bytes.")

    run(scenario())


def test_request_line_and_headers_have_a_limit_together(make: Make, log: MemoryLog) -> None:
    source = "def handler(event, context): return 'ok'\n"

    async def scenario() -> None:
        async with served(make(source), log=log) as client:
            host = f"127.0.0.1:{client.port}"
            room = HEAD_LIMIT - len("GET /models/echo HTTP/1.1") - len(host)
            for size, status in ((room, 200), (room + 1, 431)):
                head = f"GET /models/echo HTTP/1.1\r\nhost: {host}\r\nx: {'x' * size}\r\n\r\n".encode()
                assert (await client.send(head)).startswith(b"HTTP/1.1 %d " % status)
            assert (
                await client.send(b"GET /models/echo?" + b"x" * HEAD_LIMIT + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")
            ).startswith(b"HTTP/1.1 431 ")

    run(scenario())


def test_bytes_that_are_no_http_are_a_bad_request(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with served(make(ECHO), log=log) as client:
            answer = await client.send(b"what?\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 400 Bad Request")
            assert answer.endswith(b'{"message": "Bad Request"}')

    run(scenario())


def test_a_preflight_is_the_gateways_and_the_function_never_sees_it(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with served(make(ECHO), log=log, cors=Cors(origins=("https://app.example",))) as client:
            asks = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
            response = await client.ask("OPTIONS", "/models/echo/infer", headers=asks)
            assert (response.status, response.body) == (204, b"")
            assert response.headers["access-control-allow-origin"] == "https://app.example"
            assert log.lines == []
            for path in ("/models/echo", "/nowhere"):
                response = await client.ask("GET", path, headers={"Origin": "https://app.example"})
                assert response.headers["access-control-allow-origin"] == "https://app.example"

    run(scenario())


@pytest.mark.parametrize(
    ("api", "name"), [(HttpApi(), "apigw-requestid"), (RestApi(), "x-amzn-requestid")], ids=["http", "rest"]
)
def test_every_answer_has_an_id_of_its_own_whoever_gives_it(
    make: Make, log: MemoryLog, api: HttpApi | RestApi, name: str
) -> None:
    class Broken(type(api)):  # type: ignore[misc]  # either of the two
        def event(self, request: Any, *rest: Any) -> bytes:
            if request.path.endswith("/accident"):
                raise LookupError
            return bytes(super().event(request, *rest))

    get = "GET /models/echo/{} HTTP/1.1\r\nhost: localhost\r\n"
    asked = {
        "ok": get.format("ok"),
        "of the function": get.format("raise"),
        "malformed": get.format("malformed"),
        "an accident": get.format("accident"),
        "no route": "GET /nowhere HTTP/1.1\r\nhost: localhost\r\n",
        "no host": "GET / HTTP/1.1\r\n",
        "a foreign host": "GET / HTTP/1.1\r\nhost: evil.example\r\n",
        "no HTTP": "what?\r\n",
        "a large head": get.format("x" * HEAD_LIMIT),
        "an endless head": get.format("x" * 2 * LONGEST_HEAD),
        "a large body": get.format("") + f"content-length: {BODY_LIMIT + 1}\r\n",
    }
    if isinstance(api, HttpApi):
        asked["a preflight"] = (
            "OPTIONS / HTTP/1.1\r\nhost: localhost\r\norigin: https://a\r\naccess-control-request-method: GET\r\n"
        )

    async def scenario() -> None:
        cors = Cors() if isinstance(api, HttpApi) else None
        async with served(make(TROUBLES), log=log, api=Broken(), cors=cors) as client:
            ids = {}
            for what, head in asked.items():
                answer = await client.send(f"{head}connection: close\r\n\r\n".encode())
                lines = answer.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
                ids[what] = [line.partition(": ")[2] for line in lines if line.startswith(f"{name}: ")]
            assert all(len(found) == 1 and found[0] for found in ids.values()), ids
            assert len({found[0] for found in ids.values()}) == len(asked)

    run(scenario())


def test_a_head_request_has_an_answer_without_a_body(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with served(make("def handler(event, context): return event['requestContext']\n"), log=log) as client:
            response = await client.ask("HEAD", "/models/echo")
            assert response.status == 200
            assert response.body == b""
            assert int(response.headers["content-length"]) > 100

    run(scenario())


def test_bytes_go_in_and_out_unchanged(make: Make, log: MemoryLog) -> None:
    source = """
def handler(event, context):
    return {"statusCode": 200, "isBase64Encoded": event["isBase64Encoded"], "body": event.get("body", "")}
"""

    async def scenario() -> None:
        async with served(make(source), log=log) as client:
            body = bytes(range(256)) * 100
            assert (await client.ask("POST", "/models/echo", body)).body == body

    run(scenario())


def test_a_proxys_absolute_target_is_the_same_path(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with served(make("def handler(event, context): return event['rawPath']\n"), log=log) as client:
            for target in (b"http://localhost/models/echo/x", b"/models/echo/x"):
                answer = await client.send(b"GET %b HTTP/1.1\r\nhost: localhost\r\n\r\n" % target)
                assert answer.endswith(b'"/models/echo/x"')

    run(scenario())


def test_a_request_under_way_has_a_moment_to_finish_when_the_gateway_stops(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        source = "import time\ndef handler(event, context):\n    time.sleep(0.3)\n    return 'done'\n"
        async with served(make(source), log=log) as client:
            under_way = asyncio.create_task(client.ask("GET", "/models/echo"))
            await until(lambda: any(line.startswith("START") for line in log.lines))
        response = await under_way
        assert json.loads(response.body) == "done"
        assert response.headers["connection"] == "close"
        with pytest.raises(OSError):  # noqa: PT011  # refused or reset
            await client.ask("GET", "/models/echo")

    run(scenario())


def test_an_accident_of_the_gateway_itself_leaves_no_caller_waiting(make: Make, log: MemoryLog) -> None:
    class Broken(HttpApi):
        def answer(self, *_: Any) -> Any:
            raise LookupError("of the gateway")

    async def scenario() -> None:
        async with served(make(ECHO), log=log, api=Broken()) as client:
            response = await client.ask("GET", "/models/echo")
            assert (response.status, json.loads(response.body)) == HTTP_500
        assert any("LookupError('of the gateway')" in line for line in log.lines)

    run(scenario())


TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=1, max_size=12)


def test_whatever_is_sent_arrives(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with served(make(ECHO), log=log) as client:
            loop = asyncio.get_running_loop()

            @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
            @given(
                st.binary(max_size=300),
                st.lists(st.tuples(TOKEN, st.text("abc =,;\"'%", max_size=10).map(str.strip)), max_size=4),
                st.lists(st.tuples(TOKEN, TOKEN), max_size=4),
            )
            def arrives(body: bytes, headers: list[tuple[str, str]], query: list[tuple[str, str]]) -> None:
                sent = {f"x-{name.lower()}": value for name, value in headers}
                path = "/models/echo/x?" + "&".join(f"{name}={value}" for name, value in query)
                asked = asyncio.run_coroutine_threadsafe(client.ask("POST", path, body, sent), loop)
                event = json.loads(asked.result(30).body)
                assert base64.b64decode(event.get("body", "")) == body
                assert event["headers"].items() >= sent.items()
                assert event["rawQueryString"] == path.partition("?")[2]

            await asyncio.to_thread(arrives)

    run(scenario())
