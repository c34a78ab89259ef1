"""The emulator's process, its port, its keys and its data."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from modelet.dev.local.emulator.environment import emulator_python
from modelet.dev.local.emulator.names import REGION
from modelet.dev.local.http.hosts import LOOPBACK
from modelet.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

LAUNCHER = Path(__file__).with_name("launcher.py")
START_LIMIT_S = 60.0
STOP_LIMIT_S = 60.0
"""Seconds for saving the tables at the end: about one for each hundred thousand rows."""
KEPT = ("dynamodb", "s3", "sqs", "stepfunctions")
"""The services whose state is read at the start. The others have only what is provisioned at each start."""
KEEPS = (
    "tables, files and queued jobs are kept in .modelet/emulator; a batch that runs when modelet up ends stops, and "
    "must be resumed"
)


class Emulator:
    """The AWS emulator of a project: one process at a time, on a port that is reserved before it starts.

    Only requests that are signed with its own keys are answered. Its data is below the project's .modelet/emulator.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._home = root.resolve() / ".modelet" / "emulator"
        self._reserved: socket.socket | None = _reserve()
        self._port: int = self._reserved.getsockname()[1]
        self._key, self._secret = f"AKIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Return the URL of all services."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def variables(self) -> dict[str, str]:
        """Return the variables with which boto3 and obstore reach it, and no service of AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self._key,
            "AWS_SECRET_ACCESS_KEY": self._secret,
            "AWS_SESSION_TOKEN": "",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def running(self) -> bool:
        """Return whether the process runs."""
        return self._process is not None and self._process.poll() is None

    async def start(self, invoker: str, say: Callable[[str], None]) -> None:
        """Start the process and wait until it answers.

        invoker: the URL that answers invocations of functions. say: receives lines for the log. Raises CommandError if
        the emulator cannot be installed or does not start, or if another process has the project's emulator.
        """
        python = await asyncio.to_thread(emulator_python, self._root, say)
        say(f"starting the AWS emulator: {KEEPS}")
        await asyncio.to_thread(self._start, python, invoker)

    async def stop(self) -> None:
        """End the process, which saves its tables; nothing if it does not run."""
        self.give_up()
        if self._process is not None:
            await asyncio.to_thread(self._stop, self._process)
            self._process = None

    def give_up(self) -> None:
        """Give the reserved port back: the process takes it now, or nobody needs it."""
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def _start(self, python: Path, invoker: str) -> None:
        if self._process is not None:  # it has ended by itself
            self._process.communicate()
        lock = self._lock()
        try:
            self._forget()
            self.give_up()
            with (self._home / "emulator.log").open("wb") as log:
                process = subprocess.Popen(
                    [str(python), "-I", str(LAUNCHER)],
                    env={**self._settings(), "MODELET_INVOKER": invoker},
                    cwd=self._home,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock,),  # the lock is held until this process has ended too, and its data is saved
                    start_new_session=True,
                )
        finally:
            os.close(lock)
        try:
            self._wait(process)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        self._process = process

    def _lock(self) -> int:
        """Lock the emulator's folder for this process and the emulator's; return the lock's descriptor."""
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            (self._home / "tmp").mkdir(exist_ok=True)
            lock = os.open(self._home / "held", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise CommandError(f"{self._home} is not writable ({error.strerror}): free disk space or rights") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise CommandError(
                "another modelet up of this project runs its AWS emulator: send batches and jobs there, or stop it "
                "first"
            ) from None
        return lock

    def _forget(self) -> None:
        """Remove saved configuration, so that no queue is read for a function that is not served now."""
        for saved in (self._home / "state").glob("*.json"):
            if saved.name.partition(".")[0] not in KEPT:
                saved.unlink()

    def _settings(self) -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "HOME": str(self._home / "tmp"),
            "TMPDIR": str(self._home / "tmp"),
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(self._port),
            "AUTH": "true",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self._home / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self._home / "s3"),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "AWS_ACCESS_KEY_ID": self._key,
            "AWS_SECRET_ACCESS_KEY": self._secret,
        }

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + START_LIMIT_S
        while time.monotonic() < until and process.poll() is None:
            try:
                with urlopen(f"{self.endpoint}/_ministack/health", timeout=5):  # noqa: S310 - our own URL
                    return
            except (URLError, OSError):
                time.sleep(0.02)
        raise CommandError(
            f"the AWS emulator did not start: read {self._home / 'emulator.log'}, or delete {self._home} with all "
            "local batches and jobs"
        )

    @staticmethod
    def _stop(process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()


def _reserve() -> socket.socket:
    """Take a free port without listening, so that no other program gets it before the emulator starts."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((LOOPBACK, 0))
    return found
