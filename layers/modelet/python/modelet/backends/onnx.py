"""The backend for ONNX graphs, which onnxruntime runs."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.backends import table
from modelet.backends.outputs import Array, Outputs, TabularModel
from modelet.backends.table import Packer
from modelet.deadline import stop_at_alarm
from modelet.errors import ArtifactError, ContractError
from modelet.model import InstanceT, PredictionT
from modelet.settings import disable_telemetry, processors
from modelet.shortcuts import release_graph
from modelet.store.manifest import Column

disable_telemetry()
import onnxruntime  # noqa: E402 - it reads the environment when it is imported

if TYPE_CHECKING:
    from modelet.contract.contract import Contract
    from modelet.store.artifacts import Artifacts

__all__ = ["Feeds", "OnnxModel", "Outputs"]

Feeds = dict[str, Array]
"""The graph's inputs by name, each of shape (instances, columns)."""

DTYPES = {
    "tensor(float)": np.float32,
    "tensor(int64)": np.int64,
    "tensor(string)": object,
    "tensor(double)": np.float64,
}
"""The supported types of a graph's inputs, and numpy's type for each; publishing rejects others."""


TEXTS_AT_ONCE = 32
"""Texts in one run of a graph: with fewer, the 5 µs of each run add up; more do not fit into the cache."""
ROWS_AT_ONCE = 4_096
"""Rows of numbers in one run of a graph, so that the deadline is checked between runs: some tenths of a second for a
forest of 500 trees."""


RUN = onnxruntime.RunOptions()
"""The options of every run; its `terminate` flag makes onnxruntime stop between two nodes of a graph."""


class Session(onnxruntime.InferenceSession):  # type: ignore[misc]  # has no types
    """A session whose runs stop at the deadline's alarm, including runs that the author starts."""

    def run(self, output_names: Any, input_feed: Any, run_options: Any = None) -> Any:
        """Run the graph like onnxruntime's session."""
        RUN.terminate = False  # the alarm of an earlier request may have set it
        return super().run(output_names, input_feed, run_options or RUN)


ENGINE = "onnxruntime " + ".".join(onnxruntime.__version__.split(".")[:2])
"""onnxruntime with its minor version; a graph that the same one optimised is not optimised again."""


