"""Both backends: the same promise from a graph and from an estimator, and what neither opens."""

from __future__ import annotations

from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from typing_extensions import TypedDict

from modelet.backends.onnx import ENGINE, OnnxModel
from modelet.backends.sklearn import SklearnModel
from modelet.bundle import Lock
from modelet.contract.contract import Contract
from modelet.errors import ArtifactError, ContractError, ManifestError
from modelet.model import Model
from modelet.pipeline import InferencePipeline
from modelet.store.artifacts import Artifacts
from modelet.store.keys import manifest_path
from modelet.store.manifest import Column, FrameColumn, Pickled
from modelet.store.store import Store
from support.versions import RUNTIME, classifier, joblib_bytes, onnx_bytes, regressor, write_version

REGRESSION: dict[str, Any] = {"model_info": {"task": "regression"}, "class_name": "LinearRegression"}


FRAME = pd.DataFrame({"a": [0.0, 1.0, 3.0], "b": [1.0, 0.0, 1.0]})
NUMBERS = (Column("a", "number"), Column("b", "number"))


class Row(TypedDict):
    a: float
    b: float


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store((tmp_path / "store").as_uri())


def artifacts(store: Store, lock: Lock, tmp_path: Path) -> Artifacts:
    return opened(store, "tiny", lock, tmp_path)


def opened(store: Store, name: str, lock: Lock, tmp_path: Path) -> Artifacts:
    return Artifacts.open(store, store.read(manifest_path(name, lock.version)), name, lock, tmp_path)


def predict(model: Model[Any, Any], rows: list[Any]) -> list[Any]:
    return model.postprocess(model.infer(model.preprocess(rows)), rows)


def loaded(kind: type[Model[Any, Any]], estimator: Any, store: Store, tmp_path: Path, **said: Any) -> Model[Any, Any]:
    onnx = issubclass(kind, OnnxModel)
    data = onnx_bytes(estimator) if onnx else joblib_bytes(estimator)
    lock = write_version(store, {"model.onnx" if onnx else "model.joblib": data}, **said)
    model = kind()
    model.load(artifacts(store, lock, tmp_path))
    return model


BOTH = pytest.mark.parametrize("kind", [OnnxModel, SklearnModel])


@BOTH
def test_a_classifier_gives_a_label_and_its_probability(
    kind: type[Model[Any, Any]], store: Store, tmp_path: Path
) -> None:
    model = loaded(kind, classifier(), store, tmp_path)
    rows = [{"b": 1, "a": 0}, {"a": 4, "b": 2}]
    expected = classifier().predict_proba(np.array([[0, 1], [4, 2]])).max(axis=1)
    predictions = predict(model, rows)
    assert [one["label"] for one in predictions] == ["low", "high"]
    assert [one["probability"] for one in predictions] == pytest.approx(expected, abs=1e-6)


class Named:
    """Takes its columns by name, and remembers none."""

    def predict(self, frame: Any) -> Any:
        return (frame["a"] - frame["b"]).to_numpy()


class Cautious:
    """Predicts `high` from a third on, as a tuned threshold does."""

    def __init__(self, fitted: Any) -> None:
        self.fitted = fitted

    def predict_proba(self, rows: Any) -> Any:
        return self.fitted.predict_proba(rows)

    def predict(self, rows: Any) -> Any:
        return np.where(self.predict_proba(rows)[:, 0] > 1 / 3, "high", "low")


def test_the_probability_is_that_of_the_label_even_where_another_class_is_likelier(
    store: Store, tmp_path: Path
) -> None:
    model = loaded(SklearnModel, Cautious(classifier()), store, tmp_path)
    rows = [{"a": value, "b": 1} for value in np.linspace(0, 4, 30)]
    chosen = [one for one in predict(model, rows) if one["label"] == "high"]
    assert min(one["probability"] for one in chosen) < 0.5


@pytest.mark.parametrize("value", [1e39, -1e39])
def test_a_number_that_float32_cannot_hold_is_refused_and_named(value: float, store: Store, tmp_path: Path) -> None:
    model = loaded(OnnxModel, classifier(), store, tmp_path)
    with pytest.raises(ContractError, match="instance 1 field b: Input is beyond the range of float32"):
        predict(model, [{"a": 1, "b": 2}, {"a": 1, "b": value}])


