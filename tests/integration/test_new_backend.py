"""A new backend is two modules and a record: with one more, a copy of the package publishes, serves and profiles."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MODEL = '''\
"""Models that are a line: a slope for each column, and where it begins."""

import numpy as np

from modelet.backends import table
from modelet.model import Model


class LineModel(Model):
    def load(self, artifacts):
        self.manifest = artifacts.manifest
        self.line = artifacts.json(self.manifest.model_data)

    def preprocess(self, instances):
        return table.matrix(instances, self.manifest.features, np.float64, self.manifest.columns)

    def infer(self, inputs):
        return inputs @ np.array(self.line["slopes"]) + self.line["start"]

    def postprocess(self, outputs, instances):
        return outputs.tolist()
'''

MAKER = '''\
"""Lines: the slopes of a linear model as JSON, for `backend: line`."""

import json

from modelet.dev.publish.draft import Made


def made(function, trained, rows, progress):
    line = {"slopes": trained.estimator.coef_.tolist(), "start": float(trained.estimator.intercept_)}
    return Made({"model.line": json.dumps(line).encode()}, "model.line", rows, ("scikit-learn",))
'''

RECORD = """\
    Backend(
        name="line",
        model="modelet.backends.line:LineModel",
        maker="modelet.dev.publish.line:made",
        ending=".line",
        platform="modelet_line",
        libraries={"numpy": "numpy"},
        summary="a line, without any library",
        instead="backend: onnx",
    ),
)

BACKENDS"""

TRAIN = """\
import numpy as np
from sklearn.linear_model import LinearRegression

from modelet.publishing import Trained


def train():
    rows = np.arange(40.0).reshape(-1, 2)
    return Trained(
        estimator=LinearRegression().fit(rows, rows @ [2.0, 3.0] + 1.0),
        examples=rows,
        feature_names=["a", "b"],
        metrics={"r2": 1.0},
        metric="r2",
    )
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a copy of the package is that has one more backend."""
    root = tmp_path_factory.mktemp("package")
    shutil.copytree(
        ROOT / "layers/modelet/python/modelet", root / "modelet", ignore=shutil.ignore_patterns("__pycache__")
    )
    (root / "modelet/backends/line.py").write_text(MODEL)
    (root / "modelet/dev/publish/line.py").write_text(MAKER)
    register = root / "modelet/backends/__init__.py"
    text = register.read_text()
    assert text.count(")\n\nBACKENDS") == 1
    register.write_text(text.replace(")\n\nBACKENDS", RECORD))
    return root


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    folder = root / "functions" / "price"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text("backend: line\n")
    (folder / "train.py").write_text(TRAIN)
    return root


def modelet(package: Path, project: Path, *words: str) -> str:
    command = [sys.executable, "-c", "from modelet.dev.cli import main; main()", *words]
    environ = {**os.environ, "PYTHONPATH": str(package)}
    environ.pop("MODELET_STORE", None)
    done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_new_backend_publishes_serves_and_is_profiled(package: Path, project: Path) -> None:
    modelet(package, project, "publish", "price")
    modelet(package, project, "pin", "price")
    answered = json.loads(modelet(package, project, "infer", "price", '{"a": 1.0, "b": 2.0}'))
    assert answered == pytest.approx(9.0)
    assert "backend: line" in modelet(package, project, "profile", "price")
    assert "line: a line, without any library" in " ".join(modelet(package, project, "new", "--help").split())
    modelet(package, project, "bundle", "price")
    assert json.loads((project / "functions/price/bundle.json").read_text())["spec"]["backend"] == "line"
