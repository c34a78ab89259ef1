"""A Docker engine: the one that answers, else one of our own on Debian, without systemd and without a way out.

Debian's package is started as it can be anywhere: no packet filter is touched, so that its containers reach this
machine and nothing else.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from support.repository import ROOT

HOME = ROOT / ".tools" / "docker"
PIDFILE = HOME / "docker.pid"
SOCKET = f"unix://{HOME}/docker.sock"
BRIDGE = "172.31.251.1/24"
PACKAGES = {"dockerd": "docker.io", "mmdebstrap": "mmdebstrap"}
"""The commands that an engine of our own needs, and the Debian package of each."""


class Skipped(Exception):  # noqa: N818 - nothing failed
    """This machine cannot do it; the text says why."""


@dataclass(frozen=True)
class Engine:
    """An engine that answers.

    environment: what its clients need. build_args: the images to build from where the usual ones cannot be pulled.
    """

    environment: dict[str, str]
    build_args: dict[str, str] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        """Whether we started it, whoever names it."""
        return self.variables.get("DOCKER_HOST") == SOCKET

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a client's process."""
        return {**os.environ, **self.environment}

    def run(self, *command: str, timeout: float = 600, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `docker …`. Raises AssertionError with what it said."""
        done = subprocess.run(
            ["docker", *command],
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0 or not check, f"docker {' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done

    def inspect(self, image: str, template: str) -> str:
        """What an image has at a Go template; empty for an image that is not there."""
        return self.run("image", "inspect", "--format", template, image, check=False).stdout.strip()

    @property
    def gateway(self) -> str:
        """The address at which containers reach servers of this machine. Raises Skipped where there is none."""
        template = "{{(index .IPAM.Config 0).Gateway}}"
        address = self.run("network", "inspect", "bridge", "--format", template).stdout.strip()
        if sys.platform != "linux" or not address:
            raise Skipped("containers reach this machine's servers only where Docker runs on Linux itself")
        return address


def running_engine() -> Engine | None:
    """The engine that the environment names, else ours, if it runs."""
    # The legacy builder is all that Debian's package has.
    for environment in ({}, {"DOCKER_HOST": SOCKET, "DOCKER_BUILDKIT": "0"}):
        engine = Engine(environment)
        if shutil.which("docker") and engine.run("version", check=False, timeout=30).returncode == 0:
            return engine
    return None


def start() -> Engine:
    """Start an engine of our own below .tools/docker. Raises Skipped where this machine cannot run one."""
    if os.name != "posix" or os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        raise Skipped("no Docker engine answers, and setting one up takes root on Debian")
    install(*PACKAGES)
    HOME.mkdir(parents=True, exist_ok=True)
    say(f"starting dockerd in {HOME.relative_to(ROOT)}")
    with (HOME / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(
            ["dockerd", f"--data-root={HOME}/data", f"--exec-root={HOME}/exec", f"--pidfile={PIDFILE}",
             f"--host={SOCKET}", f"--bip={BRIDGE}", "--storage-driver=overlay2", "--iptables=false",
             "--ip6tables=false", "--ip-masq=false", "--ip-forward=false"],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        engine = running_engine()
        if engine is not None:
            return engine
        time.sleep(0.2)
    process.terminate()
    last = (HOME / "dockerd.log").read_text().splitlines()[-1:]
    raise Skipped(f"dockerd does not start here: {' '.join(last)}")


def install(*commands: str) -> None:
    """Install the Debian packages of commands that are missing. Raises Skipped where that fails."""
    missing = [PACKAGES[command] for command in commands if shutil.which(command) is None]
    if not missing:
        return
    say(f"installing {' '.join(missing)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        done = subprocess.run(["apt-get", "-qq", *command], env=quiet, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Skipped(f"apt-get cannot install {' '.join(missing)}: {' '.join(done.stderr.splitlines()[-1:])}")


def stop() -> None:
    """End the engine that we started, and its containers."""
    if not PIDFILE.exists():
        return
    pid = int(PIDFILE.read_text())
    name = Path(f"/proc/{pid}/comm")
    if not name.exists() or name.read_text().strip() != "dockerd":
        PIDFILE.unlink()  # it ended without us, and the number may be another process's by now
        return
    say(f"stopping dockerd, process {pid}")
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while PIDFILE.exists() and time.monotonic() < deadline:
        time.sleep(0.1)


def say(text: str) -> None:
    """Tell whoever waits what is being done."""
    print(f"engine: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the terminal is its user
