"""Ordinary models, each in one try: `modelet new`, `modelet publish --from`, and the first answer."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

from support.trial_models import FEATURES, MODELS, Brought, written

pytestmark = pytest.mark.slow


def command(root: Path, *words: str) -> str:
    """What a command prints; it must succeed at once."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("modelet")), *words],
        cwd=root,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, f"modelet {' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout if words[0] == "infer" else done.stdout + done.stderr


def own_module(path: Path) -> Any:
    """The author's module, imported where the model is trained."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def told(answer: Any) -> Any:
    """What an answer predicts: a label, a cluster, numbers, or several labels."""
    if not isinstance(answer, dict):
        return answer
    for name in ("label", "cluster"):
        if name in answer:
            return answer[name]
    return [each["label"] if isinstance(each, dict) else each for each in answer.values()]


def expected(model: Any, rows: Any) -> Any:
    """What the model itself predicts for the first row."""
    first = rows.head(1) if isinstance(rows, pd.DataFrame) else rows[:1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = np.asarray(model.predict(first))[0]
    [plain] = np.ravel(found).tolist() if found.size == 1 else [found.tolist()]
    return plain


@pytest.mark.parametrize("brought", MODELS, ids=lambda each: each.name)
def test_it_is_served_at_the_first_try(brought: Brought, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "features.py").write_text(FEATURES)
    monkeypatch.setitem(sys.modules, "features", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = brought.write(tmp_path, own_module(tmp_path / "features.py"))
    examples = written(brought.rows(), tmp_path / "rows")
    command(tmp_path, "new", "brought", "--backend", "auto")
    if brought.has_module:
        (tmp_path / "functions/brought/features.py").write_text(FEATURES)
    said = command(tmp_path, "publish", "brought", "--from", file.name, "--examples", examples.name)
    if brought.needs_class:
        assert "write app.py before it can be served" in said
        return
    event = json.loads((tmp_path / "events/brought/infer.json").read_text())
    answer = json.loads(command(tmp_path, "infer", "brought", event["body"]))
    assert not isinstance(answer, dict) or "status" not in answer
    if brought.ending == "joblib":
        assert told(answer) == pytest.approx(expected(joblib.load(file), brought.rows()))


def test_a_model_with_rules_for_its_instances_gets_no_events_of_its_columns(tmp_path: Path) -> None:
    """A deployment sends infer.json to a new version: a sample that the model refuses would stop it."""
    from sklearn.linear_model import LinearRegression

    rows = pd.DataFrame({"age": [20.0, 40.0, 60.0], "home": [0.0, 1.0, 0.0]})
    joblib.dump(LinearRegression().fit(rows, [1.0, 2.0, 3.0]), tmp_path / "model.joblib")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "functions").mkdir()
    command(tmp_path, "new", "ruled", "--backend", "auto")
    rules = "{age: {var: age}, home: {if: [{'==': [{var: city}, Seoul]}, 1.0, 0.0]}}"
    with (tmp_path / "functions/ruled/model.yaml").open("a") as file:
        file.write(f"logic: {{instance: {{age: number, city: string}}, preprocess: {rules}}}\n")
    said = command(tmp_path, "publish", "ruled", "--from", "model.joblib", "--examples", "rows.csv")
    assert (tmp_path / "functions/ruled/requirements.txt").is_file()
    assert not (tmp_path / "events").exists()
    assert "write events/ruled/infer.json" in said
    assert command(tmp_path, "infer", "ruled", '{"age": 40, "city": "Seoul"}')
