"""docs/logic.md: its table is the register's, and its example is served as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

from integration.test_logic import LABELS, ROWS, Served
from modelet.logic.register import OPERATORS
from support.repository import ROOT

TEXT = (ROOT / "docs" / "logic.md").read_text()


def test_the_table_of_operators_is_that_of_the_register() -> None:
    listed = re.findall(r"^\| `(\S+)` \| (.*) \| (\w+) \| (.*) \|$", TEXT.partition("## Operators")[2], re.MULTILINE)
    assert listed == [
        (each.name, each.arguments or "none", each.gives, each.summary.replace("|", "or"))
        for each in OPERATORS.values()
    ]


def test_the_example_is_served_and_answers_as_it_says(tmp_path: Path) -> None:
    yaml, request, answer = re.findall(r"```(?:yaml|json)\n(.*?)```", TEXT, re.DOTALL)[:3]
    served = Served(tmp_path, yaml, LogisticRegression(max_iter=1000).fit(ROWS, LABELS))
    assert served.infer(json.loads(request)) == [json.loads(answer)]


@pytest.mark.parametrize(
    "key", ["instance", "preprocess", "predict_fn", "select", "postprocess", "operations", "clock"]
)
def test_each_key_of_the_section_is_described(key: str) -> None:
    assert f"\n| `{key}` |" in TEXT