@BOTH
def test_a_whole_number_that_no_float_holds_is_refused_and_named(
    kind: type[Model[Any, Any]], store: Store, tmp_path: Path
) -> None:
    model = loaded(kind, classifier(), store, tmp_path)
    with pytest.raises(ContractError, match="instance 0 field a: Input is beyond the range of float"):
        predict(model, [{"a": 10**400, "b": 2}])


def test_each_column_of_a_graph_with_an_input_a_column_is_guarded(store: Store, tmp_path: Path) -> None:
    import pandas as pd
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline

    frame = pd.DataFrame({"a": [0.0, 1.0, 3.0, 4.0], "b": [1, 0, 1, 2]})
    columns = make_column_transformer(("passthrough", ["a"]), ("passthrough", ["b"]))
    fitted = make_pipeline(columns, LogisticRegression()).fit(frame, ["low", "low", "high", "high"])
    types = [("a", FloatTensorType([None, 1])), ("b", Int64TensorType([None, 1]))]
    graph = to_onnx(fitted, initial_types=types, options={"zipmap": False}, target_opset=18).SerializeToString()
    model = OnnxModel[Row, Any]()
    model.load(artifacts(store, write_version(store, {"model.onnx": graph}), tmp_path))
    assert predict(model, [{"a": 4, "b": 2}])[0]["label"] == "high"
    for row, said in (({"a": 1e39, "b": 1}, "a: .* of float32"), ({"a": 1, "b": 2**70}, "b: .* of int64")):
        with pytest.raises(ContractError, match=said):
            predict(model, [row])


@BOTH
def test_a_regressor_gives_numbers(kind: type[Model[Any, Any]], store: Store, tmp_path: Path) -> None:
    model = loaded(kind, regressor(), store, tmp_path, **REGRESSION)
    [number] = predict(model, [{"a": 3, "b": 1}])
    assert number == pytest.approx(regressor().predict(np.array([[3, 1]]))[0], rel=1e-5)


@BOTH
def test_an_instance_may_be_an_object_with_attributes(
    kind: type[Model[Any, Any]], store: Store, tmp_path: Path
) -> None:
    class Point:
        a, b = 4.0, 2.0

    assert predict(loaded(kind, classifier(), store, tmp_path), [Point()])[0]["label"] == "high"


@BOTH
def test_a_file_of_the_other_backend_is_not_opened(kind: type[Model[Any, Any]], store: Store, tmp_path: Path) -> None:
    wrong = "model.joblib" if kind is OnnxModel else "model.onnx"
    lock = write_version(store, {wrong: b"never opened"})
    with pytest.raises(ArtifactError, match=f"{wrong} is not .* publish the model again or change backend"):
        kind().load(artifacts(store, lock, tmp_path))


@BOTH
def test_a_flipped_byte_is_found_before_anything_is_parsed(
    kind: type[Model[Any, Any]], store: Store, tmp_path: Path
) -> None:
    name = "model.onnx" if kind is OnnxModel else "model.joblib"
    lock = write_version(store, {name: bytes(100)})
    (tmp_path / "store" / "tiny" / "1" / name).write_bytes(bytes(99) + b"\1")
    with pytest.raises(ArtifactError, match=f"{name}.*SHA-256"):
        kind().load(artifacts(store, lock, tmp_path))


@BOTH
def test_what_has_the_right_digest_but_is_no_model_says_so(
    kind: type[Model[Any, Any]], store: Store, tmp_path: Path
) -> None:
    name = "model.onnx" if kind is OnnxModel else "model.joblib"
    lock = write_version(store, {name: b"junk"})
    with pytest.raises(ArtifactError, match=f"{name} cannot be"):
        kind().load(artifacts(store, lock, tmp_path))


