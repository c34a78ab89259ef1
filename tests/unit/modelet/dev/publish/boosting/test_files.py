"""Files of boosters: told apart by their content, and opened as estimators with the same predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from hypothesis import given as given_any
from hypothesis import strategies as st

from modelet.dev.progress import Silent
from modelet.dev.publish.boosting.files import HEAD, library_in, opened
from modelet.dev.publish.source.file import given
from modelet.dev.publish.source.trained import Trained
from modelet.errors import PublishError
from support.boosting import CAT, CATEGORICAL, LGB, XGB, data, fitted, softmax, stopped


def saved(folder: Path, name: str, model: Any) -> Path:
    path = folder / name
    (model.booster_ if hasattr(model, "booster_") else model).save_model(str(path))
    return path


def written_rows(folder: Path, frame: pd.DataFrame) -> Path:
    path = folder / "rows.csv"
    frame.to_csv(path, index=False)
    return path


def numbers(count: int = 6) -> pd.DataFrame:
    return pd.DataFrame(data().rows, columns=[f"x{place}" for place in range(count)])


MODELS: dict[str, tuple[str, Any]] = {
    "lightgbm": ("model.txt", fitted(lightgbm.LGBMClassifier(**LGB), "two")),
    "xgboost": ("model.json", fitted(xgboost.XGBClassifier(**XGB), "two")),
    "xgboost binary": ("model.ubj", fitted(xgboost.XGBClassifier(**XGB), "two")),
    "catboost": ("model.cbm", fitted(catboost.CatBoostClassifier(**CAT), "two")),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_file_is_opened_with_the_predictions_of_its_model(kind: str, tmp_path: Path) -> None:
    name, make = MODELS[kind]
    model, examples = make()
    path = saved(tmp_path, name, model)
    assert library_in(path.read_bytes()) == kind.partition(" ")[0]
    again = opened(path)
    assert np.allclose(again.predict_proba(examples), model.predict_proba(examples), rtol=0, atol=1e-12)
    assert again.predict(examples).tolist() == model.predict(examples).tolist()
    assert np.asarray(again.classes_).tolist() == [0, 1]


@pytest.mark.parametrize("kind", MODELS)
def test_the_name_of_a_file_does_not_matter(kind: str, tmp_path: Path) -> None:
    name, make = MODELS[kind]
    path = saved(tmp_path, name, make()[0])
    other = path.rename(tmp_path / ("model.cbm" if "txt" in name else "model.txt"))
    assert opened(other).n_features_in_ == data().rows.shape[1]


@pytest.mark.parametrize("kind", MODELS)
def test_from_takes_a_file_with_its_examples(kind: str, tmp_path: Path) -> None:
    name, make = MODELS[kind]
    found = given(saved(tmp_path, name, make()[0]), written_rows(tmp_path, numbers()), False, Silent())
    assert isinstance(found, Trained)
    assert list(found.feature_names or ()) == [f"x{place}" for place in range(6)]
    assert found.columns is not None
    assert all(column.nullable for column in found.columns)


def test_categories_of_a_csv_become_those_of_the_model(tmp_path: Path) -> None:
    model, frame = fitted(lightgbm.LGBMClassifier(**CATEGORICAL, **LGB), "of_frame", "frame")()
    found = given(saved(tmp_path, "model.txt", model), written_rows(tmp_path, frame), False, Silent())
    assert isinstance(found, Trained)
    assert found.columns is not None
    known = {column.name: (column.type, column.categories) for column in found.columns}
    assert known["plan"] == ("string", ("basic", "plus", "pro", "team"))
    assert known["region"] == ("integer", (3, 5, 9))
    assert known["paperless"] == ("boolean", None)
    assert np.allclose(found.estimator.predict_proba(found.examples), model.predict_proba(frame))


def test_a_category_of_a_csv_that_the_model_does_not_know_is_refused(tmp_path: Path) -> None:
    model, frame = fitted(lightgbm.LGBMClassifier(**CATEGORICAL, **LGB), "of_frame", "frame")()
    other = frame.assign(plan=frame["plan"].cat.rename_categories({"pro": "free"}))
    with pytest.raises(PublishError, match="column plan of the examples has 'free', but the model knows only basic"):
        given(saved(tmp_path, "model.txt", model), written_rows(tmp_path, other), False, Silent())


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    model, frame = fitted(lightgbm.LGBMClassifier(**CATEGORICAL, **LGB), "of_frame", "frame")()
    path = saved(tmp_path, "model.txt", model)
    with pytest.raises(PublishError, match="no column plan: the model was trained with it"):
        given(path, written_rows(tmp_path, frame.drop(columns="plan")), False, Silent())


def test_another_number_of_columns_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, "model.json", fitted(xgboost.XGBClassifier(**XGB), "two")()[0])
    with pytest.raises(PublishError, match="5 columns, but the model needs 6"):
        given(path, written_rows(tmp_path, numbers().drop(columns="x0")), False, Silent())


def test_a_text_where_the_model_needs_a_number_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, "model.json", fitted(xgboost.XGBClassifier(**XGB), "two")()[0])
    with pytest.raises(PublishError, match="column x0 of the examples is text"):
        given(path, written_rows(tmp_path, numbers().assign(x0="red")), False, Silent())


def test_training_that_stopped_early_counts_as_the_library_counts_it(tmp_path: Path) -> None:
    said: dict[str, Any] = {**XGB, "n_estimators": 200, "early_stopping_rounds": 3}
    model, rows = stopped(xgboost.XGBClassifier(**said), verbose=False)()
    whole = model.get_booster().predict(xgboost.DMatrix(rows))
    assert not np.allclose(model.predict_proba(rows)[:, 1], whole)
    again = opened(saved(tmp_path, "estimator.json", model))
    assert np.array_equal(again.predict_proba(rows), model.predict_proba(rows))
    bare = model.get_booster().copy()
    bare.set_attr(scikit_learn=None)
    again = opened(saved(tmp_path, "booster.json", bare))
    assert np.allclose(again.predict_proba(rows)[:, 1], whole, rtol=0, atol=1e-7)


def test_a_booster_of_labels_gets_their_probabilities(tmp_path: Path) -> None:
    booster, rows = softmax()
    again = opened(saved(tmp_path, "model.ubj", booster))
    assert again.predict(rows).tolist() == booster.predict(xgboost.DMatrix(rows)).astype(int).tolist()
    assert again.predict_proba(rows).shape == (len(rows), 3)


@pytest.mark.parametrize("content", [b"", b"tree\n", b"{}", b"CBM", b"\x80\x04joblib", b"binf\0\0", "나무\n".encode()])
def test_another_file_is_refused_with_what_to_save(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.txt"
    path.write_bytes(content)
    with pytest.raises(PublishError, match=r"model\.txt is not a model of LightGBM, XGBoost or CatBoost: save it"):
        opened(path)


@pytest.mark.parametrize("left", [0.34, 0.5, 0.97])
@pytest.mark.parametrize("kind", MODELS)
def test_a_file_that_is_cut_off_is_refused_in_one_line(kind: str, left: float, tmp_path: Path) -> None:
    name, make = MODELS[kind]
    path = saved(tmp_path, name, make()[0])
    path.write_bytes(path.read_bytes()[: int(left * len(path.read_bytes()))])
    with pytest.raises(PublishError) as caught:
        opened(path)
    assert "\n" not in str(caught.value)
    assert "cannot be opened by" in str(caught.value)


@given_any(st.binary(max_size=64))
def test_no_bytes_are_taken_for_a_model_without_its_signature(content: bytes) -> None:
    found = library_in(content)
    assert found is None or content[:HEAD].lstrip().startswith((b"tree", b"CBM1", b"{"))