def session_options(*, optimized: bool = False, threads: int = 1) -> Any:
    """Return the options for opening a graph.

    optimized: whether publish optimised the graph with the same minor version of onnxruntime. threads: the number of
    threads for one operator; below two processors, several only cost time.
    Measured: optimising takes 0.3 ms and 0.5 MB even if there is nothing to do, and 24 ms for 500 trees. Memory
    patterns, one for each number of rows, take 1 to 40 MB and save no time. The arena stays on: without it, 1,000 texts
    take a tenth longer and 5 MB more.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1  # an environment has one request at a time, and graphs have few branches
    options.log_severity_level = 3
    options.enable_mem_pattern = False
    if optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return options


class OnnxModel(TabularModel[InstanceT, PredictionT]):
    """Serve a version whose main file is an ONNX graph.

    By default, it feeds the version's columns to the graph and returns the members that the prediction's type names:
    `label`, `probability` and `probabilities` for a classifier; and a number for a regressor. Override `preprocess` to
    make the graph's inputs yourself, `postprocess` to change the predictions, and `load` to open more files:

        class SentimentModel(OnnxModel[Review, Sentiment]):
            def load(self, artifacts: Artifacts) -> None:
                super().load(artifacts)
                self.labels = artifacts.json("labels.json")
    """

    def load(self, artifacts: Artifacts) -> None:
        """Open the graph. Raises ArtifactError if the main file is not an ONNX graph or onnxruntime cannot run it."""
        self.manifest = artifacts.manifest
        name = self.manifest.model_data
        if not name.endswith(".onnx"):
            raise ArtifactError(
                f"{name} is not an ONNX graph, but model.yaml says backend: onnx: "
                "publish the model again or change backend"
            )
        graph = str(artifacts.path(name)) if artifacts.is_large(name) else artifacts.read(name)
        compiled = self.manifest.compiled or {}
        # Only if publish found that answers stay the same bit for bit: threads add a forest's trees in another order.
        threads = processors() if compiled.get("parallel") else 1
        options = session_options(optimized=compiled.get("optimized_by") == ENGINE, threads=threads)
        try:
            self.session: Any = Session(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no common root
            raise ArtifactError(f"{name} cannot be run by onnxruntime {onnxruntime.__version__}: {error}") from error
        release_graph(self.session)
        self.inputs = {node.name: node for node in self.session.get_inputs()}
        self.outputs = [node.name for node in self.session.get_outputs()]
        _stop_runs_at_alarm()

    def preprocess(self, instances: list[InstanceT]) -> Feeds:
        """Return the version's columns as inputs: one (instances, columns) matrix, or one (instances, 1) per column.

        Raises ContractError for a value that its column rejects, or that the graph's type would change.
        """
        try:
            return {name: packer.pack(instances) for name, packer in self._packers.items()}
        except ContractError:
            raise self._merged(instances) from None

    def _merged(self, instances: list[InstanceT]) -> ContractError:
        """Return the violations of all inputs, so that one answer names all bad rows."""
        from modelet.backends.grid import merged  # noqa: PLC0415 - few requests are rejected

        errors = []
        for packer in self._packers.values():
            try:
                packer.pack(instances)
            except ContractError as error:
                errors.append(error)
        return merged(errors)

    @cached_property
    def _packers(self) -> dict[str, Packer]:
        """The packer of each input. Raises ArtifactError if requests cannot have values of an input's type."""
        made = {}
        for name, node in self.inputs.items():
            dtype = DTYPES.get(node.type)
            if dtype is None:
                raise ArtifactError(
                    f"the graph's input {name} has type {node.type}, which requests cannot have: override preprocess"
                )
            known = self.manifest.features
            features = known if len(self.inputs) == 1 else (name,)
            made[name] = Packer(features, str if dtype is object else dtype, self.manifest.columns, known)
        return made

    def _adapt_contract(self, contract: Contract) -> Contract:
        if table.is_own(self, "preprocess", OnnxModel) and contract.is_plain:
            for packer in self._packers.values():
                packer.proven = True
        adapted = table.adapt_contract(self, OnnxModel, contract)
        return adapted if adapted is contract or len(self.inputs) == 1 else contract

    def _select_rows(self, inputs: Feeds, rows: list[int], cause: Exception) -> Feeds | None:
        # onnxruntime raises this class for inputs that a graph rejects, and others for its own errors.
        if type(cause).__name__ != "InvalidArgument" or not all(
            table.is_own(self, stage, OnnxModel) for stage in ("preprocess", "infer")
        ):
            return None
        return {name: array[rows] for name, array in inputs.items()}

    def infer(self, inputs: Feeds) -> Outputs:
        """Run the graph on all instances and return its outputs by name, one row per instance.

        Many instances are run in parts, so that the deadline is checked between them, and texts a few at a time. A
        graph turns each text into a dense row as wide as its vocabulary: the rows of a thousand texts do not fit into
        the processor's cache, and those of ten thousand not into the function's memory. If the rows of the inputs are
        not the instances, as with an author's own `preprocess`, they are run together, because the graph may relate
        one row to another.

        Raises ContractError if an input of texts has other values: the graph would read None as "None".
        """
        for name in self._text_inputs:
            if name in inputs:
                check_texts(name, inputs[name])
        part = self._at_once
        if part and _are_more(inputs, part) and self._are_instances(inputs):
            feeds = [
                {name: array[start : start + part] for name, array in inputs.items()}
                for start in range(0, len(next(iter(inputs.values()))), part)
            ]
            parts = zip(*(self.session.run(self.outputs, feed) for feed in feeds), strict=True)
            found: list[Array] = [np.concatenate(each) for each in parts]
        else:
            found = self.session.run(self.outputs, inputs)
        return dict(zip(self.outputs, found, strict=True))

    def _are_instances(self, inputs: Feeds) -> bool:
        """Return whether each row of the inputs is an instance, so that the rows are independent."""
        if self._expected_rows is None:
            return table.is_own(self, "preprocess", OnnxModel)
        return len(next(iter(inputs.values()))) == self._expected_rows

    @cached_property
    def _text_inputs(self) -> list[str]:
        return [name for name, node in self.inputs.items() if node.type == "tensor(string)"]

    @cached_property
    def _at_once(self) -> int:
        """The rows in one run; 0 for a graph with tensors of a fixed number of rows, which cannot be run in parts."""
        nodes = [*self.inputs.values(), *self.session.get_outputs()]
        is_open = all(
            node.type.startswith("tensor(") and node.shape and type(node.shape[0]) is not int for node in nodes
        )
        if not is_open:
            return 0
        return TEXTS_AT_ONCE if self._text_inputs else ROWS_AT_ONCE


def check_texts(name: str, array: Array) -> None:
    """Raise ContractError if an input of texts has other values."""
    values = array.ravel().tolist()
    if set(map(type, values)) - {str, np.str_}:
        from modelet.backends.grid import array_of  # noqa: PLC0415 - only for suspicious values

        rows = array.reshape(len(array), -1)
        array_of(rows.tolist(), [name] * rows.shape[1], [Column(name, "string")] * rows.shape[1], str)


def _are_more(inputs: Feeds, rows: int) -> bool:
    """Return whether the inputs have more rows than one run should have; False if they differ in length."""
    counts = [len(array) for array in inputs.values()]
    return counts[0] > rows and len(set(counts)) == 1


@cache
def _stop_runs_at_alarm() -> None:
    def stop() -> None:
        RUN.terminate = True

    stop_at_alarm(stop)
