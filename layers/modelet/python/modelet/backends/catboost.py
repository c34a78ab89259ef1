"""The backend for CatBoost's .cbm files. CatBoost needs pandas, scipy and six, but no library for charts."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import catboost
import numpy as np

from modelet.backends import table
from modelet.backends.boosters import BoosterModel
from modelet.backends.outputs import Array, Outputs
from modelet.model import InstanceT, PredictionT

__all__ = ["CatBoostModel", "Outputs"]


KINDS = {"Poisson": "Exponent", "Tweedie": "Exponent", "RMSEWithUncertainty": "RMSEWithUncertainty"}
"""What CatBoostRegressor predicts for a loss, if it is not the model's score (core.py)."""


class CatBoostModel(BoosterModel[InstanceT, PredictionT]):
    """Serve a version whose main file is CatBoost's .cbm; see BoosterModel. Categories are texts or whole numbers."""

    library, ending = "catboost", ".cbm"

    def installed(self) -> str:
        """Return the version of the installed library."""
        return str(catboost.__version__)

    def open(self, data: bytes) -> None:
        """Open the model in a file. Raises what CatBoost raises."""
        self._classifies = self.manifest.model_info.get("task") == "classification"
        self.booster: Any = catboost.CatBoostClassifier() if self._classifies else catboost.CatBoostRegressor()
        self.booster.load_model(blob=data)
        loss = str(self.booster.get_all_params().get("loss_function", "")).partition(":")[0]
        self._kind = KINDS.get(loss, "RawFormulaVal")

    def preprocess(self, instances: list[InstanceT]) -> Any:
        """Return a matrix of numbers; for a model of categories, rows of numbers, texts and whole numbers."""
        if not self._categories:
            return super().preprocess(instances)
        columns = self.manifest.columns
        rows = [list(row) for row in table.rows(instances, self.manifest.features, columns)]
        for row in rows:
            for place in self._plain:
                row[place] = np.nan if row[place] is None else float(row[place])
        return rows

    def numbers(self, inputs: Any) -> Array:
        """Return probabilities or numbers, computed by one thread."""
        if self._classifies:
            return np.asarray(self.booster.predict_proba(inputs, thread_count=1))
        return np.asarray(self.booster.predict(inputs, prediction_type=self._kind, thread_count=1))

    def places(self, shares: Array) -> Array:
        """Return the index of each instance's label: of two, the second one if it is above the model's threshold."""
        if shares.shape[1] != 2:
            return super().places(shares)
        return (shares[:, 1] > self._threshold).astype(np.int64)

    @cached_property
    def _threshold(self) -> float:
        return float(self.booster.get_probability_threshold())

    @cached_property
    def _categories(self) -> frozenset[int]:
        return frozenset(self.booster.get_cat_feature_indices())

    @cached_property
    def _plain(self) -> list[int]:
        return [place for place in range(len(self.manifest.features)) if place not in self._categories]
