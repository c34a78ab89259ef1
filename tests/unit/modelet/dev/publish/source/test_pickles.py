"""joblib files, written and read."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from modelet.dev.progress import Lines
from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.pickles import check_reloads, dumped, loaded
from modelet.dev.publish.source.rows import Rows
from modelet.dev.publish.source.train import trained
from modelet.digest import digest
from modelet.errors import PublishError
from modelet.publishing import pin, publish
from modelet.registry.listing import read_manifest
from modelet.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelet.dev.project.project import Function

DATA = np.array([[0.0], [1.0], [2.0]])
ROWS = Rows(DATA, "matrix", columns_of(DATA))

TRAIN = """
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from modelet.publishing import Trained
{definition}
def train():
    rows = np.array([[0.0], [1.0], [2.0]])
    model = make_pipeline(FunctionTransformer({function}), LinearRegression()).fit(rows, [0, 1, 2])
    return Trained(estimator=model, examples=rows, metrics={{}}, metric="")
"""


def line() -> Any:
    return LinearRegression().fit(DATA, [0, 1, 2])


def test_an_estimator_is_one_file_and_a_dict_a_file_for_each(tmp_path: Path) -> None:
    files = dumped({"model": line(), "vectorizer": {"words": 3}})
    assert sorted(files) == ["model.joblib", "vectorizer.joblib"]
    assert joblib.load(io.BytesIO(files["vectorizer.joblib"])) == {"words": 3}
    check_reloads(files, tmp_path, {"model": 0}, ROWS)
    assert list(dumped(line())) == ["model.joblib"]


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        ({"vectorizer": 1}, "no 'model', only vectorizer"),
        ({"model": 1, "../x": 2}, "has '../x'"),
        ({"model": lambda: 0}, "model cannot be pickled"),
    ],
)
def test_what_makes_no_files_is_refused(estimator: Any, said: str) -> None:
    with pytest.raises(PublishError, match=said):
        dumped(estimator)


def test_a_pickle_may_call_a_module_of_the_folder(make_function: Callable[..., Function]) -> None:
    train = TRAIN.format(definition="from features import double", function="double")
    function = make_function(train, files={"features.py": "def double(rows):\n    return 2 * rows\n"})
    with trained(function) as result:
        check_reloads(dumped(result.estimator), function.folder, result.estimator, ROWS)


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("from features import double", ["a.json, b.txt, c.txt, d.txt, e.txt and 1 more in functions/iris/"]),
        ("from numpy import negative as double", []),
    ],
)
def test_publish_says_once_which_data_the_modules_of_the_pickle_may_read(
    make_function: Callable[..., Function], definition: str, said: list[str]
) -> None:
    files = {f"{name}.txt": "" for name in "bcdef"} | {"a.json": "{}"}
    source = "def double(rows):\n    return 2 * rows\n"
    function = make_function(
        TRAIN.format(definition=definition, function="double"), files={"features.py": source, **files}
    )
    stream = io.StringIO()
    with trained(function) as result:
        check_reloads(dumped(result.estimator), function.folder, result.estimator, ROWS, Lines(stream))
    notes = [line for line in stream.getvalue().splitlines() if "may read" in line]
    assert len(notes) == len(said)
    assert all(words in note and "silently" in note for words, note in zip(said, notes, strict=True))


def test_a_pickle_that_calls_train_py_is_refused_because_the_image_lacks_it(
    make_function: Callable[..., Function],
) -> None:
    function = make_function(TRAIN.format(definition="def double(rows):\n    return 2 * rows\n", function="double"))
    with (
        trained(function) as result,
        pytest.raises(
            PublishError, match=r"the pickle needs train, .* move the code that the estimator uses from train.py"
        ),
    ):
        check_reloads(dumped(result.estimator), function.folder, result.estimator, ROWS)


class Forgetful(LinearRegression):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts otherwise once it was pickled."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "intercept_": state["intercept_"] + 1})


def test_an_estimator_that_forgets_its_state_is_refused(tmp_path: Path) -> None:
    estimator = Forgetful().fit(DATA, [0, 1, 2])
    with pytest.raises(PublishError, match="predicts differently after pickling"):
        check_reloads(dumped(estimator), tmp_path, estimator, ROWS)


def test_a_file_of_joblib_or_of_pickle_is_opened(tmp_path: Path) -> None:
    joblib.dump(line(), tmp_path / "a.joblib")
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(line()))
    for name in ("a.joblib", "a.pkl"):
        assert loaded(tmp_path / name).predict([[3.0]])[0] == pytest.approx(3)


def test_a_file_of_another_scikit_learn_is_refused_with_both_versions(tmp_path: Path) -> None:
    state = {**line().__getstate__(), "_sklearn_version": "1.0.2"}
    (tmp_path / "old.pkl").write_bytes(pickle.dumps(_Old(state)))
    with pytest.raises(PublishError, match=r"old.pkl was written with scikit-learn 1.0.2, but \d"):
        loaded(tmp_path / "old.pkl")


class _Old:
    """Unpickles as an estimator of another version."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def __reduce__(self) -> Any:
        return (LinearRegression, (), self.state)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"clost_module\nDouble\n.", r"old.pkl needs the module lost_module, .*put lost_module.py into the function's"),
        (
            b"c__main__\nDouble_of_a_notebook\n.",
            r"old.pkl needs code from the program that wrote it .*module in",
        ),
    ],
)
def test_a_file_that_calls_code_which_is_not_here_says_where_to_put_it(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "old.pkl").write_bytes(data)
    with pytest.raises(PublishError, match=said):
        loaded(tmp_path / "old.pkl")


