"""The object that Lambda calls: it loads the pinned version once and answers every kind of event."""

from __future__ import annotations

import importlib
import sys
import time
from typing import TYPE_CHECKING, Any

from modelet.contract.contract import Contract
from modelet.contract.schema import tighten
from modelet.edges import EDGES, worker_edges
from modelet.edges.base import Call
from modelet.errors import BundleError, ModeletError, StartError
from modelet.memory import release_free_memory
from modelet.model import Model, contract_types
from modelet.observability import FEATURES, LOGIC, RequestLog, Startup
from modelet.pipeline import InferencePipeline
from modelet.protocols.service import Service
from modelet.settings import Settings, is_worker, starts_from_snapshot
from modelet.startup.version import is_deferred, open_pinned

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.bundle import Bundle
    from modelet.startup.version import Opened
    from modelet.store.manifest import Manifest


class ModelHandler:
    """Serve one model: `handler = ModelHandler(MyModel)` at the end of `app.py`.

    model_class: a Model, or a plain predictor, which has a `predict`.

    The constructor loads the pinned version, so that a function that cannot serve fails in its init, with the reason.
    Raises the errors of `load`.
    """

    def __init__(self, model_class: type[Any] | None = None, settings: Settings | None = None) -> None:
        if model_class is not None and not isinstance(model_class, type):
            raise StartError(f"ModelHandler takes a class: write ModelHandler({type(model_class).__name__})")
        self.model_class = model_class
        self.service: Service
        if not is_deferred():
            self.load(settings or Settings.from_environ())

    def load(self, settings: Settings) -> None:
        """Read the bundle, check the version against the lock, read the secrets, load the model.

        Raises StartError with the reason, and StoreError if the store or Secrets Manager does not answer.
        """
        self._load(open_pinned(settings))
        release_free_memory()  # the store's client and its downloads are freed by now

    def _load(self, opened: Opened) -> None:
        bundle, artifacts = opened.bundle, opened.artifacts
        model_class = _served_class(self.model_class, bundle.spec, artifacts.manifest)
        began = time.perf_counter()
        model = model_class()
        model.load(artifacts)
        artifacts.drop_prefetched()
        loaded = time.perf_counter()
        pipeline = (model._pipeline or InferencePipeline)(
            model,
            _contract(bundle, model_class),
            preprocess=_named_function(bundle.spec.get("preprocessing")),
            max_instances=bundle.spec["limits"]["max_instances"],
        )
        self.service = Service(bundle, artifacts.manifest, pipeline)
        self._edges = worker_edges() if is_worker() else EDGES
        fetch = artifacts.waited_s
        self.startup = Startup(opened.seconds, fetch, loaded - began - fetch, time.perf_counter() - loaded)
        self._log = RequestLog(opened.settings, bundle.name, bundle.lock.version, self.startup)
        if bundle.spec.get(FEATURES) or bundle.spec.get(LOGIC):
            self._log.more = tuple([stage for stage in (FEATURES, LOGIC) if bundle.spec.get(stage)])
        if starts_from_snapshot():
            from modelet.startup.snapstart import register  # noqa: PLC0415 - only with SnapStart

            register(model, artifacts, self._log)

    def __call__(self, event: Any, context: Any) -> Any:
        """Answer one event. Raises retryable errors only, and only to direct invocations."""
        started = time.perf_counter()
        vars(sys).pop("tracebacklimit", None)  # an earlier request may have set it, see below
        for edge in self._edges:  # the last one matches every event
            if edge.matches(event):
                break
        call = Call(context.aws_request_id, context.get_remaining_time_in_millis() / 1000)
        try:
            outcome = edge.answer(event, self.service, call)
        except Exception as cause:  # noqa: BLE001 - a bug in Modelet must not end the environment; it is logged
            outcome = edge.answer_error(ModeletError.unexpected(cause), self.service, call)
        error = outcome.error
        if error is not None and outcome.status >= 500:
            self._log.failure(call.request_id, error)
        total = time.perf_counter() - started
        arn = context.invoked_function_arn
        self._log.request(arn, call.request_id, outcome.status, call.timings, total)
        if error is not None and error.retryable and edge.raises_retryable:
            sys.tracebacklimit = 0  # the runtime client would send the stack, which is already in the log
            raise type(error)(error.detail) from None
        return outcome.response


def _served_class(given: type[Any] | None, spec: dict[str, Any], manifest: Manifest) -> type[Model[Any, Any]]:
    """Return the class that serves: the author's, its predictor's, or the backend's."""
    if given is not None and issubclass(given, Model):
        return given
    if given is None and spec.get("predictor") is None:
        return _backend_class(spec["backend"], manifest)
    from modelet.predictors.model import predictor_class  # noqa: PLC0415 - only for plain predictors

    return predictor_class(given, spec)


def _backend_class(backend: str, manifest: Manifest) -> type[Model[Any, Any]]:
    """Return the class that serves a function without a class of its own."""
    from modelet.backends import BACKENDS, resolve  # noqa: PLC0415 - only for such functions

    if backend not in BACKENDS:
        raise BundleError(
            f"bundle.json has the backend {backend!r}, which this version of modelet does not have: "
            "run `modelet bundle`"
        )
    name = "modelet.backends.several:GenericModel" if manifest.models else BACKENDS[backend].model
    model_class: type[Model[Any, Any]] = resolve(name)
    return model_class


def _contract(bundle: Bundle, model_class: type[Model[Any, Any]]) -> Contract:
    compiled = [bundle.contract["instance"], bundle.contract["prediction"]]
    if None in compiled:
        from pydantic import TypeAdapter  # noqa: PLC0415 - only for types that cannot be compiled: +54 ms

        types = contract_types(model_class)
        if types is None:
            raise BundleError(f"{model_class.__name__} has no contract: write Model[Instance, Prediction]")
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
