"""Starting the emulator, in its own Python environment, and our environments for its functions."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from e2e.deploy.account import Account, reach
from e2e.deploy.images import Images
from e2e.deploy.invoker import Invoker, invoking
from support.ports import free_port
from support.repository import ROOT

PYTHON = ROOT / ".tools" / "ministack" / "bin" / "python"
NODE = ROOT / ".tools" / "node" / "bin"
TESTS = ROOT / "tests"
START_LIMIT_S = 60


@contextmanager
def account(home: Path) -> Iterator[Account]:
    """Start an empty account in `home` on a free port of 127.0.0.1; it ends, and is forgotten, with the block."""
    port = free_port()
    certificate = home / "certificate.pem"
    _certify(certificate, home / "key.pem")
    _write_docker(home / "docker")
    invoker = Invoker(Images(home / "images"), reach(f"https://127.0.0.1:{port}", certificate))
    found = Account(home, port, invoker)
    found.authorities.write_bytes(_authorities() + certificate.read_bytes())
    with invoking(invoker) as url, (home / "emulator.log").open("w") as log:
        process = subprocess.Popen(
            [PYTHON, "-m", "e2e.deploy.emulator", url],
            cwd=TESTS,
            env=_settings(home, port),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait(found, process)
            yield found
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # with its functions' processes; there is nothing to save
            process.wait()


def _settings(home: Path, port: int) -> dict[str, str]:
    (home / "tmp").mkdir()
    return {
        "PATH": f"{NODE}:{os.environ['PATH']}",
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(home / "certificate.pem"),
        "MINISTACK_SSL_KEY": str(home / "key.pem"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def _certify(certificate: Path, key: Path) -> None:
    """A certificate for this machine alone; it is not an authority, or Rust's TLS refuses it as a server's."""
    extensions = (
        "basicConstraints=critical,CA:FALSE",
        "extendedKeyUsage=serverAuth",
        "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:*.execute-api.localhost",
    )
    added = [word for extension in extensions for word in ("-addext", extension)]
    named = ["-subj", "/CN=emulator", "-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *named, *added]
    subprocess.run(command, check=True, capture_output=True)
    key.chmod(0o600)


def _authorities() -> bytes:
    known = ssl.get_default_verify_paths().cafile
    return Path(known).read_bytes() if known else b""


def _write_docker(path: Path) -> None:
    """The program that the CDK calls `docker`; the folder it is called in is an image's context, not Python's path."""
    path.write_text(f"#!/bin/sh\nPYTHONPATH='{TESTS}' exec '{sys.executable}' -P -m e2e.deploy.docker \"$@\"\n")
    path.chmod(0o755)


def _wait(found: Account, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(f"{found.endpoint}/_ministack/health", context=found.trust, timeout=5):
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"the emulator did not start: {(found.home / 'emulator.log').read_text()[-2000:]}")
