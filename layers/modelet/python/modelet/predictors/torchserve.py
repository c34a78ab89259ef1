"""TorchServe's handlers: `from modelet.predictors.torchserve import BaseHandler`, or a `handle(data, context)`.

A handler opens its model itself, from `context.system_properties["model_dir"]`. Source: github.com/pytorch/serve,
docs/custom_service.md, ts/context.py and ts/torch_handler/base_handler.py.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from modelet.errors import PredictionError, StartError
from modelet.predictors.answers import Response
from modelet.predictors.directory import model_dir
from modelet.predictors.received import Headers
from modelet.predictors.signature import check_ordinary, count_of

if TYPE_CHECKING:
    from modelet.predictors.received import Received
    from modelet.store.artifacts import Artifacts

METHODS = ("initialize", "preprocess", "inference", "postprocess", "handle")


class Context:
    """What TorchServe tells a handler: its files, and the requests that it answers.

    system_properties: `model_dir`, the folder of the files; `gpu_id`, None; `batch_size`. manifest: `model` with
    `modelName`, `modelVersion` and `serializedFile`, the version's main file.
    """

    def __init__(self, manifest: dict[str, Any], folder: str) -> None:
        self.model_name = manifest["model"]["modelName"]
        self.manifest = manifest
        self.system_properties: dict[str, Any] = {
            "model_dir": folder, "gpu_id": None, "batch_size": 1, "server_name": "modelet"
        }  # fmt: skip
        self.model_yaml_config: dict[str, Any] = {}
        self.start([Headers({})])

    def start(self, headers: list[Headers]) -> None:
        """Begin with requests of these headers."""
        self.request_ids = {index: str(index) for index in range(len(headers))}
        self.system_properties["batch_size"] = len(headers)
        self._request_headers = headers
        self.response_headers: list[dict[str, str]] = [{} for _ in headers]
        self.statuses = [200] * len(headers)

    def get_request_id(self, idx: int = 0) -> str | None:
        """Return a request's id."""
        return self.request_ids.get(idx)

    def get_request_header(self, idx: int, key: str) -> str | None:
        """Return a header of a request."""
        found: str | None = self._request_headers[idx].get(key)
        return found

    def get_all_request_header(self, idx: int) -> dict[str, str]:
        """Return the headers of a request."""
        return dict(self._request_headers[idx])

    def set_response_content_type(self, idx: int, value: str) -> None:
        """Set the content type of an answer."""
        self.set_response_header(idx, "content-type", value)

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        """Set a header of an answer."""
        self.response_headers[idx][key] = value

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:  # noqa: ARG002 - TorchServe's signature
        """Set the status of an answer."""
        self.statuses[idx] = code

    def set_all_response_status(self, code: int = 200, phrase: str = "") -> None:  # noqa: ARG002 - TorchServe's signature
        """Set the status of all answers."""
        self.statuses = [code] * len(self.statuses)


class BaseHandler:
    """TorchServe's base class without torch: `initialize` opens no file, so a handler opens its model itself."""

    modelet_style = "torchserve"

    def __init__(self) -> None:
        self.model: Any = None
        self.mapping: Any = None
        self.device: Any = None
        self.initialized = False
        self.context: Any = None
        self.manifest: Any = None
        self.map_location: Any = None

    def initialize(self, context: Any) -> None:
        """Keep the context."""
        self.context = context
        self.manifest = context.manifest
        self.initialized = True

    def preprocess(self, data: Any) -> Any:
        """Return the requests as they are."""
        return data

    def inference(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the model."""
        return self.model(data, *args, **kwargs)

    def postprocess(self, data: Any) -> Any:
        """Return the outputs as a list."""
        return data.tolist() if hasattr(data, "tolist") else data

    def handle(self, data: Any, context: Any) -> Any:
        """Answer requests: preprocess, inference, postprocess."""
        self.context = context
        return self.postprocess(self.inference(self.preprocess(data)))


def check(target: Any, config: dict[str, Any]) -> None:
    """Raise StartError if a handler cannot be served."""
    if config:
        raise StartError(f"{target.__name__} is a handler of TorchServe, which takes no config: remove `config:`")
    for method in METHODS:
        if (found := getattr(target, method, None)) is not None and not isinstance(found, type):
            check_ordinary(found, f"{target.__name__}.{method}")
    expected = 2 if isinstance(target, ModuleType) else 3
    if count_of(target.handle) not in {expected, 99}:
        raise StartError(f"{target.__name__}.handle takes other arguments than data and context: write these two")


def opened(target: Any, _config: dict[str, Any], artifacts: Artifacts) -> TorchServePredictor:
    """Create a handler and call its initialize; a module's `handle` is called once without data, as TorchServe does."""
    manifest = artifacts.manifest
    described = {
        "modelName": manifest.name, "modelVersion": manifest.version, "serializedFile": manifest.model_data or None
    }  # fmt: skip
    context = Context({"model": described}, model_dir(artifacts, target))
    if isinstance(target, ModuleType):
        target.handle(None, context)
        return TorchServePredictor(target.handle, context)
    handler = target()
    handler.initialize(context)
    return TorchServePredictor(handler.handle, context)


class TorchServePredictor:
    """A handler's `handle`, which gets a list of requests: one for a request, all rows of a batch at once."""

    def __init__(self, handle: Any, context: Context) -> None:
        self._handle = handle
        self._context = context
        self.predict_batch = self._batch

    def predict(self, received: Received) -> Any:
        """Answer one request."""
        return self._batch([received])[0]

    def _batch(self, rows: list[Received]) -> list[Any]:
        context = self._context
        context.start([row.headers for row in rows])
        returned = self._handle([_data(row) for row in rows], context)
        outputs = returned.tolist() if hasattr(returned, "tolist") else returned
        if not isinstance(outputs, list | tuple) or len(outputs) != len(rows):
            count = f"{len(outputs)} answers" if isinstance(outputs, list | tuple) else f"a {type(outputs).__name__}"
            raise PredictionError(f"handle returned {count} for {len(rows)} requests: return a list with one for each")
        answers = zip(outputs, context.statuses, context.response_headers, strict=True)
        return [
            Response(output, status, headers) if headers or status != 200 else output
            for output, status, headers in answers
        ]


def _data(row: Received) -> dict[str, Any]:
    """Return one request as TorchServe gives it.

    It has the `body`, as JSON's value or as bytes, or the fields of a form, whose files are bytes.
    """
    if hasattr(row.payload, "multi_items"):
        return {n: each if isinstance(each, str) else bytearray(each.read()) for n, each in row.payload.items()}
    is_text = row.headers.get("content-type", "").lower().startswith("text/")
    return {"body": bytearray(row.body) if is_text or isinstance(row.payload, bytes) else row.payload}
