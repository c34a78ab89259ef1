"""Shortcuts past the public ways of libraries, and that each library works as ever after them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = """
class Plugin:
    def new_schema_validator(self, *args):
        print("the plugin was asked")
        return None, None, None

plugin = Plugin()
"""
SCRIPT = """
import sys
from modelet.shortcuts import skip_pydantic_plugins

skip_pydantic_plugins()
import pydantic

class Row(pydantic.BaseModel):
    a: int

print(Row(a="1"), "importlib.metadata" in sys.modules)
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with a distribution that brings a plugin."""
    (tmp_path / "told_of_schemas.py").write_text(PLUGIN)
    info = tmp_path / "told-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: told\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[pydantic]\ntold = told_of_schemas:plugin\n")
    return tmp_path


def said(folder: Path, script: str = SCRIPT, **variables: str) -> list[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), **variables}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_no_plugin_is_looked_for(installed: Path) -> None:
    assert said(installed) == ["a=1 False"]


def test_a_function_that_names_plugins_gets_those_it_does_not_refuse(installed: Path) -> None:
    assert said(installed, PYDANTIC_DISABLE_PLUGINS="")[0] == "the plugin was asked"
    assert said(installed, PYDANTIC_DISABLE_PLUGINS="told") == ["a=1 True"]


def test_a_pydantic_that_is_there_already_is_left_alone(installed: Path) -> None:
    assert said(installed, "import pydantic.plugin._loader\n" + SCRIPT)[0] == "the plugin was asked"
