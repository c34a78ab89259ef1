"""HTTP/1.1 on the wire: every request gets its answer, whatever else was sent."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from modelet.dev.local.http.server import LONGEST_HEAD, Wire
from support.clients import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from modelet.dev.local.http.exchange import Exchange

LIMIT = 1000
STREAM = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def echo(exchange: Exchange) -> None:
    """Answers with what it was asked, or with the refusal."""
    status = exchange.refusal or 200
    exchange.answer(status, [(b"x-target", exchange.target)], exchange.method.encode() + b" " + exchange.body)


@asynccontextmanager
async def listening(serve: Callable[[Exchange], None] = echo) -> AsyncIterator[tuple[int, set[Wire]]]:
    connections: set[Wire] = set()
    server = await asyncio.get_running_loop().create_server(lambda: Wire(serve, connections, LIMIT), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], connections
    finally:
        server.close()
        for wire in list(connections):
            wire.abort()
        await server.wait_closed()


async def exchange_of(data: bytes, *, serve: Callable[[Exchange], None] = echo, half_close: bool = True) -> bytes:
    """Everything that comes back for these bytes."""
    async with listening(serve) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        if half_close:
            writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer


async def response(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(head[0].split()[1]), headers, body


def post(body: bytes, extra: bytes = b"") -> bytes:
    return b"POST /p HTTP/1.1\r\nhost: h\r\n%bcontent-length: %d\r\n\r\n%b" % (extra, len(body), body)


def test_requests_of_one_connection_are_answered_one_after_the_other_in_order() -> None:
    async def scenario() -> None:
        waiting: list[Exchange] = []
        async with listening(waiting.append) as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"".join(b"GET /%d HTTP/1.1\r\nhost: h\r\n\r\n" % i for i in range(50)))
            for i in range(50):
                async with asyncio.timeout(5):
                    while not waiting:
                        await asyncio.sleep(0)
                assert len(waiting) == 1, "the next one waits for the answer before"
                echo(waiting.pop())
                assert (await response(reader))[1]["x-target"] == f"/{i}"
            writer.close()

    run(scenario())


def test_a_body_comes_whole_however_it_was_cut() -> None:
    async def scenario() -> None:
        async with listening() as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            chunked = (
                b"POST /c HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
            )
            for byte in post(b"12345") + chunked:
                writer.write(bytes([byte]))
                await writer.drain()
            assert (await response(reader))[2] == b"POST 12345"
            assert (await response(reader))[2] == b"POST abcde"
            writer.close()

    run(scenario())


def test_head_and_bodiless_statuses_send_no_body() -> None:
    def serve(exchange: Exchange) -> None:
        exchange.answer(204 if exchange.target == b"/none" else 200, [], b"body")

    data = b"HEAD / HTTP/1.1\r\nhost: h\r\n\r\nGET /none HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"
    answer = run(exchange_of(data, serve=serve))
    head, none, rest = answer.split(b"\r\n\r\n")
    assert b"content-length: 4" in head
    assert none.startswith(b"HTTP/1.1 204 No Content")
    assert b"content-length" not in none
    assert rest == b""


def test_old_clients_and_those_that_say_so_are_disconnected_after_the_answer() -> None:
    for data in (b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"):
        assert b"connection: close\r\n" in run(exchange_of(data, half_close=False))
    kept = run(exchange_of(b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"))
    assert b"connection: keep-alive\r\n" in kept


def test_a_caller_that_closed_its_own_side_still_gets_its_answer() -> None:
    def later(exchange: Exchange) -> None:
        asyncio.get_running_loop().call_later(0.05, echo, exchange)

    assert run(exchange_of(post(b"x"), serve=later)).endswith(b"POST x")


def test_who_asks_whether_to_continue_is_told() -> None:
    async def scenario() -> None:
        async with listening() as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head, _, body = post(b"abc", b"expect: 100-continue\r\n").partition(b"\r\n\r\n")
            writer.write(head + b"\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(body)
            assert (await response(reader))[2] == b"POST abc"
            writer.close()

    run(scenario())


def test_http_1_0_never_gets_an_interim_answer() -> None:
    head = b"POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\nabc"
    answer = run(exchange_of(head, half_close=False))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"POST abc")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nHOST: b\r\n",
        b"GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n",
        b"GET / HTTP/1.1\r\nhost: a b\r\n",
        b"GET / HTTP/1.1\r\nhost: a, b\r\n",
        b"GET / HTTP/1.1\r\nhost: a:80:80\r\n",
        b"GET / HTTP/1.1\r\nhost: user@a\r\n",
        b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n",
    ],
)
def test_a_request_without_one_valid_host_is_refused_and_what_follows_it_is_not_read(head: bytes) -> None:
    answer = run(exchange_of(post(b"first") + head + b"\r\n" + post(b"last"), half_close=False))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"HTTP/1.1 400 Bad Request" in answer
    assert answer.count(b"HTTP/1.1 ") == 2


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
        (b"CONNECT h:1 HTTP/1.1\r\nhost: h\r\n\r\n", 400),
        (post(b"", b"connection: close\r\n"), 200),
        (b"GET / HTTP/1.0\r\n\r\n", 200),
        (b"POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 1001\r\n\r\n" + b"x" * 1001, 413),
    ],
)
@pytest.mark.parametrize("later", [post(b"later"), post(b"x" * 1001), post(b"later", b"expect: 100-continue\r\n")])
def test_what_comes_in_one_packet_behind_the_end_of_a_connection_is_not_served(
    ending: bytes, status: int, later: bytes
) -> None:
    served = []

    def serve(exchange: Exchange) -> None:
        served.append(exchange.refusal or 200)
        echo(exchange)

    answer = run(exchange_of(ending + later + later + b"no HTTP\r\n", serve=serve, half_close=False))
    assert served == [status]
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/2.0\r\nhost: a\r\n\r\n", 505),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/0.9\r\nhost: a\r\n\r\n", 505),
        (b"GET / HTTP/2.0\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", 505),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding:  Chunked \r\n\r\n1\r\na\r\n0\r\n\r\n", 200),
    ],
)
def test_another_version_or_coding_is_refused_by_its_own_status(head: bytes, status: int) -> None:
    answer = run(exchange_of(head, half_close=False) if status != 200 else exchange_of(head))
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "head", [b"GET / HTTP/1.0\r\n", b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n", b"GET / HTTP/1.1\r\nhost:\r\n"]
)
def test_http_1_0_needs_no_host_and_an_empty_one_is_one(head: bytes) -> None:
    assert run(exchange_of(head + b"\r\n")).startswith(b"HTTP/1.1 200 OK")


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes_and_the_connection_goes_on() -> None:
    async def scenario() -> None:
        async with listening() as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % (LIMIT + 1))
            assert (await response(reader))[0] == 413
            writer.write(b"x" * (LIMIT + 1) + post(b"small"))
            assert (await response(reader))[::2] == (200, b"POST small")
            writer.close()

    run(scenario())


def test_a_chunked_body_is_refused_when_it_passes_the_limit_and_an_endless_one_is_cut_off() -> None:
    async def scenario() -> None:
        async with listening() as (port, connections):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n")
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            assert (await response(reader))[0] == 413
            while connections:
                writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
                await asyncio.sleep(0)
            writer.close()

    run(scenario())


def test_a_body_of_exactly_the_limit_is_served() -> None:
    assert run(exchange_of(post(b"x" * LIMIT))).endswith(b"POST " + b"x" * LIMIT)


def test_a_head_without_an_end_is_refused() -> None:
    for endless in (b"GET /" + b"a" * LONGEST_HEAD * 2, b"GET / HTTP/1.1\r\n" + b"h: v\r\n" * LONGEST_HEAD):
        assert run(exchange_of(endless, half_close=False)).startswith(b"HTTP/1.1 431")


def test_bytes_that_are_no_http_are_refused_and_end_the_connection() -> None:
    answer = run(exchange_of(b"\x16\x03\x01\x02\x00 a TLS hello", half_close=False))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    assert b"connection: close" in answer


def test_an_offer_of_another_protocol_is_overlooked() -> None:
    offer = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"
    chunked = b"POST /c HTTP/1.1\r\nhost: h\r\n" + offer + b"transfer-encoding: chunked\r\n\r\n5\r\nthird\r\n0\r\n\r\n"
    answer = run(exchange_of(post(b"first", offer) + post(b"second") + chunked))
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert b"POST first" in answer
    assert b"POST second" in answer
    assert answer.endswith(b"POST third")
    assert run(exchange_of(b"CONNECT h:1 HTTP/1.1\r\nhost: h\r\n\r\n", half_close=False)).startswith(b"HTTP/1.1 400")


def test_a_connection_that_sends_nothing_for_long_is_closed_and_a_busy_one_is_not() -> None:
    async def scenario() -> None:
        waiting: list[Exchange] = []
        async with listening(waiting.append) as (port, connections):
            idle, idle_writer = await asyncio.open_connection("127.0.0.1", port)
            busy, busy_writer = await asyncio.open_connection("127.0.0.1", port)
            busy_writer.write(post(b"x"))
            while not waiting:
                await asyncio.sleep(0)
            for wire in list(connections):
                wire.close(asyncio.get_running_loop().time())
            assert await idle.read() == b""
            echo(waiting[0])
            assert (await response(busy))[0] == 200
            idle_writer.close()
            busy_writer.close()

    run(scenario())


def test_an_answer_to_a_caller_that_left_is_dropped() -> None:
    async def scenario() -> None:
        waiting: list[Exchange] = []
        async with listening(waiting.append) as (port, connections):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(post(b"x"))
            while not waiting:
                await asyncio.sleep(0)
            writer.transport.abort()
            await asyncio.sleep(0.05)
            echo(waiting[0])
            echo(waiting[0])
            async with asyncio.timeout(5):
                while connections:
                    await asyncio.sleep(0)

    run(scenario())


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.binary(max_size=40) | st.sampled_from([b"\r\n", b"\r\n\r\n", b"GET / HTTP/1.1", b"content-length: 5"]))
)
@example([b"GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n"])
@example([b"GET / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n"])
@example([b"CONNECT h:1 HTTP/1.1\r\n\r\nrest"])
def test_no_bytes_break_the_server(parts: list[bytes]) -> None:
    async def scenario() -> None:
        async with listening() as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"".join(parts))
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), 10)
            assert not answer or answer.startswith(b"HTTP/1.1 ")
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(post(b"alive"))
            assert (await response(reader))[2] == b"POST alive"
            writer.close()

    run(scenario())


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=LIMIT), min_size=1, max_size=5), st.data())
def test_bodies_arrive_byte_for_byte_wherever_the_network_cuts(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(post, bodies))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))

    async def scenario() -> None:
        async with listening() as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
                writer.write(stream[start:end])
                await asyncio.sleep(0)
            for body in bodies:
                assert (await response(reader))[2] == b"POST " + body
            writer.close()

    run(scenario())
