"""The backend for scikit-learn estimators in joblib files.

A joblib file is a pickle: opening it runs code. It is opened only with `backend: sklearn`, if its digest matches, and
with the same Python minor and library versions that wrote it.
"""

from __future__ import annotations

import io
import sys
from functools import cached_property
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import sklearn

from modelet.backends import table
from modelet.backends.answers import asked
from modelet.backends.outputs import Outputs, TabularModel
from modelet.errors import ArtifactError
from modelet.model import InstanceT, PredictionT

if TYPE_CHECKING:
    from modelet.backends.frame import Frames
    from modelet.contract.contract import Contract
    from modelet.store.artifacts import Artifacts
    from modelet.store.manifest import Manifest

__all__ = ["Outputs", "SklearnModel"]

FAR = float(np.finfo(np.float32).max)
"""The largest number that many estimators accept, because they compute in float32."""

ARRAYS: dict[str, type[Any]] = {"float64": np.float64, "float32": np.float32, "int64": np.int64}
"""The dtypes of an estimator's array."""

INPUT_ERRORS = (ArithmeticError, LookupError, TypeError, ValueError)
"""Errors that an estimator raises for its inputs: unseen categories, missing values, numbers out of range."""


class SklearnModel(TabularModel[InstanceT, PredictionT]):
    """Serve a version whose main file is a scikit-learn estimator.

    By default, it passes the version's columns to the estimator and returns the members that the prediction's type
    names: `label`, `probability` and `probabilities` for a classifier; `label` and `score` for one without
    probabilities, and for outliers; `cluster` and `distances` for a clusterer; a number, or one by name for each of
    several targets, for a regressor; a list of numbers for a transformer. Override `load` to open more files:

        class SentimentModel(SklearnModel[Review, Sentiment]):
            def load(self, artifacts: Artifacts) -> None:
                super().load(artifacts)
                self.vectorizer = self.load_joblib(artifacts, "vectorizer.joblib")
    """

    def load(self, artifacts: Artifacts) -> None:
        """Open the estimator. Raises ArtifactError if the main file is not one, or other library versions wrote it."""
        self.manifest = artifacts.manifest
        self.estimator: Any = self.load_joblib(artifacts, self.manifest.model_data)

    def load_joblib(self, artifacts: Artifacts, name: str) -> Any:
        """Open one of the version's joblib files. Raises ArtifactError before unpickling if the libraries differ."""
        if not name.endswith(".joblib"):
            raise ArtifactError(
                f"{name} is not a joblib file, but model.yaml says backend: sklearn: "
                "publish the model again or change backend"
            )
        _check_runtime(artifacts.manifest)
        file = artifacts.path(name) if artifacts.is_large(name) else io.BytesIO(artifacts.read(name))
        try:
            return joblib.load(file)
        except Exception as error:  # a pickle may raise anything
            raise ArtifactError(f"{name} cannot be opened: {type(error).__name__}: {error}") from error

    def preprocess(self, instances: list[InstanceT]) -> Any:
        """Return the version's columns in the format the estimator was fitted on: texts, a matrix, or a DataFrame."""
        features, columns = self.manifest.features, self.manifest.columns
        if self._frames is not None:
            return self._frames.of(instances)
        kinds = {column.type for column in columns}
        is_table = self.manifest.frame and hasattr(self.estimator, "n_features_in_")
        if len(features) == 1 and kinds == {"string"} and not is_table:
            return [text for (text,) in table.rows(instances, features, columns)]
        if "string" not in kinds:
            dtype = self.manifest.pickled.dtype if self.manifest.pickled else "float64"
            return table.matrix(instances, features, ARRAYS[dtype], columns)
        made = table.matrix(instances, features, object, columns)
        for place, column in enumerate(self.manifest.frame):
            if column.missing != "None":  # the estimator expects NaN for missing values
                made[[value is None for value in made[:, place]], place] = np.nan
        return made

    @cached_property
    def _frames(self) -> Frames | None:
        """The maker of DataFrames, if the estimator needs column names; otherwise None, and pandas is not needed."""
        needs_names = hasattr(self.estimator, "feature_names_in_")
        # An estimator of another library may record neither names nor a width: it gets what it was tested with.
        if not needs_names and (hasattr(self.estimator, "n_features_in_") or not self.manifest.frame):
            return None
        if self.manifest.frame:
            _check_library(self.manifest, "pandas", "pandas")
        from modelet.backends.frame import Frames  # noqa: PLC0415 - it imports pandas

        return Frames(self.manifest)

    def _adapt_contract(self, contract: Contract) -> Contract:
        if type(self).preprocess is SklearnModel.preprocess:
            _ = self._frames  # without pandas, the start fails, not the first request
        return table.adapt_contract(self, SklearnModel, contract)

    def _select_rows(self, inputs: Any, rows: list[int], cause: Exception) -> Any:
        if not isinstance(cause, INPUT_ERRORS) or not all(
            table.is_own(self, stage, SklearnModel) for stage in ("preprocess", "infer")
        ):
            return None
        if isinstance(inputs, list):
            return [inputs[row] for row in rows]
        return inputs[rows] if isinstance(inputs, np.ndarray) else inputs.iloc[rows]

    def _failing_field(self, instance: InstanceT) -> str:
        for name, value in zip(self.manifest.features, table.cells(instance, self.manifest.features), strict=True):
            if isinstance(value, float) and abs(value) > FAR:
                return name
        return ""

    def infer(self, inputs: Any) -> Outputs:
        """Predict all instances at once; return the outputs of the version's answer by name."""
        if self.manifest.answer:
            return asked(self.estimator, inputs, self.manifest.answer)
        if self.manifest.model_info.get("task") != "classification":
            return {"variable": np.asarray(self.estimator.predict(inputs))}
        # Both are called: the likeliest class is not always the predicted one (SVC, thresholds).
        label, probabilities = self.estimator.predict(inputs), self.estimator.predict_proba(inputs)
        return {"label": np.asarray(label), "probabilities": np.asarray(probabilities)}


def _check_runtime(manifest: Manifest) -> None:
    """Raise ArtifactError if a library that the pickles import has another version than the one that wrote them."""
    _compare(manifest, "python", f"{sys.version_info.major}.{sys.version_info.minor}")
    if manifest.pickled is None:  # a version of an older release
        _compare(manifest, "scikit-learn", sklearn.__version__)
        _compare(manifest, "numpy", np.__version__)
        return
    for module, library in manifest.pickled.packages.items():
        _check_library(manifest, module, library)


def _check_library(manifest: Manifest, module: str, library: str) -> None:
    try:
        here = version(library)
    except PackageNotFoundError:
        # Another distribution may provide the same module: xgboost-cpu for xgboost.
        others = packages_distributions().get(module)
        if not others:
            raise ArtifactError(
                f"{manifest.model_data} needs {library} {manifest.runtime.get(library)}, which is not installed here: "
                "add it to requirements.txt"
            ) from None
        here = version(others[0])
    _compare(manifest, library, here)


def _compare(manifest: Manifest, library: str, here: str) -> None:
    written_with = manifest.runtime.get(library)
    if written_with != here:
        raise ArtifactError(
            f"{manifest.model_data} was written with {library} {written_with}, but {here} is installed: "
            f"pin {library} in requirements.txt, or publish the model again"
        )
