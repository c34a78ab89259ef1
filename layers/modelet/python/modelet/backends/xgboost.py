"""The backend for XGBoost's .ubj files. It needs neither scikit-learn nor pandas."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xgboost

from modelet.backends.boosters import BoosterModel
from modelet.backends.outputs import Array, Outputs
from modelet.model import InstanceT, PredictionT

__all__ = ["Outputs", "XGBoostModel"]


class XGBoostModel(BoosterModel[InstanceT, PredictionT]):
    """Serve a version whose main file is XGBoost's .ubj; see BoosterModel."""

    library, ending = "xgboost", ".ubj"

    def installed(self) -> str:
        """Return the version of the installed library."""
        return str(xgboost.__version__)

    def open(self, data: bytes) -> None:
        """Open the booster in a file. Raises what XGBoost raises."""
        self.booster: Any = xgboost.Booster({"nthread": 1})
        self.booster.load_model(bytearray(data))
        self.booster.set_param({"nthread": 1})  # a file has the number of threads of its training
        config = json.loads(self.booster.save_config())["learner"]
        self._is_linear = config["gradient_booster"]["name"] == "gblinear"
        kinds = self.booster.feature_types
        self._described: dict[str, Any] = {"feature_types": kinds, "enable_categorical": True} if kinds else {}

    def numbers(self, inputs: Any) -> Array:
        """Return the booster's numbers, computed by one thread. A linear one cannot predict in place."""
        if self._is_linear or self._described:
            rows = xgboost.DMatrix(inputs, nthread=1, **self._described)
            return np.asarray(self.booster.predict(rows, validate_features=False))
        return np.asarray(self.booster.inplace_predict(inputs, validate_features=False))