@pytest.mark.parametrize("data", [b"", b"not a pickle", pickle.dumps(line())[:50]])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.joblib").write_bytes(data)
    with pytest.raises(PublishError, match=r"bad.joblib cannot be opened"):
        loaded(tmp_path / "bad.joblib")


class Program:
    """An estimator of the program that trains it."""

    def predict(self, rows: Any) -> Any:
        return np.zeros(len(rows))


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("__main__", r"classes or functions of the program that trained it .*: put them into .*/features.py"),
        ("loose_module", r"the module loose_module, which is neither .*: put loose_module.py into functions/"),
    ],
)
def test_a_class_that_is_not_in_the_folder_is_refused_with_its_new_place(
    tmp_path: Path, module: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sys.modules.get(module) or ModuleType(module)
    monkeypatch.setitem(sys.modules, module, made)
    kind = type("Program", (Program,), {"__module__": module})
    monkeypatch.setattr(made, "Program", kind, raising=False)
    with pytest.raises(PublishError, match=said):
        check_reloads(dumped(kind()), tmp_path, kind(), ROWS)


OWN = """
from sklearn.base import BaseEstimator, TransformerMixin

class Doubled(TransformerMixin, BaseEstimator):
    def fit(self, rows, answers=None):
        return self

    def transform(self, rows):
        return 2 * rows
"""
TRAIN_OWN = """
import numpy as np
from features import Doubled
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from modelet.publishing import Trained

def train():
    rows = np.array([[0.0], [1.0], [2.0]])
    model = make_pipeline(Doubled(), LinearRegression()).fit(rows, [0, 1, 2])
    return Trained(estimator=model, examples=rows, metrics={}, metric="", feature_names=["x"])
"""


@pytest.mark.parametrize("from_file", [False, True], ids=["train.py", "a file"])
def test_a_step_of_the_folders_own_module_is_served_by_a_fresh_process(
    make_function: Callable[..., Function], tmp_path: Path, from_file: bool
) -> None:
    function = make_function(
        TRAIN_OWN, files={"features.py": OWN, "model.yaml": "backend: sklearn\n"}, backend="sklearn"
    )
    given: dict[str, Any] = {}
    if from_file:
        given = {"from_file": tmp_path / "model.joblib", "examples": tmp_path / "rows.csv"}
        given["examples"].write_text("x\n0.0\n1.0\n2.0\n")
        with trained(function) as result:
            joblib.dump(result.estimator, given["from_file"])
    store = Store((tmp_path / "project" / ".modelet" / "store").as_uri())
    publish(function, store, **given)
    lock = pin(function, store)
    manifest, _ = read_manifest(store, function.name, lock.version)
    assert manifest.pickled is not None
    assert manifest.pickled.modules == {"features.py": digest(OWN.encode())}
    script = "from modelet.dev.cli import main; main()"
    command = [sys.executable, "-c", script, "infer", function.name, '{"x": 3.0}']
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=tmp_path / "project", env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, json.loads(done.stdout or "null")) == (0, pytest.approx(3.0)), done.stderr
