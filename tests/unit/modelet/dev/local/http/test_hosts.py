"""Which names a gateway answers to."""

from __future__ import annotations

import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.local.gateway.cors import Cors
from modelet.dev.local.gateway.http_api import HttpApi
from modelet.dev.local.gateway.rest_api import RestApi
from modelet.dev.local.http.hosts import Hosts, is_host
from modelet.dev.local.runtime.log import MemoryLog
from support.clients import Make, run, served

OURS = [
    "localhost",
    "LOCALHOST:8000",
    "127.0.0.1",
    "127.0.0.1:1",
    "[::1]",
    "[::1]:65535",
    "[0:0:0:0:0:0:0:1]",
    "localhost:",
]
FOREIGN = [
    "",
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "192.0.2.1",
    "[2001:db8::1]:8000",
    "2130706433",
    "::1",
    "user@localhost",
    "localhost:80:80",
    "local host",
    "127.0.0.2",
]


@pytest.mark.parametrize("host", OURS)
def test_the_loopback_names_are_accepted_with_any_port(host: str) -> None:
    assert is_host(host)
    assert Hosts().accepts(host)


@pytest.mark.parametrize("host", FOREIGN)
def test_every_other_name_is_foreign(host: str) -> None:
    assert not Hosts().accepts(host)


def test_the_bound_host_is_accepted_as_it_was_named() -> None:
    assert Hosts("My-Box.lan").accepts("my-box.lan:8000")
    assert Hosts("192.0.2.1").accepts("192.0.2.1:8000")
    assert Hosts("2001:db8::1").accepts("[2001:DB8:0::1]")
    assert not Hosts("192.0.2.1").accepts("192.0.2.2")
    assert Hosts("192.0.2.1").accepts("localhost")


@pytest.mark.parametrize("bound", ["0.0.0.0", "::"])
def test_bound_to_everything_addresses_and_the_machine_s_name_are_accepted(bound: str) -> None:
    hosts = Hosts(bound)
    for host in ("192.0.2.1:8000", "[2001:db8::1]", "0.0.0.0", "localhost", socket.gethostname()):
        assert hosts.accepts(host)
    assert not hosts.accepts("evil.example")


@given(st.text(max_size=40))
def test_no_text_that_is_no_host_is_accepted(host: str) -> None:
    assert is_host(host) or not (Hosts().accepts(host) or Hosts("0.0.0.0").accepts(host))


@pytest.mark.parametrize("api", [HttpApi(), RestApi()], ids=["http", "rest"])
@pytest.mark.parametrize(
    "head",
    [
        "GET /models/echo HTTP/1.1\r\nhost: evil.example",
        "GET http://evil.example/models/echo HTTP/1.1\r\nhost: localhost",
        "GET http://localhost@evil.example/models/echo HTTP/1.1\r\nhost: localhost",
        "GET /models/echo HTTP/1.0\r\nhost: evil.example",
        "OPTIONS /models/echo HTTP/1.1\r\nhost: evil.example\r\norigin: http://a\r\naccess-control-request-method: GET",
    ],
)
def test_a_request_for_another_host_reaches_no_function(
    make: Make, log: MemoryLog, api: HttpApi | RestApi, head: str
) -> None:
    async def scenario() -> None:
        function = make("def handler(event, context): return {'statusCode': 200, 'body': 'reached'}\n")
        async with served(function, log=log, api=api, cors=Cors() if isinstance(api, HttpApi) else None) as client:
            answer = await client.send(f"{head}\r\n\r\n".encode())
            assert answer.startswith(b"HTTP/1.1 403 Forbidden")
            assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"message": "Forbidden"}
            for meant in ("host: localhost:1", "host: 127.0.0.1"):
                assert (await client.send(f"GET /models/echo HTTP/1.1\r\n{meant}\r\n\r\n".encode())).endswith(
                    b"reached"
                )
            assert (await client.send(b"GET /models/echo HTTP/1.0\r\n\r\n")).endswith(b"reached")

    run(scenario())
    assert sum("evil.example' is not a host of this gateway: use localhost" in line for line in log.lines) == 1
