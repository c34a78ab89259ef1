"""The backend for LightGBM's text files. It needs neither scikit-learn nor pandas."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np

from modelet.backends.boosters import BoosterModel
from modelet.backends.outputs import Array, Outputs
from modelet.model import InstanceT, PredictionT

__all__ = ["LightGBMModel", "Outputs"]


class LightGBMModel(BoosterModel[InstanceT, PredictionT]):
    """Serve a version whose main file is LightGBM's .txt; see BoosterModel."""

    library, ending, dtype = "lightgbm", ".txt", np.float64

    def installed(self) -> str:
        """Return the version of the installed library."""
        return str(lightgbm.__version__)

    def open(self, data: bytes) -> None:
        """Open the booster in a file. Raises what LightGBM raises."""
        self.booster: Any = lightgbm.Booster(model_str=data.decode())

    def numbers(self, inputs: Any) -> Array:
        """Return the booster's numbers, computed by one thread."""
        return np.asarray(self.booster.predict(inputs, num_threads=1))
