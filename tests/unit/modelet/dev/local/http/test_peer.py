"""An environment's Runtime API is its own user's, whoever else is on the machine."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys

import pytest

from modelet.dev.local.http.peer import is_own
from modelet.dev.local.runtime.runtime_api import RuntimeApi
from support.clients import run

CALLER = """
import os, socket, sys
uid, family, address, port, closes = int(sys.argv[1]), *sys.argv[2:]
os.setgid(uid); os.setuid(uid)
caller = socket.socket(socket.AF_INET6 if family == "6" else socket.AF_INET)
caller.settimeout(10)
try:
    caller.connect((address, int(port)))
    caller.sendall(b"POST /2018-06-01/runtime/init/error HTTP/1.1\\r\\n"
                   b"host: 127.0.0.1:%s\\r\\ncontent-length: 2\\r\\n\\r\\n{}" % port.encode())
    if closes == "closes":
        caller.close()
        print("closed")
    else:
        print(caller.recv(100).decode().split("\\r\\n")[0])
except ConnectionError:
    print("")
"""
NOBODY = pwd.getpwnam("nobody").pw_uid
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says whose a connection is")


async def answered(uid: int, family: str = "4", address: str = "127.0.0.1", closes: str = "stays") -> tuple[str, int]:
    """What a program of this user is answered, and how many of its posts were heard."""
    import asyncio

    heard: list[object] = []
    api = RuntimeApi(lambda: None, heard.append, heard.append)
    port = (await api.start()).rpartition(":")[2]
    try:
        words = [sys.executable, "-c", CALLER, str(uid), family, address, port, closes]
        caller = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)
        said = (await caller.communicate())[0].decode().strip()
        await asyncio.sleep(0.2)
        return said, len(heard)
    finally:
        await api.stop()


@linux
@needs_root
@pytest.mark.parametrize(("family", "address"), [("4", "127.0.0.1"), ("6", "::ffff:127.0.0.1")])
def test_a_program_of_another_user_is_cut_off_and_one_of_ours_is_served(family: str, address: str) -> None:
    assert run(answered(NOBODY, family, address)) == ("", 0)
    assert run(answered(os.geteuid(), family, address)) == ("HTTP/1.1 202 Accepted", 1)


@linux
@needs_root
def test_another_user_s_post_is_not_heard_after_its_program_closed_the_connection() -> None:
    for _ in range(5):
        said, heard = run(answered(NOBODY, closes="closes"))
        assert said in {"closed", ""}
        assert heard == 0


@linux
def test_a_connection_that_the_kernel_does_not_know_is_nobody_s() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as caller:
        accepted, peer = server.accept()
        with accepted:
            assert is_own(peer, accepted.getsockname())
            assert not is_own((peer[0], peer[1] ^ 1), accepted.getsockname())
            assert not is_own(None, accepted.getsockname())
            caller.close()
            assert not is_own(peer, accepted.getsockname())
