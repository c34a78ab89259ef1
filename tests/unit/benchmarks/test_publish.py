from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from benchmarks.machine import machine, rows
from benchmarks.publish import command, server, table


@pytest.mark.parametrize("folder", ["sentiment", "breast_cancer"])
def test_a_model_is_asked_for_its_own_sample_as_instances(folder: str, tmp_path: Path) -> None:
    up = server(tmp_path, folder)
    assert up.path == f"/models/{folder.replace('_', '-')}/infer"
    assert isinstance(json.loads(up.body)["instances"], list)
    assert up.predicted(b'{"predictions": [1], "version": "7"}') == "7"


def test_a_command_that_fails_says_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="modelet versions nobody: error: no functions/ folder"):
        command("versions", "nobody", root=tmp_path)


def test_the_table_has_a_row_for_each_sample() -> None:
    figures = dict.fromkeys(("start_s", "publish_s", "publish_cpu_s", "pin_s", "served_s", "total_s"), 1.5)
    text = table({"machine": machine(), "rounds": 1, "rows": rows({"sentiment": [figures]})})
    assert "| sentiment | 1.5 | 1.5 | 1.5 | 1.5 | 1.5 | 1.5 | 1.5–1.5 |" in text
