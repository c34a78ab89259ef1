"""What the backends of LightGBM, XGBoost and CatBoost share: rows with codes for categories, and labels."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.backends import table
from modelet.backends.outputs import Array, Outputs, TabularModel
from modelet.backends.table import Packer
from modelet.errors import ArtifactError
from modelet.model import InstanceT, PredictionT
from modelet.store.manifest import Column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.contract.contract import Contract
    from modelet.store.artifacts import Artifacts

INPUT_ERRORS = (ArithmeticError, LookupError, TypeError, ValueError)
"""Errors that a library raises for its inputs."""


class BoosterModel(TabularModel[InstanceT, PredictionT]):
    """Serve a version whose main file is a booster in its library's own format, with one thread.

    By default, it passes the version's columns to the booster, categories as the codes that the version records and
    missing values as NaN. It returns a label with its probability for a classifier, a number for a regressor.
    """

    library = ""
    ending = ""
    dtype: type[Any] = np.float32
    """The precision in which the library reads numbers."""

    def load(self, artifacts: Artifacts) -> None:
        """Open the booster. Raises ArtifactError if the main file is not one, or another version wrote it."""
        self.manifest = artifacts.manifest
        name = self.manifest.model_data
        if not name.endswith(self.ending):
            raise ArtifactError(
                f"{name} is not a {self.ending} file, but model.yaml says backend: {self.library}: "
                "publish the model again or change backend"
            )
        written, here = self.manifest.model_lib_version, self.installed()
        if written != here:
            raise ArtifactError(
                f"{name} was compared with {self.manifest.model_lib} {written}, but {here} is installed: "
                f"pin {self.manifest.model_lib} in requirements.txt, or publish the model again"
            )
        content = artifacts.path(name) if artifacts.is_large(name) else artifacts.read(name)
        try:
            self.open(content if isinstance(content, bytes) else content.read_bytes())
        except Exception as error:  # each library raises its own errors
            raise ArtifactError(f"{name} cannot be opened: {type(error).__name__}: {error}") from error

    def installed(self) -> str:
        """Return the version of the installed library."""
        raise NotImplementedError

    def open(self, data: bytes) -> None:
        """Open the booster in a file. Raises what the library raises."""
        raise NotImplementedError

    def numbers(self, inputs: Any) -> Array:
        """Return the booster's numbers: one for each instance, or one for each label or target of an instance."""
        raise NotImplementedError

    def preprocess(self, instances: list[InstanceT]) -> Any:
        """Return the version's columns as a matrix of numbers, shape (instances, columns).

        Raises ContractError for a value that its column rejects, or that the matrix cannot hold unchanged.
        """
        features, columns = self.manifest.features, self.manifest.columns
        if not self._codes:
            return table.matrix(instances, features, self.dtype, columns)
        rows = [list(row) for row in table.rows(instances, features, columns)]
        for row in rows:
            for place, codes in self._codes.items():
                if row[place] is not None:
                    row[place] = codes[row[place]]
        return self._packer.pack([tuple(row) for row in rows])

    @cached_property
    def _codes(self) -> Mapping[int, Mapping[Any, int]]:
        """The codes of the values of each column of categories, by the column's index."""
        return {
            place: {value: code for code, value in enumerate(column.categories)}
            for place, column in enumerate(self.manifest.frame)
            if column.categories is not None
        }

    @cached_property
    def _packer(self) -> Packer:
        columns = [
            Column(column.name, "integer", column.nullable) if place in self._codes else column
            for place, column in enumerate(self.manifest.columns)
        ]
        return Packer(self.manifest.features, self.dtype, columns)

    def infer(self, inputs: Any) -> Outputs:
        """Predict all instances at once; return `label` and `probabilities`, or `variable`."""
        found = self.numbers(inputs)
        if self.manifest.model_info.get("task") != "classification":
            return {"variable": found}
        shares = found if found.ndim == 2 else np.column_stack([1 - found, found])
        labels = np.array(self.manifest.model_info["labels"])
        return {"label": labels[self.places(shares)], "probabilities": shares}

    def places(self, shares: Array) -> Array:
        """Return the index of each instance's label, from the probabilities."""
        found: Array = shares.argmax(axis=1)
        return found

    def _adapt_contract(self, contract: Contract) -> Contract:
        return table.adapt_contract(self, BoosterModel, contract)

    def _select_rows(self, inputs: Any, rows: list[int], cause: Exception) -> Any:
        if not isinstance(cause, INPUT_ERRORS) or not all(
            table.is_own(self, stage, BoosterModel) for stage in ("preprocess", "infer")
        ):
            return None
        return [inputs[row] for row in rows] if isinstance(inputs, list) else inputs[rows]
