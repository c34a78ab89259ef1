"""Modules in the style of SageMaker's framework containers: model_fn, input_fn, predict_fn, output_fn.

Source: sagemaker.readthedocs.io, "Using Scikit-learn with the SageMaker Python SDK", "Deploying"; and the defaults of
github.com/aws/sagemaker-inference-toolkit.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from modelet.errors import MediaTypeError, StartError
from modelet.predictors.answers import JSON, Response
from modelet.predictors.directory import model_dir
from modelet.predictors.signature import check_ordinary, count_of

if TYPE_CHECKING:
    from modelet.predictors.received import Received
    from modelet.store.artifacts import Artifacts

FUNCTIONS = {"model_fn": 1, "input_fn": 2, "predict_fn": 2, "output_fn": 2}
"""The functions, with the number of their arguments; a context after them, which newer containers give, is None."""
ANY = "*/*"
MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
"""A media type without parameters and wildcards. Source: RFC 6838, 4.2."""


def check(target: Any, config: dict[str, Any]) -> None:
    """Raise StartError if a module cannot be served."""
    name = target.__name__
    if config:
        raise StartError(f"{name}.py is a module of functions, which take no config: remove `config:` from model.yaml")
    if not hasattr(target, "model_fn"):
        raise StartError(f"{name}.py has no model_fn: write `def model_fn(model_dir)`, which opens the model")
    if hasattr(target, "transform_fn"):
        raise StartError(f"{name}.py has transform_fn: write it as input_fn, predict_fn and output_fn")
    for function, least in FUNCTIONS.items():
        found = getattr(target, function, None)
        if found is None:
            continue
        check_ordinary(found, f"{name}.{function}")
        count = count_of(found)
        if count not in {least, least + 1}:
            raise StartError(f"{name}.{function} takes {count} arguments: it gets {least}, in SageMaker's order")


def opened(target: Any, _config: dict[str, Any], artifacts: Artifacts) -> SageMakerPredictor:
    """Call model_fn with the folder of the version's files. Raises what it raises."""
    return SageMakerPredictor(target, _call(target.model_fn, 1, model_dir(artifacts, target)))


class SageMakerPredictor:
    """A module of functions and the model that its model_fn opened."""

    predict_batch = None

    def __init__(self, module: Any, model: Any) -> None:
        self._model = model
        self._input = getattr(module, "input_fn", None)
        self._predict = getattr(module, "predict_fn", _predict)
        self._output = getattr(module, "output_fn", None)

    def predict(self, received: Received) -> Any:
        """Answer one request."""
        kind = received.headers.get("content-type", JSON)
        if self._input is not None:
            given = _call(self._input, 2, _body(received, kind), kind)
        elif _is_json(kind):
            given = received.payload
        else:
            raise MediaTypeError(f"The content type is {kind[:100]}, and this predictor has no input_fn: send {JSON}.")
        prediction = _call(self._predict, 2, given, self._model)
        if self._output is None:
            return prediction
        accept = received.headers.get("accept", ANY).partition(",")[0].partition(";")[0].strip()
        accept = accept if MEDIA_TYPE.fullmatch(accept) else JSON
        output = _call(self._output, 2, prediction, accept)
        if isinstance(output, tuple) and len(output) == 2 and isinstance(output[1], str):
            output, accept = output
        return Response(output, headers={"content-type": accept}) if isinstance(output, str | bytes) else output


def _call(function: Any, count: int, *arguments: Any) -> Any:
    """Call a function that may take a context after its arguments."""
    return function(*arguments, *([None] if count_of(function) == count + 1 else []))


def _is_json(kind: str) -> bool:
    return kind.partition(";")[0].strip().lower() == JSON


def _body(received: Received, kind: str) -> Any:
    """Return the body as input_fn gets it: a str if it is text, otherwise bytes."""
    if not received.body and received.payload is not None:  # a row of a batch
        return json.dumps(received.payload)
    return received.body.decode() if _is_json(kind) or kind.lower().startswith("text/") else received.body


def _predict(given: Any, model: Any) -> Any:
    """Call the model's own `predict`, or the model: the default of SageMaker's containers."""
    return model.predict(given) if hasattr(model, "predict") else model(given)
