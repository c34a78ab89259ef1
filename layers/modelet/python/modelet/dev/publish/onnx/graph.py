"""An ONNX graph: its inputs and outputs, whether it can be served, and its predictions."""

from __future__ import annotations

import copy
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import onnx

from modelet.backends.onnx import DTYPES, ENGINE, OnnxModel, session_options
from modelet.dev.publish.draft import UNWRITTEN, draft, listed
from modelet.errors import ArtifactError, ConversionError, PublishError
from modelet.settings import MOST_PROCESSORS
from modelet.store.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

GRAPH_FILE = "model.onnx"
MOST_ROWS = 1000
"""The most rows of one input that are run again with several threads."""

LABEL, PROBABILITIES, SCORES, VARIABLE = "label", "probabilities", "scores", "variable"
"""A graph's outputs, see `modelet.backends.answers`."""


class Graph:
    """An ONNX graph, loaded, fed and run by the class that serves it.

    features: the columns' names, needed to predict instances. optimized: whether this onnxruntime has already optimised
    it. Raises ConversionError if onnxruntime cannot run it.
    """

    def __init__(self, data: bytes, features: Sequence[str] = (), *, optimized: bool = False) -> None:
        self.data = data
        self._facts = {"optimized_by": ENGINE} if optimized else {}
        self._model = OnnxModel[Any, Any]()
        files = {GRAPH_FILE: data}
        try:
            with draft(_manifest(files, features, self._facts), files) as artifacts:
                self._model.load(artifacts)
        except ArtifactError as error:
            said = line(error.__cause__ or error)
            raise ConversionError(f"onnxruntime {version('onnxruntime')} cannot run the graph: {said}") from error
        self._asked: dict[int, Mapping[str, NDArray[Any]]] = {}
        self.inputs = self._model.inputs
        self.outputs = {node.name: node for node in self._model.session.get_outputs()}

    def answer(self, instances: list[Any]) -> dict[str, NDArray[Any]]:
        """Return the outputs for instances, by name. Raises PublishError if they do not fit the graph's inputs."""
        try:
            feeds = self._model.preprocess(instances)
        except Exception as error:  # any error would fail a request
            raise PublishError(f"the examples do not fit the graph's inputs: {line(error)}") from error
        return self.run(feeds)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs by name. Raises PublishError if onnxruntime rejects the inputs."""
        try:
            found = self._model.infer(dict(feeds))
        except Exception as error:  # onnxruntime's errors have no common base class
            raise PublishError(f"the graph fails: {line(error)}") from error
        self._asked[len(next(iter(feeds.values())))] = feeds
        return found

    def described(self) -> dict[str, Any]:
        """Return the graph's part of the manifest's `compiled`."""
        model = onnx.load_from_string(self.data)
        opsets = {opset.domain: opset.version for opset in model.opset_import}
        return {
            "backend": "onnx",
            "opset": opsets.get("", 0),
            "ir_version": model.ir_version,
            "parallel": self._is_parallel(),
            **self._facts,
        }

    def _is_parallel(self) -> bool:
        """Return whether the outputs are bit-identical for every number of threads that a function may have.

        It runs the smallest and the largest inputs so far again, because the number of rows decides which work is
        split.
        """
        sizes = {min(self._asked, default=0), max(self._asked, default=0)} - {0}
        asked = [{name: values[:MOST_ROWS] for name, values in self._asked[size].items()} for size in sizes]
        expected = [_bits(self._model.infer(feeds)) for feeds in asked]
        several = copy.copy(self._model)
        for threads in range(2, MOST_PROCESSORS + 1):
            several.session = opened(self.data, threads=threads, optimized="optimized_by" in self._facts)
            if [_bits(several.infer(feeds)) for feeds in asked] != expected:
                return False
        return bool(asked)


def opened(data: bytes, *, threads: int, optimized: bool) -> Any:
    """Return a session of the graph with this number of threads, as the backend opens it."""
    import onnxruntime  # after modelet.backends.onnx, which disables its telemetry

    options = session_options(threads=threads, optimized=optimized)
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _bits(outputs: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Return outputs in a form that compares to the last bit: NaN equals itself, and texts compare as texts."""
    return {name: array.tolist() if array.dtype == object else array.tobytes() for name, array in outputs.items()}


def check_servable(model: onnx.ModelProto, *, doubles: bool = False) -> None:
    """Raise ConversionError if the graph runs here, but fails or predicts wrongly where it is served.

    doubles: whether its inputs may be in double precision; for a graph from elsewhere, their effect is unknown.
    """
    operators = {node.op_type for node in model.graph.node}
    for node in model.graph.node:
        if node.op_type == "StringNormalizer" and any(
            attribute.name == "case_change_action" and attribute.s not in {b"", b"NONE"} for attribute in node.attribute
        ):
            raise ConversionError(
                "the graph lower-cases text, which needs the en_US.UTF-8 locale, which slim images lack: "
                "lower-case in Python, and train with lowercase=False"
            )
    initialized = {initializer.name for initializer in model.graph.initializer}
    if any(initializer.external_data for initializer in model.graph.initializer):
        raise ConversionError("the graph has weights in other files: save it as one file")
    for node in model.graph.input:
        if doubles or node.name in initialized or node.type.tensor_type.elem_type != onnx.TensorProto.DOUBLE:
            continue
        trees = sorted(name for name in operators if name.startswith("TreeEnsemble"))
        why = f", and {trees[0]} gives wrong results for them" if trees else ""
        raise ConversionError(f"the graph's input {node.name} takes doubles{why}: convert it with float32 inputs")
    for node in model.graph.output:
        if not node.type.HasField("tensor_type"):
            raise ConversionError(
                f"the graph's output {node.name} is not a tensor: convert classifiers with the option zipmap=False"
            )


def check_inputs(graph: Graph) -> None:
    """Raise ConversionError if an input has a type that no column is converted to."""
    if strange := [f"{node.name} takes {node.type}" for node in graph.inputs.values() if node.type not in DTYPES]:
        raise ConversionError(
            f"the graph's input {strange[0]}, which requests do not support: use float32, int64 or text, and cast it"
        )


def _manifest(files: Mapping[str, bytes], features: Sequence[str], compiled: dict[str, Any]) -> Manifest:
    """Return a manifest with the fields that opening a graph needs."""
    return Manifest(
        name="draft",
        model_lib="",
        model_lib_version="",
        model_data=GRAPH_FILE,
        features=tuple(features),
        class_name="",
        metric="",
        performance={},
        feature_importance={},
        model_info={},
        files=listed(files),
        runtime={},
        compiled=compiled,
        **UNWRITTEN,
    )


def read_model(data: bytes, name: str) -> onnx.ModelProto:
    """Parse a graph. Raises PublishError if it is not one."""
    try:
        model = onnx.load_from_string(data)
    except Exception as error:  # protobuf does not expose a base class of its errors
        raise PublishError(f"{name} is not an ONNX graph: {line(error)}") from error
    if not model.graph.node:
        raise PublishError(f"{name} is not an ONNX graph: it has no nodes")
    return model


def line(error: BaseException) -> str:
    """Return an error as one short line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:200]}…"
