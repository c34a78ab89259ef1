"""The object that Lambda calls: it loads a pinned version once and answers every kind of event."""

from __future__ import annotations

import importlib
import sys
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from modelet.artifacts import Artifacts
from modelet.bundle import BUNDLE_FILE, Bundle
from modelet.contract import Contract
from modelet.core import tighten
from modelet.edges import direct, http
from modelet.edges.call import Call
from modelet.errors import BundleError, ModeletError, StartError
from modelet.model import Model, contract_types
from modelet.observability import RequestLog
from modelet.pipeline import InferencePipeline
from modelet.protocols.service import Service
from modelet.settings import Settings
from modelet.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BACKENDS = {"onnx": ("modelet.backends.onnx", "OnnxModel"), "sklearn": ("modelet.backends.sklearn", "SklearnModel")}
"""What serves a function that has no class of its own."""

_deferred: ContextVar[bool] = ContextVar("deferred", default=False)


@contextmanager
def deferred() -> Iterator[None]:
    """Inside, handlers keep their class and load nothing: for reading an author's module before there is a bundle."""
    token = _deferred.set(True)
    try:
        yield
    finally:
        _deferred.reset(token)


class ModelHandler:
    """Serves one model: `handler = ModelHandler(MyModel)` at the end of `app.py`.

    Making it loads the pinned version, so that an init that cannot serve fails with the reason. Raises as `load` does.
    """

    def __init__(self, model_class: type[Model[Any, Any]] | None = None, settings: Settings | None = None) -> None:
        if model_class is not None and not isinstance(model_class, type):
            raise StartError(f"ModelHandler takes a class: write ModelHandler({type(model_class).__name__})")
        self.model_class = model_class
        self.service: Service
        if not _deferred.get():
            self.load(settings or Settings.from_environ())

    def load(self, settings: Settings) -> None:
        """Read the bundle, check the version against the lock, fetch the secrets, load the model.

        Raises StartError with the reason, and StoreError where the store or Secrets Manager does not answer.
        """
        started = time.perf_counter()
        bundle = Bundle.read(settings.bundle or settings.task_root / BUNDLE_FILE, settings.task_root)
        bundle.require(settings.lock)
        if settings.secrets:
            from modelet.secrets import read_secrets  # noqa: PLC0415 - only models with secrets pay for http and ssl

            read_secrets(settings.secrets)
        artifacts = Artifacts.open(Store(settings.store), bundle.name, bundle.lock, settings.tmp)
        model_class = self.model_class or _backend_class(bundle.spec["backend"])
        model = model_class()
        model.load(artifacts)
        pipeline = InferencePipeline(
            model,
            _contract(bundle, model_class),
            preprocess=_named_function(bundle.spec.get("preprocessing")),
            max_instances=bundle.spec["limits"]["max_instances"],
        )
        self.service = Service(bundle, artifacts.manifest, pipeline)
        self._log = RequestLog(settings, bundle.name, bundle.lock.version)
        self._init = time.perf_counter() - started

    def __call__(self, event: Any, context: Any) -> Any:
        """Answer one event. Raises only errors that a retry may mend, and only to direct invocations."""
        started = time.perf_counter()
        vars(sys).pop("tracebacklimit", None)  # see below
        edge = http if http.matches(event) else direct
        call = Call(context.aws_request_id, context.get_remaining_time_in_millis() / 1000)
        try:
            outcome = edge.answer(event, self.service, call)
        except Exception as cause:  # noqa: BLE001 - a bug of ours must not end the environment; the log holds it
            outcome = edge.refuse(ModeletError.unexpected(cause), self.service, call)
        error = outcome.error
        if error is not None and outcome.status >= 500:
            self._log.fault(call.request_id, error)
        total = time.perf_counter() - started
        arn = context.invoked_function_arn
        self._log.request(arn, call.request_id, outcome.status, call.timings, total, self._init)
        if error is not None and error.retryable and edge is direct:
            sys.tracebacklimit = 0  # the runtime client sends the stack along; the log has it already
            raise type(error)(error.detail) from None
        return outcome.response


def _backend_class(backend: str) -> type[Model[Any, Any]]:
    if backend not in BACKENDS:
        raise BundleError(f"bundle.json names the backend {backend!r}, which this modelet lacks: run `modelet bundle`")
    module, name = BACKENDS[backend]
    found: type[Model[Any, Any]] = getattr(importlib.import_module(module), name)
    return found


def _contract(bundle: Bundle, model_class: type[Model[Any, Any]]) -> Contract:
    compiled = [bundle.contract["instance"], bundle.contract["prediction"]]
    if None in compiled:
        from pydantic import TypeAdapter  # noqa: PLC0415 - only for types that cannot be compiled: +54 ms

        types = contract_types(model_class)
        if types is None:
            raise BundleError(f"{model_class.__name__} names no contract: write Model[Instance, Prediction]")
        compiled = [
            core or tighten(dict(TypeAdapter(kind).core_schema), returned=returned)
            for core, kind, returned in zip(compiled, types, (False, True), strict=True)
        ]
    return Contract(*compiled)


def _named_function(named: dict[str, str] | None) -> Callable[[list[Any]], Any] | None:
    if named is None:
        return None
    module, function = named["module"], named["function"]
    try:
        found: Callable[[list[Any]], Any] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise BundleError(f"model.yaml: preprocessing: {module}.{function} cannot be imported: {error}") from None
    return found