class Bomb:
    """What a pickle may do: run code."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("library", ["python", "scikit-learn", "numpy"])
def test_a_joblib_file_of_another_library_version_is_not_unpickled(library: str, store: Store, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    data = joblib_bytes(Bomb(mark))
    lock = write_version(store, {"model.joblib": data}, runtime={**RUNTIME, library: "0.1"})
    with pytest.raises(ArtifactError, match=f"written with {library} 0.1"):
        SklearnModel[Row, Any]().load(artifacts(store, lock, tmp_path))
    assert not mark.exists()


PACKAGES = {"sklearn": "scikit-learn", "numpy": "numpy", "joblib": "joblib", "sortedcontainers": "sortedcontainers"}
VERSIONS = {**RUNTIME, **{name: metadata.version(name) for name in PACKAGES.values()}}


@pytest.mark.parametrize("library", ["python", *PACKAGES.values()])
def test_each_library_that_the_pickle_needs_has_the_version_that_wrote_it(
    library: str, store: Store, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    said: dict[str, Any] = {"pickled": Pickled(PACKAGES, {}), "runtime": {**VERSIONS, library: "0.1"}}
    lock = write_version(store, {"model.joblib": joblib_bytes(Bomb(mark))}, **said)
    with pytest.raises(
        ArtifactError, match=rf"written with {library} 0.1, but .* is installed: pin {library} in requirements"
    ):
        SklearnModel[Row, Any]().load(artifacts(store, lock, tmp_path))
    assert not mark.exists()


def test_a_library_that_the_pickle_needs_and_that_is_not_there_is_named(store: Store, tmp_path: Path) -> None:
    said: dict[str, Any] = {
        "pickled": Pickled({**PACKAGES, "lightgbm_of_another": "lightgbm-of-another"}, {}),
        "runtime": {**VERSIONS, "lightgbm-of-another": "4.7.0"},
    }
    with pytest.raises(ArtifactError, match=r"needs lightgbm-of-another 4.7.0, which is not installed here: add it"):
        loaded(SklearnModel, classifier(), store, tmp_path, **said)


@pytest.mark.parametrize(("here", "serves"), [("1.0", True), ("2.0", False)])
def test_another_distribution_of_the_same_module_and_version_is_as_good(
    here: str, serves: bool, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site" / f"boosting_cpu-{here}.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: boosting-cpu\nVersion: {here}\n")
    (installed / "top_level.txt").write_text("boosting_module\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    said: dict[str, Any] = {
        "pickled": Pickled({**PACKAGES, "boosting_module": "boosting"}, {}),
        "runtime": {**VERSIONS, "boosting": "1.0"},
    }
    if serves:
        assert predict(loaded(SklearnModel, classifier(), store, tmp_path, **said), [{"a": 4, "b": 2}])
        return
    with pytest.raises(ArtifactError, match=r"written with boosting 1.0, but 2.0 is installed"):
        loaded(SklearnModel, classifier(), store, tmp_path, **said)


def test_a_version_of_an_older_release_is_held_to_what_that_release_checked(store: Store, tmp_path: Path) -> None:
    model = loaded(SklearnModel, classifier(), store, tmp_path, runtime={**RUNTIME, "joblib": "0.1"})
    assert predict(model, [{"a": 4, "b": 2}])[0]["label"] == "high"


@pytest.mark.parametrize(("pandas", "starts"), [(metadata.version("pandas"), True), ("1.0", False)])
def test_a_start_that_would_make_frames_with_another_pandas_fails(
    pandas: str, starts: bool, store: Store, tmp_path: Path
) -> None:
    fitted = LogisticRegression().fit(FRAME, ["low", "low", "high"])
    said: dict[str, Any] = {"frame": (FrameColumn("float64"),) * 2, "columns": NUMBERS}
    said["runtime"] = {**RUNTIME, "pandas": pandas}
    model = loaded(SklearnModel, fitted, store, tmp_path, **said)
    contract = Contract({"type": "any"}, {"type": "any"})
    if starts:
        assert predict(model, [{"a": 3.0, "b": 1.0}])[0]["label"] == "high"
        InferencePipeline(model, contract)
        return
    with pytest.raises(ArtifactError, match=r"written with pandas 1.0, but .* is installed: pin pandas"):
        InferencePipeline(model, contract)
    InferencePipeline(model, contract, preprocess=lambda rows: rows)  # it makes no frames


def test_a_joblib_file_is_not_unpickled_before_its_digest_matched(store: Store, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    lock = write_version(store, {"model.joblib": joblib_bytes(0)})
    (tmp_path / "store" / "tiny" / "1" / "model.joblib").write_bytes(joblib_bytes(Bomb(mark)))
    with pytest.raises(ArtifactError):
        SklearnModel[Row, Any]().load(artifacts(store, lock, tmp_path))
    assert not mark.exists()


def test_an_estimator_that_remembers_no_columns_gets_the_frame_that_proved_it(store: Store, tmp_path: Path) -> None:
    said: dict[str, Any] = {"frame": (FrameColumn("float64"),) * 2, "columns": NUMBERS, **REGRESSION}
    said["runtime"] = {**RUNTIME, "pandas": metadata.version("pandas")}
    model = loaded(SklearnModel, Named(), store, tmp_path, **said)
    assert predict(model, [{"a": 3.0, "b": 1.0}]) == [2.0]


@pytest.mark.parametrize("missing", ["None", "nan"])
def test_an_estimator_of_an_array_of_objects_gets_what_is_missing_as_its_frame_had_it(
    missing: str, store: Store, tmp_path: Path
) -> None:
    value = {"None": None, "nan": float("nan")}[missing]
    array = np.array([["x", 1.0], ["y", 2.0], [value, 3.0]] * 4, dtype=object)
    encoded = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), [0]), ("passthrough", [1]))
    fitted = make_pipeline(encoded, LogisticRegression(C=100)).fit(array, ["no", "no", "yes"] * 4)
    said: dict[str, Any] = {
        "frame": (FrameColumn("object", missing), FrameColumn("float64")),
        "columns": (Column("a", "string", nullable=True), Column("b", "number")),
        "model_info": {"task": "classification", "labels": ["no", "yes"]},
    }
    model = loaded(SklearnModel, fitted, store, tmp_path, **said)
    for instances in ([{"a": None, "b": 3.0}], [{"b": 3.0}, {"a": "x", "b": 3.0}]):
        [found, *_] = predict(model, instances)
        assert found["probability"] == pytest.approx(fitted.predict_proba(array[2:3]).max())


def test_an_estimator_that_was_fitted_on_a_dataframe_gets_one(store: Store, tmp_path: Path) -> None:
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    frame = pd.DataFrame({"b": [1.0, 0.0, 1.0], "a": [0.0, 1.0, 3.0]})
    fitted = LinearRegression().fit(frame, [0.0, 1.0, 3.0])
    model = loaded(SklearnModel, fitted, store, tmp_path, features=("b", "a"), **REGRESSION)
    assert predict(model, [{"a": 3.0, "b": 1.0}]) == pytest.approx([3.0])


class Purpose(str, Enum):  # noqa: UP042 - what authors of Python 3.10 wrote; StrEnum is a text already
    HOME = "home"
    CAR = "car"


class Plain(Enum):
    HOME = "home"
    CAR = "car"


@pytest.mark.parametrize("kind", [Purpose, Plain])
def test_an_enum_reaches_a_model_as_what_it_stands_for(kind: Any, store: Store, tmp_path: Path) -> None:
    import pandas as pd
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = pd.DataFrame({"a": ["home", "car", "home", "car"] * 5, "b": [1.0, 2.0, 3.0, 4.0] * 5})
    encoded = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["a"]), ("passthrough", ["b"]))
    fitted = make_pipeline(encoded, LogisticRegression()).fit(frame, ["high", "low", "high", "low"] * 5)
    types = [("a", StringTensorType([None, 1])), ("b", FloatTensorType([None, 1]))]
    graph = to_onnx(fitted, initial_types=types, options={"zipmap": False}, target_opset=18).SerializeToString()
    columns = (Column("a", "string"), Column("b", "number"))
    for version, model in (("1", SklearnModel[Any, Any]()), ("2", OnnxModel[Any, Any]())):
        files = {"model.joblib": joblib_bytes(fitted)} if version == "1" else {"model.onnx": graph}
        lock = write_version(store, files, name=f"tiny-{version}", columns=columns)
        model.load(opened(store, f"tiny-{version}", lock, tmp_path))
        for purpose, label in ((kind.HOME, "high"), (kind.CAR, "low")):
            assert predict(model, [{"a": purpose, "b": 2.0}])[0]["label"] == label


def test_texts_reach_an_estimator_as_texts(store: Store, tmp_path: Path) -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import make_pipeline

    fitted = make_pipeline(CountVectorizer(), LogisticRegression()).fit(["good fine", "bad sad"], ["up", "down"])
    columns = (Column("text", "string"),)
    info = {"task": "classification", "labels": ["down", "up"]}
    model = loaded(SklearnModel, fitted, store, tmp_path, features=("text",), columns=columns, model_info=info)
    assert predict(model, [{"text": "so good"}])[0]["label"] == "up"


def test_several_artifacts_are_opened_by_load(store: Store, tmp_path: Path) -> None:
    class Scaled(SklearnModel[Row, float]):
        def load(self, artifacts: Artifacts) -> None:
            super().load(artifacts)
            self.factor = artifacts.json("factor.json")["by"]
            self.offset = self.load_joblib(artifacts, "offset.joblib")
            self.note = artifacts.path("notes/note.txt").read_text() + artifacts.text("notes/note.txt")

        def postprocess(self, outputs: Any, instances: list[Row]) -> list[float]:
            return [value * self.factor + self.offset for value in super().postprocess(outputs, instances)]

    files = {
        "model.joblib": joblib_bytes(regressor()),
        "factor.json": b'{"by": 2}',
        "offset.joblib": joblib_bytes(1.0),
        "notes/note.txt": b"hi",
    }
    model = Scaled()
    model.load(artifacts(store, write_version(store, files, **REGRESSION), tmp_path))
    assert predict(model, [{"a": 3.0, "b": 1.0}]) == pytest.approx([7.0])
    assert model.note == "hihi"


@pytest.mark.parametrize(
    ("compiled", "level"),
    [
        (None, "ORT_ENABLE_ALL"),
        ({"backend": "onnx"}, "ORT_ENABLE_ALL"),
        ({"optimized_by": "onnxruntime 1.0"}, "ORT_ENABLE_ALL"),
        ({"optimized_by": ENGINE}, "ORT_DISABLE_ALL"),
    ],
)
def test_a_graph_is_opened_as_it_is_only_where_the_same_onnxruntime_has_optimised_it(
    compiled: dict[str, Any] | None, level: str, store: Store, tmp_path: Path
) -> None:
    model = loaded(OnnxModel, classifier(), store, tmp_path, compiled=compiled)
    assert isinstance(model, OnnxModel)
    assert model.session.get_session_options().graph_optimization_level.name == level
    assert predict(model, [{"a": 4, "b": 2}])[0]["label"] == "high"


@pytest.mark.parametrize(
    ("compiled", "memory_mb", "threads"),
    [
        ({"parallel": True}, "4096", 2),
        ({"parallel": True}, "3537", 1),
        ({"parallel": False}, "4096", 1),
        ({}, "4096", 1),
        (None, "4096", 1),
    ],
)
def test_a_graph_has_the_threads_of_its_memory_where_publish_saw_that_they_change_nothing(
    compiled: dict[str, Any] | None,
    memory_mb: str,
    threads: int,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mb)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    model = loaded(OnnxModel, classifier(), store, tmp_path, compiled=compiled)
    assert isinstance(model, OnnxModel)
    assert model.session.get_session_options().intra_op_num_threads == threads
    assert predict(model, [{"a": 4, "b": 2}])[0]["label"] == "high"


def test_an_open_graph_does_not_keep_its_file(store: Store, tmp_path: Path) -> None:
    let_go = []

    class File(bytes):
        def __del__(self) -> None:
            let_go.append(len(self))

    class Watched(Artifacts):
        def read(self, name: str) -> bytes:
            return File(super().read(name))

    data = onnx_bytes(classifier())
    lock = write_version(store, {"model.onnx": data})
    model = OnnxModel[Row, Any]()
    model.load(Watched.open(store, store.read(manifest_path("tiny", "1")), "tiny", lock, tmp_path))
    assert let_go == [len(data)]
    assert predict(model, [{"a": 4, "b": 2}])[0]["label"] == "high"


@BOTH
def test_a_large_file_is_opened_from_disk(
    kind: type[Model[Any, Any]], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelet.store.artifacts.MEMORY_LIMIT", 10)
    model = loaded(kind, classifier(), store, tmp_path)
    assert predict(model, [{"a": 4, "b": 2}])[0]["label"] == "high"
    name = "model.onnx" if kind is OnnxModel else "model.joblib"
    assert (tmp_path / "tiny" / "1" / name).is_file()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [("a.json", b"{", "is not JSON"), ("a.json", b"\xff", "is not UTF-8"), ("b", b"", "has no file b")],
)
def test_an_artifact_that_cannot_be_read_names_itself(
    name: str, data: bytes, said: str, store: Store, tmp_path: Path
) -> None:
    opened = artifacts(store, write_version(store, {"a.json": data}), tmp_path)
    with pytest.raises(ArtifactError, match=said):
        opened.json(name)


def test_a_manifest_that_was_replaced_is_not_believed(store: Store, tmp_path: Path) -> None:
    write_version(store, {"model.onnx": b"x"})
    with pytest.raises(ManifestError, match="differs from the lock"):
        artifacts(store, Lock("1", "0" * 64), tmp_path)
