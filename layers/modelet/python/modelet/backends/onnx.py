"""Models that are ONNX graphs, run by onnxruntime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.backends import table
from modelet.backends.table import Array, Outputs
from modelet.errors import ArtifactError
from modelet.model import InstanceT, Model, PredictionT
from modelet.settings import decline_telemetry

decline_telemetry()
import onnxruntime  # noqa: E402 - it reads its environment when it is imported

if TYPE_CHECKING:
    from modelet.artifacts import Artifacts

__all__ = ["Feeds", "OnnxModel", "Outputs"]

Feeds = dict[str, Array]
"""The graph's inputs by name, each of shape (instances, columns)."""

DTYPES = {
    "tensor(float)": np.float32,
    "tensor(int64)": np.int64,
    "tensor(string)": object,
    "tensor(double)": np.float64,
}
"""The types of a graph's inputs that requests carry, and numpy's for each; publishing refuses others."""


class OnnxModel(Model[InstanceT, PredictionT]):
    """Serves a version whose main file is an ONNX graph.

    As it is, it feeds the version's columns to the graph and gives `{"label", "probability"}` for a classifier, a
    number for a regressor. Override `preprocess` to make the graph's inputs yourself, `postprocess` to shape the
    predictions, and `load` to open further files:

        class SentimentModel(OnnxModel[Review, Sentiment]):
            def load(self, artifacts: Artifacts) -> None:
                super().load(artifacts)
                self.labels = artifacts.json("labels.json")
    """

    def load(self, artifacts: Artifacts) -> None:
        """Open the graph. Raises ArtifactError where the version is no ONNX graph or onnxruntime cannot run it."""
        self.manifest = artifacts.manifest
        name = self.manifest.model_data
        if not name.endswith(".onnx"):
            raise ArtifactError(
                f"{name} is not an ONNX graph, but model.yaml says backend: onnx: "
                "publish the model again or change backend"
            )
        graph = str(artifacts.path(name)) if artifacts.is_large(name) else artifacts.read(name)
        options = onnxruntime.SessionOptions()
        # An environment has one request at a time and, below 1,769 MB, less than one processor: threads only cost.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no common root
            raise ArtifactError(f"{name} cannot be run by onnxruntime {onnxruntime.__version__}: {error}") from error
        self.inputs = {node.name: node for node in self.session.get_inputs()}
        self.outputs = [node.name for node in self.session.get_outputs()]

    def preprocess(self, instances: list[InstanceT]) -> Feeds:
        """The version's columns as the graph's inputs: a matrix (instances, columns), or a (instances, 1) each.

        Raises ContractError for a number that the graph's type cannot hold.
        """
        features = self.manifest.features
        if len(self.inputs) == 1:
            [(name, node)] = self.inputs.items()
            return {name: table.matrix(instances, features, DTYPES[node.type])}
        return {name: table.matrix(instances, [name], DTYPES[node.type]) for name, node in self.inputs.items()}

    def infer(self, inputs: Feeds) -> Outputs:
        """Run the graph once for all instances: its outputs by name, a row an instance."""
        found: list[Array] = self.session.run(self.outputs, inputs)
        return dict(zip(self.outputs, found, strict=True))

    def postprocess(self, outputs: Outputs, instances: list[InstanceT]) -> list[PredictionT]:  # noqa: ARG002 - for authors
        """A label and its probability, or a number, for each instance."""
        predictions: list[Any] = table.predictions(outputs, self.manifest)
        return predictions
