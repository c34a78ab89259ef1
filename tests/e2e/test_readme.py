"""The README is true: every command in it is run, every file in it is written and used, every answer in it is given.

A `bash` block is run in a copy of the project, a `json` block is what the block before it prints, and a `python` or
`yaml` block whose first line names a file becomes that file.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.ports import free_port
from support.repository import ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = {
    "make test\nmake check\n": "the gate that runs this test",
    "make synth\n": ".ci/run",
    "make sam\nmake deploy-local\n": ".ci/run",
    "make deploy\n": "make deploy-local, on an emulator: nobody has an account here",
}
"""Commands that are run by something else, and by what."""


@dataclass(frozen=True)
class Block:
    language: str
    text: str


def blocks() -> list[Block]:
    return [Block(*found) for found in BLOCK.findall((ROOT / "README.md").read_text())]


@dataclass
class Newcomer:
    """Somebody with a copy of the project who does what the README says."""

    root: Path
    port: int
    server: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MODELET_", "PYTEST_"))}
        self.environment = {**inherited, "PORT": str(self.port)}

    def run(self, text: str) -> str:
        command = text.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f". .venv/bin/activate\n{command}"],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def serve(self) -> None:
        with (self.root / "up.log").open("wb") as log:
            self.server = subprocess.Popen(["make", "up"], cwd=self.root, env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            assert self.server.poll() is None, (self.root / "up.log").read_text()
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/models").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError((self.root / "up.log").read_text())

    def stop(self) -> int:
        assert self.server is not None
        self.server.send_signal(signal.SIGTERM)
        return self.server.wait(30)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    root = tmp_path_factory.mktemp("readme") / "project"
    tracked = ["functions", "layers", "events", "requirements", "Makefile", "pyproject.toml", "README.md", "LICENSE"]
    for name in tracked:
        source = ROOT / name
        if source.is_dir():
            generated = shutil.ignore_patterns("bundle.json", "model.lock", "__pycache__")
            shutil.copytree(source, root / name, ignore=generated)
        else:
            root.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, root / name)
    # The environment that runs this test is the one that make would make.
    venv = root / ".venv"
    (venv / "bin").mkdir(parents=True)
    for tool in ("modelet", "python"):
        (venv / "bin" / tool).symlink_to(Path(sys.executable).parent / tool)
    (venv / "bin" / "activate").write_text(f'export PATH="{venv}/bin:$PATH"\n')
    (venv / ".ready").touch()
    # The emulator's too, which the first batch would make.
    (root / ".tools").mkdir()
    (root / ".tools" / "ministack").symlink_to(ROOT / ".tools" / "ministack")
    someone = Newcomer(root, free_port())
    yield someone
    if someone.server is not None and someone.server.poll() is None:
        someone.stop()


def agrees(said: Any, given: Any) -> bool:
    """Whether an answer is the README's; its numbers are rounded for people."""
    if isinstance(said, float):
        return isinstance(given, float) and abs(said - given) <= 0.01
    if isinstance(said, dict):
        return isinstance(given, dict) and said.keys() == given.keys() and all(agrees(said[k], given[k]) for k in said)
    if isinstance(said, list):
        return isinstance(given, list) and len(said) == len(given) and all(map(agrees, said, given))
    return bool(said == given)


def test_every_block_of_the_readme_does_what_it_says(newcomer: Newcomer) -> None:
    printed = ""
    seen = []
    for block in blocks():
        seen.append(block.language)
        if block.language in {"python", "yaml"}:
            path = newcomer.root / block.text.splitlines()[0].removeprefix("# ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif block.text == "make up\n":
            newcomer.serve()
        elif block.language == "bash" and block.text not in ELSEWHERE:
            printed = newcomer.run(block.text)
        elif block.language == "json":
            given = json.loads("{" + printed.partition("{")[2])  # what a command says of its work comes first
            assert agrees(json.loads(block.text), given), f"the README says\n{block.text}\nbut the answer is\n{given}"
    assert newcomer.stop() in {0, 2, -signal.SIGTERM}
    assert {"bash", "json", "python", "yaml"} <= set(seen)
    assert seen.count("bash") >= 5


def test_every_command_of_the_table_exists(newcomer: Newcomer) -> None:
    text = (ROOT / "README.md").read_text()
    named = set(re.findall(r"`(?:modelet )?([a-z]+) NAME", text)) | set(re.findall(r"`modelet ([a-z]+)", text))
    assert {"new", "publish", "pin", "versions", "infer"} <= named
    for command in named:
        assert "Example" in newcomer.run(f"modelet {command} --help")


def test_every_path_that_the_readme_names_is_there() -> None:
    for path in re.findall(r"`((?:functions|layers|events|tests)/[\w./]*)`", (ROOT / "README.md").read_text()):
        assert (ROOT / path).exists() or (ROOT / "tests" / path).exists(), path
