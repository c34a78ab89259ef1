"""Stand-in for litserve: `from modelet.predictors import litserve as ls` serves a LitAPI as it is.

Source: lightning.ai/docs/litserve, "LitAPI" and "Batching".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from modelet.errors import PredictionError, StartError
from modelet.predictors.signature import check_ordinary, takes

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.predictors.received import Received
    from modelet.store.artifacts import Artifacts

STAGES = ("setup", "decode_request", "predict", "encode_response", "batch", "unbatch")
CONTEXT = "context"


class LitAPI:
    """The base class of LitServe's APIs.

    With max_batch_size above 1, `predict` gets what `batch` makes of a list of inputs: one for a request, and up to
    max_batch_size for rows of a batch.
    """

    modelet_style = "litserve"

    def __init__(
        self,
        max_batch_size: int = 1,
        batch_timeout: float = 0.0,
        api_path: str = "/predict",
        stream: bool = False,
        enable_async: bool = False,
    ) -> None:
        if stream or enable_async:
            raise StartError("LitAPI: answers are not streamed, and an environment answers one request: remove it")
        self.max_batch_size = max_batch_size
        self.batch_timeout = batch_timeout
        self.api_path = api_path
        self.device = "cpu"

    def setup(self, device: Any) -> None:
        """Open the model, once."""

    def decode_request(self, request: Any) -> Any:
        """Turn a payload into an input of `predict`."""
        return request

    def predict(self, x: Any) -> Any:
        """Run the model."""
        raise NotImplementedError(f"{type(self).__name__} has no predict: write it")

    def encode_response(self, output: Any) -> Any:
        """Turn an output of `predict` into an answer."""
        return output

    def log(self, key: str, value: Any) -> None:
        """Do nothing: what a function prints is in its log."""

    def batch(self, inputs: list[Any]) -> Any:
        """Make one input of many: an array if they are arrays, otherwise a list."""
        if all(hasattr(each, "__array__") and hasattr(each, "dtype") for each in inputs):
            import numpy as np  # noqa: PLC0415 - only for arrays, which have imported it

            return np.stack(inputs)
        return inputs

    def unbatch(self, output: Any) -> list[Any]:
        """Make many outputs of one."""
        return list(output)


class LitServer:
    """Refuses to run, because the function is the server; under `if __name__ == "__main__":` it is never made."""

    def __init__(self, *_arguments: Any, **_options: Any) -> None:
        raise StartError('LitServer: the function is the server: make it under `if __name__ == "__main__":`')


def check(target: Any, config: dict[str, Any]) -> None:
    """Raise StartError if an API cannot be served."""
    import inspect  # noqa: PLC0415 - only for a bundle

    if target.predict is LitAPI.predict:
        raise StartError(f"{target.__name__} has no predict: write it")
    for stage in STAGES:
        check_ordinary(getattr(target, stage), f"{target.__name__}.{stage}")
    try:
        inspect.signature(target).bind(**config)
    except TypeError as error:
        raise StartError(f"{target.__name__}: config: in model.yaml has its arguments, but {error}") from None


def opened(target: Any, config: dict[str, Any], _artifacts: Artifacts) -> LitPredictor:
    """Create an API and call its setup. config: the arguments of its `__init__`, such as max_batch_size."""
    api = target(**config)
    api.setup("cpu")
    return LitPredictor(api)


class LitPredictor:
    """A LitAPI. Its stages get a `context`, a dict for the request, if they take one."""

    def __init__(self, api: LitAPI) -> None:
        self._api = api
        stages = (api.decode_request, api.predict, api.encode_response)
        self._decode, self._predict, self._encode = map(_with_context, stages)
        self._join, self._split = _with_context(api.batch), _with_context(api.unbatch)
        self.predict_batch = self._batch if api.max_batch_size > 1 else None

    def predict(self, received: Received) -> Any:
        """Answer one request."""
        if self.predict_batch is not None:
            return self._batch([received])[0]
        context: dict[str, Any] = {}
        return self._encode(self._predict(self._decode(received.payload, context), context), context)

    def _batch(self, rows: list[Received]) -> list[Any]:
        answers: list[Any] = []
        for first in range(0, len(rows), self._api.max_batch_size):
            part = rows[first : first + self._api.max_batch_size]
            contexts: list[dict[str, Any]] = [{} for _ in part]
            inputs = [self._decode(row.payload, context) for row, context in zip(part, contexts, strict=True)]
            outputs = self._split(self._predict(self._join(inputs, contexts), contexts), contexts)
            if len(outputs) != len(part):
                raise PredictionError(f"predict returned {len(outputs)} outputs for a batch of {len(part)} inputs")
            answers += [self._encode(output, context) for output, context in zip(outputs, contexts, strict=True)]
        return answers


def _with_context(stage: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """Return a stage that gets a context, whether it takes one or not."""
    if takes(stage, CONTEXT):
        return lambda value, context: stage(value, context=context)
    return lambda value, _context: stage(value)


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(
        f"modelet's stand-in for litserve has LitAPI, and not {name}: write that part without litserve"
    )


__all__ = ["LitAPI", "LitServer", "check", "opened"]
