"""batch results: predictions by key."""

from __future__ import annotations

import json

from support.commands import Run
from support.scripted_api import ScriptedApi

KEYS = ["17", "order/2026 #1", "ä"]


def test_predictions_are_looked_up_by_any_keys(ask: Run, scripted: ScriptedApi) -> None:
    found = {
        "generation": "20261129T051200Z-1a2b3c4d",
        "predictions": [{"key": "17", "prediction": {"label": "좋음"}, "source": "batch"}],
        "missing": KEYS[1:],
    }
    scripted.answer("POST", "/models/tiny/predictions", found)
    result = ask("batch", "results", "tiny", *KEYS)
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == found
    assert "좋음" in result.stdout
    assert scripted.asked().body == {"keys": KEYS}


def test_without_a_key_the_command_line_is_wrong(ask: Run, scripted: ScriptedApi) -> None:
    assert ask("batch", "results", "tiny").exit_code == 2
    assert scripted.seen == []
